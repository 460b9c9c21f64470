//! `hostproof fleet drain` and `resume`: each shows what it would do, and does it only where it is told to.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use launch::drain::{DrainStep, drain_step, reason, resume_step, run_of};
use launch::{FleetEvent, FleetJournal, NodeLine, NodeSet};
use measure::Ending;
use record::Store;
use verdict::Acceptance;

use super::answers::{Answer, OwnJudge, answers};
use super::open;
use super::reading::SealedRecords;
use crate::args::FleetDrainArgs;
use crate::commands::print;
use crate::exit::Exit;
use crate::history::History;

/// A node that is to be drained: by which run, because of which criteria.
pub(super) struct ToDrain {
    node: String,
    run: String,
    criteria: Vec<String>,
}

pub(super) fn drain(args: &FleetDrainArgs) -> Result<Exit> {
    let (store, mut fleet) = open(&args.records, &args.fleet)?;
    let nodes = chosen(&fleet, args)?;
    let found = to_drain(&store, &fleet, &nodes)?;
    // Once for all, and right before: somebody may drain one at any time.
    let lines = lines(found.iter().map(|one| &one.node))?;
    let mut done = 0;
    for one in &found {
        let reason = reason(&fleet.id, &one.run, &one.criteria);
        match drain_step(lines.get(&one.node), &fleet.id) {
            DrainStep::Leave(why) => print(&format!("{} is left alone: {why}", one.node))?,
            DrainStep::Do if args.yes => {
                launch::drain_node(&one.node, &reason)?;
                fleet.note(FleetEvent::Drained { node: one.node.clone(), reason: reason.clone() })?;
                print(&format!("{} is drained: {reason}", one.node))?;
                done += 1;
            }
            DrainStep::Do => {
                print(&format!("{} would be drained: {reason}", one.node))?;
                done += 1;
            }
        }
    }
    summary(args.yes, done, nodes.len(), "drained")
}

/// The nodes that were rejected, each with what it missed.
fn to_drain(store: &Store, fleet: &FleetJournal, nodes: &NodeSet) -> Result<Vec<ToDrain>> {
    let chosen: BTreeSet<&String> = nodes.names().iter().collect();
    let mut found = Vec::new();
    for (node, answer) in answers(store, fleet)?.into_iter().filter(|(node, _)| chosen.contains(node)) {
        match answer {
            Ok(answer) if answer.acceptance == Acceptance::Rejected => {
                found.push(ToDrain { node, run: answer.run, criteria: answer.failed });
            }
            Ok(_) => {}
            Err(error) => print(&format!("{node} is left alone: {error:#}"))?,
        }
    }
    Ok(found)
}

pub(super) fn resume(args: &FleetDrainArgs) -> Result<Exit> {
    let (store, mut fleet) = open(&args.records, &args.fleet)?;
    let nodes = chosen(&fleet, args)?;
    let accepted = accepted(&store, &fleet, &nodes)?;
    // Once more for those that are taken back: judging them took its time.
    let lines = lines(accepted.keys())?;
    let mut done = 0;
    for (node, run) in accepted {
        match resume_step(lines.get(&node), &fleet.id) {
            DrainStep::Leave(why) => print(&format!("{node} is left alone: {why}"))?,
            DrainStep::Do if args.yes => {
                launch::resume_node(&node)?;
                fleet.note(FleetEvent::Resumed { node: node.clone(), run: run.clone() })?;
                print(&format!("{node} is taken back: it was accepted by {run}"))?;
                done += 1;
            }
            DrainStep::Do => {
                print(&format!("{node} would be taken back: it was accepted by {run}"))?;
                done += 1;
            }
        }
    }
    summary(args.yes, done, nodes.len(), "taken back")
}

/// The nodes that this fleet has drained and that were accepted since, each with the run; of the others is said why not.
fn accepted(store: &Store, fleet: &FleetJournal, nodes: &NodeSet) -> Result<BTreeMap<String, String>> {
    let lines = lines(nodes.names())?;
    let mut since = None;
    let mut accepted = BTreeMap::new();
    for node in nodes.names() {
        let line = lines.get(node);
        let run = match resume_step(line, &fleet.id) {
            DrainStep::Leave(why) => Err(why),
            DrainStep::Do => {
                let drained_by = line.and_then(|line| run_of(&line.reason, &fleet.id)).unwrap_or_default();
                let since = match &mut since {
                    Some(since) => since,
                    none => none.insert(Since::of(store)?),
                };
                since.accepted(node, drained_by)?
            }
        };
        match run {
            Ok(run) => drop(accepted.insert(node.clone(), run)),
            Err(why) => print(&format!("{node} is left alone: {why}"))?,
        }
    }
    Ok(accepted)
}

/// The runs of a store, to look for newer ones.
struct Since {
    history: History,
    sealed: SealedRecords,
    judge: OwnJudge,
}

impl Since {
    fn of(store: &Store) -> Result<Since> {
        let history = History::of(store.clone())?;
        Ok(Since { sealed: SealedRecords::of(store), history, judge: OwnJudge::default() })
    }

    /// The run by which a node was accepted after the run for which it was drained, or why there is none.
    fn accepted(&mut self, node: &str, drained_by: &str) -> Result<Result<String, String>> {
        let Some(before) = self.answer(drained_by) else {
            return Ok(Err(format!("the run {drained_by} for which it was drained cannot be read in the store")));
        };
        let newest = self.history.runs.iter().rfind(|run| {
            let digest = &run.digest;
            digest.host == node
                && digest.ending == Ending::Complete
                && (&digest.started, &digest.id) > (&before.started, &before.run)
        });
        let Some(newest) = newest else {
            return Ok(Err(format!("no run of it is newer than {drained_by}: `hostproof accept` it first")));
        };
        let after = self.judge.answer(&self.sealed.record(newest.path.clone()))?;
        Ok(accepts(&before, &after).map(|()| after.run))
    }

    fn answer(&mut self, run: &str) -> Option<Answer> {
        let path = self.history.store.find(run).ok()?;
        self.judge.answer(&self.sealed.record(path)).ok()
    }
}

/// Whether a newer run lifts what an older one was rejected for: it was as thorough, is accepted, and met what was missed.
fn accepts(before: &Answer, after: &Answer) -> Result<(), String> {
    let run = &after.run;
    if after.profile != before.profile {
        return Err(format!(
            "its newest run {run} is of the profile {}, and it was rejected by one of {}",
            after.profile.name(),
            before.profile.name()
        ));
    }
    if after.acceptance != Acceptance::Accepted {
        return Err(format!("its newest run {run} was not accepted: {}", after.brief));
    }
    match before.failed.iter().find(|missed| !after.met.contains(missed)) {
        Some(missed) => {
            Err(format!("its newest run {run} does not say that it meets {missed}, for which it was drained"))
        }
        None => Ok(()),
    }
}

/// The nodes that are spoken of.
fn chosen(fleet: &FleetJournal, args: &FleetDrainArgs) -> Result<NodeSet> {
    let all = fleet.node_set();
    let Some(nodes) = &args.nodes else { return Ok(all) };
    let foreign = nodes.without(&all);
    ensure!(foreign.is_empty(), "{foreign} is not in the fleet {}", fleet.id);
    Ok(nodes.clone())
}

/// What Slurm says of nodes.
fn lines<'a>(nodes: impl IntoIterator<Item = &'a String>) -> Result<BTreeMap<String, NodeLine>> {
    let nodes = NodeSet::of(nodes.into_iter().cloned());
    if nodes.is_empty() {
        return Ok(BTreeMap::new());
    }
    launch::node_lines(&nodes).context("nodes are drained and taken back in Slurm, which could not be asked")
}

fn summary(yes: bool, done: usize, nodes: usize, what: &str) -> Result<Exit> {
    let ask = if done > 0 && !yes { "; --yes does it" } else { "" };
    let verb = if yes { "were" } else { "would be" };
    print(&format!("{done} of {nodes} nodes {verb} {what}{ask}"))?;
    Ok(Exit::Done)
}
