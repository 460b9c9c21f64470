use std::collections::BTreeMap;

mod ocptv_types;

use super::{bencher, csv, junit, markdown, ocptv, prometheus, unit_name};
use crate::judged::Judged;
use crate::{html, series, testdata};
use measure::{Definition, Labels, MetricId, Summary, metrics};
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
    let judged = Judged {
        runs: &[run],
        system: &system,
        audit: &audit,
        judgement: &judgement,
        each: &[],
        change: None,
        vendor: &[],
    };
    let table = csv(judged.runs).unwrap();
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
fn in_ocptv(lines: &[Value], step: &str, name: &str) -> Option<f64> {
    let of = lines.iter().filter_map(|line| line.get("testStepArtifact")).filter(|one| one["testStepId"] == step);
    of.filter_map(|one| one.get("measurement")).find(|one| one["name"] == name)?["value"].as_f64()
}

fn in_junit(report: &Report, case: &str, property: &str) -> Option<f64> {
    let case = report.test_suites[0].test_cases.iter().find(|one| one.name.as_str() == case).unwrap();
    let found = case.properties.iter().find(|one| one.name.as_str() == property)?;
    Some(found.value.as_str().parse().unwrap())
}

/// The value of a line, by its name and the values of its labels.
fn in_prometheus(text: &str, name: &str, labels: &Labels) -> Option<f64> {
    let fits = |line: &&str| {
        let (key, _) = line.rsplit_once(' ').unwrap();
        let (found, rest) = key.split_once('{').unwrap_or((key, "}"));
        found == name
            && rest.matches('=').count() == labels.len()
            && labels.iter().all(|(key, value)| rest.contains(&format!("{key}=\"{value}\"")))
    };
    text.lines().find(fits)?.rsplit(' ').next()?.parse().ok()
}

/// The median of what counts of a series.
fn in_csv(lines: &[BTreeMap<String, String>], id: &MetricId) -> Option<f64> {
    let labels: Vec<String> = id.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let of = lines.iter().filter(|line| line["metric"] == id.name && line["labels"] == labels.join(" "));
    let values: Vec<f64> =
        of.filter(|line| line["taint"].is_empty()).map(|line| line["value"].parse().unwrap()).collect();
    Some(Summary::of(&values)?.median)
}

#[test]
fn every_format_tells_the_same_numbers() {
    let (written, run, judgement) = (written(), testdata::run(), testdata::judged());
    let check = |found: Option<f64>, value: f64, format: &str, what: &str| {
        let found = found.unwrap_or_else(|| panic!("{format} does not tell {what}"));
        assert!((found - value).abs() <= value.abs() * 1e-15, "{format}: {what} is {found}, not {value}");
    };
    let mut judged = 0;
    for row in &judgement.rows {
        check(in_junit(&written.junit, &row.id, "documented"), row.documented.value, "junit", &row.id);
        let documented = row.documented.to_string();
        assert!(written.markdown.contains(&documented) && written.html.contains(&documented), "{documented}");
        let Some(measured) = &row.measured else { continue };
        judged += 1;
        check(in_ocptv(&written.ocptv, "targets", &row.id), measured.value.value, "ocptv", &row.id);
        check(in_junit(&written.junit, &row.id, "measured"), measured.value.value, "junit", &row.id);
        let shown = measured.value.to_string();
        assert!(written.markdown.contains(&shown) && written.html.contains(&shown), "{shown}");
    }
    let mut counted = 0;
    for series in series::series(&run) {
        let Some(Summary { median, .. }) = series.summary else { continue };
        counted += 1;
        let (id, workload) = (series.id.to_string(), series.id.name.split('.').next().unwrap());
        let unit = unit_name(series.unit);
        let name = format!("hostproof_{}_{unit}", series.id.name.replace('.', "_"));
        let (measure, csv) = (unit.replace('_', "-"), in_csv(&written.csv, &series.id));
        check(in_ocptv(&written.ocptv, workload, &id), median, "ocptv", &id);
        check(in_prometheus(&written.prometheus, &name, &series.id.labels), median, "prometheus", &id);
        check(csv, median, "csv", &id);
        check(written.bencher[&id][measure]["value"].as_f64(), median, "bencher", &id);
        assert!(written.html.contains(&median.to_string()), "html: {id} {median}");
    }
    assert!(judged >= 3 && counted >= 5, "{judged} targets and {counted} series were walked");
}

#[test]
fn every_line_of_ocptv_is_of_that_format() {
    let lines = written().ocptv;
    lines.iter().for_each(ocptv_types::validate);
    assert!(lines.len() > 10);
}

#[test]
fn each_verdict_has_its_kind_of_junit_result() {
    let check = |verdict: Verdict, required: bool, expect: &str| {
        let (run, system, mut judgement) = (testdata::run(), testdata::system(), testdata::judged());
        let audit = spec::audit::audit(&system, &[]);
        judgement.rows.truncate(1);
        (judgement.rows[0].verdict, judgement.rows[0].required) = (verdict, required);
        let judged = Judged {
            runs: std::slice::from_ref(&run),
            system: &system,
            audit: &audit,
            judgement: &judgement,
            each: &[],
            change: None,
            vendor: &[],
        };
        let report = Report::deserialize_from_str(&junit(&judged).unwrap()).unwrap();
        let found = match &report.test_suites[0].test_cases[0].status {
            TestCaseStatus::Success { .. } => "success",
            TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. } => "failure",
            TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. } => "error",
            TestCaseStatus::Skipped { .. } => "skipped",
        };
        assert_eq!(found, expect, "{verdict}, required: {required}");
    };
    for required in [true, false] {
        check(Verdict::Pass, required, "success");
        check(Verdict::Fail, required, if required { "failure" } else { "skipped" });
        for verdict in [Verdict::NotMeasured, Verdict::Tainted, Verdict::Implausible] {
            check(verdict, required, if required { "error" } else { "skipped" });
        }
        for verdict in [Verdict::Inconclusive, Verdict::NotComparable, Verdict::Infeasible] {
            check(verdict, required, "skipped");
        }
    }
}

#[test]
fn junit_says_how_long_each_target_was_measured() {
    let report = written().junit;
    let seconds = |name: &str| {
        let case = report.test_suites[0].test_cases.iter().find(|case| case.name.as_str() == name).unwrap();
        case.time.unwrap().as_secs_f64()
    };
    // Three samples of a tenth of a second each.
    let check = |name: &str, expect: f64| assert!((seconds(name) - expect).abs() < 1e-6, "{name}: {}", seconds(name));
    check("memory.stream", 0.3);
    check("compute.hpl", 0.0);
    assert!(report.test_suites[0].time.unwrap().as_secs_f64() >= 0.3);
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
fn prometheus_has_a_series_for_each_state() {
    let text = written().prometheus;
    let check = |name: &str, labels: &[(&str, &str)], expect: f64| {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        assert_eq!(in_prometheus(&text, name, &labels), Some(expect), "{name} {labels:?}");
    };
    let target = |verdict| [("target", "memory.latency"), ("required", "true"), ("verdict", verdict)];
    check("hostproof_target_verdict", &target("PASS"), 1.0);
    check("hostproof_target_verdict", &target("FAIL"), 0.0);
    check("hostproof_acceptance", &[("acceptance", "accepted")], 0.0);
    check("hostproof_acceptance", &[("acceptance", "not-comparable")], 1.0);
    check("hostproof_run_started_timestamp_seconds", &[], 1_782_907_200.0);
    let of_one = text.lines().filter(|line| line.contains("target=\"memory.latency\"") && line.contains("verdict="));
    assert_eq!(of_one.count(), Verdict::ALL.len());
}

#[test]
fn what_was_not_measured_is_told() {
    let written = written();
    let line = written.csv.iter().find(|line| line["metric"] == "dense").unwrap();
    assert!(line["value"].is_empty() && line["not_measured"].contains("SIGILL"), "{line:?}");
    let tainted = written.csv.iter().filter(|line| !line["taint"].is_empty()).count();
    assert_eq!(tainted, 1);
}

#[test]
fn a_sample_in_csv_says_when_it_was_taken() {
    let csv = written().csv;
    let moments = |metric: &Definition| -> Vec<(u64, u64)> {
        let of = csv.iter().filter(|line| line["metric"] == metric.id);
        of.map(|line| (line["start_ns"].parse().unwrap(), line["end_ns"].parse().unwrap())).collect()
    };
    let expect = [(7_000_000_000, 7_100_000_000), (7_100_000_000, 7_200_000_000), (7_200_000_000, 7_300_000_000)];
    assert_eq!(moments(&metrics::STREAM_TRIAD), expect);
    let missing = csv.iter().find(|line| !line["not_measured"].is_empty()).unwrap();
    assert_eq!((missing["start_ns"].as_str(), missing["end_ns"].as_str()), ("", ""));
}
