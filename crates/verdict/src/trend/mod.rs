//! The history of a host by boot: steps at known changes first, then unknown ones, then slow drift; and its noise.

mod cusum;
mod energy;
mod noise;
mod scan;
#[cfg(test)]
mod tests;

use measure::{Change, Digest, Metric, MetricId};

use crate::compare::{
    BootRuns, Boots, MetricChange, Order, Tolerances, boots, by_configuration, metrics, rows, same_kind,
};
use crate::stats::Margin;

pub use noise::{Noise, PLANNED_BOOTS, noise};
pub use scan::{Drift, LEAST_SCANNED, Step};

/// Boots on each side of a known change that its test looks at: enough for any claim, and near enough to be of it.
const NEAR: usize = 100;

/// The newest boots that are searched for unknown changes, and that a baseline is compared with.
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

/// The history of the host of the newest run. `baseline` are the ids of the runs that were set as such.
#[must_use]
pub fn trend(runs: &[&Digest], tolerances: &Tolerances, baseline: Option<&[String]>) -> Option<Trend> {
    let newest = runs.iter().max_by(|a, b| (&a.started, &a.id).cmp(&(&b.started, &b.id)))?;
    let alike: Vec<&Digest> = runs.iter().filter(|run| same_kind(newest, run)).copied().collect();
    let all = boots(&alike);
    let borders = borders(&all);
    let courses = courses(&all, &borders, tolerances);
    let mut remarks = Vec::new();
    if alike.len() < runs.len() {
        remarks.push(format!(
            "{} runs of another machine, build, suite or profile than the newest run are left out",
            runs.len() - alike.len()
        ));
    }
    let against_baseline = baseline.map(|ids| {
        let last = all.len() - newest_segment(&all, &borders, &courses);
        against(&all, ids, &all[last..], tolerances, &mut remarks)
    });
    if baseline.is_none() {
        remarks
            .push("no baseline is set, so that nothing says which boots are good: `baseline set` sets one".to_owned());
    }
    if all.len() < LEAST_SCANNED {
        remarks.push(format!(
            "{} boots are too few to search for unknown changes: {LEAST_SCANNED} are the least",
            all.len()
        ));
    }
    Some(Trend {
        host: newest.host.clone(),
        boots: all.iter().map(point).collect(),
        known: known(&all, &borders, tolerances),
        courses,
        against_baseline,
        remarks,
    })
}

fn point(boot: &BootRuns<'_>) -> Point {
    Point { started: boot.first().started.clone(), runs: boot.runs.iter().map(|run| run.id.clone()).collect() }
}

/// The indices of boots whose configuration is not that of the boot before.
fn borders(boots: &[BootRuns<'_>]) -> Vec<usize> {
    let config = |index: usize| &boots[index].first().fingerprint.config;
    (1..boots.len()).filter(|index| config(*index) != config(index - 1)).collect()
}

/// The ends of the segment around a border: from the border before to the one after, and not farther than [`NEAR`].
fn around(borders: &[usize], index: usize, boots: usize) -> (usize, usize) {
    let at = borders[index];
    let from = index.checked_sub(1).map_or(0, |before| borders[before]);
    let to = borders.get(index + 1).copied().unwrap_or(boots);
    (from.max(at.saturating_sub(NEAR)), to.min(at + NEAR))
}

fn known(boots: &[BootRuns<'_>], borders: &[usize], tolerances: &Tolerances) -> Vec<Known> {
    let one = |(index, at): (usize, &usize)| {
        let (from, to) = around(borders, index, boots.len());
        let (before, after) = (&boots[from..*at], &boots[*at..to]);
        // The rest of the history, as far as it is near, tells how noisy the host is.
        let near = &boots[from.saturating_sub(NEAR)..from];
        let history = by_configuration(near);
        let mut rows = rows(&Boots { before, after, history: &history }, tolerances, Order::Separate);
        rows.retain(|row| row.critical);
        rows.sort_by(|a, b| (a.finding, &a.id).cmp(&(b.finding, &b.id)));
        let changes = after[0].first().fingerprint.changes_since(&before[before.len() - 1].first().fingerprint);
        Known { at: *at, changes, rows }
    };
    borders.iter().enumerate().map(one).collect()
}

fn courses(boots: &[BootRuns<'_>], borders: &[usize], tolerances: &Tolerances) -> Vec<Course> {
    let all = metrics(boots.iter().flat_map(|boot| boot.runs.iter().copied()));
    let critical: Vec<(&MetricId, &Metric)> = all.into_iter().filter(|(id, _)| tolerances.critical(id)).collect();
    let family = critical.len();
    let course = |(id, metric): (&MetricId, &Metric)| {
        let gains: Vec<Option<f64>> = boots.iter().map(|boot| boot.value(id, metric.better)).collect();
        let margin = tolerances.margin(id);
        let (unknown, drifts) = scan::scan(&gains, borders, boots.len().saturating_sub(SCANNED), family);
        Course { id: id.clone(), metric: metric.clone(), margin, gains, unknown, drifts }
    };
    critical.into_iter().map(course).collect()
}

/// How many boots there are since the last change, known or found.
fn newest_segment(boots: &[BootRuns<'_>], borders: &[usize], courses: &[Course]) -> usize {
    let found = courses.iter().flat_map(|course| course.unknown.iter().map(|step| step.at));
    let last = borders.iter().copied().chain(found).max().unwrap_or(0);
    (boots.len() - last).min(SCANNED)
}

/// The newest boots against those of the baseline.
fn against(
    all: &[BootRuns<'_>],
    baseline: &[String],
    newest: &[BootRuns<'_>],
    tolerances: &Tolerances,
    remarks: &mut Vec<String>,
) -> Vec<MetricChange> {
    let of_baseline = |boot: &BootRuns<'_>| boot.runs.iter().any(|run| baseline.contains(&run.id));
    let before: Vec<BootRuns<'_>> = all.iter().filter(|boot| of_baseline(boot)).cloned().collect();
    let after: Vec<BootRuns<'_>> = newest.iter().filter(|boot| !of_baseline(boot)).cloned().collect();
    if before.is_empty() {
        remarks.push("no run of the baseline is among these runs: set it again".to_owned());
        return Vec::new();
    }
    if after.is_empty() {
        remarks.push("there is no boot since the last change that is not of the baseline itself".to_owned());
        return Vec::new();
    }
    let mut rows = rows(&Boots { before: &before, after: &after, history: &[] }, tolerances, Order::Separate);
    rows.retain(|row| row.critical);
    rows.sort_by(|a, b| (a.finding, &a.id).cmp(&(b.finding, &b.id)));
    rows
}
