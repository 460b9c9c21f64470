//! What a run says of one metric.

use std::collections::{BTreeMap, BTreeSet};

use measure::{Definition, Ending, Measurement, Outcome, Quantity, Run, Summary, Warning, Workload};

use crate::decide::Spread;

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
    /// How it was measured.
    pub context: BTreeMap<String, String>,
    /// What a reader should know.
    pub warnings: Vec<Warning>,
}

/// What the runs contain for one metric.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    /// A result; the texts say why repetitions failed.
    Valid(Box<Measured>, Vec<String>),
    /// Samples that are no positive numbers.
    Invalid(String),
    /// Samples, and none that counts.
    Tainted(String),
    /// None, and why.
    Missing(String),
}

/// Collects the series of this metric without labels over the runs.
pub(crate) fn find(runs: &[&Run], metric: &Definition) -> Found {
    let workload = metric.family.workload.map(Workload::name);
    let mut measured: Vec<(Option<&str>, &Measurement)> = Vec::new();
    let mut failed = Vec::new();
    for run in runs {
        for outcome in run.outcomes() {
            match outcome {
                Outcome::Measured(one) if is_of(one, metric) => {
                    measured.push((run.boot_id.as_deref(), one));
                }
                Outcome::NotMeasured(missing)
                    if missing.id.is(metric) || Some(missing.id.name.as_str()) == workload =>
                {
                    failed.push(missing.reason.to_string());
                }
                Outcome::Measured(_) | Outcome::NotMeasured(_) => {}
            }
        }
    }
    if measured.is_empty() {
        return Found::Missing(failed.pop().unwrap_or_else(|| why_missing(runs, metric)));
    }
    combine(&measured, failed)
}

fn combine(measured: &[(Option<&str>, &Measurement)], failed: Vec<String>) -> Found {
    let samples = || measured.iter().flat_map(|(_, one)| &one.samples);
    let valid: Vec<f64> = samples().filter(|s| s.taint.is_none()).map(|s| s.value).collect();
    let taints: BTreeSet<String> = samples().filter_map(|s| s.taint.as_ref()).map(ToString::to_string).collect();
    let tainted = samples().count() - valid.len();
    if valid.is_empty() && tainted > 0 {
        return Found::Tainted(taints.into_iter().collect::<Vec<_>>().join("; "));
    }
    if let Some(bad) = valid.iter().find(|value| !value.is_finite() || **value <= 0.0) {
        return Found::Invalid(format!("a sample is {bad}, and no such thing can be measured"));
    }
    // Runs that do not know their boot are taken for one boot, which claims the least.
    let mut boots: BTreeMap<Option<&str>, Vec<f64>> = BTreeMap::new();
    for (boot, one) in measured {
        if let Some(summary) = one.summary() {
            boots.entry(*boot).or_default().push(summary.median);
        }
    }
    let boots: Vec<f64> = boots.values().filter_map(|medians| Summary::of(medians)).map(|s| s.median).collect();
    let (Some(summary), Some((_, last))) = (Summary::of(&valid), measured.last()) else {
        return Found::Missing("the measurement has no samples".to_owned());
    };
    let value = Spread::of(&boots).map_or(boots[0], |spread| spread.mean.exp());
    let mut warnings: Vec<Warning> = Vec::new();
    for warning in measured.iter().flat_map(|(_, one)| &one.warnings) {
        if !warnings.contains(warning) {
            warnings.push(warning.clone());
        }
    }
    let value = Quantity::new(value, last.metric.unit);
    let context = last.context.clone();
    Found::Valid(Box::new(Measured { value, summary, boots, tainted, context, warnings }), failed)
}

fn is_of(one: &Measurement, metric: &Definition) -> bool {
    one.metric.is(metric) && one.labels.is_empty()
}

/// The versions of the suite whose records have samples of this metric without a time: such samples keep the marks that
/// the program gave them that measured.
pub(crate) fn untimed<'a>(runs: &[&'a Run], metric: &Definition) -> BTreeSet<&'a str> {
    let untimed = |one: &Measurement| is_of(one, metric) && one.samples.iter().any(|sample| sample.interval.is_none());
    let any = |run: &&&Run| run.outcomes().filter_map(Outcome::measured).any(untimed);
    runs.iter().filter(any).map(|run| run.build.version.as_str()).collect()
}

fn why_missing(runs: &[&Run], metric: &Definition) -> String {
    let attempts = || runs.iter().flat_map(|run| &run.attempts);
    let ending = runs.last().map(|run| &run.ending);
    match (metric.family.workload, ending) {
        (_, Some(Ending::Interrupted)) => "the run was stopped before it".to_owned(),
        (_, Some(Ending::Cut)) => "the record was cut before it".to_owned(),
        (Some(wanted), _) if !attempts().any(|attempt| attempt.workload == wanted) => {
            format!("the run did not include {}", wanted.name())
        }
        _ => format!("the run has no {}", metric.id),
    }
}
