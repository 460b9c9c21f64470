//! `JUnit` XML: each target is a test case.

use std::time::Duration;

use measure::{Attempt, Definition, Interval, MetricId, Outcome, Run, Workload};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use verdict::{FactRow, Row, Verdict};

use super::{Error, last};
use crate::json;
use crate::judged::Judged;
use crate::text::clean;

/// A suite of the targets: of those that are demanded a failure is below its target, and an error could not be measured or is
/// not to be believed; skipped is all else, so that an accepted host is never red. Values are properties, and times are those
/// of the measurements.
pub fn junit(judged: &Judged<'_>) -> Result<String, Error> {
    let (run, _) = last(judged)?;
    let judgement = judged.judgement;
    let mut suite = TestSuite::new(clean(&judgement.system));
    suite.add_property(property("host", &judgement.host));
    suite.add_property(property("runs", &judgement.runs.join(" ")));
    suite.add_property(property("started", &run.started));
    suite.add_property(property("profile", run.profile.name()));
    suite.add_property(property("build", &format!("{} {}", run.build.version, run.build.revision)));
    suite.add_property(property("platform_id", &run.fingerprint.platform_id));
    suite.add_property(property("config_id", &run.fingerprint.config_id));
    suite.add_property(property("acceptance", json::acceptance(judgement)));
    suite.set_time(run.attempts.iter().map(|attempt| taken(attempt.outcomes.iter())).sum());
    suite.add_test_cases(judgement.rows.iter().map(|row| case(row, run)));
    suite.add_test_cases(judgement.facts.iter().map(part));
    let mut report = Report::new("hostproof");
    report.set_time(suite.time.unwrap_or_default());
    report.add_test_suite(suite);
    Ok(report.to_string()?)
}

pub(super) fn property(name: &str, value: &str) -> Property {
    Property::new(name, clean(value))
}

fn part(row: &FactRow) -> TestCase {
    let mut case = TestCase::new(clean(&row.id), status(row.verdict, row.required, &row.reason));
    case.set_classname("hostproof.part");
    // Reading a part takes no time that a run tells.
    case.set_time(Duration::ZERO);
    let values = [
        ("title", Some(row.title.clone())),
        ("documented", Some(row.documented.clone())),
        ("found", row.found.clone()),
        ("required", Some(row.required.to_string())),
        ("verdict", Some(row.verdict.name().to_owned())),
        ("reason", Some(row.reason.clone())),
    ];
    case.add_properties(properties(values));
    case
}

/// Those that have a value.
pub(super) fn properties<const N: usize>(values: [(&str, Option<String>); N]) -> impl Iterator<Item = Property> {
    values.into_iter().filter_map(|(name, value)| Some(property(name, &value?)))
}

/// What is not demanded is never an error: a suite that fails by it would say what acceptance does not.
pub(super) fn status(verdict: Verdict, required: bool, reason: &str) -> TestCaseStatus {
    let mut status = match verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Fail if required => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::NotMeasured | Verdict::Tainted | Verdict::Implausible if required => {
            TestCaseStatus::non_success(NonSuccessKind::Error)
        }
        _ => TestCaseStatus::skipped(),
    };
    if verdict != Verdict::Pass {
        status.set_message(clean(reason));
        status.set_type(verdict.name());
    }
    status
}

/// From the first to the last sample of what was measured.
fn taken<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Duration {
    let samples = outcomes.filter_map(Outcome::measured).flat_map(|one| &one.samples);
    let whole = Interval::hull_of(samples.filter_map(|sample| sample.interval));
    whole.map_or(Duration::ZERO, |whole| Duration::from_nanos(whole.end.saturating_sub(whole.start)))
}

/// How long the last run measured what a target is judged by: its samples in all repetitions.
fn time_of(row: &Row, run: &Run) -> Duration {
    let of = |attempt: &Attempt| {
        let is_its = |outcome: &&Outcome| outcome.measured().is_some_and(|one| row.is_judged_by(&one.id()));
        taken(attempt.outcomes.iter().filter(is_its))
    };
    run.attempts.iter().map(of).sum()
}

fn series_name(metric: &Definition, row: &Row) -> String {
    MetricId { name: metric.id.to_owned(), labels: row.series.clone() }.to_string()
}

fn case(row: &Row, run: &Run) -> TestCase {
    let workload = row.metric.map_or("none", |metric| metric.family.workload.map_or("host", Workload::name));
    let mut case = TestCase::new(clean(&row.id), status(row.verdict, row.required, &row.reason));
    case.set_classname(format!("hostproof.{workload}"));
    case.set_time(time_of(row, run));
    let number = |value: f64| Some(value.to_string());
    let values = [
        ("title", Some(row.title.clone())),
        ("metric", row.metric.map(|metric| series_name(metric, row))),
        ("unit", Some(row.documented.unit.symbol().to_owned())),
        ("documented", number(row.documented.value)),
        ("measured", row.measured.as_ref().and_then(|measured| number(measured.value.value))),
        ("document_ceiling", row.ceiling.and_then(|ceiling| number(ceiling.value))),
        ("host_limit", row.host_limit.as_ref().and_then(|limit| number(limit.value.value))),
        ("share_of_documented", row.share_of_target.and_then(number)),
        ("share_of_host", row.share_of_host.and_then(number)),
        ("required", Some(row.required.to_string())),
        ("verdict", Some(row.verdict.name().to_owned())),
        ("reason", Some(row.reason.clone())),
    ];
    case.add_properties(properties(values));
    case
}
