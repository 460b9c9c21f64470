//! The lines of a record. The types on them are those of `measure`; what a line adds is when each may come. A field that is
//! added keeps the schema's number; anything else raises it.

use std::collections::BTreeMap;

use measure::{BootNoise, Build, Ending, Event, Facts, Fingerprint, Profile, Run, SpecSource, Workload};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the format, in the first line of every record and the first message of every worker.
///
/// 1: version 0.1.0, whose samples have no intervals, and whose telemetry came as measurements when a workload ended.
/// 2: samples carry their intervals, and telemetry comes in stretches while a workload runs.
pub const SCHEMA: u32 = 2;

/// The oldest version that is read.
pub(crate) const OLDEST_SCHEMA: u32 = 1;

/// A line of a record.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RecordLine {
    /// The first line.
    Run(Box<Header>),
    /// A worker starts.
    AttemptBegin {
        workload: Workload,
        repetition: u32,
        /// What it was asked to do, in the words of its own configuration.
        plan: Value,
    },
    /// What it did.
    Event(Event),
    /// It ended.
    AttemptEnd {},
    /// The last line; never `cut`, which is what a record without it is.
    RunEnd { ending: Ending },
}

/// The part of the first line that every schema has.
#[derive(Deserialize)]
pub(crate) struct Probe {
    pub(crate) run: ProbeRun,
}

#[derive(Deserialize)]
pub(crate) struct ProbeRun {
    pub(crate) schema: u32,
}

/// What is known of a run before it measures.
#[derive(Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) schema: u32,
    id: String,
    started: String,
    host: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    boot_id: Option<String>,
    profile: Profile,
    build: Build,
    spec: SpecSource,
    facts: Facts,
    #[serde(default)]
    fingerprint: Fingerprint,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    noise: BTreeMap<String, BootNoise>,
}

impl Header {
    pub(crate) fn of(run: &Run) -> Header {
        Header {
            schema: SCHEMA,
            id: run.id.clone(),
            started: run.started.clone(),
            host: run.host.clone(),
            node: run.node.clone(),
            boot_id: run.boot_id.clone(),
            profile: run.profile,
            build: run.build.clone(),
            spec: run.spec.clone(),
            facts: run.facts.clone(),
            fingerprint: run.fingerprint.clone(),
            noise: run.noise.clone(),
        }
    }

    /// The run without its attempts, cut as far as is known.
    pub(crate) fn into_run(self) -> Run {
        Run {
            id: self.id,
            started: self.started,
            host: self.host,
            node: self.node,
            boot_id: self.boot_id,
            profile: self.profile,
            build: self.build,
            spec: self.spec,
            facts: self.facts,
            fingerprint: self.fingerprint,
            noise: self.noise,
            attempts: Vec::new(),
            ending: Ending::Cut,
        }
    }
}

/// One line of JSON with its line feed.
pub(crate) fn to_line(value: &impl Serialize) -> String {
    // Maps with keys of text and numbers, and no type that could refuse: there is nothing that can fail.
    let mut text = serde_json::to_string(value).expect("the types of the wire always become JSON");
    text.push('\n');
    text
}

/// Reads one line of JSON; the error says what was expected and at which column.
pub(crate) fn from_line<'de, T: Deserialize<'de>>(line: &'de [u8]) -> Result<T, String> {
    serde_json::from_slice(line).map_err(|error| {
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text);
        format!("column {}: {what}", error.column())
    })
}
