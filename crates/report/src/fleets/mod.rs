//! A judged fleet for a terminal and for machines: nodes × criteria with the worst first, cohorts, what each criterion points
//! at, and the answer as the last line.

mod change;
mod json;
#[cfg(test)]
pub(crate) mod tests;
mod words;

use fleet::{Among, Distribution, FleetCriterion, FleetJudgement, PointsAt};
use spec::System;

pub use change::change;
pub use json::{change_json, judgement_json};
pub(crate) use words::{level, node_word, paint_of_node, standing_out, targets};

use crate::Look;
use crate::compare::signed;
use crate::terminal::grid::{Cell, Give, Grid, Paint};
use crate::text::{quantity, share, wrap};

/// A fleet with the document that it was judged by.
#[derive(Clone, Copy, Debug)]
pub struct JudgedFleet<'a> {
    /// What it is called.
    pub name: &'a str,
    /// The documented system.
    pub system: &'a System,
    /// What was judged.
    pub judgement: &'a FleetJudgement,
}

/// How much of a fleet is shown, and how a command finds it again.
#[derive(Clone, Copy, Debug, Default)]
pub struct FleetExtent<'a> {
    /// Every node, every criterion and every metric.
    pub all: bool,
    /// What the commands that come next need to find the same: ` F-1 --out 'a folder'`, or nothing.
    pub again: &'a str,
    /// The same for a command on one run.
    pub store: &'a str,
}

/// Nodes that a table shows; the others are counted.
const SHOWN: usize = 30;

/// A judged fleet.
#[must_use]
pub fn judgement(fleet: &JudgedFleet<'_>, extent: FleetExtent<'_>, look: Look) -> String {
    let judged = fleet.judgement;
    let mut text = wrap(&format!("{} · {}", fleet.system.id, fleet.system.name), 0, look);
    text += &wrap(&format!("{}: {}", fleet.name, words::counts(judged)), 0, look);
    text += "\n";
    text += &nodes(judged, extent.all, look);
    text += &heading("Cohorts: the same machine, set up and measured alike", &cohorts(judged, look), look);
    text += &heading("What each criterion points at", &criteria(judged, extent.all, look), look);
    text += &heading("Against siblings", &siblings(judged, extent.all, look), look);
    text += &heading("Next", &next(judged, extent, look), look);
    text + "\n" + &wrap(&words::answer(judged), 0, look)
}

/// The answer alone.
#[must_use]
pub fn brief(judged: &FleetJudgement) -> String {
    words::answer(judged)
}

fn heading(title: &str, body: &str, look: Look) -> String {
    if body.is_empty() { String::new() } else { format!("\n{}{body}", wrap(title, 0, look)) }
}

/// A line for each node that is not simply accepted, and why.
fn nodes(judged: &FleetJudgement, all: bool, look: Look) -> String {
    let targets = targets(judged);
    let is_shown = |&place: &usize| all || words::is_remarkable(judged, place);
    let shown: Vec<usize> = (0..judged.nodes.len()).filter(is_shown).collect();
    let listed = if all { &shown[..] } else { &shown[..shown.len().min(SHOWN)] };
    let mut grid = Grid::new(&["Node", "Answer", "Cohort", "Parts", "Criteria"], &[]);
    for &place in listed {
        let node = &judged.nodes[place];
        let cohort = judged.states[place].cohort.map(|at| judged.cohorts[at].name.clone()).unwrap_or_default();
        grid.row([
            Cell::from(&node.name),
            Cell::painted(node_word(node), paint_of_node(node)),
            cohort.into(),
            words::parts(node).into(),
            words::letters(node, &targets).into(),
        ]);
    }
    let mut text = grid.lines_or_list(&[Give::Column(3), Give::Column(2)], look);
    let said = |count: usize, what: &str| wrap(&format!("{count} {what}"), 0, look);
    if shown.len() > listed.len() {
        text += &said(shown.len() - listed.len(), "more that are not simply accepted (--all shows each)");
    }
    let rest: Vec<usize> = (0..judged.nodes.len()).filter(|place| !shown.contains(place)).collect();
    if !rest.is_empty() {
        let names = words::names(judged, &rest);
        text += &said(rest.len(), &format!("accepted and like their siblings: {names}"));
    }
    if !listed.is_empty() && !targets.is_empty() {
        let key: Vec<&str> = targets.iter().map(|one| one.id.as_str()).collect();
        text += &wrap(&format!("Criteria in this order: {}.", key.join(", ")), 0, look);
        text += &wrap(words::KEY, 0, look);
    }
    text + &heading("Nodes to look at, the worst first", &reasons(judged, listed, look), look)
}

/// What stands out on each node; nodes of which the same is said are one line.
fn reasons(judged: &FleetJudgement, listed: &[usize], look: Look) -> String {
    const MOST: usize = 4;
    let mut said: Vec<(String, Vec<usize>)> = Vec::new();
    for &place in listed {
        let mut all = standing_out(judged, place);
        let more = all.len().saturating_sub(MOST);
        all.truncate(MOST);
        if more > 0 {
            all.push(format!("and {more} more"));
        }
        let text = all.join("; ");
        match said.iter_mut().find(|(known, _)| *known == text) {
            _ if text.is_empty() => {}
            Some((_, places)) => places.push(place),
            None => said.push((text, vec![place])),
        }
    }
    said.iter().map(|(text, places)| wrap(&format!("{}: {text}", words::names(judged, places)), 2, look)).collect()
}

fn cohorts(judged: &FleetJudgement, look: Look) -> String {
    let Some((largest, _)) = judged.cohorts.split_first() else { return String::new() };
    let sizes: Vec<String> =
        judged.cohorts.iter().map(|cohort| format!("{} {}", cohort.name, cohort.nodes.len())).collect();
    let mut text = wrap(&format!("nodes of each: {}", sizes.join(", ")), 2, look);
    let facts: Vec<String> = largest.facts.iter().map(|(fact, value)| format!("{fact} {value}")).collect();
    text += &wrap(&format!("A is {}", facts.join("; ")), 2, look);
    for one in &judged.differences {
        text += &wrap(&one.sentence(&judged.nodes), 2, look);
    }
    text
}

/// A sentence for each criterion that somebody misses or that is open; the others together.
fn criteria(judged: &FleetJudgement, all: bool, look: Look) -> String {
    let is_told =
        |one: &&FleetCriterion| all || one.points != PointsAt::Nothing && (one.required || one.points < PointsAt::Open);
    let (mut told, rest): (Vec<&FleetCriterion>, Vec<&FleetCriterion>) = judged.criteria.iter().partition(is_told);
    told.sort_by_key(|one| (!one.required, one.points));
    // Many parts that all nodes have otherwise are one sentence.
    let mut said: Vec<(&FleetCriterion, Vec<&str>)> = Vec::new();
    for one in told {
        let is_same = |known: &&mut (&FleetCriterion, Vec<&str>)| {
            known.0.required == one.required && known.0.sentence == one.sentence
        };
        match said.iter_mut().find(is_same) {
            Some((_, ids)) => ids.push(&one.id),
            None => said.push((one, vec![&one.id])),
        }
    }
    let mut text = String::new();
    for (one, ids) in said {
        let optional = if one.required { "" } else { " (optional)" };
        text += &wrap(&format!("{}{optional}: {}", ids.join(", "), one.sentence), 2, look);
    }
    let met = rest.iter().filter(|one| one.points == PointsAt::Nothing).count();
    if met > 0 {
        text += &wrap(&format!("{met} others: all nodes meet them"), 2, look);
    }
    text
}

/// A line for each metric in each cohort that is compared; without `all` of those in which somebody is off, and of targets.
fn siblings(judged: &FleetJudgement, all: bool, look: Look) -> String {
    let mut grid = Grid::new(
        &["Metric", "Cohort", "Nodes", "Median", "Spread", "Limit", "Named from", "Outliers"],
        &[2, 3, 4, 5, 6],
    );
    let is_odd =
        |one: &Distribution| one.places.iter().any(|place| !matches!(place.among, Among::Alike | Among::TooFew));
    let mut few: Vec<&str> = Vec::new();
    for one in judged.distributions.iter().filter(|one| all || is_odd(one) || !one.targets.is_empty()) {
        for spread in &one.cohorts {
            let name = judged.cohorts[spread.cohort].name.as_str();
            let (Some(limit), Some(detectable)) = (spread.limit, spread.detectable) else {
                few.extend(Some(name).filter(|name| !few.contains(name)));
                continue;
            };
            let cohort = &judged.cohorts[spread.cohort].nodes;
            let outliers: Vec<usize> = one
                .nodes(Among::Outlier)
                .map(|place| place.node)
                .filter(|at| cohort.binary_search(at).is_ok())
                .collect();
            grid.row([
                Cell::from(one.id.to_string()),
                name.into(),
                spread.nodes.to_string().into(),
                quantity(spread.median, one.metric.unit).into(),
                share(spread.deviation).into(),
                format!("{limit:.1}").into(),
                format!("{} worse", share(detectable)).into(),
                Cell::painted(&words::names(judged, &outliers), Paint::Bad),
            ]);
        }
    }
    let mut text = String::new();
    if !grid.is_empty() {
        text += &grid.lines_or_list(&[Give::Ends(7, 10), Give::Column(5), Give::Column(4)], look);
        text += &wrap(&words::level(judged), 0, look);
    }
    if !few.is_empty() {
        let say = format!(
            "{} {}: too few nodes to compare (fewer than {})",
            plural(few.len(), "cohort"),
            few.join(", "),
            fleet::FEWEST
        );
        text += &wrap(&say, 0, look);
    }
    text + &off(judged, look)
}

/// Who is off without being blamed.
fn off(judged: &FleetJudgement, look: Look) -> String {
    let mut text = String::new();
    for one in &judged.distributions {
        for place in one.places.iter().filter(|place| matches!(place.among, Among::Unusual | Among::OwnNoise)) {
            let name = &judged.nodes[place.node].name;
            text += &wrap(
                &format!(
                    "{name}: {} is {} off the median of its cohort: {}",
                    one.id,
                    signed(place.off),
                    words::off(place.among)
                ),
                0,
                look,
            );
        }
    }
    text
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

fn next(judged: &FleetJudgement, extent: FleetExtent<'_>, look: Look) -> String {
    let again = extent.again;
    let mut next: Vec<String> = Vec::new();
    let worst = judged.nodes.first().and_then(fleet::FleetNode::account).and_then(|account| account.runs.last());
    if let Some(run) = worst {
        next.push(format!("the worst node by itself: hostproof judge {run}{}", extent.store));
    }
    if judged.counts().no_answer > 0 {
        next.push("a node without an answer is measured again by the launcher, or its record is brought: hostproof store import FILE".to_owned());
    }
    next.push(format!("a page of all nodes: hostproof fleet report{again} --html fleet.html"));
    next.iter().map(|line| wrap(line, 2, look)).collect()
}
