use std::collections::BTreeMap;

use super::{bencher, csv, junit, markdown, ocptv, prometheus};
use crate::html;
use crate::judged::Judged;
use crate::testdata;
use measure::{Quantity, Summary, Unit};
use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use serde_json::Value;
use verdict::Verdict;

/// All formats of the test data's run.
struct Written {
    ocptv: Vec<Value>,
    junit: Report,
    prometheus: String,
    csv: Vec<BTreeMap<String, String>>,
    bencher: Value,
    markdown: String,
    html: String,
}

fn written() -> Written {
    let (run, system, judgement) = (testdata::run(), testdata::system(), testdata::judged());
    let audit = spec::audit::audit(&system, &[]);
    let judged = Judged { runs: &[run], system: &system, audit: &audit, judgement: &judgement };
    let table = csv(&judged).unwrap();
    Written {
        ocptv: ocptv(&judged).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        junit: Report::deserialize_from_str(&junit(&judged).unwrap()).unwrap(),
        prometheus: prometheus(&judged).unwrap(),
        csv: ::csv::Reader::from_reader(table.as_bytes()).deserialize().map(Result::unwrap).collect(),
        bencher: serde_json::from_str(&bencher(&judged).unwrap()).unwrap(),
        markdown: markdown(&judged).unwrap(),
        html: html::page(&judged).unwrap().replace("&#x2f;", "/"),
    }
}

/// The value of a step's measurement.
fn in_ocptv(lines: &[Value], name: &str) -> f64 {
    let found = lines.iter().filter_map(|line| line.pointer("/testStepArtifact/measurement"));
    found.filter(|one| one["name"] == name).map(|one| one["value"].as_f64().unwrap()).next().unwrap()
}

fn in_junit(report: &Report, case: &str, property: &str) -> Option<f64> {
    let case = report.test_suites[0].test_cases.iter().find(|one| one.name.as_str() == case).unwrap();
    let found = case.properties.iter().find(|one| one.name.as_str() == property)?;
    Some(found.value.as_str().parse().unwrap())
}

fn in_prometheus(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

fn in_csv(lines: &[BTreeMap<String, String>], metric: &str) -> f64 {
    let of =
        lines.iter().filter(|line| line["metric"] == metric && line["labels"].is_empty() && line["taint"].is_empty());
    let values: Vec<f64> = of.map(|line| line["value"].parse().unwrap()).collect();
    Summary::of(&values).unwrap().median
}

#[test]
fn every_format_tells_the_same_numbers() {
    let written = written();
    let judgement = testdata::judged();
    let measure = |unit: &str| unit.replace('_', "-");
    for (target, metric, unit) in
        [("memory.stream", "stream.triad", "bytes_per_second"), ("memory.latency", "stream.latency", "seconds")]
    {
        let row = judgement.rows.iter().find(|row| row.id == target).unwrap();
        let value = row.measured.as_ref().unwrap().value.value;
        let check = |found: f64, format: &str| {
            assert!((found - value).abs() <= value * 1e-15, "{format}: {metric} is {found}, not {value}");
        };
        check(in_ocptv(&written.ocptv, target), "ocptv, target");
        check(in_ocptv(&written.ocptv, metric), "ocptv, series");
        check(in_junit(&written.junit, target, "measured").unwrap(), "junit");
        check(
            in_prometheus(&written.prometheus, &format!("hostproof_{}_{unit}", metric.replace('.', "_"))),
            "prometheus",
        );
        check(in_csv(&written.csv, metric), "csv");
        check(written.bencher[metric][measure(unit)]["value"].as_f64().unwrap(), "bencher");
        let shown = row.measured.as_ref().unwrap().value.to_string();
        assert!(written.markdown.contains(&shown) && written.html.contains(&shown), "{shown}");
        assert!(written.html.contains(&value.to_string()), "{value}");
        assert_eq!(in_junit(&written.junit, target, "documented"), Some(row.documented.value));
    }
    let documented = Quantity::new(1.65e12, Unit::BytePerSecond).to_string();
    assert!(written.markdown.contains(&documented) && written.html.contains(&documented));
}

#[test]
fn each_verdict_has_its_kind_of_junit_result() {
    let (run, system, mut judgement) = (testdata::run(), testdata::system(), testdata::judged());
    let audit = spec::audit::audit(&system, &[]);
    for verdict in Verdict::ALL {
        judgement.rows.truncate(1);
        judgement.rows[0].verdict = verdict;
        let judged = Judged { runs: std::slice::from_ref(&run), system: &system, audit: &audit, judgement: &judgement };
        let report = Report::deserialize_from_str(&junit(&judged).unwrap()).unwrap();
        let expect = match verdict {
            Verdict::Pass => "success",
            Verdict::Fail => "failure",
            Verdict::NotMeasured | Verdict::Tainted | Verdict::Implausible => "error",
            Verdict::Inconclusive | Verdict::NotComparable | Verdict::Infeasible => "skipped",
        };
        let found = match &report.test_suites[0].test_cases[0].status {
            TestCaseStatus::Success { .. } => "success",
            TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. } => "failure",
            TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. } => "error",
            TestCaseStatus::Skipped { .. } => "skipped",
        };
        assert_eq!(found, expect, "{verdict}");
    }
}

#[test]
fn ocptv_opens_and_closes_what_it_says() {
    let lines = written().ocptv;
    assert_eq!(lines[0]["schemaVersion"], serde_json::json!({"major": 2, "minor": 0}));
    assert!(lines[1].pointer("/testRunArtifact/testRunStart/dutInfo/dutInfoId").is_some());
    let end = &lines[lines.len() - 1];
    assert_eq!(end.pointer("/testRunArtifact/testRunEnd/result").unwrap(), "NOT_APPLICABLE");
    let mut open: Option<&str> = None;
    for (number, line) in lines.iter().enumerate() {
        assert_eq!(line["sequenceNumber"], number);
        assert_eq!(line["timestamp"], "2026-07-01T12:00:00Z");
        let Some(step) = line.get("testStepArtifact") else { continue };
        let id = step["testStepId"].as_str().unwrap();
        if step.get("testStepStart").is_some() {
            assert_eq!(open.replace(id), None);
        }
        assert_eq!(open, Some(id));
        if step.get("testStepEnd").is_some() {
            open = None;
        }
    }
    assert_eq!(open, None);
    let errors = lines.iter().filter_map(|line| line.pointer("/testStepArtifact/error/message"));
    assert!(errors.into_iter().any(|message| message.as_str().unwrap().contains("SIGILL")));
}

#[test]
fn prometheus_families_are_whole_and_described() {
    let text = written().prometheus;
    let mut family = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            family = rest.split(' ').next().unwrap();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            assert_eq!(rest, format!("{family} gauge"));
        } else {
            let name = line.split(['{', ' ']).next().unwrap();
            assert_eq!(name, family, "{line}");
        }
    }
    assert_eq!(text.matches("hostproof_stream_latency_sweep_seconds{").count(), 2);
}

#[test]
fn what_was_not_measured_is_told() {
    let written = written();
    let line = written.csv.iter().find(|line| line["metric"] == "dense").unwrap();
    assert!(line["value"].is_empty() && line["not_measured"].contains("SIGILL"), "{line:?}");
    let tainted = written.csv.iter().filter(|line| !line["taint"].is_empty()).count();
    assert_eq!(tainted, 1);
}
