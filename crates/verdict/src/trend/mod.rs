//! The history of a host by boot: steps at known changes first, then unknown ones, then slow drift; and its noise.

mod cusum;
mod energy;
mod noise;
mod scan;
mod sealing;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use measure::{Change, Metric, MetricId};

use crate::compare::{Boots, Head, MetricChange, Order, Runs, Sides, Tolerances, Wanted, rows, same_kind};
use crate::stats::Margin;

pub use noise::{Noise, PLANNED_BOOTS, family, noise};
pub use scan::{Drift, LEAST_SCANNED, Step};

/// The newest boots that are searched for unknown changes: the work grows with their square.
const SCANNED: usize = 200;

/// A host's history.
#[derive(Clone, Debug, PartialEq)]
pub struct Trend {
    /// Name of the host.
    pub host: String,
    /// All boots, the oldest first.
    pub boots: Vec<Point>,
    /// Where the fingerprint changed, each with the test of every critical metric before and after.
    pub known: Vec<Known>,
    /// Every critical metric's course.
    pub courses: Vec<Course>,
    /// The newest boots against the baseline, where one was set; a row for each critical metric.
    pub against_baseline: Option<Vec<MetricChange>>,
    /// What else a reader should know.
    pub remarks: Vec<String>,
}

/// A boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// When its first run started.
    pub started: String,
    /// Ids of its runs.
    pub runs: Vec<String>,
}

/// A change of the fingerprint.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Index of the first boot after it.
    pub at: usize,
    /// What changed.
    pub changes: Vec<Change>,
    /// A row for each critical metric: the boots up to the change before against those up to the next.
    pub rows: Vec<MetricChange>,
}

/// The course of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// Which series.
    pub id: MetricId,
    /// What it measures.
    pub metric: Metric,
    /// δ.
    pub margin: Margin,
    /// y of every boot, `None` where it has none.
    pub gains: Vec<Option<f64>>,
    /// Steps that nothing in the fingerprint explains.
    pub unknown: Vec<Step>,
    /// Slow drifts.
    pub drifts: Vec<Drift>,
}

/// The history of the host of the newest run. `baseline` are the ids of the runs that were set as such, and `sealed` those of
/// all sealed runs in the order of sealing.
#[must_use]
pub fn trend(runs: Runs, tolerances: &Tolerances, baseline: Option<&[String]>, sealed: &[String]) -> Option<Trend> {
    let (all, mut remarks) = of_newest(runs, sealed)?;
    let borders = borders(&all);
    let (courses, blind) = courses(&all, &borders, tolerances);
    let against_baseline = baseline.map(|ids| {
        let first = newest_stretch(&borders, &courses);
        against(&all, ids, first, tolerances, &mut remarks)
    });
    if baseline.is_none() {
        remarks
            .push("no baseline is set, so that nothing says which boots are good: `baseline set` sets one".to_owned());
    }
    remarks.extend(unsearched(all.len(), blind));
    Some(Trend {
        host: all.first(0).host.clone(),
        boots: (0..all.len()).map(|boot| point(&all, boot)).collect(),
        known: known(&all, &borders, tolerances),
        courses,
        against_baseline,
        remarks,
    })
}

/// The boots of the newest run's kind, in an order that is sure, and what is to be said of the runs that are left out;
/// `None` without a run.
fn of_newest(runs: Runs, sealed: &[String]) -> Option<(Boots, Vec<String>)> {
    let astray = sealing::astray(&runs, sealed);
    let in_order = |run: &Head| run.boot_id.as_ref().is_none_or(|boot| !astray.boots.contains(boot));
    let newest = runs.heads().iter().rfind(|run| in_order(run) && run.foreign.is_none())?.clone();
    let mut remarks: Vec<String> = astray.remark.iter().cloned().collect();
    let other = runs.heads().iter().filter(|run| in_order(run) && !same_kind(&newest, run)).count();
    if other > 0 {
        remarks.push(format!(
            "{other} runs of another machine, build, suite or profile than the newest run, or with a metric in another unit, \
             are left out"
        ));
    }
    Some((Boots::of(runs, |run| in_order(run) && same_kind(&newest, run)), remarks))
}

/// What of the boots was not searched for unknown changes. `blind` is the largest number of too short stretches of a metric.
fn unsearched(boots: usize, blind: usize) -> Vec<String> {
    let mut remarks = Vec::new();
    if boots < LEAST_SCANNED {
        remarks.push(format!("{boots} boots are too few to search for unknown changes: {LEAST_SCANNED} are the least"));
    }
    if boots > SCANNED {
        remarks.push(format!("the newest {SCANNED} of {boots} boots are searched for unknown changes"));
    }
    if blind > 0 {
        remarks.push(format!(
            "{blind} stretches between changes are too short for an unknown step to show at the level that is left for them \
             among all metrics"
        ));
    }
    remarks
}

fn point(boots: &Boots, boot: usize) -> Point {
    Point { started: boots.first(boot).started.clone(), runs: boots.runs(boot).map(|run| run.id.clone()).collect() }
}

/// The indices of boots whose configuration is not that of the boot before.
fn borders(boots: &Boots) -> Vec<usize> {
    let config = |index: usize| &boots.first(index).fingerprint.config;
    (1..boots.len()).filter(|index| config(*index) != config(index - 1)).collect()
}

fn known(boots: &Boots, borders: &[usize], tolerances: &Tolerances) -> Vec<Known> {
    let one = |(index, at): (usize, &usize)| {
        // From the border before to the one after.
        let from = index.checked_sub(1).map_or(0, |before| borders[before]);
        let to = borders.get(index + 1).copied().unwrap_or(boots.len());
        // All other boots tell how noisy the host is.
        let history = boots.slice((0..from).chain(to..boots.len())).by_configuration();
        let sides = Sides { before: boots.slice(from..*at), after: boots.slice(*at..to), history };
        let rows = rows(&sides, tolerances, Order::Separate, Wanted::Critical);
        let changes = boots.first(*at).fingerprint.changes_since(&boots.first(at - 1).fingerprint);
        Known { at: *at, changes, rows }
    };
    borders.iter().enumerate().map(one).collect()
}

/// The course of every critical metric, and the largest number of stretches that were too short to search well.
fn courses(boots: &Boots, borders: &[usize], tolerances: &Tolerances) -> (Vec<Course>, usize) {
    let critical: Vec<_> = boots.columns().filter(|(id, _)| tolerances.critical(id)).collect();
    let family = critical.len();
    let mut blind = 0;
    let mut course = |id: &MetricId, metric: &Metric| {
        let gains = boots.all().gains(id);
        let found = scan::scan(&gains, borders, boots.len().saturating_sub(SCANNED), family);
        blind = blind.max(found.blind);
        let margin = tolerances.margin(id);
        Course { id: id.clone(), metric: metric.clone(), margin, gains, unknown: found.steps, drifts: found.drifts }
    };
    let courses = critical.into_iter().map(|(id, values)| course(id, &values.metric)).collect();
    (courses, blind)
}

/// The first boot since the last change, known or found.
fn newest_stretch(borders: &[usize], courses: &[Course]) -> usize {
    let found = courses.iter().flat_map(|course| course.unknown.iter().map(|step| step.at));
    borders.iter().copied().chain(found).max().unwrap_or(0)
}

/// The boots from `first` on against those of the baseline.
fn against(
    all: &Boots,
    baseline: &[String],
    first: usize,
    tolerances: &Tolerances,
    remarks: &mut Vec<String>,
) -> Vec<MetricChange> {
    let baseline: BTreeSet<&String> = baseline.iter().collect();
    let of_baseline = |boot: &usize| all.runs(*boot).any(|run| baseline.contains(&run.id));
    let before = all.slice((0..all.len()).filter(of_baseline));
    let after = all.slice((first..all.len()).filter(|boot| !of_baseline(boot)));
    if before.is_empty() {
        remarks.push("no run of the baseline is among these runs: set it again".to_owned());
        return Vec::new();
    }
    if after.is_empty() {
        remarks.push("there is no boot since the last change that is not of the baseline itself".to_owned());
        return Vec::new();
    }
    rows(&Sides { before, after, history: Vec::new() }, tolerances, Order::Separate, Wanted::Critical)
}
