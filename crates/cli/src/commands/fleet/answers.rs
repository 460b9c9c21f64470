//! What each node's own judgement says, as `accept` answers on the node.

use std::collections::BTreeMap;

use anyhow::Result;
use launch::{FleetJournal, NodeState};
use measure::Run;
use record::Store;
use verdict::{Acceptance, Judgement};

use crate::case;
use crate::commands::judgement;

/// The answer to a node.
pub(super) struct Answer {
    pub(super) run: Run,
    pub(super) judgement: Judgement,
    pub(super) acceptance: Acceptance,
}

/// Judges a run of the store by its own specification.
pub(super) fn answer(store: &Store, run: &str) -> Result<Answer> {
    let run = record::read(&store.find(run)?)?;
    let specification = case::specification(&run, None)?;
    let judgement = judgement(&run, &[], &specification);
    let acceptance = judgement.acceptance();
    Ok(Answer { run, judgement, acceptance })
}

/// The answers to all nodes that have one.
pub(super) fn answers(store: &Store, fleet: &FleetJournal) -> Result<BTreeMap<String, Answer>> {
    let mut answers = BTreeMap::new();
    for (node, state, _) in fleet.nodes() {
        if let NodeState::Measured { run } = state {
            answers.insert(node.to_owned(), answer(store, &run)?);
        }
    }
    Ok(answers)
}
