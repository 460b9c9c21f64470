//! The lines of a record. The types on them are those of `measure`; what a line adds is when each may come. A field that is
//! added keeps the schema's number; anything else raises it.

use std::collections::BTreeMap;

use measure::{BootNoise, Build, Ending, Event, Facts, Fingerprint, Profile, Run, SpecSource, Workload};
use pipe::SCHEMA;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

#[cfg(test)]
mod tests {
    use measure::{Event, Outcome};
    use pipe::message::{Message, decode, encode};

    use crate::testdata::{run, telemetry};

    #[test]
    fn all_that_a_run_is_made_of_passes_through_a_workers_pipe() {
        let check = |event: Event| {
            let line = encode(&Message::Event(event.clone()));
            assert_eq!(line.matches('\n').count(), 1, "{line}");
            // NaN is not equal to itself; its name is.
            assert_eq!(format!("{:?}", decode(&line).unwrap()), format!("{:?}", Message::Event(event)));
        };
        let run = run();
        for outcome in run.outcomes() {
            check(match outcome.clone() {
                Outcome::Measured(measurement) => Event::Measured(measurement),
                Outcome::NotMeasured(missing) => Event::NotMeasured(missing),
            });
        }
        check(Event::Telemetry(telemetry()));
        for warning in run.attempts.iter().flat_map(|attempt| &attempt.warnings) {
            check(Event::Warning(warning.clone()));
        }
    }
}
