//! The host as the page shows it: its facts, its fingerprint, and what changed of it.

use std::collections::BTreeMap;

use measure::{Change, Fact, Facts, Reading, Run, Scope, fact_kind};
use serde::Serialize;

/// A fact with its source.
#[derive(Debug, Serialize)]
pub(super) struct FactLine {
    /// Whether the host tells it; on paper what it does not tell is left out.
    is_told: bool,
    id: String,
    about: &'static str,
    host: String,
    source: String,
}

/// One of the two halves of a fingerprint: its id and what it stands for.
#[derive(Debug, Serialize)]
pub(super) struct Half {
    scope: &'static str,
    id: String,
    parts: Vec<FingerprintPart>,
}

#[derive(Debug, Serialize)]
struct FingerprintPart {
    name: String,
    value: String,
    /// Whether it is among the facts too; on paper once is enough.
    is_fact: bool,
}

/// What a run's fingerprint has otherwise than the one before it.
#[derive(Debug, Serialize)]
pub(super) struct Changes {
    from: String,
    to: String,
    rows: Vec<PartChange>,
}

/// A part of the fingerprint that is not the same.
#[derive(Debug, Serialize)]
pub(super) struct PartChange {
    scope: &'static str,
    part: String,
    before: String,
    after: String,
}

/// What is known of the host.
pub(super) fn facts(host: &Facts) -> Vec<FactLine> {
    let line = |(id, fact): (&String, &Fact)| {
        let value = match &fact.reading {
            Reading::Present(value) => value.shown(id),
            Reading::Absent => "not present or not reported".to_owned(),
            Reading::Denied { remedy } => format!("permission denied; to fix: {remedy}"),
            Reading::Failed { error } => format!("failed: {error}"),
        };
        let about = fact_kind(id).map_or("", |kind| kind.about);
        FactLine {
            is_told: matches!(fact.reading, Reading::Present(_)),
            id: id.clone(),
            about,
            host: value,
            source: fact.source.clone(),
        }
    };
    host.0.iter().map(line).collect()
}

/// The halves of a run's fingerprint that it has.
pub(super) fn fingerprint(run: &Run) -> Vec<Half> {
    let print = &run.fingerprint;
    let part = |(name, value): (&String, &String)| FingerprintPart {
        name: name.clone(),
        value: value.clone(),
        is_fact: run.facts.value(name).is_some(),
    };
    let parts = |all: &BTreeMap<String, String>| all.iter().map(part).collect();
    let all = [
        Half { scope: "Platform", id: print.platform_id.clone(), parts: parts(&print.platform) },
        Half { scope: "Configuration", id: print.config_id.clone(), parts: parts(&print.config) },
    ];
    all.into_iter().filter(|half| !half.id.is_empty()).collect()
}

/// What changed from run to run; those between which nothing did are left out.
pub(super) fn changes(runs: &[Run]) -> Vec<Changes> {
    let pairs = runs.iter().zip(runs.iter().skip(1));
    let change = |(before, after): (&Run, &Run)| Changes {
        from: before.id.clone(),
        to: after.id.clone(),
        rows: after.fingerprint.changes_since(&before.fingerprint).into_iter().map(PartChange::from).collect(),
    };
    pairs.map(change).filter(|change| !change.rows.is_empty()).collect()
}

impl From<Change> for PartChange {
    fn from(change: Change) -> PartChange {
        let scope = match change.scope {
            Scope::Platform => "platform",
            Scope::Config => "configuration",
        };
        let side = |value: Option<String>| value.unwrap_or_else(|| "not present".to_owned());
        PartChange { scope, part: change.part, before: side(change.before), after: side(change.after) }
    }
}
