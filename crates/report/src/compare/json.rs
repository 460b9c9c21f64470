//! Comparisons, noise and histories for machines. Shares are fractions, values in base units; whatever a verdict took from
//! history (s₀, d₀, δ) is in it, so that it can be judged again alone.

use measure::{Change, MetricId, Scope};
use serde_json::{Value, json};
use verdict::compare::{Attribution, Comparison, Effect, MetricChange, P, RunSet, Share, SideSummary, Suspect, Tests};
use verdict::stats::{ConfidenceInterval, Method};
use verdict::trend::{Course, Known, Noise, Trend};

/// A comparison.
#[must_use]
pub fn comparison_json(comparison: &Comparison) -> Value {
    json!({
        "host": comparison.host,
        "overall": comparison.overall().name(),
        "before": run_set(&comparison.before),
        "after": run_set(&comparison.after),
        "metrics": comparison.rows.iter().map(row).collect::<Vec<_>>(),
        "suspects": comparison.suspects.iter().map(suspect).collect::<Vec<_>>(),
        "attributions": comparison.attributions.iter().map(attribution).collect::<Vec<_>>(),
        "remarks": comparison.remarks,
    })
}

/// The noise of a host's metrics.
#[must_use]
pub fn noise_json(noise: &[Noise]) -> Value {
    let row = |row: &Noise| {
        json!({
            "metric": id(&row.id), "boots": row.boots, "margin": row.margin.share(),
            "between": row.between.map(|history| json!({
                "deviation": history.deviation(), "freedom": history.degrees_of_freedom, "floor": history.floor(),
            })),
            "within": row.within, "power": row.power, "smallest_detectable": row.smallest_detectable,
            "boots_needed": row.boots_needed, "can_be_judged": row.can_be_judged(),
        })
    };
    Value::Array(noise.iter().map(row).collect())
}

/// A host's history.
#[must_use]
pub fn trend_json(trend: &Trend) -> Value {
    json!({
        "host": trend.host,
        "boots": trend.boots.iter().map(|boot| json!({"started": boot.started, "runs": boot.runs})).collect::<Vec<_>>(),
        "known_changes": trend.known.iter().map(known).collect::<Vec<_>>(),
        "metrics": trend.courses.iter().map(course).collect::<Vec<_>>(),
        "against_baseline": trend.against_baseline.as_ref().map(|rows| rows.iter().map(row).collect::<Vec<_>>()),
        "remarks": trend.remarks,
    })
}

fn id(id: &MetricId) -> Value {
    json!({"name": id.name, "labels": id.labels})
}

fn run_set(set: &RunSet) -> Value {
    let print = &set.fingerprint;
    json!({
        "runs": set.runs, "boots": set.boots,
        "platform_id": print.platform_id, "config_id": print.config_id,
    })
}

fn row(row: &MetricChange) -> Value {
    json!({
        "metric": id(&row.id),
        "unit": row.metric.unit.symbol(),
        "better": row.metric.better,
        "critical": row.critical,
        "before": side(&row.before),
        "after": side(&row.after),
        "margin": row.margin.share(),
        "effect": row.effect.as_ref().map(effect),
        "failures": row.failure_test.map(p),
        "boots_needed": row.boots_needed,
        "verdict": row.finding.name(),
        "reason": row.reason,
    })
}

fn side(side: &SideSummary) -> Value {
    let failures = &side.failures;
    json!({
        "boots": side.boots, "value": side.value, "valid_samples": side.valid, "tainted_samples": side.tainted,
        "repetitions": side.repetitions(),
        "failures": {
            "wrong": failures.wrong, "no_value": failures.no_value, "lost": failures.lost, "boots": side.failed_boots,
        },
    })
}

fn effect(effect: &Effect) -> Value {
    let estimate = &effect.estimate;
    let history = match estimate.method {
        Method::Moderated(history) => json!({"s0": history.deviation(), "d0": history.degrees_of_freedom}),
        Method::Welch | Method::Paired => Value::Null,
    };
    json!({
        "change": effect.change(),
        "interval_90": interval(effect.interval(0.90)),
        "interval_95": interval(effect.interval(0.95)),
        "log_gain": estimate.difference, "error": estimate.error, "freedom": estimate.degrees_of_freedom,
        "method": estimate.method.name(), "history": history,
        "worse": tests(&effect.worse_tests), "better": tests(&effect.better_tests),
        "noise": effect.noise, "power": effect.power,
        "smallest_detectable": effect.smallest_detectable,
    })
}

fn interval(interval: ConfidenceInterval) -> Value {
    json!([interval.low, interval.high])
}

fn p(p: P) -> Value {
    json!({"p": p.raw, "adjusted": p.adjusted})
}

fn tests(tests: &Tests) -> Value {
    json!({"t": p(tests.t), "permutation": tests.permutation.map(p), "smallest_permutation_p": tests.smallest})
}

fn change(change: &Change) -> Value {
    let scope = match change.scope {
        Scope::Platform => "platform",
        Scope::Config => "config",
    };
    json!({"scope": scope, "part": change.part, "before": change.before, "after": change.after})
}

fn suspect(suspect: &Suspect) -> Value {
    json!({
        "change": change(&suspect.change), "score": suspect.score,
        "touches": suspect.touches.iter().map(id).collect::<Vec<_>>(),
    })
}

fn attribution(attribution: &Attribution) -> Value {
    let share = |share: &Share| json!({"log_gain": share.gain, "interval_95": interval(share.interval)});
    json!({
        "workload": attribution.workload.id,
        "log_gain": attribution.gain,
        "causes": attribution.causes.iter()
            .map(|cause| json!({"name": cause.name, "metric": cause.metric.id, "share": share(&cause.share)}))
            .collect::<Vec<_>>(),
        "explained": attribution.explained.as_ref().map(share),
        "unexplained": attribution.unexplained.as_ref().map(share),
        "left_out": attribution.left_out,
    })
}

fn known(known: &Known) -> Value {
    json!({
        "boot": known.at,
        "changes": known.changes.iter().map(change).collect::<Vec<_>>(),
        "metrics": known.rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn course(course: &Course) -> Value {
    json!({
        "metric": id(&course.id),
        "better": course.metric.better,
        "margin": course.margin.share(),
        "log_gains": course.gains,
        "unknown_steps": course.unknown.iter()
            .map(|step| json!({"boot": step.at, "p": step.p, "log_gain": step.estimate.difference}))
            .collect::<Vec<_>>(),
        "drifts": course.drifts.iter()
            .map(|drift| json!({
                "since": drift.since, "until": drift.until, "slope": drift.slope, "log_gain": drift.gain, "p": drift.p,
            }))
            .collect::<Vec<_>>(),
    })
}
