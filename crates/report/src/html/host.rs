//! The host as the page shows it: its facts beside the documented ones, its fingerprint, and what changed of it.

use std::collections::BTreeMap;

use measure::{Change, FactValue, Facts, Reading, Run, Scope, fact_kind};
use serde::Serialize;
use spec::{Standing, System};
use verdict::FactMatch;

use crate::text::documented;

/// A fact, with what the document states of it.
#[derive(Debug, Serialize)]
pub(super) struct FactLine {
    id: String,
    about: &'static str,
    host: String,
    documented: String,
    class: &'static str,
    agrees: &'static str,
    source: String,
}

/// One of the two halves of a fingerprint: its id and what it stands for.
#[derive(Debug, Serialize)]
pub(super) struct Half {
    scope: &'static str,
    id: String,
    parts: BTreeMap<String, String>,
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

/// What is known of the host beside what the document states, first where they differ.
pub(super) fn facts(host: &Facts, system: &System) -> Vec<FactLine> {
    let mut lines: Vec<FactLine> = host
        .0
        .iter()
        .map(|(id, fact)| {
            let value = match &fact.reading {
                Reading::Present(value) => value.to_string(),
                Reading::Absent => "not present or not reported".to_owned(),
                Reading::Denied { remedy } => format!("permission denied; to fix: {remedy}"),
                Reading::Failed { error } => format!("failed: {error}"),
            };
            let (class, agrees) = agreement(host, system, id);
            FactLine {
                id: id.clone(),
                about: fact_kind(id).map_or("", |kind| kind.about),
                host: value,
                documented: stated(system, id),
                class,
                agrees,
                source: fact.source.clone(),
            }
        })
        .collect();
    lines.sort_by_key(|line| match line.agrees {
        "differs" => 0,
        "not known" => 1,
        "as documented" => 2,
        _ => 3,
    });
    lines
}

fn agreement(host: &Facts, system: &System, id: &str) -> (&'static str, &'static str) {
    let answers: Vec<FactMatch> = system.stated(id).map(|stated| verdict::compare_fact(stated, host)).collect();
    if answers.is_empty() {
        ("", "")
    } else if answers.contains(&FactMatch::Match) {
        ("good", "as documented")
    } else if answers.iter().any(|answer| matches!(answer, FactMatch::Unknown { .. })) {
        ("doubt", "not known")
    } else {
        ("bad", "differs")
    }
}

/// What a document says of a fact, with whether it stands by it.
fn stated(system: &System, id: &str) -> String {
    let mut texts: Vec<String> = Vec::new();
    for fact in system.stated(id) {
        let value = match &fact.value {
            FactValue::Quantity(quantity) => documented(*quantity, fact.approximate),
            value => value.to_string(),
        };
        let text = match fact.standing {
            Standing::Firm => value,
            Standing::Placeholder(_) => format!("{value} (placeholder)"),
            Standing::Contradicted(_) => format!("{value} (contradicted)"),
        };
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts.join("; ")
}

/// The halves of a run's fingerprint that it has.
pub(super) fn fingerprint(run: &Run) -> Vec<Half> {
    let print = &run.fingerprint;
    let all = [
        Half { scope: "Platform", id: print.platform_id.clone(), parts: print.platform.clone() },
        Half { scope: "Configuration", id: print.config_id.clone(), parts: print.config.clone() },
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
