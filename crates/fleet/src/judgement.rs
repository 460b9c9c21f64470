//! All nodes together: counts, cohorts, criteria, and who is to be looked at first.

use std::cmp::Ordering;

use measure::by_name;
use verdict::Acceptance;
use verdict::compare::Tolerances;

use crate::FleetNode;
use crate::cohort::{Cohort, CohortDifference, cohorts, differences};
use crate::criteria::{FleetCriterion, criteria};
use crate::distribution::{Among, Distribution, distributions};

/// A fleet, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetJudgement {
    /// The nodes, the worst first.
    pub nodes: Vec<FleetNode>,
    /// What is to be said of each, in the same order.
    pub states: Vec<NodeState>,
    /// The cohorts, the largest first.
    pub cohorts: Vec<Cohort>,
    /// What the smaller ones have otherwise.
    pub differences: Vec<CohortDifference>,
    /// Targets and demanded parts over the fleet.
    pub criteria: Vec<FleetCriterion>,
    /// Every series over the fleet.
    pub distributions: Vec<Distribution>,
    /// How many figures were held against a limit: the family of the level.
    pub tests: usize,
}

/// What is to be said of a node beside its account.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NodeState {
    /// Its cohort, by its place; none without an answer.
    pub cohort: Option<usize>,
    /// Demanded criteria that it misses.
    pub failed: usize,
    /// Series in which it is an outlier.
    pub outliers: usize,
    /// The z of the worst of those.
    pub worst: f64,
}

/// How many nodes came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Nodes of the fleet.
    pub nodes: usize,
    /// Accepted ones.
    pub accepted: usize,
    /// Rejected ones.
    pub rejected: usize,
    /// Those with an answer that decides nothing.
    pub not_decided: usize,
    /// Those without an answer.
    pub no_answer: usize,
    /// Nodes that are worse than their siblings, whatever their own verdict is.
    pub outliers: usize,
}

/// Judges a fleet. Who is an outlier depends on the figures alone, and who is accepted on the specification alone.
#[must_use]
pub fn judge(mut nodes: Vec<FleetNode>, tolerances: &Tolerances) -> FleetJudgement {
    nodes.sort_by(|one, other| by_name(&one.name, &other.name));
    let groups = cohorts(&nodes);
    let (found, _) = distributions(&nodes, &groups, tolerances);
    let mut ranked: Vec<(FleetNode, NodeState)> =
        states(&nodes, &groups, &found).into_iter().zip(nodes).map(|(state, node)| (node, state)).collect();
    ranked.sort_by(worst_first);
    let (nodes, states): (Vec<FleetNode>, Vec<NodeState>) = ranked.into_iter().unzip();
    // Once more in the order that people see: places are of that.
    let groups = cohorts(&nodes);
    let (found, tests) = distributions(&nodes, &groups, tolerances);
    FleetJudgement {
        differences: differences(&groups),
        criteria: criteria(&nodes, &groups),
        states: states_in(&states, &groups),
        nodes,
        cohorts: groups,
        distributions: found,
        tests,
    }
}

fn states(nodes: &[FleetNode], groups: &[Cohort], found: &[Distribution]) -> Vec<NodeState> {
    let mut states = vec![NodeState::default(); nodes.len()];
    for (node, state) in nodes.iter().zip(&mut states) {
        state.failed = node.account().map_or(0, crate::Account::failed);
    }
    for place in found.iter().flat_map(|one| one.nodes(Among::Outlier)) {
        let state = &mut states[place.node];
        state.outliers += 1;
        state.worst = state.worst.min(place.z.unwrap_or(0.0));
    }
    states_in(&states, groups)
}

/// The states with the cohorts of their nodes.
fn states_in(states: &[NodeState], groups: &[Cohort]) -> Vec<NodeState> {
    let mut states = states.to_vec();
    for (number, cohort) in groups.iter().enumerate() {
        for &place in &cohort.nodes {
            states[place].cohort = Some(number);
        }
    }
    states
}

/// Rejected nodes, those without an answer, those that are not decided, outliers, the rest.
fn worst_first((one, state): &(FleetNode, NodeState), (other, their): &(FleetNode, NodeState)) -> Ordering {
    let class = |node: &FleetNode, state: &NodeState| match node.account().map(|account| account.acceptance) {
        Some(Acceptance::Rejected) => 0,
        None => 1,
        Some(Acceptance::NotComparable) => 2,
        Some(Acceptance::Inconclusive) => 3,
        Some(Acceptance::Accepted) if state.outliers > 0 => 4,
        Some(Acceptance::Accepted) => 5,
    };
    (class(one, state).cmp(&class(other, their)))
        .then_with(|| their.failed.cmp(&state.failed))
        .then_with(|| their.outliers.cmp(&state.outliers))
        .then_with(|| state.worst.total_cmp(&their.worst))
        .then_with(|| by_name(&one.name, &other.name))
}

impl FleetJudgement {
    /// How many nodes came to what.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { nodes: self.nodes.len(), ..Counts::default() };
        for node in &self.nodes {
            match node.account().map(|account| account.acceptance) {
                None => counts.no_answer += 1,
                Some(Acceptance::Accepted) => counts.accepted += 1,
                Some(Acceptance::Rejected) => counts.rejected += 1,
                Some(Acceptance::Inconclusive | Acceptance::NotComparable) => counts.not_decided += 1,
            }
        }
        counts.outliers = self.states.iter().filter(|state| state.outliers > 0).count();
        counts
    }

    /// The answer of the fleet by the rule of one host: accepted where every node is; rejected where one is; else not
    /// comparable where one is; else not decided, as where a node gave no answer.
    #[must_use]
    pub fn acceptance(&self) -> Acceptance {
        let of = |node: &FleetNode| node.account().map_or(Acceptance::Inconclusive, |account| account.acceptance);
        let any = |wanted: Acceptance| self.nodes.iter().any(|node| of(node) == wanted);
        let gravest = [Acceptance::Rejected, Acceptance::NotComparable, Acceptance::Inconclusive];
        let found = gravest.into_iter().find(|one| any(*one));
        found.unwrap_or(if self.nodes.is_empty() { Acceptance::Inconclusive } else { Acceptance::Accepted })
    }

    /// The series in which a node is not as its siblings.
    pub fn odd_figures(&self, node: usize) -> impl Iterator<Item = (&Distribution, &crate::NodePlace)> {
        self.distributions.iter().filter_map(move |one| {
            let at = one.places.binary_search_by_key(&node, |place| place.node).ok()?;
            let place = &one.places[at];
            (!matches!(place.among, Among::Alike | Among::TooFew)).then_some((one, place))
        })
    }
}
