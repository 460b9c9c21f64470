//! A fleet's journal: what was asked of which node, and what came of it. It is the whole state.
//!
//! A node's attempt has an entry before the launcher is asked and one after it, so that a launcher that was killed in between is
//! found out about: the next one asks for the job by its name. A record that came is final.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use record::{Journal, Store};
use serde::{Deserialize, Serialize};

use crate::{Error, NodeSet};

const FOLDER: &str = "fleets";
const LOCK: &str = "lock";
const FILE: &str = "journal.jsonl";

/// By what nodes are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// A job of Slurm for each node.
    Slurm,
    /// The system's `ssh`.
    Ssh,
}

/// What a fleet is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetPlan {
    /// The nodes, one by one.
    pub nodes: Vec<String>,
    /// By what they are reached.
    pub via: Via,
    /// The program that is started there.
    pub program: String,
    /// What `accept` is told there, without where records go.
    pub options: Vec<String>,
    /// A specification's text, where it is a file: it lies beside the journal and is what each node is judged by.
    pub specification: Option<String>,
    /// What the launcher is told besides: options of `sbatch`, or of `ssh`.
    #[serde(default)]
    pub launcher: Vec<String>,
    /// With which seed the nodes were drawn from more, where they were.
    #[serde(default)]
    pub seed: Option<u64>,
    /// When it was begun, in RFC 3339.
    pub at: String,
}

/// An entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FleetEvent {
    /// The fleet began.
    Begun(FleetPlan),
    /// A node is about to be asked: this counts as an attempt.
    Asked {
        /// The node.
        node: String,
        /// Which attempt, from 1.
        attempt: u32,
        /// When, in seconds since 1970.
        at: u64,
    },
    /// The launcher has it.
    Submitted {
        /// The node.
        node: String,
        /// Which attempt.
        attempt: u32,
        /// The launcher's name for it.
        job: String,
    },
    /// A record came, and is in the store.
    Record {
        /// The node.
        node: String,
        /// Which attempt.
        attempt: u32,
        /// The run.
        run: String,
        /// SHA-256 of the record.
        sha256: String,
        /// When, in seconds since 1970.
        at: u64,
    },
    /// The attempt ended without a record.
    NoAnswer {
        /// The node.
        node: String,
        /// Which attempt; 0 where the node could not even be asked.
        attempt: u32,
        /// Why.
        why: String,
    },
    /// Somebody asked for another attempt of these nodes.
    Again {
        /// The nodes.
        nodes: Vec<String>,
    },
    /// Somebody stopped it: nobody is asked any more.
    Stopped {},
    /// Somebody went on with it.
    Continued {},
    /// A node was drained.
    Drained {
        /// The node.
        node: String,
        /// The reason that was given.
        reason: String,
    },
    /// A node was taken back.
    Resumed {
        /// The node.
        node: String,
        /// The run by which it was accepted.
        run: String,
    },
}

/// What is known of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// It was not asked yet, or is to be asked again.
    Waiting,
    /// It was asked, and nothing has come yet. The launcher's name for it, where that is known.
    Open {
        /// The launcher's name for the attempt.
        job: Option<String>,
    },
    /// A record came.
    Measured {
        /// The run.
        run: String,
        /// SHA-256 of the record, as it came.
        sha256: String,
    },
    /// The last attempt ended without a record.
    NoAnswer {
        /// Why.
        why: String,
    },
}

/// A fleet with all that happened in it.
#[derive(Debug)]
pub struct FleetJournal {
    /// Its id.
    pub id: String,
    /// What it is to do.
    pub plan: FleetPlan,
    events: Vec<FleetEvent>,
    journal: Journal,
    folder: PathBuf,
}

impl FleetJournal {
    /// Begins a fleet, which must not be there yet.
    pub fn begin(store: &Store, id: &str, plan: FleetPlan) -> Result<FleetJournal, Error> {
        let folder = folder(store, id)?;
        let journal = Journal::at(&folder.join(FILE));
        if !journal.read::<FleetEvent>()?.is_empty() {
            return Err(Error::Fleet(format!(
                "there is a fleet {id} already: `hostproof fleet start --name {id}` without --nodes goes on with it"
            )));
        }
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        if let Some(text) = &plan.specification {
            let file = folder.join("specification.toml");
            fs::write(&file, text).map_err(Error::io("write", &file))?;
        }
        let begun = FleetEvent::Begun(plan.clone());
        journal.append(&begun)?;
        Ok(FleetJournal { id: id.to_owned(), plan, events: vec![begun], journal, folder })
    }

    /// Opens a fleet that was begun.
    pub fn open(store: &Store, id: &str) -> Result<FleetJournal, Error> {
        let folder = folder(store, id)?;
        let journal = Journal::at(&folder.join(FILE));
        let events: Vec<FleetEvent> = journal.read()?;
        let plan = match events.first() {
            Some(FleetEvent::Begun(plan)) => plan.clone(),
            Some(_) => return Err(Error::Fleet(format!("{} does not begin with a plan", journal.path().display()))),
            None => {
                let known = FleetJournal::all(store)?;
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let root = store.root().display();
                return Err(Error::Fleet(format!("there is no fleet {id} in {root}; there are: {known}")));
            }
        };
        Ok(FleetJournal { id: id.to_owned(), plan, events, journal, folder })
    }

    /// Ids of the fleets in a store, by their names.
    pub fn all(store: &Store) -> Result<Vec<String>, Error> {
        let folder = store.root().join(FOLDER);
        let mut ids = Vec::new();
        if folder.is_dir() {
            for entry in fs::read_dir(&folder).map_err(Error::io("list", &folder))? {
                let entry = entry.map_err(Error::io("list", &folder))?;
                let name = entry.file_name().into_string().ok().filter(|_| entry.path().join(FILE).is_file());
                ids.extend(name);
            }
        }
        ids.sort();
        Ok(ids)
    }

    /// Takes the right to launch, and keeps it as long as the file is held; `None` while another process has it.
    pub fn lock(&self) -> Result<Option<File>, Error> {
        let path = self.folder.join(LOCK);
        let file = File::options().append(true).create(true).open(&path).map_err(Error::io("open", &path))?;
        Ok(file.try_lock().is_ok().then_some(file))
    }

    /// The fleet's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where what belongs to a node's attempt lies.
    #[must_use]
    pub fn place(&self, node: &str, attempt: u32) -> PathBuf {
        self.folder.join("nodes").join(node).join(attempt.to_string())
    }

    /// The specification's file, where the fleet has one of its own.
    #[must_use]
    pub fn specification(&self) -> Option<PathBuf> {
        self.plan.specification.as_ref().map(|_| self.folder.join("specification.toml"))
    }

    /// Notes what happened. It is on the disk when this returns.
    pub fn note(&mut self, event: FleetEvent) -> Result<(), Error> {
        self.journal.append(&event)?;
        self.events.push(event);
        Ok(())
    }

    /// Reads what others noted since.
    pub fn refresh(&mut self) -> Result<(), Error> {
        self.events = self.journal.read()?;
        Ok(())
    }

    /// Whether somebody stopped it, and nobody went on.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        let last = self.events.iter().rfind(|e| matches!(e, FleetEvent::Stopped {} | FleetEvent::Continued {}));
        last == Some(&FleetEvent::Stopped {})
    }

    /// The nodes in the order of the plan, each with its state and how many attempts it had.
    #[must_use]
    pub fn nodes(&self) -> Vec<(&str, NodeState, u32)> {
        let mut states: BTreeMap<&str, (NodeState, u32)> =
            self.plan.nodes.iter().map(|node| (node.as_str(), (NodeState::Waiting, 0))).collect();
        for event in &self.events {
            take(&mut states, event);
        }
        let state = |node: &'_ String| states.get(node.as_str()).cloned().unwrap_or((NodeState::Waiting, 0));
        self.plan.nodes.iter().map(|node| (node.as_str(), state(node))).map(|(n, (s, a))| (n, s, a)).collect()
    }

    /// The nodes as a set.
    #[must_use]
    pub fn node_set(&self) -> NodeSet {
        NodeSet::of(self.plan.nodes.iter().cloned())
    }

    /// Seconds that each attempt took from being asked to its record.
    #[must_use]
    pub fn durations(&self) -> Vec<u64> {
        let mut asked = BTreeMap::new();
        let mut durations = Vec::new();
        for event in &self.events {
            match event {
                FleetEvent::Asked { node, attempt, at } => drop(asked.insert((node, attempt), *at)),
                FleetEvent::Record { node, attempt, at, .. } => {
                    durations.extend(asked.get(&(node, attempt)).map(|asked| at.saturating_sub(*asked)));
                }
                _ => {}
            }
        }
        durations
    }
}

/// What an entry changes.
fn take<'a>(states: &mut BTreeMap<&'a str, (NodeState, u32)>, event: &'a FleetEvent) {
    let mut put = |node: &'a String, attempt: u32, state: NodeState| {
        if let Some(known) = states.get_mut(node.as_str()) {
            // Two processes may both say how an attempt ended. A record that came stays, and a later attempt has a later word.
            let is_final = matches!(known.0, NodeState::Measured { .. }) && known.1 == attempt;
            let is_late = attempt != 0 && attempt < known.1;
            if !is_final && !is_late {
                *known = (state, known.1.max(attempt));
            }
        }
    };
    match event {
        FleetEvent::Asked { node, attempt, .. } => put(node, *attempt, NodeState::Open { job: None }),
        FleetEvent::Submitted { node, attempt, job } => {
            put(node, *attempt, NodeState::Open { job: Some(job.clone()) });
        }
        FleetEvent::Record { node, attempt, run, sha256, .. } => {
            put(node, *attempt, NodeState::Measured { run: run.clone(), sha256: sha256.clone() });
        }
        FleetEvent::NoAnswer { node, attempt, why } => put(node, *attempt, NodeState::NoAnswer { why: why.clone() }),
        FleetEvent::Again { nodes } => {
            for node in nodes {
                if let Some((state, _)) = states.get_mut(node.as_str())
                    && !matches!(state, NodeState::Open { .. })
                {
                    *state = NodeState::Waiting;
                }
            }
        }
        FleetEvent::Begun(_)
        | FleetEvent::Stopped {}
        | FleetEvent::Continued {}
        | FleetEvent::Drained { .. }
        | FleetEvent::Resumed { .. } => {}
    }
}

fn folder(store: &Store, id: &str) -> Result<PathBuf, Error> {
    let is_name = !id.is_empty()
        && id.len() <= 40
        && id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if !is_name {
        return Err(Error::Fleet(format!(
            "`{id}` is no name of a fleet, which begins with a letter or digit and has up to 40 letters, digits and _ -"
        )));
    }
    Ok(store.root().join(FOLDER).join(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn plan(nodes: &str) -> FleetPlan {
        FleetPlan {
            nodes: nodes.parse::<NodeSet>().unwrap().names().to_vec(),
            via: Via::Slurm,
            program: "/usr/bin/hostproof".into(),
            options: Vec::new(),
            specification: None,
            launcher: Vec::new(),
            seed: None,
            at: "2026-07-01T00:00:00Z".into(),
        }
    }

    fn asked(node: &str, attempt: u32) -> FleetEvent {
        FleetEvent::Asked { node: node.into(), attempt, at: 100 }
    }

    fn submitted(node: &str, attempt: u32) -> FleetEvent {
        FleetEvent::Submitted { node: node.into(), attempt, job: format!("job{attempt}") }
    }

    fn record(node: &str, attempt: u32) -> FleetEvent {
        FleetEvent::Record { node: node.into(), attempt, run: format!("r{attempt}"), sha256: "00".into(), at: 130 }
    }

    fn none(node: &str, attempt: u32) -> FleetEvent {
        FleetEvent::NoAnswer { node: node.into(), attempt, why: "NODE_FAIL".into() }
    }

    #[test]
    fn entries_add_up_to_states() {
        let check = |events: &[FleetEvent], expect: NodeState, attempts: u32| {
            let dir = tempfile::tempdir().unwrap();
            let store = Store::at(dir.path());
            let mut fleet = FleetJournal::begin(&store, "f1", plan("n[1-2]")).unwrap();
            for event in events {
                fleet.note(event.clone()).unwrap();
            }
            let again = FleetJournal::open(&store, "f1").unwrap();
            assert_eq!(again.nodes()[0], ("n1", expect, attempts), "{events:?}");
            assert_eq!(again.nodes(), fleet.nodes());
            assert_eq!(again.nodes()[1], ("n2", NodeState::Waiting, 0));
        };
        let no = || NodeState::NoAnswer { why: "NODE_FAIL".into() };
        let again = || FleetEvent::Again { nodes: vec!["n1".into(), "foreign".into()] };
        let measured = |run: &str| NodeState::Measured { run: run.into(), sha256: "00".into() };
        check(&[], NodeState::Waiting, 0);
        check(&[asked("n1", 1)], NodeState::Open { job: None }, 1);
        check(&[asked("n1", 1), submitted("n1", 1)], NodeState::Open { job: Some("job1".into()) }, 1);
        check(&[asked("n1", 1), submitted("n1", 1), record("n1", 1)], measured("r1"), 1);
        check(&[asked("n1", 1), none("n1", 1)], no(), 1);
        check(&[none("n1", 0)], no(), 0);
        // Whoever comes second does not undo a record.
        check(&[asked("n1", 1), record("n1", 1), none("n1", 1)], measured("r1"), 1);
        check(&[asked("n1", 1), none("n1", 1), record("n1", 1)], measured("r1"), 1);
        check(&[asked("n1", 1), none("n1", 1), again()], NodeState::Waiting, 1);
        check(&[asked("n1", 1), again()], NodeState::Open { job: None }, 1);
        check(
            &[asked("n1", 1), none("n1", 1), again(), asked("n1", 2), none("n1", 1)],
            NodeState::Open { job: None },
            2,
        );
        check(&[asked("n1", 1), record("n1", 1), again(), asked("n1", 2), record("n1", 2)], measured("r2"), 2);
        check(&[asked("foreign", 1), record("foreign", 1)], NodeState::Waiting, 0);
    }

    /// A journal that was cut at any byte is that of an earlier moment.
    #[test]
    fn a_journal_that_was_cut_anywhere_is_an_earlier_one() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        let mut fleet = FleetJournal::begin(&store, "f1", plan("n[1-2]")).unwrap();
        let mut moments = vec![fleet.nodes().iter().map(|(n, s, a)| format!("{n} {s:?} {a}")).collect::<Vec<_>>()];
        for event in [asked("n1", 1), submitted("n1", 1), asked("n2", 1), record("n1", 1), none("n2", 1)] {
            fleet.note(event).unwrap();
            moments.push(fleet.nodes().iter().map(|(n, s, a)| format!("{n} {s:?} {a}")).collect());
        }
        let file = fleet.folder().join(FILE);
        let bytes = fs::read(&file).unwrap();
        for end in 0..=bytes.len() {
            fs::write(&file, &bytes[..end]).unwrap();
            let whole = bytes[..end].split(|byte| *byte == b'\n').count() - 1;
            match FleetJournal::open(&store, "f1") {
                Err(error) => assert!(whole == 0 && error.to_string().contains("there is no fleet f1"), "{error}"),
                Ok(cut) => {
                    let states: Vec<String> = cut.nodes().iter().map(|(n, s, a)| format!("{n} {s:?} {a}")).collect();
                    assert_eq!(states, moments[whole - 1]);
                }
            }
        }
    }

    #[test]
    fn a_fleet_is_stopped_and_gone_on_with() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        let mut fleet = FleetJournal::begin(&store, "f1", plan("n1")).unwrap();
        assert!(FleetJournal::begin(&store, "f1", plan("n1")).unwrap_err().to_string().contains("already"));
        assert!(!fleet.is_stopped());
        fleet.note(FleetEvent::Stopped {}).unwrap();
        assert!(FleetJournal::open(&store, "f1").unwrap().is_stopped());
        fleet.note(FleetEvent::Continued {}).unwrap();
        assert!(!FleetJournal::open(&store, "f1").unwrap().is_stopped());
        let held = fleet.lock().unwrap();
        assert!(held.is_some() && fleet.lock().unwrap().is_none());
        drop(held);
        assert!(fleet.lock().unwrap().is_some());
        for id in ["", "..", "a/b", "-a", "a.b"] {
            assert!(FleetJournal::open(&store, id).unwrap_err().to_string().contains("no name of a fleet"), "{id}");
        }
        fleet.note(asked("n1", 1)).unwrap();
        fleet.note(record("n1", 1)).unwrap();
        assert_eq!(fleet.durations(), [30]);
    }
}
