//! Every figure of a record, with all digits.

use measure::{Outcome, Run, Workload};
use serde::Serialize;

use super::methods;

/// The figures of one run.
#[derive(Debug, Serialize)]
pub(super) struct Raw {
    run: String,
    groups: Vec<Group>,
    missing: Vec<(String, String)>,
}

/// Those of one workload.
#[derive(Debug, Serialize)]
struct Group {
    name: &'static str,
    rows: Vec<Measured>,
}

#[derive(Debug, Serialize)]
struct Measured {
    id: String,
    unit: &'static str,
    repetition: u32,
    median: String,
    samples: String,
    disturbed: Vec<String>,
    how: String,
    method: Option<&'static str>,
}

/// The figures of a run by workload, in the order of measuring.
pub(super) fn of(run: &Run) -> Raw {
    let groups = Workload::ALL.into_iter().map(|workload| Group {
        name: workload.name(),
        rows: run.attempts.iter().filter(|attempt| attempt.workload == workload).flat_map(rows).collect(),
    });
    let missing = run.outcomes().filter_map(|outcome| match outcome {
        Outcome::NotMeasured(missing) => Some((missing.id.to_string(), missing.reason.to_string())),
        Outcome::Measured(_) => None,
    });
    Raw {
        run: run.id.clone(),
        groups: groups.filter(|group| !group.rows.is_empty()).collect(),
        missing: missing.collect(),
    }
}

fn rows(attempt: &measure::Attempt) -> impl Iterator<Item = Measured> {
    attempt.outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Measured(one) => Some(row(one, attempt.repetition)),
        Outcome::NotMeasured(_) => None,
    })
}

fn row(one: &measure::Measurement, repetition: u32) -> Measured {
    let samples: Vec<String> = one
        .samples
        .iter()
        .map(|sample| format!("{}{}", sample.value, if sample.taint.is_some() { "†" } else { "" }))
        .collect();
    let mut disturbed: Vec<String> =
        one.samples.iter().filter_map(|sample| sample.taint.as_ref()).map(ToString::to_string).collect();
    disturbed.dedup();
    Measured {
        id: one.id().to_string(),
        unit: one.metric.unit.symbol(),
        repetition,
        median: one.summary().map(|summary| summary.median.to_string()).unwrap_or_default(),
        samples: samples.join(" "),
        disturbed,
        how: how(one),
        method: methods::prefix(&one.metric.name),
    }
}

/// Context and placement in one line.
fn how(one: &measure::Measurement) -> String {
    let mut words: Vec<String> = one.context.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if let Some(placement) = &one.placement {
        let cpus: Vec<String> = placement.cpus.iter().map(u32::to_string).collect();
        let told = |share: Option<f64>| share.map_or("not told".to_owned(), crate::text::share);
        words.push(format!("cpus={}", cpus.join(",")));
        words.push(format!("pages on node={}", told(placement.pages_on_node)));
        words.push(format!("huge pages={}", told(placement.huge_pages)));
    }
    words.join(" · ")
}
