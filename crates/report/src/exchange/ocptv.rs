//! OCP Test & Validation output, version 2.0: JSON lines.
//!
//! Source: the specification of opencomputeproject/ocp-diag-core, `json_spec`. A step for the targets, with a
//! measurement, its validators and a diagnosis for each, and one for each workload with the medians of its series.

use measure::{Better, Run, Workload};
use serde_json::{Value, json};
use verdict::{Acceptance, Row, Verdict};

use super::{Error, is_complete, last};
use crate::judged::Judged;
use crate::series::{self, RunSeries};
use crate::text::{clean, clean_json};

/// The lines in order; all have the time at which the run began, as a record holds no other.
struct Output<'a> {
    timestamp: &'a str,
    lines: Vec<Value>,
}

impl Output<'_> {
    fn line(&mut self, kind: &str, artifact: &Value) {
        let number = self.lines.len();
        self.lines.push(json!({"sequenceNumber": number, "timestamp": self.timestamp, kind: artifact}));
    }

    fn run(&mut self, artifact: &Value) {
        self.line("testRunArtifact", artifact);
    }

    fn step(&mut self, id: &str, kind: &str, artifact: &Value) {
        self.line("testStepArtifact", &json!({"testStepId": id, kind: artifact}));
    }
}

/// Judged runs as OCP T&V output 2.0.
pub fn ocptv(judged: &Judged<'_>) -> Result<String, Error> {
    let (run, series) = last(judged)?;
    let mut output = Output { timestamp: &run.started, lines: Vec::new() };
    output.line("schemaVersion", &json!({"major": 2, "minor": 0}));
    output.run(&json!({"testRunStart": start(judged, run)}));
    targets(&mut output, judged);
    for workload in Workload::ALL {
        step(&mut output, workload, run, &series);
    }
    let result = match judged.judgement.acceptance() {
        Acceptance::Accepted => "PASS",
        Acceptance::Rejected => "FAIL",
        Acceptance::Inconclusive | Acceptance::NotComparable => "NOT_APPLICABLE",
    };
    let status = if is_complete(run) { "COMPLETE" } else { "ERROR" };
    output.run(&json!({"testRunEnd": {"status": status, "result": result}}));
    let lines: Vec<String> = output.lines.iter().map(|line| clean_json(&line.to_string())).collect();
    Ok(lines.join("\n") + "\n")
}

fn start(judged: &Judged<'_>, run: &Run) -> Value {
    let print = &run.fingerprint;
    let software = print.config.iter().zip(1..).map(|((name, value), number)| {
        json!({"softwareInfoId": format!("software-{number}"), "name": clean(name), "version": clean(value)})
    });
    json!({
        "name": "hostproof",
        "version": run.build.version,
        "commandLine": "",
        "parameters": {
            "profile": run.profile, "system": judged.judgement.system, "runs": judged.judgement.runs,
            "specSha256": run.spec.sha256,
        },
        "dutInfo": {
            "dutInfoId": clean(run.name()),
            "name": clean(run.name()),
            "softwareInfos": software.collect::<Vec<_>>(),
            "metadata": {
                "platformId": print.platform_id, "configId": print.config_id, "bootId": run.boot_id,
                "platform": print.platform,
            },
        },
        "metadata": {"revision": run.build.revision, "compiler": run.build.compiler, "buildProfile": run.build.profile},
    })
}

const TARGETS: &str = "targets";

fn targets(output: &mut Output<'_>, judged: &Judged<'_>) {
    output.step(TARGETS, "testStepStart", &json!({"name": format!("targets of {}", judged.judgement.system)}));
    for remark in &judged.judgement.remarks {
        output.step(TARGETS, "log", &json!({"severity": "WARNING", "message": remark}));
    }
    for row in &judged.judgement.rows {
        if let Some(measured) = &row.measured {
            output.step(
                TARGETS,
                "measurement",
                &json!({
                    "name": row.id, "value": measured.value.value, "unit": measured.value.unit.symbol(),
                    "validators": validators(row),
                    "metadata": {"metric": row.metric.map(|metric| metric.id), "samples": measured.summary.n, "boots": measured.boots.len()},
                }),
            );
        }
        diagnosis(output, &row.id, row.verdict, &row.reason);
    }
    for row in &judged.judgement.facts {
        diagnosis(output, &row.id, row.verdict, &row.reason);
    }
    output.step(TARGETS, "testStepEnd", &json!({"status": "COMPLETE"}));
}

fn diagnosis(output: &mut Output<'_>, id: &str, verdict: Verdict, reason: &str) {
    let kind = match verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        _ => "UNKNOWN",
    };
    let verdict = format!("{id}-{}", verdict.name().to_lowercase());
    output.step(TARGETS, "diagnosis", &json!({"verdict": verdict, "type": kind, "message": reason}));
}

fn validators(row: &Row) -> Value {
    let kind = match row.better {
        Better::Higher => "GREATER_THAN_OR_EQUAL",
        Better::Lower => "LESS_THAN_OR_EQUAL",
    };
    let metadata = json!({"tolerance": row.tolerance, "place": row.place});
    json!([{"name": "documented", "type": kind, "value": row.documented.value, "metadata": metadata}])
}

/// What a workload measured, what it could not, and what is to be known of it. Nothing where the run had none of it.
fn step(output: &mut Output<'_>, workload: Workload, run: &Run, series: &[RunSeries]) {
    let id = workload.name();
    let attempts: Vec<_> = run.attempts.iter().filter(|attempt| attempt.workload == workload).collect();
    if attempts.is_empty() {
        return;
    }
    let of = |name: &str| name.split('.').next() == Some(id);
    output.step(id, "testStepStart", &json!({"name": id}));
    for one in series.iter().filter(|one| of(&one.id.name)) {
        let Some(summary) = one.summary else { continue };
        output.step(
            id,
            "measurement",
            &json!({
                "name": one.id.to_string(), "value": summary.median, "unit": one.unit.symbol(),
                "metadata": {
                    "samples": summary.n, "mad": summary.mad, "min": summary.min, "max": summary.max,
                    "disturbed": one.tainted, "context": one.last.context,
                },
            }),
        );
    }
    for warning in attempts.iter().flat_map(|attempt| &attempt.warnings) {
        output.step(id, "log", &json!({"severity": "WARNING", "message": warning.to_string()}));
    }
    let mut failed = false;
    for missing in series::missing(run).filter(|missing| of(&missing.id.name)) {
        failed |= missing.id.name == id;
        let message = format!("{}: {}", missing.id, missing.reason);
        output.step(id, "error", &json!({"symptom": "not-measured", "message": message}));
    }
    output.step(id, "testStepEnd", &json!({"status": if failed { "ERROR" } else { "COMPLETE" }}));
}
