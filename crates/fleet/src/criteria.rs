//! One criterion over the fleet, and where that points: what no node reaches at the specification or the image, what one node
//! misses at that node.

use std::collections::BTreeMap;

use measure::{MetricId, fold};
use verdict::Verdict;

use crate::FleetNode;
use crate::cohort::Cohort;

/// Up to this share of the nodes it is single nodes that miss something.
const FEW: f64 = 0.1;
/// Of fewer nodes nobody can tell whether a node or the specification is the odd one.
const SEVERAL: usize = 3;
/// More names than these are a count.
const NAMES: usize = 120;

/// A target, or a part that is demanded, over the fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetCriterion {
    /// Its id.
    pub id: String,
    /// What it is, in a few words.
    pub title: String,
    /// Whether it is a part of the machine, and no target.
    pub is_part: bool,
    /// The series that a target is judged by.
    pub series: Option<MetricId>,
    /// What the document says.
    pub documented: String,
    /// Whether `accept` demands it.
    pub required: bool,
    /// How many nodes meet it.
    pub passed: usize,
    /// The nodes that do not, by their places in the fleet.
    pub failed: Vec<usize>,
    /// The nodes on which it was not decided, with the verdict.
    pub open: Vec<(usize, Verdict)>,
    /// Where that points.
    pub points: PointsAt,
    /// The same in a sentence.
    pub sentence: String,
}

/// Where it points when nodes miss a criterion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PointsAt {
    /// At the specification, or at what all nodes have in common: their image.
    Specification,
    /// At what a cohort has otherwise than the others.
    Cohort,
    /// At single nodes.
    Node,
    /// At nothing yet: too many for single nodes, and not all; or too few nodes.
    Unclear,
    /// It was not decided everywhere, and no node misses it.
    Open,
    /// All meet it.
    Nothing,
}

impl PointsAt {
    /// The word in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            PointsAt::Specification => "specification-or-image",
            PointsAt::Cohort => "cohort",
            PointsAt::Node => "node",
            PointsAt::Unclear => "unclear",
            PointsAt::Open => "not-decided",
            PointsAt::Nothing => "nothing",
        }
    }
}

/// Every criterion of the nodes' judgements, in the order of the document: targets, then parts.
pub(crate) fn criteria(nodes: &[FleetNode], cohorts: &[Cohort]) -> Vec<FleetCriterion> {
    let accounts = || nodes.iter().enumerate().filter_map(|(place, node)| Some((place, node.account()?)));
    let (mut targets, mut parts) = (Gathered::default(), Gathered::default());
    for (place, account) in accounts() {
        for one in &account.targets {
            let seen = |all: &mut FleetCriterion| all.series.clone_from(&one.series);
            let words = (one.title.as_str(), one.documented.to_string(), one.required);
            targets.add(&one.id, words, (place, one.verdict), seen);
        }
        for one in &account.parts {
            let words = (one.title.as_str(), one.documented.clone(), one.required);
            parts.add(&one.id, words, (place, one.verdict), |all| all.is_part = true);
        }
    }
    let mut all: Vec<FleetCriterion> = targets.all.into_iter().chain(parts.all).collect();
    for one in &mut all {
        (one.points, one.sentence) = points(one, nodes, cohorts);
    }
    all
}

/// Criteria in the order in which they came first.
#[derive(Default)]
struct Gathered {
    all: Vec<FleetCriterion>,
    places: BTreeMap<String, usize>,
}

impl Gathered {
    fn add(
        &mut self,
        id: &str,
        (title, documented, required): (&str, String, bool),
        (node, verdict): (usize, Verdict),
        first: impl FnOnce(&mut FleetCriterion),
    ) {
        let at = self.places.get(id).copied().unwrap_or_else(|| {
            let mut one = blank(id, title, documented, required);
            first(&mut one);
            self.all.push(one);
            self.places.insert(id.to_owned(), self.all.len() - 1);
            self.all.len() - 1
        });
        let one = &mut self.all[at];
        match verdict {
            Verdict::Pass => one.passed += 1,
            Verdict::Fail => one.failed.push(node),
            open => one.open.push((node, open)),
        }
    }
}

fn blank(id: &str, title: &str, documented: String, required: bool) -> FleetCriterion {
    FleetCriterion {
        id: id.to_owned(),
        title: title.to_owned(),
        is_part: false,
        series: None,
        documented,
        required,
        passed: 0,
        failed: Vec::new(),
        open: Vec::new(),
        points: PointsAt::Nothing,
        sentence: String::new(),
    }
}

/// So many nodes, by their names where those are few.
pub(crate) fn named(nodes: &[FleetNode], places: &[usize]) -> String {
    let names = fold(places.iter().map(|place| nodes[*place].name.as_str()));
    if names.len() <= NAMES { names } else { format!("{} nodes", places.len()) }
}

fn points(one: &FleetCriterion, nodes: &[FleetNode], cohorts: &[Cohort]) -> (PointsAt, String) {
    let (failed, decided) = (one.failed.len(), one.passed + one.failed.len());
    let open = open(one, nodes);
    if failed == 0 {
        return match (one.passed, open) {
            (passed, None) => (PointsAt::Nothing, format!("all {passed} nodes meet it")),
            (0, Some(_)) if one.open.iter().all(|(_, verdict)| *verdict == Verdict::Infeasible) => {
                let why = "no machine that matches the document's own tables can reach it: that is the specification's";
                (PointsAt::Specification, why.to_owned())
            }
            (0, Some(open)) => (PointsAt::Open, format!("no node decides it: {open}")),
            (passed, Some(open)) => (PointsAt::Open, format!("{passed} meet it, and {open}")),
        };
    }
    let who = named(nodes, &one.failed);
    let misses = if failed == 1 { "misses" } else { "miss" };
    let (points, said) = if decided < SEVERAL {
        (
            PointsAt::Unclear,
            format!("{who} {misses} it; so few nodes do not tell whether that is the node or the specification"),
        )
    } else if one.passed == 0 {
        let what = if one.is_part { "has it as documented" } else { "reaches it" };
        (
            PointsAt::Specification,
            format!("no node {what} ({failed} miss it): look at the specification or the image, and not at a node"),
        )
    } else if let Some(said) = of_cohorts(one, cohorts) {
        (PointsAt::Cohort, said)
    } else if failed as f64 <= (FEW * decided as f64).max(1.0) {
        (PointsAt::Node, format!("{who} {misses} it and {} meet it: look at the node", one.passed))
    } else {
        let said = "too many for single nodes and too few for the specification; look at what they share (rack, power, cooling)";
        (PointsAt::Unclear, format!("{who} {misses} it and {} meet it: {said}", one.passed))
    };
    (points, open.map_or(said.clone(), |open| format!("{said}; {open}")))
}

/// What is not decided, by its commonest verdict.
fn open(one: &FleetCriterion, nodes: &[FleetNode]) -> Option<String> {
    let mut by_verdict: BTreeMap<Verdict, Vec<usize>> = BTreeMap::new();
    for (place, verdict) in &one.open {
        by_verdict.entry(*verdict).or_default().push(*place);
    }
    let said: Vec<String> =
        by_verdict.iter().map(|(verdict, places)| format!("{verdict} on {}", named(nodes, places))).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// That whole cohorts miss it, and no node of another.
fn of_cohorts(one: &FleetCriterion, cohorts: &[Cohort]) -> Option<String> {
    let (largest, others) = cohorts.split_first()?;
    let misses = |cohort: &Cohort| cohort.nodes.iter().filter(|place| one.failed.binary_search(place).is_ok()).count();
    if misses(largest) > 0 {
        return None;
    }
    let odd: Vec<&Cohort> = others.iter().filter(|cohort| misses(cohort) > 0).collect();
    if odd.iter().any(|cohort| misses(cohort) < cohort.nodes.len()) || odd.is_empty() {
        return None;
    }
    let names: Vec<&str> = odd.iter().map(|cohort| cohort.name.as_str()).collect();
    let facts: Vec<&str> = largest
        .facts
        .keys()
        .copied()
        .filter(|fact| odd.iter().all(|cohort| cohort.facts[fact] != largest.facts[fact]))
        .collect();
    let (cohort, what) = (if names.len() == 1 { "cohort" } else { "cohorts" }, facts.join(", "));
    Some(format!(
        "all {} nodes of {cohort} {} miss it and no other does: look at what they have otherwise{}",
        one.failed.len(),
        names.join(", "),
        if what.is_empty() { String::new() } else { format!(" ({what})") }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{fleet, node};

    /// A fleet in which the nodes of these places reach so much of the documented bandwidth.
    fn pointed(nodes: usize, slow: &[usize], share: f64, other_bios: &[usize]) -> (PointsAt, String) {
        let mut fleet = fleet(nodes);
        for (place, one) in fleet.iter_mut().enumerate() {
            let share = if slow.contains(&place) { share } else { 1.05 };
            let bios = if other_bios.contains(&place) { "1.2" } else { "1.3" };
            *one = node(&one.name.clone(), |run| {
                run.fingerprint.config.insert("bios.version".into(), bios.into());
                crate::simulate::scale(run, &measure::metrics::STREAM_TRIAD, share);
            });
        }
        let judged = crate::judge(fleet, &verdict::compare::Tolerances::default());
        let one = judged.criteria.iter().find(|one| one.id == "memory.triad").unwrap();
        (one.points, one.sentence.clone())
    }

    #[test]
    fn what_no_node_reaches_is_not_the_fault_of_a_node() {
        let check = |nodes: usize, slow: &[usize], bios: &[usize], points: PointsAt, words: &str| {
            let (found, said) = pointed(nodes, slow, 0.8, bios);
            assert_eq!(found, points, "{said}");
            assert!(said.contains(words), "{said}");
        };
        let all: Vec<usize> = (0..20).collect();
        check(20, &[], &[], PointsAt::Nothing, "all 20 nodes meet it");
        check(
            20,
            &all,
            &[],
            PointsAt::Specification,
            "no node reaches it (20 miss it): look at the specification or the image",
        );
        check(20, &[6], &[], PointsAt::Node, "node007 misses it and 19 meet it: look at the node");
        check(20, &[2, 4], &[], PointsAt::Node, "node[003,005] miss it");
        check(20, &[0, 1, 2, 3, 4, 5], &[], PointsAt::Unclear, "too many for single nodes");
        check(
            20,
            &[3, 4, 5],
            &[3, 4, 5],
            PointsAt::Cohort,
            "all 3 nodes of cohort B miss it and no other does: look at what they have otherwise (bios.version)",
        );
        // One of another cohort is slow, and its siblings are not: it is the node.
        check(20, &[3], &[3, 4, 5], PointsAt::Node, "node004 misses it");
        check(2, &[0], &[], PointsAt::Unclear, "so few nodes");
        check(2, &[0, 1], &[], PointsAt::Unclear, "so few nodes");
    }
}
