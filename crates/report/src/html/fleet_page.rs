//! A fleet as one page: nodes × criteria first, then what each criterion points at, distributions, cohorts, and each node.

use fleet::{Among, FleetJudgement, FleetNode, PartAnswer, PointsAt};
use serde::Serialize;
use verdict::Verdict;

use super::Error;
use super::charts::{self, Chart};
use super::parts::{class_of, class_of_acceptance, glyph};
use crate::fleets::{self, JudgedFleet, node_word, standing_out, targets};
use crate::text::share;

/// Nodes that have a place of their own on the page, the worst first.
const VIEWED: usize = 400;
/// Nodes that have a row; of more the page says how many there are.
const ROWS: usize = 2000;

#[derive(Debug, Serialize)]
pub(super) struct FleetPage {
    name: String,
    system: String,
    answer: String,
    word: &'static str,
    class: &'static str,
    level: String,
    targets: Vec<String>,
    rows: Vec<NodeRow>,
    more: usize,
    cohorts: Vec<CohortView>,
    differences: Vec<String>,
    criteria: Vec<CriterionView>,
    charts: Vec<Chart>,
    nodes: Vec<NodeView>,
    without_view: usize,
}

#[derive(Debug, Serialize)]
struct NodeRow {
    name: String,
    anchor: Option<String>,
    word: &'static str,
    class: &'static str,
    cohort: String,
    attempts: u32,
    cells: Vec<HeatCell>,
}

/// A cell of the heat map; all empty where there is no such target.
#[derive(Debug, Default, Serialize)]
struct HeatCell {
    glyph: &'static str,
    share: String,
    /// How far from what was promised, in steps of colour: `h0` to `h5`.
    heat: &'static str,
    verdict: &'static str,
    outlier: bool,
}

#[derive(Debug, Serialize)]
struct CohortView {
    name: String,
    size: usize,
    facts: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct CriterionView {
    id: String,
    title: String,
    required: bool,
    documented: String,
    met: usize,
    missed: usize,
    open: usize,
    points: &'static str,
    class: &'static str,
    sentence: String,
}

#[derive(Debug, Serialize)]
struct NodeView {
    name: String,
    anchor: String,
    word: &'static str,
    class: &'static str,
    runs: String,
    said: Vec<String>,
    targets: Vec<TargetRow>,
    parts: Vec<PartRow>,
    /// How many other parts are demanded.
    as_documented: usize,
    remarks: Vec<String>,
}

#[derive(Debug, Serialize)]
struct TargetRow {
    id: String,
    documented: String,
    value: String,
    share: String,
    verdict: &'static str,
    class: &'static str,
    reason: String,
}

#[derive(Debug, Serialize)]
struct PartRow {
    id: String,
    documented: String,
    found: String,
    verdict: &'static str,
    class: &'static str,
}

impl FleetPage {
    pub(super) fn of(fleet: &JudgedFleet<'_>) -> Result<FleetPage, Error> {
        let judged = fleet.judgement;
        let columns = targets(judged);
        let acceptance = judged.acceptance();
        let rows = judged.nodes.len().min(ROWS);
        let viewed = judged.nodes.len().min(VIEWED);
        Ok(FleetPage {
            name: fleet.name.to_owned(),
            system: fleet.system.id.clone(),
            // The word stands above it.
            answer: fleets::brief(judged).split_once(": ").map_or_else(String::new, |(_, rest)| rest.to_owned()),
            word: crate::gate::word(acceptance),
            class: class_of_acceptance(acceptance),
            level: fleets::level(judged),
            rows: (0..rows).map(|place| row(judged, &columns, place, viewed)).collect(),
            targets: columns.iter().map(|one| one.id.clone()).collect(),
            more: judged.nodes.len() - rows,
            cohorts: judged.cohorts.iter().map(cohort).collect(),
            differences: judged.differences.iter().map(|one| one.sentence(&judged.nodes)).collect(),
            criteria: criteria(judged),
            charts: charts::siblings(judged)?,
            nodes: (0..viewed).map(|place| node(judged, place)).collect(),
            without_view: judged.nodes.len() - viewed,
        })
    }
}

fn class_of_node(node: &FleetNode) -> &'static str {
    node.account().map_or("doubt", |account| class_of_acceptance(account.acceptance))
}

fn anchor(place: usize) -> String {
    format!("node-{}", place + 1)
}

fn row(judged: &FleetJudgement, columns: &[&fleet::FleetCriterion], place: usize, viewed: usize) -> NodeRow {
    let node = &judged.nodes[place];
    let outliers: Vec<&str> = judged
        .odd_figures(place)
        .filter(|(_, figure)| figure.among == Among::Outlier)
        .flat_map(|(one, _)| one.targets.iter().map(String::as_str))
        .collect();
    let cell = |column: &&fleet::FleetCriterion| {
        let found = node.account().and_then(|account| account.targets.iter().find(|one| one.id == column.id));
        found.map_or_else(HeatCell::default, |one| HeatCell {
            glyph: glyph(one.verdict),
            share: one.share.map(share).unwrap_or_default(),
            heat: one.share.map_or("", heat),
            verdict: one.verdict.name(),
            outlier: outliers.contains(&one.id.as_str()),
        })
    };
    NodeRow {
        name: node.name.clone(),
        anchor: (place < viewed).then(|| anchor(place)),
        word: node_word(node),
        class: class_of_node(node),
        cohort: judged.states[place].cohort.map(|at| judged.cohorts[at].name.clone()).unwrap_or_default(),
        attempts: node.attempts,
        cells: columns.iter().map(cell).collect(),
    }
}

/// From what is far below the promise to what is above it: orange to blue, which all eyes tell apart.
fn heat(share: f64) -> &'static str {
    match share {
        ..0.8 => "h0",
        ..0.9 => "h1",
        ..0.97 => "h2",
        ..1.03 => "h3",
        ..1.15 => "h4",
        _ => "h5",
    }
}

fn cohort(one: &fleet::Cohort) -> CohortView {
    let facts = one.facts.iter().map(|(fact, value)| ((*fact).to_owned(), value.clone())).collect();
    CohortView { name: one.name.clone(), size: one.nodes.len(), facts }
}

fn criteria(judged: &FleetJudgement) -> Vec<CriterionView> {
    let mut all: Vec<&fleet::FleetCriterion> = judged.criteria.iter().collect();
    all.sort_by_key(|one| (!one.required, one.points));
    let view = |one: &fleet::FleetCriterion| CriterionView {
        id: one.id.clone(),
        title: one.title.clone(),
        required: one.required,
        documented: one.documented.clone(),
        met: one.passed,
        missed: one.failed.len(),
        open: one.open.len(),
        points: one.points.name(),
        class: match one.points {
            PointsAt::Nothing => "good",
            PointsAt::Open => "doubt",
            _ if one.failed.is_empty() => "faint",
            _ => "bad",
        },
        sentence: one.sentence.clone(),
    };
    all.into_iter().map(view).collect()
}

fn node(judged: &FleetJudgement, place: usize) -> NodeView {
    let node = &judged.nodes[place];
    let account = node.account();
    let targets = account.into_iter().flat_map(|account| &account.targets).map(|one| TargetRow {
        id: one.id.clone(),
        documented: one.documented.to_string(),
        value: one.value.map(|value| value.to_string()).unwrap_or_default(),
        share: one.share.map(share).unwrap_or_default(),
        verdict: one.verdict.name(),
        class: class_of(one.verdict),
        // Of what is met the figures say enough.
        reason: if one.verdict == Verdict::Pass { String::new() } else { one.reason.clone() },
    });
    // Of hundreds of nodes the same parts are as documented: their number says enough.
    let is_met = |one: &&PartAnswer| one.required && one.verdict == Verdict::Pass;
    let (met, others): (Vec<&PartAnswer>, Vec<_>) =
        account.into_iter().flat_map(|account| &account.parts).partition(is_met);
    let parts = others.into_iter().map(|one| PartRow {
        id: one.id.clone(),
        documented: one.documented.clone(),
        found: one.found.clone().unwrap_or_default(),
        verdict: one.verdict.name(),
        class: class_of(one.verdict),
    });
    NodeView {
        name: node.name.clone(),
        anchor: anchor(place),
        word: node_word(node),
        class: class_of_node(node),
        runs: account.map(|account| account.runs.join(", ")).unwrap_or_default(),
        said: standing_out(judged, place),
        targets: targets.collect(),
        parts: parts.collect(),
        as_documented: met.len(),
        remarks: account.map(|account| account.remarks.clone()).unwrap_or_default(),
    }
}
