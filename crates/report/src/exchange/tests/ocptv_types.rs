//! The objects of OCP Test & Validation output 2.0, as strictly as the specification has them: opencomputeproject's
//! ocp-diag-core, `json_spec/output`. A line that does not fit them is no line of that format.

#![expect(dead_code, reason = "only that a line can be read matters")]

use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Root {
    sequence_number: u64,
    timestamp: String,
    schema_version: Option<SchemaVersion>,
    test_run_artifact: Option<RunArtifact>,
    test_step_artifact: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SchemaVersion {
    major: u8,
    minor: u8,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum RunArtifact {
    TestRunStart(Box<RunStart>),
    TestRunEnd(RunEnd),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RunStart {
    name: String,
    version: String,
    command_line: String,
    parameters: Map<String, Value>,
    dut_info: DutInfo,
    metadata: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DutInfo {
    #[serde(rename = "dutInfoId")]
    id: String,
    name: Option<String>,
    #[serde(default)]
    software_infos: Vec<SoftwareInfo>,
    metadata: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SoftwareInfo {
    #[serde(rename = "softwareInfoId")]
    id: String,
    name: String,
    version: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RunEnd {
    status: Status,
    result: Result,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    Complete,
    Error,
    Skip,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Result {
    NotApplicable,
    Pass,
    Fail,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum StepArtifact {
    TestStepStart(Named),
    TestStepEnd(StepEnd),
    Measurement(Measurement),
    Diagnosis(Diagnosis),
    Log(Log),
    Error(Trouble),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Named {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct StepEnd {
    status: Status,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Measurement {
    name: String,
    value: f64,
    unit: Option<String>,
    #[serde(default)]
    validators: Vec<Validator>,
    metadata: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Validator {
    name: Option<String>,
    r#type: Comparison,
    value: f64,
    metadata: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Comparison {
    LessThanOrEqual,
    GreaterThanOrEqual,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Diagnosis {
    verdict: String,
    r#type: Kind,
    message: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    Pass,
    Fail,
    Unknown,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Log {
    severity: Severity,
    message: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Severity {
    Info,
    Debug,
    Warning,
    Error,
    Fatal,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Trouble {
    symptom: String,
    message: Option<String>,
}

/// Panics where a line is not of the format.
pub(super) fn validate(line: &Value) {
    let root: Root = serde_json::from_value(line.clone()).unwrap_or_else(|error| panic!("{error}: {line}"));
    assert!(root.timestamp.ends_with('Z') && root.timestamp.contains('T'), "{line}");
    let kinds = [root.schema_version.is_some(), root.test_run_artifact.is_some(), root.test_step_artifact.is_some()];
    assert_eq!(kinds.iter().filter(|is| **is).count(), 1, "one artifact a line: {line}");
    if let Some(version) = root.schema_version {
        assert_eq!((version.major, version.minor), (2, 0), "{line}");
    }
    if let Some(mut step) = root.test_step_artifact {
        assert!(step.remove("testStepId").is_some_and(|id| id.is_string()), "{line}");
        let artifact: serde_json::Result<StepArtifact> = serde_json::from_value(Value::Object(step));
        assert!(artifact.is_ok(), "{artifact:?}: {line}");
    }
}
