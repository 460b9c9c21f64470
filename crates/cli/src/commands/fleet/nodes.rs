//! The nodes of a fleet from records: one after the other, of which only what a fleet needs is kept.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use fleet::{Account, FleetNode, NodeAnswer};
use launch::{FleetJournal, NodeState};
use measure::Run;
use record::{Chain, Selector, Store};

use super::reading::{NodeJudge, NodeRecord, SealedRecords, in_parts};
use crate::args::FleetBy;
use crate::history::History;
use crate::locations::{self, Specification};
use crate::output::say;

/// What a fleet is called that no launcher started.
const NAME: &str = "fleet";

/// A fleet that was read, with the specification that all of it is judged by.
pub(super) struct ReadFleet {
    pub(super) name: String,
    pub(super) nodes: Vec<FleetNode>,
    pub(super) specification: Specification,
}

/// A node whose records are still to be read.
struct Unread {
    name: String,
    /// Oldest first, as they are judged together.
    records: Vec<NodeRecord>,
    /// Why there is nothing to read.
    missing: Option<String>,
    /// How often it was tried; 0 where nobody counted.
    attempts: u32,
}

impl Unread {
    fn missing(name: String, why: String) -> Unread {
        Unread { name, records: Vec::new(), missing: Some(why), attempts: 0 }
    }
}

/// Reads and judges what was typed: a fleet, runs, selections, or nothing, which is the newest run of each node in the store.
pub(super) fn read(typed: &[String], by: &FleetBy) -> Result<ReadFleet> {
    let store = Store::at(&locations::results(by.records.out.as_deref())?);
    let launched = launched(typed, &store)?;
    let (unread, own) = if let Some(fleet) = &launched {
        of_fleet(fleet, &store)
    } else {
        let found = found(typed, &store)?;
        // Whoever selects has sealed what has ended.
        unread(found, &SealedRecords::of(&store))
    };
    let specification = match (&by.spec, own) {
        (Some(typed), _) => Specification::load(typed)?,
        (None, Some(run)) => Specification::parse(&run.spec.text, "the records", Some(&run.spec.id))
            .with_context(|| format!("the specification of run {} cannot be used; give one with --spec", run.id))?,
        (None, None) => {
            let first = unread.iter().find_map(|node| Some(format!(" ({}: {})", node.name, node.missing.as_ref()?)));
            bail!(
                "none of the records can be read{}, so none says by which specification: give one with --spec",
                first.unwrap_or_default()
            )
        }
    };
    let (judge, own) = (NodeJudge::of(specification), by.spec.is_none());
    // Each thread holds the records of one node at a time.
    let nodes = in_parts(&unread, |part| part.iter().map(|unread| node(&judge, unread, own)).collect())?;
    let name = launched.map_or_else(|| NAME.to_owned(), |fleet| fleet.id);
    Ok(ReadFleet { name, nodes, specification: judge.specification })
}

/// The fleet that a launcher started, where one was typed.
fn launched(typed: &[String], store: &Store) -> Result<Option<FleetJournal>> {
    let all = FleetJournal::all(store)?;
    let is_fleet = |typed: &&String| all.contains(typed);
    match typed {
        [one] if all.contains(one) => Ok(Some(FleetJournal::open(store, one)?)),
        several => {
            let fleet = several.iter().find(is_fleet);
            ensure!(
                fleet.is_none(),
                "a fleet ({}) is judged alone: give it, or runs",
                fleet.map_or("", String::as_str)
            );
            Ok(None)
        }
    }
}

/// The nodes that were asked, each with its run or why there is none, and the first run that can be read.
fn of_fleet(fleet: &FleetJournal, store: &Store) -> (Vec<Unread>, Option<Run>) {
    let mut first = None;
    let nodes = fleet.nodes().into_iter().map(|(node, state, attempts)| {
        let missing = |why: &str| Unread { attempts, ..Unread::missing(node.to_owned(), why.to_owned()) };
        let (run, sha256) = match state {
            NodeState::Measured { run, sha256 } => (run, sha256),
            NodeState::NoAnswer { why } => return missing(&why),
            NodeState::Open { .. } => return missing("it was asked, and has not answered yet"),
            NodeState::Waiting => return missing("it was not asked yet"),
        };
        match NodeRecord::of_node(store, node, &run, &sha256) {
            Ok(record) => {
                first = first.take().or_else(|| record.head().ok());
                Unread { name: node.to_owned(), records: vec![record], missing: None, attempts }
            }
            Err(error) => missing(&error.to_string()),
        }
    });
    (nodes.collect(), first)
}

/// The records that were typed, with the words for them.
fn found(typed: &[String], store: &Store) -> Result<Vec<(String, PathBuf)>> {
    let selected = typed.iter().all(|one| is_selection(one));
    if !selected {
        let find = |one: &String| {
            ensure!(!is_selection(one), "`{one}` is a selection, and others are runs: give either");
            Ok((one.clone(), store.find(one)?))
        };
        return typed.iter().map(find).collect();
    }
    let newest = if typed.is_empty() { newest_of_each(store)? } else { newest_selected(typed, store)? };
    ensure!(
        !newest.is_empty(),
        "no run in {} is selected: `hostproof store list` shows what there is",
        store.root().display()
    );
    Ok(newest.into_values().collect())
}

/// The newest record of each host, by the folders of the store: what stands in the records is read when they are judged, and
/// one that cannot be read then is no answer; an older one does not take its place.
fn newest_of_each(store: &Store) -> Result<BTreeMap<String, (String, PathBuf)>> {
    let entries = store.list()?;
    // They are judged by what is sealed.
    if let Some(error) = Chain::at(store.root()).seal(&entries).err().filter(|error| !error.is_read_only()) {
        say(&format!("warning: the records that have ended could not be sealed: {error}"));
    }
    // The oldest come first.
    Ok(entries.into_iter().map(|entry| (entry.host.clone(), (entry.host, entry.path))).collect())
}

/// The newest run of each host of those that are selected.
fn newest_selected(typed: &[String], store: &Store) -> Result<BTreeMap<String, (String, PathBuf)>> {
    let history = History::of(store.clone())?;
    let mut newest = BTreeMap::new();
    for one in typed {
        for run in history.select(&one.parse::<Selector>()?) {
            newest.insert(run.digest.host.clone(), (run.digest.id.clone(), run.path.clone()));
        }
    }
    Ok(newest)
}

/// Whether it is a selection of the store, and no run: an id has none of these signs.
fn is_selection(typed: &str) -> bool {
    (typed.contains('=') || typed.contains("..")) && !std::path::Path::new(typed).exists() || typed == "baseline"
}

/// The records by their nodes, and the first run that can be read, without what it measured.
fn unread(records: Vec<(String, PathBuf)>, sealed: &SealedRecords) -> (Vec<Unread>, Option<Run>) {
    let mut nodes: BTreeMap<String, Vec<(String, String, PathBuf)>> = BTreeMap::new();
    let mut unreadable = Vec::new();
    let mut first = None;
    for (typed, path) in records {
        match record::head(&path) {
            Ok(run) => {
                let of_node = nodes.entry(run.name().to_owned()).or_default();
                of_node.push((run.started.clone(), run.id.clone(), path));
                first = first.or(Some(run));
            }
            Err(error) => {
                unreadable.push(Unread::missing(typed, format!("its record cannot be read: {error}")));
            }
        }
    }
    let readable = nodes.into_iter().map(|(name, mut runs)| {
        runs.sort();
        runs.dedup_by(|one, other| one.1 == other.1);
        Unread {
            name,
            records: runs.into_iter().map(|(.., path)| sealed.record(path)).collect(),
            missing: None,
            attempts: 0,
        }
    });
    (readable.chain(unreadable).collect(), first)
}

/// A record that cannot be read is no answer; one of another specification is a question to whoever asks.
fn node(judge: &NodeJudge, unread: &Unread, own: bool) -> Result<FleetNode> {
    let Unread { name, attempts, .. } = unread;
    let missing =
        |why: String| Ok(FleetNode { name: name.clone(), attempts: *attempts, answer: NodeAnswer::Missing(why) });
    if let Some(why) = &unread.missing {
        return missing(why.clone());
    }
    let runs = unread.records.iter().map(|record| judge.read(record)).collect::<Result<Vec<Run>, _>>();
    let runs = match runs {
        Ok(runs) => runs,
        Err(why) => return missing(format!("its record cannot be read: {why}")),
    };
    let Some((last, earlier)) = runs.split_last() else { return missing("no record came".to_owned()) };
    ensure!(
        !own || judge.is_of(last),
        "run {} of {} was made for another specification ({}) than the others ({}): give one for all with --spec",
        last.id,
        unread.name,
        last.spec.id,
        judge.specification.source.id
    );
    let earlier: Vec<&Run> = earlier.iter().collect();
    let account = Account::of(last, &earlier, &judge.judge(last, &earlier));
    Ok(FleetNode { name: name.clone(), attempts: *attempts, answer: NodeAnswer::Judged(Box::new(account)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_are_told_from_runs() {
        let check = |typed: &str, expect: bool| assert_eq!(is_selection(typed), expect, "{typed}");
        check("bios=1.2", true);
        check("2026-07-01..2026-07-05", true);
        check("baseline", true);
        check("20260701T12", false);
        check("latest", false);
        check("results/node7/run.jsonl", false);
        // A folder that is there is a folder.
        check("..", false);
    }
}
