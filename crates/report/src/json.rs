//! The same views for machines. Numbers are in base units; each stands with its unit.

use measure::{Change, FactValue, Facts, Fingerprint, Quantity, Reading, Run, Scope, Summary};
use serde_json::{Value, json};
use spec::System;
use spec::audit::Grade;
use verdict::{Acceptance, Comparability, FactRow, HostLimit, Judgement, Measured, NoiseFloor, Row};

use crate::{BeforeAfter, ChangeLine, Figure};
use crate::{gate, series};

/// A value as text for people and machines: indented, and harmless on a terminal.
#[must_use]
pub fn pretty(value: &Value) -> String {
    crate::text::clean_json(&format!("{value:#}"))
}

pub(crate) fn quantity(quantity: Quantity) -> Value {
    json!({"value": quantity.value, "unit": quantity.unit.symbol(), "text": quantity.to_string()})
}

fn fact_value(value: &FactValue) -> Value {
    match value {
        FactValue::Quantity(number) => quantity(*number),
        FactValue::Text(text) => json!(text),
        FactValue::Flag(flag) => json!(flag),
    }
}

fn summary(summary: &Summary) -> Value {
    json!({
        "n": summary.n, "median": summary.median, "mad": summary.mad, "min": summary.min, "max": summary.max,
    })
}

/// A judged run: what was judged, a row for each target, all series, what is missing, and the warnings.
#[must_use]
pub fn judgement(run: &Run, judgement: &Judgement) -> Value {
    json!({
        "run": head(run),
        "spec": {"id": judgement.system, "name": judgement.system_name},
        "runs": judgement.runs,
        "boots": judgement.boots,
        "noise_floor": NoiseFloor::ASSUMED.share,
        "acceptance": acceptance(judgement),
        "answer": gate::answer(judgement),
        "criteria": tally(judgement),
        "targets": judgement.rows.iter().map(row).collect::<Vec<_>>(),
        "parts": judgement.facts.iter().map(part).collect::<Vec<_>>(),
        "remarks": judgement.remarks,
        "metrics": metrics(run),
        "not_measured": not_measured(run),
        "warnings": series::warnings(run),
    })
}

/// What the verdicts add up to, in a word.
#[must_use]
pub fn acceptance(judgement: &Judgement) -> &'static str {
    acceptance_word(judgement.acceptance())
}

pub(crate) fn acceptance_word(acceptance: Acceptance) -> &'static str {
    match acceptance {
        Acceptance::Accepted => "accepted",
        Acceptance::Rejected => "rejected",
        Acceptance::Inconclusive => "inconclusive",
        Acceptance::NotComparable => "not-comparable",
    }
}

/// The required criteria, counted.
fn tally(judgement: &Judgement) -> Value {
    let tally = judgement.tally();
    json!({
        "required": tally.required, "met": tally.passed, "failed": tally.failed, "not_decided": tally.open,
        "infeasible": tally.infeasible, "performance": tally.performance,
    })
}

fn part(row: &FactRow) -> Value {
    json!({
        "id": row.id, "title": row.title, "documented": row.documented, "found": row.found, "required": row.required,
        "place": row.place, "verdict": row.verdict.name(), "reason": row.reason,
    })
}

fn head(run: &Run) -> Value {
    json!({
        "id": run.id, "started": run.started, "host": run.name(), "node": run.node, "boot_id": run.boot_id, "profile": run.profile,
        "ending": run.ending, "spec_sha256": run.spec.sha256,
        "build": run.build,
    })
}

fn row(row: &Row) -> Value {
    json!({
        "id": row.id,
        "title": row.title,
        "metric": row.metric.map(|metric| metric.id),
        "documented": quantity(row.documented),
        "approximate": row.approximate,
        "better": row.better,
        "tolerance": row.tolerance,
        "required": row.required,
        "place": row.place,
        "grade": row.grade.map(Grade::name),
        "ceiling": row.ceiling.map(quantity),
        "arithmetic": row.arithmetic,
        "measured": row.measured.as_ref().map(measured),
        "disturbed": row.disturbed.map(quantity),
        "share_of_documented": row.share_of_target,
        "host_limit": row.host_limit.as_ref().map(host_limit),
        "share_of_host": row.share_of_host,
        "baselines": row.baselines.iter().map(|baseline| json!({
            "system": baseline.system, "value": quantity(baseline.value), "approximate": baseline.approximate,
            "ratio": baseline.ratio,
        })).collect::<Vec<_>>(),
        "noise": {"floor": row.noise_floor.share, "own": row.noise_floor.own},
        "comparability": comparability(&row.comparability),
        "verdict": row.verdict.name(),
        "reason": row.reason,
        "remarks": row.remarks,
        "companion_of": row.companion_of,
    })
}

fn measured(measured: &Measured) -> Value {
    json!({
        "value": quantity(measured.value),
        "summary": summary(&measured.summary),
        "boots": measured.boots,
        "tainted": measured.tainted,
        "repetitions": measured.repetitions,
        "failed_repetitions": measured.failures.iter().map(|failure| json!({
            "run": failure.run, "reason": failure.reason,
        })).collect::<Vec<_>>(),
        "context": measured.context,
        "warnings": measured.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

pub(crate) fn host_limit(limit: &HostLimit) -> Value {
    json!({"kind": limit.kind.name(), "value": quantity(limit.value), "how": limit.how})
}

fn comparability(comparability: &Comparability) -> Value {
    let differs = comparability.differs.iter().map(|difference| {
        json!({
            "fact": difference.fact, "documented": fact_value(&difference.documented),
            "host": fact_value(&difference.host),
        })
    });
    let unknown = comparability.unknown.iter().map(|unknown| json!({"fact": unknown.fact, "why": unknown.why}));
    json!({
        "differs": differs.collect::<Vec<_>>(),
        "unknown": unknown.collect::<Vec<_>>(),
        "undecided": comparability.undecided,
    })
}

fn metrics(run: &Run) -> Vec<Value> {
    let all = series::series(run).into_iter();
    all.map(|series| {
        json!({
            "id": series.id.to_string(), "name": series.id.name, "labels": series.id.labels,
            "unit": series.unit.symbol(), "better": series.better,
            "summary": series.summary.as_ref().map(summary), "tainted": series.tainted,
            "context": series.last.context,
            "placement": series.last.placement,
            "place": series.last.place,
        })
    })
    .collect()
}

fn not_measured(run: &Run) -> Vec<Value> {
    series::missing(run)
        .map(|missing| json!({"id": missing.id.to_string(), "reason": missing.reason.to_string()}))
        .collect()
}

/// Two sides beside each other: shares are fractions, values in base units.
#[must_use]
pub fn diff(change: &BeforeAfter) -> Value {
    let figure = |side: Option<Figure>| {
        side.map(
            |figure| json!({"value": figure.value, "least": figure.least, "most": figure.most, "runs": figure.runs}),
        )
    };
    let line = |line: &ChangeLine| {
        json!({
            "id": line.id.to_string(), "name": line.id.name, "labels": line.id.labels,
            "unit": line.unit.symbol(), "better": line.better, "critical": line.critical,
            "before": figure(line.before), "after": figure(line.after), "change": line.change,
            "failed": line.failed.map(|[before, after]| json!({
                "before": {"failed": before.0, "repetitions": before.1}, "after": {"failed": after.0, "repetitions": after.1},
            })),
            "interval_95": line.interval.map(|interval| json!([interval.low, interval.high])),
            "verdict": line.decision.as_ref().map(|decision| decision.finding.name()),
            "reason": line.decision.as_ref().map(|decision| &decision.reason),
        })
    };
    let part = |change: &Change| {
        let scope = if change.scope == Scope::Platform { "platform" } else { "config" };
        json!({"scope": scope, "part": change.part, "before": change.before, "after": change.after})
    };
    json!({
        "before": change.before, "after": change.after,
        "overall": change.overall.as_ref().ok(), "refused": change.overall.as_ref().err(), "remarks": change.remarks,
        "metrics": change.lines.iter().map(line).collect::<Vec<_>>(),
        "fingerprint": change.fingerprint.iter().map(part).collect::<Vec<_>>(),
        "facts": change.facts,
    })
}

/// All facts of a host, each with its source.
#[must_use]
pub fn facts(facts: &Facts) -> Value {
    let all = facts.0.iter().map(|(id, fact)| {
        let mut entry = match &fact.reading {
            Reading::Present(value) => json!({"value": fact_value(value)}),
            Reading::Absent => json!({"absent": true}),
            Reading::Denied { remedy } => json!({"denied": remedy}),
            Reading::Failed { error } => json!({"failed": error}),
        };
        entry["source"] = json!(fact.source);
        (id.clone(), entry)
    });
    Value::Object(all.collect())
}

/// A host against a document: a row for each of its statements about parts, as in a judgement.
#[must_use]
pub fn comparison(facts: &Facts, system: &System) -> Value {
    json!({"spec": system.id, "parts": verdict::inspect(system, facts).iter().map(part).collect::<Vec<_>>()})
}

/// What the parts of a host decide before anything is measured.
#[must_use]
pub fn parts(judgement: &Judgement) -> Value {
    json!({
        "spec": {"id": judgement.system, "name": judgement.system_name},
        "acceptance": acceptance(judgement),
        "answer": gate::answer(judgement),
        "criteria": tally(judgement),
        "targets": judgement.rows.iter().map(row).collect::<Vec<_>>(),
        "parts": judgement.facts.iter().map(part).collect::<Vec<_>>(),
    })
}

/// A fingerprint: the two ids and the parts that they stand for.
#[must_use]
pub fn fingerprint(fingerprint: &Fingerprint) -> Value {
    json!(fingerprint)
}

/// An audit: the grades and the findings, quantities in base units.
#[must_use]
pub fn audit(system: &System, audit: &spec::audit::Audit) -> Value {
    json!({"system": system.id, "clean": audit.is_clean(), "audit": audit})
}
