//! The types on disk and on the pipe. A field that is added keeps the schema's number; anything else raises it.

use std::collections::BTreeMap;

use measure::{Better, Labels, MetricId, Unit, Workload};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::num::{self, Num};

/// The version of the format, in the first line of every record and the first message of every worker.
pub const SCHEMA: u32 = 1;

/// A line of a record.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// The first line.
    Run(Box<Header>),
    /// A worker starts.
    AttemptBegin {
        #[serde(with = "workload")]
        workload: Workload,
        repetition: u32,
        /// What it was asked to do, in the words of its own configuration.
        plan: Value,
    },
    /// It told something.
    Event(Event),
    /// It ended.
    AttemptEnd {},
    /// The last line.
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

#[derive(Serialize, Deserialize)]
pub(crate) struct Header {
    schema: u32,
    id: String,
    started: String,
    host: String,
    boot_id: Option<String>,
    profile: String,
    #[serde(with = "BuildDef")]
    build: measure::Build,
    #[serde(with = "SpecDef")]
    spec: measure::SpecSource,
    facts: BTreeMap<String, Fact>,
    #[serde(default, with = "FingerprintDef")]
    fingerprint: measure::Fingerprint,
}

impl Header {
    pub(crate) fn of(run: &measure::Run) -> Header {
        Header {
            schema: SCHEMA,
            id: run.id.clone(),
            started: run.started.clone(),
            host: run.host.clone(),
            boot_id: run.boot_id.clone(),
            profile: run.profile.clone(),
            build: run.build.clone(),
            spec: run.spec.clone(),
            facts: run.facts.0.iter().map(|(id, fact)| (id.clone(), Fact::of(fact))).collect(),
            fingerprint: run.fingerprint.clone(),
        }
    }

    /// The run without its attempts, cut as far as is known.
    pub(crate) fn into_run(self) -> measure::Run {
        measure::Run {
            id: self.id,
            started: self.started,
            host: self.host,
            boot_id: self.boot_id,
            profile: self.profile,
            build: self.build,
            spec: self.spec,
            facts: measure::Facts(self.facts.into_iter().map(|(id, fact)| (id, fact.into_domain())).collect()),
            fingerprint: self.fingerprint,
            attempts: Vec::new(),
            ending: measure::Ending::Cut,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "measure::Build")]
pub(crate) struct BuildDef {
    version: String,
    revision: String,
    compiler: String,
    profile: String,
    target_features: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "measure::SpecSource")]
struct SpecDef {
    id: String,
    sha256: String,
    text: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "measure::Fingerprint")]
struct FingerprintDef {
    platform_id: String,
    config_id: String,
    platform: BTreeMap<String, String>,
    config: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    Complete,
    Interrupted,
}

#[derive(Serialize, Deserialize)]
struct Fact {
    reading: Reading,
    source: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reading {
    Number {
        #[serde(with = "num")]
        value: f64,
        #[serde(with = "unit")]
        unit: Unit,
    },
    Text(String),
    Flag(bool),
    Absent {},
    Denied {
        remedy: String,
    },
    Failed {
        error: String,
    },
}

impl Fact {
    fn of(fact: &measure::Fact) -> Fact {
        use measure::{FactValue, Reading as Domain};
        let reading = match &fact.reading {
            Domain::Present(FactValue::Quantity(q)) => Reading::Number { value: q.value, unit: q.unit },
            Domain::Present(FactValue::Text(text)) => Reading::Text(text.clone()),
            Domain::Present(FactValue::Flag(flag)) => Reading::Flag(*flag),
            Domain::Absent => Reading::Absent {},
            Domain::Denied { remedy } => Reading::Denied { remedy: remedy.clone() },
            Domain::Failed { error } => Reading::Failed { error: error.clone() },
        };
        Fact { reading, source: fact.source.clone() }
    }

    fn into_domain(self) -> measure::Fact {
        use measure::{FactValue, Quantity, Reading as Domain};
        let reading = match self.reading {
            Reading::Number { value, unit } => Domain::Present(FactValue::Quantity(Quantity::new(value, unit))),
            Reading::Text(text) => Domain::Present(FactValue::Text(text)),
            Reading::Flag(flag) => Domain::Present(FactValue::Flag(flag)),
            Reading::Absent {} => Domain::Absent,
            Reading::Denied { remedy } => Domain::Denied { remedy },
            Reading::Failed { error } => Domain::Failed { error },
        };
        measure::Fact { reading, source: self.source }
    }
}

/// What a worker tells.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// Only on the pipe; never stored.
    Progress {
        #[serde(with = "num")]
        done: f64,
        doing: String,
    },
    Measured(Box<Measurement>),
    NotMeasured(NotMeasured),
    Warning(Warning),
}

impl Event {
    pub(crate) fn of(event: &measure::Event) -> Event {
        match event {
            measure::Event::Progress { done, doing } => Event::Progress { done: *done, doing: doing.clone() },
            measure::Event::Outcome(measure::Outcome::Measured(measurement)) => {
                Event::Measured(Box::new(Measurement::of(measurement)))
            }
            measure::Event::Outcome(measure::Outcome::NotMeasured(missing)) => Event::NotMeasured(NotMeasured {
                name: missing.id.name.clone(),
                labels: missing.id.labels.clone(),
                reason: missing.reason.clone(),
            }),
            measure::Event::Warning(warning) => Event::Warning(Warning(warning.clone())),
        }
    }

    pub(crate) fn into_domain(self) -> measure::Event {
        match self {
            Event::Progress { done, doing } => measure::Event::Progress { done, doing },
            Event::Measured(measurement) => {
                measure::Event::Outcome(measure::Outcome::Measured(measurement.into_domain()))
            }
            Event::NotMeasured(missing) => {
                measure::Event::Outcome(measure::Outcome::NotMeasured(measure::NotMeasured {
                    id: MetricId { name: missing.name, labels: missing.labels },
                    reason: missing.reason,
                }))
            }
            Event::Warning(Warning(warning)) => measure::Event::Warning(warning),
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Measurement {
    name: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: Labels,
    #[serde(with = "unit")]
    unit: Unit,
    #[serde(with = "BetterDef")]
    better: Better,
    samples: Samples,
    placement: Option<Placement>,
    context: BTreeMap<String, String>,
    warnings: Vec<Warning>,
}

/// All values in order, and the taints of those that have one, by index.
#[derive(Serialize, Deserialize)]
#[serde(try_from = "RawSamples")]
struct Samples {
    values: Vec<Num>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    taints: BTreeMap<usize, Taint>,
}

#[derive(Deserialize)]
struct RawSamples {
    values: Vec<Num>,
    #[serde(default)]
    taints: BTreeMap<usize, Taint>,
}

impl TryFrom<RawSamples> for Samples {
    type Error = String;

    fn try_from(raw: RawSamples) -> Result<Samples, String> {
        match raw.taints.last_key_value() {
            Some((&last, _)) if last >= raw.values.len() => {
                Err(format!("sample {last} is said to be tainted, of {} samples", raw.values.len()))
            }
            _ => Ok(Samples { values: raw.values, taints: raw.taints }),
        }
    }
}

impl Samples {
    fn of(samples: &[measure::Sample]) -> Samples {
        let tainted =
            |(index, sample): (usize, &measure::Sample)| sample.taint.clone().map(|taint| (index, Taint(taint)));
        Samples {
            values: samples.iter().map(|sample| Num(sample.value)).collect(),
            taints: samples.iter().enumerate().filter_map(tainted).collect(),
        }
    }

    fn into_domain(mut self) -> Vec<measure::Sample> {
        let values = std::mem::take(&mut self.values).into_iter().enumerate();
        values
            .map(|(index, Num(value))| measure::Sample { value, taint: self.taints.remove(&index).map(|t| t.0) })
            .collect()
    }
}

impl Measurement {
    fn of(measurement: &measure::Measurement) -> Measurement {
        Measurement {
            name: measurement.metric.name.clone(),
            labels: measurement.labels.clone(),
            unit: measurement.metric.unit,
            better: measurement.metric.better,
            samples: Samples::of(&measurement.samples),
            placement: measurement.placement.as_ref().map(Placement::of),
            context: measurement.context.clone(),
            warnings: measurement.warnings.iter().cloned().map(Warning).collect(),
        }
    }

    fn into_domain(self) -> measure::Measurement {
        measure::Measurement {
            metric: measure::Metric { name: self.name, unit: self.unit, better: self.better },
            labels: self.labels,
            samples: self.samples.into_domain(),
            placement: self.placement.map(Placement::into_domain),
            context: self.context,
            warnings: self.warnings.into_iter().map(|warning| warning.0).collect(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Placement {
    cpus: Vec<u32>,
    pages_on_node: Option<Num>,
    huge_pages: Option<Num>,
    migrations: Option<u64>,
}

impl Placement {
    fn of(placement: &measure::Placement) -> Placement {
        Placement {
            cpus: placement.cpus.clone(),
            pages_on_node: placement.pages_on_node.map(Num),
            huge_pages: placement.huge_pages.map(Num),
            migrations: placement.migrations,
        }
    }

    fn into_domain(self) -> measure::Placement {
        measure::Placement {
            cpus: self.cpus,
            pages_on_node: self.pages_on_node.map(|num| num.0),
            huge_pages: self.huge_pages.map(|num| num.0),
            migrations: self.migrations,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct NotMeasured {
    name: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: Labels,
    #[serde(with = "ReasonDef")]
    reason: measure::Reason,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Taint(#[serde(with = "TaintDef")] measure::Taint);

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Warning(#[serde(with = "WarningDef")] measure::Warning);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Better", rename_all = "snake_case")]
enum BetterDef {
    Higher,
    Lower,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "measure::Taint", rename_all = "snake_case")]
enum TaintDef {
    WrongCpu {
        planned: u32,
        found: String,
    },
    WrongNode {
        #[serde(with = "num")]
        share: f64,
    },
    CpuTaken {
        #[serde(with = "num")]
        share: f64,
        by: String,
    },
    Environment(String),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "measure::Reason", rename_all = "snake_case")]
enum ReasonDef {
    WrongResult(String),
    NoHardware(String),
    NotAllowed(String),
    NoResources(String),
    NotInProfile(String),
    NotBuilt(String),
    WorkerDied(String),
    Interrupted,
    Failed(String),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "measure::Warning", rename_all = "snake_case")]
enum WarningDef {
    FewHugePages {
        #[serde(with = "num")]
        share: f64,
    },
    Noisy {
        #[serde(with = "num")]
        spread: f64,
    },
    NearCache {
        array: u64,
        wanted: u64,
    },
    PlacementUnproved {
        why: String,
    },
    NarrowIsa {
        used: String,
    },
    Extrapolated {
        how: String,
    },
    Partial {
        covers: String,
    },
    NotHonoured {
        what: String,
    },
    Note(String),
}

/// A unit by its symbol.
mod unit {
    use super::{Deserialize, Deserializer, Serializer, Unit};
    use serde::de::Error as _;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    pub(super) fn serialize<S: Serializer>(unit: &Unit, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(unit.symbol())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Unit, D::Error> {
        let symbol = String::deserialize(deserializer)?;
        Unit::from_symbol(&symbol).ok_or_else(|| D::Error::custom(format!("`{symbol}` is not a unit")))
    }
}

/// A workload by its name.
mod workload {
    use super::{Deserialize, Deserializer, Serializer, Workload};
    use serde::de::Error as _;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    pub(super) fn serialize<S: Serializer>(workload: &Workload, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(workload.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Workload, D::Error> {
        let name = String::deserialize(deserializer)?;
        Workload::from_name(&name).ok_or_else(|| D::Error::custom(format!("`{name}` is not a workload")))
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
