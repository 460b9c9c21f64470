//! A fleet: the nodes of a delivery, judged together, compared with their siblings, and before and after an update.
//!
//! Invariant: this crate is pure. It does no I/O and reads no clock, and a node without an answer never counts as a pass.

mod account;
mod cohort;
mod compare;
mod criteria;
mod distribution;
mod judgement;
mod robust;
#[cfg(test)]
mod simulate;

pub use account::{Account, Figure, OwnNoise, PartAnswer, TargetAnswer};
pub use cohort::{Cohort, CohortDifference, MethodFacts, facts_that_matter};
pub use compare::{FleetChange, NodeChange, SeriesChange, compare};
pub use criteria::{FleetCriterion, PointsAt};
pub use distribution::{Among, CohortSpread, Distribution, NodePlace};
pub use judgement::{Counts, FleetJudgement, NodeState, judge};
pub use robust::{Centre, FEWEST, LEAST_LIMIT, LEVEL, limit};

/// A node of a fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetNode {
    /// The name that the launcher used.
    pub name: String,
    /// How often it was tried; 0 where nobody counted.
    pub attempts: u32,
    /// What came of it.
    pub answer: NodeAnswer,
}

/// What came of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeAnswer {
    /// A run that was judged.
    Judged(Box<Account>),
    /// None came, and why.
    Missing(String),
}

impl FleetNode {
    /// The judged run, where there is one.
    #[must_use]
    pub fn account(&self) -> Option<&Account> {
        match &self.answer {
            NodeAnswer::Judged(account) => Some(account),
            NodeAnswer::Missing(_) => None,
        }
    }
}
