//! The series of a run: the samples of all repetitions of one metric together.

use std::collections::{HashMap, HashSet};

use measure::{Better, Measurement, MetricId, NotMeasured, Outcome, Run, Summary, Unit, Warning};
use serde::Serialize;

/// The valid samples of one metric, with what is to be known of them.
pub(crate) struct RunSeries {
    pub(crate) id: MetricId,
    pub(crate) unit: Unit,
    pub(crate) better: Better,
    pub(crate) summary: Option<Summary>,
    /// Samples that do not count.
    pub(crate) tainted: usize,
    pub(crate) last: Measurement,
}

/// All series in the order of measuring.
pub(crate) fn series(run: &Run) -> Vec<RunSeries> {
    let mut groups: Vec<(MetricId, Vec<&Measurement>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for outcome in run.outcomes() {
        if let Outcome::Measured(one) = outcome {
            let at = *places.entry(one.id()).or_insert_with(|| {
                groups.push((one.id(), Vec::new()));
                groups.len() - 1
            });
            groups[at].1.push(one);
        }
    }
    groups.into_iter().filter_map(|(id, measurements)| join(id, &measurements)).collect()
}

fn join(id: MetricId, measurements: &[&Measurement]) -> Option<RunSeries> {
    let last = (*measurements.last()?).clone();
    let samples = || measurements.iter().flat_map(|one| &one.samples);
    let valid: Vec<f64> = samples().filter(|s| s.taint.is_none()).map(|s| s.value).collect();
    Some(RunSeries {
        id,
        unit: last.metric.unit,
        better: last.metric.better,
        summary: Summary::of(&valid),
        tainted: samples().count() - valid.len(),
        last,
    })
}

/// Items by the metric that each is of, in the order in which the metrics came first: a rate and its p99 are measured in turn.
pub(crate) fn by_metric<'a, T>(
    items: impl IntoIterator<Item = &'a T>,
    id: impl Fn(&T) -> &MetricId,
) -> Vec<Vec<&'a T>> {
    let mut groups: Vec<Vec<&T>> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for item in items {
        let at = *places.entry(id(item).name.clone()).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[at].push(item);
    }
    groups
}

/// What a metric's series are together: its name, and the labels by which they differ.
pub(crate) fn family_name(id: &MetricId) -> String {
    let labels: Vec<&str> = id.labels.keys().map(String::as_str).collect();
    format!("{}{{{}}}", id.name, labels.join(","))
}

/// What has no result.
pub(crate) fn missing(run: &Run) -> impl Iterator<Item = &NotMeasured> {
    run.outcomes().filter_map(|outcome| match outcome {
        Outcome::NotMeasured(missing) => Some(missing),
        Outcome::Measured(_) => None,
    })
}

/// A warning with the names of what it concerns: metrics without their labels, or a workload.
#[derive(Debug, Serialize)]
pub(crate) struct SharedWarning {
    #[serde(rename = "of")]
    pub(crate) concerns: Vec<String>,
    pub(crate) text: String,
    #[serde(skip)]
    weight: u8,
}

/// The least and the most of the spreads that are warned of.
fn spreads(run: &Run) -> (f64, f64) {
    let measured = run.outcomes().filter_map(Outcome::measured).flat_map(|one| &one.warnings);
    let attempts = run.attempts.iter().flat_map(|attempt| &attempt.warnings);
    measured.chain(attempts).fold((f64::INFINITY, 0.0), |(least, most), warning| match warning {
        Warning::Noisy { spread } => (spread.min(least), spread.max(most)),
        _ => (least, most),
    })
}

/// One sentence for all series that spread: two dozen of them say no more.
fn noisy((least, most): (f64, f64)) -> String {
    let of = |spread: f64| Warning::Noisy { spread }.to_string();
    let [from, to] = [least, most].map(|spread| format!("{:.1}", spread * 100.0));
    if from == to { of(most) } else { of(most).replacen(&to, &format!("{from} to {to}"), 1) }
}

/// Each warning once, the weightiest first: readers read the first ones.
pub(crate) fn warnings(run: &Run) -> Vec<SharedWarning> {
    let mut all: Vec<SharedWarning> = Vec::new();
    // A record may hold as many as it has lines.
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut concerned: HashSet<(usize, String)> = HashSet::new();
    let noise = spreads(run);
    let mut add = |name: &str, warning: &Warning| {
        let text = match warning {
            Warning::Noisy { .. } => noisy(noise),
            warning => warning.to_string(),
        };
        let at = *places.entry(text).or_insert_with_key(|text| {
            all.push(SharedWarning { concerns: Vec::new(), text: text.clone(), weight: warning.weight() });
            all.len() - 1
        });
        if concerned.insert((at, name.to_owned())) {
            all[at].concerns.push(name.to_owned());
        }
    };
    for attempt in &run.attempts {
        for warning in &attempt.warnings {
            add(attempt.workload.name(), warning);
        }
        for outcome in &attempt.outcomes {
            if let Outcome::Measured(one) = outcome {
                one.warnings.iter().for_each(|warning| add(&one.metric.name, warning));
            }
        }
    }
    all.sort_by_key(|warning| std::cmp::Reverse(warning.weight));
    all
}
