//! What each node's own judgement says, as `accept` answers on the node.

use std::collections::BTreeMap;

use anyhow::Result;
use launch::{FleetJournal, NodeState};
use measure::{Profile, Run};
use record::Store;
use verdict::{Acceptance, Judgement, Verdict};

use super::reading::{NodeJudge, NodeRecord, in_parts};
use crate::case;

/// The answer to a node.
pub(super) struct Answer {
    pub(super) run: String,
    pub(super) started: String,
    pub(super) profile: Profile,
    pub(super) acceptance: Acceptance,
    /// The same in words.
    pub(super) brief: String,
    /// The demanded criteria that it missed, and those that it met.
    pub(super) failed: Vec<String>,
    pub(super) met: Vec<String>,
}

impl Answer {
    pub(super) fn of(run: &Run, judgement: &Judgement) -> Answer {
        let targets = judgement.rows.iter().map(|row| (row.verdict, &row.id));
        let parts = judgement.facts.iter().map(|row| (row.verdict, &row.id));
        let met = targets.chain(parts).filter(|(verdict, _)| *verdict == Verdict::Pass);
        Answer {
            run: run.id.clone(),
            started: run.started.clone(),
            profile: run.profile,
            acceptance: judgement.acceptance(),
            brief: report::gate::brief_answer(judgement),
            failed: judgement.tally().failed,
            met: met.map(|(_, id)| id.clone()).collect(),
        }
    }
}

/// Judges runs by their own specifications, which mostly are one.
#[derive(Default)]
pub(super) struct OwnJudge(Option<NodeJudge>);

impl OwnJudge {
    /// The answer by a record.
    pub(super) fn answer(&mut self, record: &NodeRecord) -> Result<Answer> {
        if let Some(judge) = &self.0 {
            let run = judge.read(record)?;
            if judge.is_of(&run) {
                return Ok(Answer::of(&run, &judge.judge(&run, &[])));
            }
        }
        let judge = self.0.insert(NodeJudge::of(case::specification(&record.head()?, None)?));
        let run = judge.read(record)?;
        Ok(Answer::of(&run, &judge.judge(&run, &[])))
    }
}

/// The answers to all nodes from which a record came; an error where it cannot be read any more.
pub(super) fn answers(store: &Store, fleet: &FleetJournal) -> Result<BTreeMap<String, Result<Answer>>> {
    let measured = fleet.nodes().into_iter().filter_map(|(node, state, _)| match state {
        NodeState::Measured { run, sha256 } => Some((node.to_owned(), run, sha256)),
        NodeState::Waiting | NodeState::Open { .. } | NodeState::NoAnswer { .. } => None,
    });
    let answers = in_parts(&measured.collect::<Vec<_>>(), |part| {
        let mut judge = OwnJudge::default();
        let mut answer = |(node, run, sha256): &(String, String, String)| {
            let record = NodeRecord::of_node(store, node, run, sha256);
            (node.clone(), record.map_err(Into::into).and_then(|record| judge.answer(&record)))
        };
        Ok(part.iter().map(&mut answer).collect())
    })?;
    Ok(answers.into_iter().collect())
}
