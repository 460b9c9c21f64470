//! What a run says of one metric.

use std::collections::{BTreeMap, BTreeSet};

use measure::{
    Attempt, Definition, Ending, Labels, Measurement, Metric, MetricId, Outcome, Quantity, Reason, Run, Summary, Unit,
    Warning,
};

use crate::decide::Spread;
use crate::failures::{self, Failure, FailureKind};
use crate::foreign::foreign;
use crate::{Verdict, engine};

/// The result that is judged, with its spread.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The judged value: of one boot the median of its repetitions' medians, of more the geometric mean of those.
    pub value: Quantity,
    /// All valid samples of all repetitions.
    pub summary: Summary,
    /// The median of each boot.
    pub boots: Vec<f64>,
    /// How many samples were left out because something disturbed them.
    pub tainted: usize,
    /// The repetitions that failed, with a value or without one.
    pub failures: Vec<Failure>,
    /// How many repetitions there were, failed ones included.
    pub repetitions: usize,
    /// How it was measured.
    pub context: BTreeMap<String, String>,
    /// The engines of all repetitions, where a workload has more than one; `None` of those that do not tell.
    pub engines: BTreeSet<Option<String>>,
    /// What a reader should know.
    pub warnings: Vec<Warning>,
}

/// What the runs contain for one metric.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    /// A result.
    Valid(Box<Measured>),
    /// Nothing but wrong results.
    Wrong(String),
    /// Samples that are no positive numbers, or in another unit than the metric's.
    Invalid(String),
    /// Samples, and none that counts: why, and the median of them all, which decides nothing.
    Tainted { why: String, median: Quantity },
    /// None, and why.
    Missing(String),
}

/// What the repetitions of all runs gave, sorted by what came of each.
#[derive(Default)]
struct Repetitions<'a> {
    /// Those with samples, and their boots.
    measured: Vec<(Option<&'a str>, &'a Measurement)>,
    /// What those gave whose worker was lost after it had told the figure: they failed, and are shown where nothing else is.
    lost: Vec<(Option<&'a str>, &'a Measurement)>,
    failures: Vec<Failure>,
    /// Why others were not tried.
    untried: Vec<String>,
    /// Samples in another unit or direction than the catalogue's.
    foreign: Option<String>,
}

impl<'a> Repetitions<'a> {
    fn add(&mut self, run: &'a Run, attempt: &'a Attempt, metric: &Definition, series: &Labels) {
        let (measured, failed) = (self.measured.len(), self.failures.len());
        let mut loss = None;
        for outcome in &attempt.outcomes {
            match outcome {
                Outcome::Measured(one) if is_of(one, metric, series) => self.measured(run, one, metric),
                Outcome::NotMeasured(missing) if is_id_of(&missing.id, metric, series) => {
                    self.missing(run, &missing.reason);
                }
                Outcome::NotMeasured(missing) if missing.id.name == attempt.workload.name() => {
                    loss = Some(&missing.reason);
                }
                Outcome::Measured(_) | Outcome::NotMeasured(_) => {}
            }
        }
        let Some(reason) = loss else { return };
        let has_figure = self.measured.len() > measured;
        let is_its = has_figure || metric.family.workload == Some(attempt.workload);
        match FailureKind::of(reason) {
            Some(kind) if is_its => {
                self.lost.extend(self.measured.drain(measured..));
                // It is one repetition, which may have told by itself how it failed.
                if self.failures.len() == failed {
                    self.fail(run, kind, reason.to_string());
                }
            }
            None if is_its && !has_figure => self.untried.push(reason.to_string()),
            Some(_) | None => {}
        }
    }

    fn missing(&mut self, run: &Run, reason: &Reason) {
        match FailureKind::of(reason) {
            Some(kind) => self.fail(run, kind, reason.to_string()),
            None => self.untried.push(reason.to_string()),
        }
    }

    fn measured(&mut self, run: &'a Run, one: &'a Measurement, metric: &Definition) {
        self.foreign = foreign(&run.id, &one.metric, &Metric::from(metric)).or(self.foreign.take());
        if self.foreign.is_some() {
            return;
        }
        let valid = || one.samples.iter().filter(|sample| sample.taint.is_none()).map(|sample| sample.value);
        if let Some(bad) = valid().find(|value| !value.is_finite() || *value <= 0.0) {
            self.fail(run, FailureKind::NoValue, format!("a sample is {bad}, and no such thing can be measured"));
        } else if one.samples.is_empty() {
            self.fail(run, FailureKind::NoValue, "the measurement has no samples".to_owned());
        } else {
            self.measured.push((run.boot_id.as_deref(), one));
        }
    }

    fn fail(&mut self, run: &Run, kind: FailureKind, reason: String) {
        self.failures.push(Failure { run: run.id.clone(), kind, reason });
    }

    /// The answer where no repetition has samples.
    fn without_samples(mut self, runs: &[&Run], metric: &Definition, series: &Labels) -> Found {
        let repetitions = self.failures.len();
        let reason = failures::sentence(&self.failures, repetitions).unwrap_or_default();
        let of = |kind: FailureKind| self.failures.iter().find(|failure| failure.kind == kind);
        match failures::at_best(&self.failures, repetitions) {
            Some(Verdict::Fail) => Found::Wrong(reason),
            _ if of(FailureKind::NoValue).is_some() && of(FailureKind::Lost).is_none() => {
                Found::Invalid(self.failures.swap_remove(0).reason)
            }
            Some(_) if repetitions > 1 => Found::Missing(reason.trim_end_matches('.').to_owned()),
            Some(_) => Found::Missing(self.failures.swap_remove(0).reason),
            None => Found::Missing(self.untried.pop().unwrap_or_else(|| why_missing(runs, metric, series))),
        }
    }
}

/// Collects the series of this metric with exactly these labels over the runs.
pub(crate) fn find(runs: &[&Run], metric: &Definition, series: &Labels) -> Found {
    let mut repetitions = Repetitions::default();
    for run in runs {
        for attempt in &run.attempts {
            repetitions.add(run, attempt, metric, series);
        }
    }
    if let Some(foreign) = repetitions.foreign {
        return Found::Invalid(foreign);
    }
    if repetitions.measured.is_empty() && repetitions.lost.is_empty() {
        return repetitions.without_samples(runs, metric, series);
    }
    combine(repetitions)
}

fn combine(repetitions: Repetitions<'_>) -> Found {
    let Repetitions { mut measured, lost, failures, .. } = repetitions;
    let repetitions = measured.len() + failures.len();
    if measured.is_empty() {
        measured = lost;
    }
    let samples = || measured.iter().flat_map(|(_, one)| &one.samples);
    let valid: Vec<f64> = samples().filter(|s| s.taint.is_none()).map(|s| s.value).collect();
    let tainted = samples().count() - valid.len();
    // Runs that do not know their boot are taken for one boot, which claims the least.
    let mut boots: BTreeMap<Option<&str>, Vec<f64>> = BTreeMap::new();
    for (boot, one) in &measured {
        if let Some(summary) = one.summary() {
            boots.entry(*boot).or_default().push(summary.median);
        }
    }
    let boots: Vec<f64> = boots.values().filter_map(|medians| Summary::of(medians)).map(|s| s.median).collect();
    let (Some(summary), Some((_, last))) = (Summary::of(&valid), measured.last()) else {
        let failed = failures::sentence(&failures, repetitions).unwrap_or_default();
        if failures::at_best(&failures, repetitions) == Some(Verdict::Fail) {
            return Found::Wrong(failed);
        }
        let taints: BTreeSet<String> = samples().filter_map(|s| s.taint.as_ref()).map(ToString::to_string).collect();
        let failed = (!failed.is_empty()).then(|| failed.trim_end_matches('.').to_owned());
        let why = taints.into_iter().chain(failed).collect::<Vec<_>>().join("; ");
        let all: Vec<f64> = samples().map(|sample| sample.value).collect();
        let unit = measured.last().map_or(Unit::Count, |(_, one)| one.metric.unit);
        return Found::Tainted { why, median: Quantity::new(Summary::of(&all).map_or(0.0, |all| all.median), unit) };
    };
    let value = Spread::of(&boots).map_or(boots[0], |spread| spread.mean.exp());
    let mut warnings: Vec<Warning> = Vec::new();
    for warning in measured.iter().flat_map(|(_, one)| &one.warnings) {
        if !warnings.contains(warning) {
            warnings.push(warning.clone());
        }
    }
    Found::Valid(Box::new(Measured {
        value: Quantity::new(value, last.metric.unit),
        summary,
        boots,
        tainted,
        repetitions,
        failures,
        context: last.context.clone(),
        engines: measured.iter().filter(|(_, one)| one.summary().is_some()).map(|(_, one)| engine::of(one)).collect(),
        warnings,
    }))
}

fn is_id_of(id: &MetricId, metric: &Definition, series: &Labels) -> bool {
    id.name == metric.id && id.labels == *series
}

fn is_of(one: &Measurement, metric: &Definition, series: &Labels) -> bool {
    one.metric.is(metric) && one.labels == *series
}

/// The versions of the suite whose records have samples of this metric without a time: such samples keep the marks that
/// the program gave them that measured.
pub(crate) fn untimed<'a>(runs: &[&'a Run], metric: &Definition, series: &Labels) -> BTreeSet<&'a str> {
    let untimed =
        |one: &Measurement| is_of(one, metric, series) && one.samples.iter().any(|sample| sample.interval.is_none());
    let any = |run: &&&Run| run.outcomes().filter_map(Outcome::measured).any(untimed);
    runs.iter().filter(any).map(|run| run.build.version.as_str()).collect()
}

/// Why no series of a metric was measured, where a run says it of all of them.
fn why_none(runs: &[&Run], metric: &Definition) -> Option<String> {
    let of = |outcome: &Outcome| match outcome {
        Outcome::NotMeasured(missing) if is_id_of(&missing.id, metric, &Labels::new()) => {
            Some(missing.reason.to_string())
        }
        Outcome::NotMeasured(_) | Outcome::Measured(_) => None,
    };
    runs.last()?.outcomes().find_map(of)
}

fn why_missing(runs: &[&Run], metric: &Definition, series: &Labels) -> String {
    let attempts = || runs.iter().flat_map(|run| &run.attempts);
    let ending = runs.last().map(|run| &run.ending);
    match (metric.family.workload, ending) {
        _ if metric.unit == Unit::Score => {
            "it is another's score, which this suite does not measure; `hostproof import` reads it from that program's file of \
             results"
                .to_owned()
        }
        (_, Some(Ending::Interrupted)) => "the run was stopped before it".to_owned(),
        (_, Some(Ending::Cut)) => "the record was cut before it".to_owned(),
        (Some(wanted), _) if !attempts().any(|attempt| attempt.workload == wanted) => {
            format!("the run did not include {}", wanted.name())
        }
        _ => why_none(runs, metric).unwrap_or_else(|| {
            format!("the run has no {}", MetricId { name: metric.id.to_owned(), labels: series.clone() })
        }),
    }
}
