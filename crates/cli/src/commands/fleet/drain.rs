//! `hostproof fleet drain` and `resume`: each shows what it would do, and does it only where it is told to.

use anyhow::{Context, Result, ensure};
use launch::drain::{DrainStep, drain_step, reason, resume_step, run_of};
use launch::{FleetEvent, FleetJournal, NodeLine, NodeSet};
use measure::Ending;
use record::Store;
use verdict::{Acceptance, Judgement, Verdict};

use super::answers::{Answer, answer, answers};
use super::open;
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
    let mut done = 0;
    for one in &found {
        let reason = reason(&fleet.id, &one.run, &one.criteria);
        // Asked for anew before each: somebody may have drained it meanwhile.
        match drain_step(line(&one.node)?.as_ref(), &fleet.id) {
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
    let rejected = answers(store, fleet)?
        .into_iter()
        .filter(|(node, answer)| nodes.names().contains(node) && answer.acceptance == Acceptance::Rejected);
    let one = |(node, answer): (String, Answer)| ToDrain {
        node,
        run: answer.run.id,
        criteria: answer.judgement.tally().failed,
    };
    Ok(rejected.map(one).collect())
}

pub(super) fn resume(args: &FleetDrainArgs) -> Result<Exit> {
    let (store, mut fleet) = open(&args.records, &args.fleet)?;
    let nodes = chosen(&fleet, args)?;
    let mut done = 0;
    for node in nodes.names() {
        let line = line(node)?;
        let accepted = match resume_step(line.as_ref(), &fleet.id) {
            DrainStep::Leave(why) => Err(why),
            DrainStep::Do => {
                let drained_by = line.as_ref().and_then(|line| run_of(&line.reason, &fleet.id)).unwrap_or_default();
                accepted_since(&store, node, drained_by)?
            }
        };
        match accepted {
            Err(why) => print(&format!("{node} is left alone: {why}"))?,
            Ok(run) if args.yes => {
                launch::resume_node(node)?;
                fleet.note(FleetEvent::Resumed { node: node.clone(), run: run.clone() })?;
                print(&format!("{node} is taken back: it was accepted by {run}"))?;
                done += 1;
            }
            Ok(run) => {
                print(&format!("{node} would be taken back: it was accepted by {run}"))?;
                done += 1;
            }
        }
    }
    summary(args.yes, done, nodes.len(), "taken back")
}

/// The run by which a node was accepted after the run for which it was drained, or why there is none.
fn accepted_since(store: &Store, node: &str, drained_by: &str) -> Result<Result<String, String>> {
    let Ok(before) = answer(store, drained_by) else {
        return Ok(Err(format!("the run {drained_by} for which it was drained is not in the store")));
    };
    let history = History::of(store.clone())?;
    let newest = history.runs.iter().rfind(|run| {
        let digest = &run.digest;
        digest.host == node
            && digest.ending == Ending::Complete
            && (&digest.started, &digest.id) > (&before.run.started, &before.run.id)
    });
    let Some(newest) = newest else {
        return Ok(Err(format!("no run of it is newer than {drained_by}: `hostproof accept` it first")));
    };
    let after = answer(store, &newest.digest.id)?;
    Ok(accepts(&before, &after).map(|()| after.run.id))
}

/// Whether a newer run lifts what an older one was rejected for: it was as thorough, is accepted, and met what was missed.
fn accepts(before: &Answer, after: &Answer) -> Result<(), String> {
    let run = &after.run.id;
    if after.run.profile != before.run.profile {
        return Err(format!(
            "its newest run {run} is of the profile {}, and it was rejected by one of {}",
            after.run.profile.name(),
            before.run.profile.name()
        ));
    }
    if after.acceptance != Acceptance::Accepted {
        return Err(format!("its newest run {run} was not accepted: {}", report::gate::brief_answer(&after.judgement)));
    }
    let met = met(&after.judgement);
    match before.judgement.tally().failed.iter().find(|missed| !met.contains(&missed.as_str())) {
        Some(missed) => {
            Err(format!("its newest run {run} does not say that it meets {missed}, for which it was drained"))
        }
        None => Ok(()),
    }
}

/// The criteria that are met.
fn met(judgement: &Judgement) -> Vec<&str> {
    let targets = judgement.rows.iter().filter(|row| row.verdict == Verdict::Pass).map(|row| row.id.as_str());
    let parts = judgement.facts.iter().filter(|row| row.verdict == Verdict::Pass).map(|row| row.id.as_str());
    targets.chain(parts).collect()
}

/// The nodes that are spoken of.
fn chosen(fleet: &FleetJournal, args: &FleetDrainArgs) -> Result<NodeSet> {
    let all = fleet.node_set();
    let Some(nodes) = &args.nodes else { return Ok(all) };
    let foreign = nodes.without(&all);
    ensure!(foreign.is_empty(), "{foreign} is not in the fleet {}", fleet.id);
    Ok(nodes.clone())
}

fn line(node: &str) -> Result<Option<NodeLine>> {
    let lines = launch::node_lines(&NodeSet::of([node.to_owned()]))
        .context("nodes are drained and taken back in Slurm, which could not be asked")?;
    Ok(lines.into_values().next())
}

fn summary(yes: bool, done: usize, nodes: usize, what: &str) -> Result<Exit> {
    let ask = if done > 0 && !yes { "; --yes does it" } else { "" };
    let verb = if yes { "were" } else { "would be" };
    print(&format!("{done} of {nodes} nodes {verb} {what}{ask}"))?;
    Ok(Exit::Done)
}
