//! Every figure of a record, with all digits.

use measure::{Attempt, Measurement, Outcome, Run, Workload};
use serde::Serialize;

use super::methods::Methods;
use crate::series;

/// The figures of one run.
#[derive(Debug, Serialize)]
pub(super) struct Raw {
    run: String,
    groups: Vec<Group>,
    missing: Vec<Missing>,
}

/// What has no result.
#[derive(Debug, Serialize)]
struct Missing {
    id: String,
    reason: String,
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
    /// Whether it is a point of a sweep or the like: on paper charts tell it.
    labelled: bool,
    unit: &'static str,
    repetition: u32,
    median: String,
    samples: String,
    disturbed: Vec<String>,
    how: String,
    /// Where the page tells how it is measured.
    method: Option<String>,
}

/// The figures of a run by workload, in the order of measuring.
pub(super) fn of(run: &Run, methods: &Methods) -> Raw {
    let rows = |attempt| rows(attempt, methods);
    let groups = Workload::ALL.into_iter().map(|workload| Group {
        name: workload.name(),
        rows: run.attempts.iter().filter(|attempt| attempt.workload == workload).flat_map(rows).collect(),
    });
    let missing =
        series::missing(run).map(|missing| Missing { id: missing.id.to_string(), reason: missing.reason.to_string() });
    Raw {
        run: run.id.clone(),
        groups: groups.filter(|group| !group.rows.is_empty()).collect(),
        missing: missing.collect(),
    }
}

fn rows(attempt: &Attempt, methods: &Methods) -> impl Iterator<Item = Measured> {
    let measured = attempt.outcomes.iter().filter_map(Outcome::measured);
    measured.map(|one| row(one, attempt.repetition, methods))
}

fn row(one: &Measurement, repetition: u32, methods: &Methods) -> Measured {
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
        labelled: !one.labels.is_empty(),
        unit: one.metric.unit.symbol(),
        repetition,
        median: one.summary().map(|summary| summary.median.to_string()).unwrap_or_default(),
        samples: samples.join(" "),
        disturbed,
        how: how(one),
        method: methods.anchor(&one.metric.name),
    }
}

/// Context and placement in one line.
fn how(one: &Measurement) -> String {
    let mut words: Vec<String> = one.context.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if let Some(placement) = &one.placement {
        let cpus: Vec<String> = placement.cpus.iter().map(u32::to_string).collect();
        let known = |share: Option<f64>| share.map_or_else(|| "not reported".to_owned(), crate::text::share);
        words.push(format!("cpus={}", cpus.join(",")));
        words.push(format!("pages on node={}", known(placement.pages_on_node)));
        words.push(format!("huge pages={}", known(placement.huge_pages)));
    }
    words.join(" · ")
}
