//! `JUnit` XML: each target is a test case.

use measure::Workload;
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use verdict::{FactRow, Row, Verdict};

use super::{Error, last};
use crate::json;
use crate::judged::Judged;
use crate::text::clean;

/// A suite of the targets: a failure is below its target, an error could not be measured or is not to be believed, and
/// skipped is what the measurements or the document leave undecided. Values are properties.
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
    suite.add_test_cases(judgement.rows.iter().map(case));
    suite.add_test_cases(judgement.facts.iter().map(part));
    let mut report = Report::new("hostproof");
    report.add_test_suite(suite);
    Ok(report.to_string()?)
}

fn property(name: &str, value: &str) -> Property {
    Property::new(name, clean(value))
}

fn part(row: &FactRow) -> TestCase {
    let mut case = TestCase::new(clean(&row.id), status(row.verdict, &row.reason));
    case.set_classname("hostproof.part");
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
fn properties<const N: usize>(values: [(&str, Option<String>); N]) -> impl Iterator<Item = Property> {
    values.into_iter().filter_map(|(name, value)| Some(property(name, &value?)))
}

fn status(verdict: Verdict, reason: &str) -> TestCaseStatus {
    let mut status = match verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::NotMeasured | Verdict::Tainted | Verdict::Implausible => {
            TestCaseStatus::non_success(NonSuccessKind::Error)
        }
        Verdict::Inconclusive | Verdict::NotComparable | Verdict::Infeasible => TestCaseStatus::skipped(),
    };
    if verdict != Verdict::Pass {
        status.set_message(clean(reason));
        status.set_type(verdict.name());
    }
    status
}

fn case(row: &Row) -> TestCase {
    let workload = row.metric.map_or("none", |metric| metric.family.workload.map_or("host", Workload::name));
    let mut case = TestCase::new(clean(&row.id), status(row.verdict, &row.reason));
    case.set_classname(format!("hostproof.{workload}"));
    let number = |value: f64| Some(value.to_string());
    let values = [
        ("title", Some(row.title.clone())),
        ("metric", row.metric.map(|metric| metric.id.to_owned())),
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
