//! A judged fleet in the formats that other tools read: CSV with a line for each node and criterion, Prometheus text in one
//! file, `JUnit` with a suite for each node.

use std::time::Duration;

use fleet::{Account, NodeAnswer, NodePlace};
use measure::{Better, MetricId};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;
use verdict::Verdict;

use super::Error;
use super::csv::cell;
use super::junit::{properties, property, status};
use super::prometheus::{Families, add, flag, labels, text};
use crate::fleets::{JudgedFleet, node_word, standing_out};
use crate::text::clean;

/// A line of the table; the names of its fields are the header.
#[derive(Clone, Default, Serialize)]
struct Line {
    fleet: String,
    node: String,
    answer: &'static str,
    attempts: u32,
    cohort: String,
    run: String,
    kind: &'static str,
    criterion: String,
    metric: String,
    unit: &'static str,
    better: &'static str,
    required: &'static str,
    verdict: &'static str,
    documented: String,
    value: String,
    share_of_documented: Option<f64>,
    median_of_cohort: Option<f64>,
    off: Option<f64>,
    z: Option<f64>,
    among_siblings: &'static str,
    reason: String,
}

/// CSV: a line for each target and part of each node, and one for each other metric that was compared; a node without an
/// answer is a line with the reason.
pub fn fleet_csv(fleet: &JudgedFleet<'_>) -> Result<String, Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let judged = fleet.judgement;
    for (place, node) in judged.nodes.iter().enumerate() {
        let cohort = judged.states[place].cohort.map(|at| judged.cohorts[at].name.clone()).unwrap_or_default();
        let of_node = Line {
            fleet: cell(fleet.name),
            node: cell(&node.name),
            answer: node_word(node),
            attempts: node.attempts,
            cohort,
            ..Line::default()
        };
        for line in lines(fleet, place, &node.answer, &of_node) {
            table.serialize(line).map_err(|error| Error::Csv(error.to_string()))?;
        }
    }
    let bytes = table.into_inner().map_err(|error| Error::Csv(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Error::Csv(error.to_string()))
}

fn lines(fleet: &JudgedFleet<'_>, place: usize, answer: &NodeAnswer, of_node: &Line) -> Vec<Line> {
    let account = match answer {
        NodeAnswer::Judged(account) => account,
        NodeAnswer::Missing(why) => return vec![Line { kind: "answer", reason: cell(why), ..of_node.clone() }],
    };
    let run = account.runs.last().map(|run| cell(run)).unwrap_or_default();
    let of_run = Line { run, ..of_node.clone() };
    let targets = account.targets.iter().map(|one| {
        let metric = one.series.as_ref();
        let line = Line {
            kind: "target",
            criterion: cell(&one.id),
            metric: metric.map(|id| cell(&id.to_string())).unwrap_or_default(),
            required: flag(one.required),
            verdict: one.verdict.name(),
            documented: one.documented.value.to_string(),
            share_of_documented: one.share,
            reason: cell(&one.reason),
            ..of_run.clone()
        };
        let line = metric.and_then(|id| among_siblings(fleet, id, place, &line)).unwrap_or(line);
        let value = one.value.map(|value| value.value.to_string()).unwrap_or_default();
        Line { value, unit: one.documented.unit.symbol(), ..line }
    });
    let parts = account.parts.iter().map(|one| Line {
        kind: "part",
        criterion: cell(&one.id),
        required: flag(one.required),
        verdict: one.verdict.name(),
        documented: cell(&one.documented),
        value: cell(one.found.as_deref().unwrap_or_default()),
        reason: cell(&one.reason),
        ..of_run.clone()
    });
    let others = fleet.judgement.distributions.iter().filter(|one| one.targets.is_empty()).filter_map(|one| {
        let id = cell(&one.id.to_string());
        among_siblings(
            fleet,
            &one.id,
            place,
            &Line { kind: "metric", criterion: id.clone(), metric: id, ..of_run.clone() },
        )
    });
    targets.chain(parts).chain(others).collect()
}

/// The line with how a node's figure lies among those of its siblings, where it has one.
fn among_siblings(fleet: &JudgedFleet<'_>, id: &MetricId, place: usize, line: &Line) -> Option<Line> {
    let judged = fleet.judgement;
    let one = judged.distributions.iter().find(|one| one.id == *id)?;
    let at = one.places.binary_search_by_key(&place, |figure| figure.node).ok()?;
    let NodePlace { value, z, off, among, .. } = one.places[at];
    let spread = one.cohorts.iter().find(|spread| Some(spread.cohort) == judged.states[place].cohort);
    Some(Line {
        unit: one.metric.unit.symbol(),
        better: if one.metric.better == Better::Higher { "higher" } else { "lower" },
        value: value.to_string(),
        median_of_cohort: spread.map(|spread| spread.median),
        off: Some(off),
        z: z.filter(|z| z.is_finite()),
        among_siblings: among.name(),
        ..line.clone()
    })
}

/// Prometheus text: how many nodes came to what, the answer of each node, what it reaches of each target, and its z among its
/// siblings. A target that is not decided has NaN for "met", so that its series goes on.
#[must_use]
pub fn fleet_prometheus(fleet: &JudgedFleet<'_>) -> String {
    let judged = fleet.judgement;
    let mut families = Families::new();
    let counts = judged.counts();
    for (state, count) in [
        ("accepted", counts.accepted),
        ("rejected", counts.rejected),
        ("not-decided", counts.not_decided),
        ("no-answer", counts.no_answer),
    ] {
        let of = labels(&[("fleet", fleet.name), ("state", state)]);
        add(&mut families, "hostproof_fleet_nodes", "Nodes by their answer.", &of, count as f64);
    }
    for (place, node) in judged.nodes.iter().enumerate() {
        let name = [("fleet", fleet.name), ("node", node.name.as_str())];
        let word = node_word(node);
        for answer in ["ACCEPTED", "REJECTED", "NOT DECIDED", "NO-ANSWER"] {
            let of = labels(&[name[0], name[1], ("answer", answer)]);
            let help = "The answer of a node: 1 for the one that it has, 0 for the others.";
            add(&mut families, "hostproof_fleet_node_answer", help, &of, f64::from(u8::from(word == answer)));
        }
        let help = "Metrics in which a node is worse than its siblings.";
        let outliers = judged.states[place].outliers as f64;
        add(&mut families, "hostproof_fleet_node_outliers", help, &labels(&name), outliers);
        for one in node.account().into_iter().flat_map(|account| &account.targets) {
            let of = labels(&[name[0], name[1], ("target", &one.id), ("required", flag(one.required))]);
            let met = match one.verdict {
                Verdict::Pass => 1.0,
                Verdict::Fail => 0.0,
                _ => f64::NAN,
            };
            let help = "Whether a node meets a target: 1 it does, 0 it does not, NaN it is not decided.";
            add(&mut families, "hostproof_fleet_target_met", help, &of, met);
            if let Some(share) = one.share {
                let help = "How much of the documented value a node reaches; 1 is all of it and more is better.";
                add(&mut families, "hostproof_fleet_target_reached_ratio", help, &of, share);
            }
        }
    }
    for one in &judged.distributions {
        for figure in &one.places {
            let Some(z) = figure.z.filter(|z| z.is_finite()) else { continue };
            let node = &judged.nodes[figure.node].name;
            let of = labels(&[("fleet", fleet.name), ("node", node), ("metric", &one.id.to_string())]);
            let help = "Robust standard deviations by which a node is better than the median of its cohort.";
            add(&mut families, "hostproof_fleet_robust_z", help, &of, z);
        }
    }
    families.iter().map(text).collect()
}

/// `JUnit`: a suite for each node, with its targets and parts as cases; a node without an answer is an error.
pub fn fleet_junit(fleet: &JudgedFleet<'_>) -> Result<String, Error> {
    let judged = fleet.judgement;
    let mut report = Report::new("hostproof");
    for (place, node) in judged.nodes.iter().enumerate() {
        let mut suite = TestSuite::new(clean(&node.name));
        suite.add_property(property("fleet", fleet.name));
        suite.add_property(property("system", &fleet.system.id));
        suite.add_property(property("answer", node_word(node)));
        suite.add_property(property("attempts", &node.attempts.to_string()));
        for said in standing_out(judged, place) {
            suite.add_property(property("stands out", &said));
        }
        match &node.answer {
            NodeAnswer::Missing(why) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                status.set_message(clean(why)).set_type("NO-ANSWER");
                suite.add_test_case(case("answer", "hostproof.fleet", status));
            }
            NodeAnswer::Judged(account) => {
                suite.add_property(property("runs", &account.runs.join(" ")));
                suite.add_test_cases(cases(account));
            }
        }
        report.add_test_suite(suite);
    }
    Ok(report.to_string()?)
}

fn case(name: &str, class: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(clean(name), status);
    case.set_classname(class);
    // How long a node measured is in its own record.
    case.set_time(Duration::ZERO);
    case
}

fn cases(account: &Account) -> Vec<TestCase> {
    let targets = account.targets.iter().map(|one| {
        let mut case = case(&one.id, "hostproof.target", status(one.verdict, one.required, &one.reason));
        case.add_properties(properties([
            ("metric", one.series.as_ref().map(ToString::to_string)),
            ("unit", Some(one.documented.unit.symbol().to_owned())),
            ("documented", Some(one.documented.value.to_string())),
            ("measured", one.value.map(|value| value.value.to_string())),
            ("share_of_documented", one.share.map(|share| share.to_string())),
            ("verdict", Some(one.verdict.name().to_owned())),
        ]));
        case
    });
    let parts = account.parts.iter().map(|one| {
        let mut case = case(&one.id, "hostproof.part", status(one.verdict, one.required, &one.reason));
        case.add_properties(properties([
            ("documented", Some(one.documented.clone())),
            ("found", one.found.clone()),
            ("verdict", Some(one.verdict.name().to_owned())),
        ]));
        case
    });
    targets.chain(parts).collect()
}
