//! Runs before and runs after: what each series was on either side, and what of the fingerprint differs.

use std::collections::{BTreeSet, HashMap};

use measure::{Better, Change, Facts, Fingerprint, MetricId, Run, Summary, Unit};
use serde::Serialize;
use verdict::compare::{ChangeFinding, Comparison};
use verdict::stats::ConfidenceInterval;

use crate::series::{self, RunSeries};

/// Two sides, beside each other.
#[derive(Clone, Debug)]
pub struct BeforeAfter {
    /// Ids of the runs before, oldest first.
    pub before: Vec<String>,
    /// The same after.
    pub after: Vec<String>,
    /// A line for each series that a side has, in the order of measuring; what decides stands first.
    pub lines: Vec<ChangeLine>,
    /// What the newest run after has otherwise in its fingerprint than the newest before.
    pub fingerprint: Vec<Change>,
    /// The facts of the host that are not the same.
    pub facts: Vec<FactChange>,
    /// What the comparison of boots adds up to, or why there is none.
    pub overall: Result<&'static str, String>,
    /// What else a reader should know.
    pub remarks: Vec<String>,
}

/// A series on both sides.
#[derive(Clone, Debug)]
pub struct ChangeLine {
    /// Which series.
    pub id: MetricId,
    /// Its unit.
    pub unit: Unit,
    /// Which direction is better.
    pub better: Better,
    /// Whether it decides, or is for information.
    pub critical: bool,
    /// Before.
    pub before: Option<Figure>,
    /// After.
    pub after: Option<Figure>,
    /// Repetitions that failed, of how many, before and after; where the boots were compared.
    pub failed: Option<[(u32, u32); 2]>,
    /// How much more (+) or less (−) it is, as a share, better or not.
    pub change: Option<f64>,
    /// The 95 % interval of the change, where there are boots enough for one.
    pub interval: Option<ConfidenceInterval>,
    /// The verdict on the boots, where they were compared.
    pub decision: Option<Decision>,
}

/// What the boots say of a series, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The verdict.
    pub finding: ChangeFinding,
    /// Why.
    pub reason: String,
}

/// A fact of the host that is not the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FactChange {
    /// Its id.
    #[serde(rename = "fact")]
    pub id: String,
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
}

/// What a side has of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// The median of a run's samples, or the mean over boots.
    pub value: f64,
    /// The least: of one run its samples, of several their medians.
    pub least: f64,
    /// The most of the same.
    pub most: f64,
    /// How many runs it is of.
    pub runs: usize,
}

impl ChangeLine {
    /// How good the side after is as a share of the side before: above 1 is better, whatever the direction.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        Some(self.turned(1.0 + self.change?))
    }

    /// The same for the interval.
    #[must_use]
    pub fn share_interval(&self) -> Option<ConfidenceInterval> {
        let ConfidenceInterval { low, high } = self.interval?;
        let (a, b) = (self.turned(1.0 + low), self.turned(1.0 + high));
        Some(ConfidenceInterval { low: a.min(b), high: a.max(b) })
    }

    /// Whether the boots say that it is not what it was.
    #[must_use]
    pub fn moved(&self) -> bool {
        self.decision.as_ref().is_some_and(|decision| decision.finding.moved())
    }

    /// The verdict of boots that are enough for an interval.
    #[must_use]
    pub fn decided(&self) -> Option<ChangeFinding> {
        self.interval.and(self.decision.as_ref()).map(|decision| decision.finding)
    }

    fn turned(&self, ratio: f64) -> f64 {
        match self.better {
            Better::Higher => ratio,
            Better::Lower => 1.0 / ratio,
        }
    }
}

/// What is kept of the runs of a side: of each its medians.
#[derive(Debug, Default)]
pub struct ReportSide {
    /// Ids of the runs, oldest first.
    ids: Vec<String>,
    /// The series in the order of measuring.
    series: Vec<SeriesOfSide>,
    places: HashMap<MetricId, usize>,
    newest: Option<(Fingerprint, Facts)>,
}

#[derive(Debug)]
struct SeriesOfSide {
    id: MetricId,
    unit: Unit,
    better: Better,
    /// The median of each run.
    medians: Vec<f64>,
    /// The figure of the last run.
    last: Figure,
}

impl ReportSide {
    /// Adds a run, the oldest first.
    pub fn push(&mut self, run: &Run) {
        self.ids.push(run.id.clone());
        for RunSeries { id, unit, better, summary, .. } in series::series(run) {
            let Some(summary) = summary else { continue };
            let last = Figure { value: summary.median, least: summary.min, most: summary.max, runs: 1 };
            if let Some(at) = self.places.get(&id) {
                let known = &mut self.series[*at];
                known.medians.push(last.value);
                known.last = last;
            } else {
                self.places.insert(id.clone(), self.series.len());
                self.series.push(SeriesOfSide { id, unit, better, medians: vec![last.value], last });
            }
        }
        self.newest = Some((run.fingerprint.clone(), run.facts.clone()));
    }
}

impl<'a> FromIterator<&'a Run> for ReportSide {
    fn from_iter<I: IntoIterator<Item = &'a Run>>(runs: I) -> ReportSide {
        let mut side = ReportSide::default();
        runs.into_iter().for_each(|run| side.push(run));
        side
    }
}

impl SeriesOfSide {
    /// One run's figure as it is; of several runs their medians.
    fn figure(&self) -> Option<Figure> {
        if self.medians.len() == 1 {
            return Some(self.last);
        }
        let summary = Summary::of(&self.medians)?;
        Some(Figure { value: summary.median, least: summary.min, most: summary.max, runs: summary.n })
    }
}

impl BeforeAfter {
    /// Puts two sides beside each other, with the comparison of their boots or why it was refused.
    #[must_use]
    pub fn of(before: ReportSide, after: ReportSide, comparison: Result<Comparison, String>) -> BeforeAfter {
        let mut lines: Vec<ChangeLine> = Vec::new();
        let mut places: HashMap<MetricId, usize> = HashMap::new();
        for series in &before.series {
            line_of(&mut lines, &mut places, series).before = series.figure();
        }
        for series in &after.series {
            line_of(&mut lines, &mut places, series).after = series.figure();
        }
        for line in &mut lines {
            let change = line.before.zip(line.after).map(|(before, after)| after.value / before.value - 1.0);
            line.change = change.filter(|change| change.is_finite());
            if let Ok(comparison) = &comparison {
                decide(line, comparison);
            }
        }
        lines.sort_by_key(|line| !line.critical);
        let newest = before.newest.zip(after.newest);
        let (fingerprint, facts) = newest
            .map(|((prints_before, before), (prints_after, after))| {
                (prints_after.changes_since(&prints_before), facts(&before, &after))
            })
            .unwrap_or_default();
        BeforeAfter {
            before: before.ids,
            after: after.ids,
            lines,
            fingerprint,
            facts,
            remarks: comparison.as_ref().map(|comparison| comparison.remarks.clone()).unwrap_or_default(),
            overall: comparison.map(|comparison| comparison.overall().name()),
        }
    }
}

/// The line of a series, which is added where there is none.
fn line_of<'a>(
    lines: &'a mut Vec<ChangeLine>,
    places: &mut HashMap<MetricId, usize>,
    series: &SeriesOfSide,
) -> &'a mut ChangeLine {
    let at = *places.entry(series.id.clone()).or_insert_with(|| {
        lines.push(ChangeLine {
            id: series.id.clone(),
            unit: series.unit,
            better: series.better,
            critical: false,
            before: None,
            after: None,
            failed: None,
            change: None,
            interval: None,
            decision: None,
        });
        lines.len() - 1
    });
    &mut lines[at]
}

/// Takes what the comparison of the boots says of a series.
fn decide(line: &mut ChangeLine, comparison: &Comparison) {
    let Some(row) = comparison.rows.iter().find(|row| row.id == line.id) else { return };
    line.critical = row.critical;
    let sides = [&row.before, &row.after].map(|side| (side.failures.all(), side.repetitions()));
    line.failed = sides.iter().any(|(failed, _)| *failed > 0).then_some(sides);
    line.decision = Some(Decision { finding: row.finding, reason: row.reason.clone() });
    for (figure, side) in [(&mut line.before, row.before), (&mut line.after, row.after)] {
        if let (Some(figure), Some(value)) = (figure, side.value) {
            figure.value = value;
        }
    }
    if let Some(effect) = &row.effect {
        line.change = Some(effect.change());
        line.interval = Some(effect.interval(0.95));
    }
}

fn facts(before: &Facts, after: &Facts) -> Vec<FactChange> {
    let ids: BTreeSet<&String> = before.0.keys().chain(after.0.keys()).collect();
    let changes =
        ids.into_iter().map(|id| FactChange { id: id.clone(), before: value(before, id), after: value(after, id) });
    changes.filter(|change| change.before != change.after).collect()
}

/// What is known of a fact of a host.
fn value(facts: &Facts, fact: &str) -> String {
    facts.value(fact).map_or_else(|| "not reported".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata;
    use measure::{Definition, metrics};

    #[test]
    fn sides_stand_beside_each_other_although_their_boot_is_one() {
        let change = testdata::change();
        let line = |of: &Definition| change.lines.iter().find(|line| line.id.name == of.id).unwrap();
        let triad = line(&metrics::STREAM_TRIAD);
        let before = Figure { value: 25.25e9, least: 25.2e9, most: 25.3e9, runs: 1 };
        assert_eq!(triad.before, Some(before));
        assert!((triad.change.unwrap() + 0.2).abs() < 1e-9, "{triad:?}");
        assert!((triad.share().unwrap() - 0.8).abs() < 1e-9);
        // Lower is better: the share turns.
        assert!((line(&metrics::STREAM_LATENCY).share().unwrap() - 0.8).abs() < 1e-9);
        assert_eq!(line(&metrics::STREAM_SCALING).before, None);
        assert!(change.overall.as_ref().is_err_and(|why| why.contains("boot")), "{:?}", change.overall);
        let changed: Vec<_> = change.fingerprint.iter().map(|one| one.part.as_str()).collect();
        assert_eq!(changed, ["bios.version"]);
        let sockets = FactChange { id: "cpu.sockets".into(), before: "1".into(), after: "2".into() };
        assert_eq!(change.facts, [sockets]);
    }

    #[test]
    fn boots_give_intervals() {
        let change = testdata::campaign();
        let line = change.lines.iter().find(|line| line.id.is(&metrics::STREAM_TRIAD)).unwrap();
        let interval = line.interval.unwrap();
        assert!(interval.low < -0.15 && interval.high > -0.25 && interval.high < 0.0, "{interval:?}");
        assert_eq!(line.decided(), Some(ChangeFinding::Regression));
        let ConfidenceInterval { low, high } = line.share_interval().unwrap();
        assert!(low < 0.8 && 0.8 < high && high < 0.9, "{low} {high}");
        assert_eq!(change.overall, Ok("REGRESSION"));
        assert!(change.lines[0].critical);
    }
}
