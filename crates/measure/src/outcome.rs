//! The outcome of one measurement: samples, or the reason why there are none.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::num::Num;
use crate::sample::stored;
use crate::{Definition, Labels, Metric, MetricId, Sample, StoragePlace, Summary, Warning};

/// The proof of where threads and memory were.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// CPUs of the workers, confirmed by `sched_getaffinity`.
    pub cpus: Vec<u32>,
    /// Share of pages on their planned node by `move_pages`, 0 to 1; `None` where the kernel did not tell.
    #[serde(with = "share")]
    pub pages_on_node: Option<f64>,
    /// Share of bytes in huge pages by smaps, 0 to 1; `None` where the kernel did not tell.
    #[serde(with = "share")]
    pub huge_pages: Option<f64>,
    /// How often workers were moved between CPUs while the clock ran; `None` where the kernel did not tell.
    pub migrations: Option<u64>,
}

/// A share that may be unknown, with all its digits.
mod share {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Num;

    #[expect(clippy::ref_option, reason = "serde hands over a reference")]
    pub(super) fn serialize<S: Serializer>(share: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        share.map(Num).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        Ok(Option::<Num>::deserialize(deserializer)?.map(|Num(share)| share))
    }
}

/// Samples of one metric, with what is needed to trust them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// What was measured.
    #[serde(flatten)]
    pub metric: Metric,
    /// Which instance of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: Labels,
    /// Every sample, in the order of measuring.
    #[serde(with = "stored")]
    pub samples: Vec<Sample>,
    /// Where threads and memory were.
    pub placement: Option<Placement>,
    /// Where the files lay, where storage was measured; `None` in records of versions that did not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Box<StoragePlace>>,
    /// How it was measured (`isa`, `array_bytes`, `threads`): shown, and not part of its identity.
    pub context: BTreeMap<String, String>,
    /// What a reader should know.
    pub warnings: Vec<Warning>,
}

impl Measurement {
    /// Samples of a metric of the catalogue, without labels.
    #[must_use]
    pub fn new(definition: &Definition, samples: impl IntoIterator<Item = Sample>) -> Self {
        Measurement {
            metric: Metric::from(definition),
            labels: Labels::new(),
            samples: samples.into_iter().collect(),
            placement: None,
            place: None,
            context: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }

    /// Adds a label.
    #[must_use]
    pub fn label(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.labels.insert(key.to_owned(), value.to_string());
        self
    }

    /// The same figure of one part of the host, which is named by one of [`PARTS`](crate::PARTS): measured in the same way and
    /// at the same time.
    #[must_use]
    pub fn of_part(
        &self,
        part: &str,
        name: impl fmt::Display,
        samples: impl IntoIterator<Item = Sample>,
    ) -> Measurement {
        let whole = self.clone();
        Measurement { samples: samples.into_iter().collect(), ..whole }.label(part, name)
    }

    /// Adds a remark on how it was measured.
    #[must_use]
    pub fn context(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.context.insert(key.to_owned(), value.to_string());
        self
    }

    /// Adds the proof of placement.
    #[must_use]
    pub fn placed(mut self, placement: Placement) -> Self {
        self.placement = Some(placement);
        self
    }

    /// Leaves of the threads' CPUs those of a part.
    #[must_use]
    pub fn on_cpus(mut self, cpus: impl IntoIterator<Item = u32>) -> Self {
        let placement = self.placement.take().unwrap_or_default();
        self.placement = Some(Placement { cpus: cpus.into_iter().collect(), ..placement });
        self
    }

    /// Adds where the files lay.
    #[must_use]
    pub fn at(mut self, place: StoragePlace) -> Self {
        self.place = Some(Box::new(place));
        self
    }

    /// Adds warnings.
    #[must_use]
    pub fn warn(mut self, warnings: impl IntoIterator<Item = Warning>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    /// The identity of the series.
    #[must_use]
    pub fn id(&self) -> MetricId {
        MetricId { name: self.metric.name.clone(), labels: self.labels.clone() }
    }

    /// The summary of the valid samples; `None` where none is valid.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        let valid: Vec<f64> = self.samples.iter().filter(|s| s.taint.is_none()).map(|s| s.value).collect();
        Summary::of(&valid)
    }
}

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The result of the timed work was wrong.
    WrongResult(String),
    /// The hardware lacks what the measurement needs.
    NoHardware(String),
    /// The kernel or the user's rights do not allow it.
    NotAllowed(String),
    /// Too little memory, disk or time.
    NoResources(String),
    /// The profile leaves it out.
    NotInProfile(String),
    /// The part of the suite that measures it was not built.
    NotBuilt(String),
    /// The worker ended before it could answer (signal, exit code).
    WorkerDied(String),
    /// The user stopped the run.
    Interrupted,
    /// An error of any other kind.
    Failed(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::WrongResult(text) => write!(f, "the result was wrong: {text}"),
            Reason::NoHardware(text) => write!(f, "this host lacks the required hardware: {text}"),
            Reason::NotAllowed(text) => write!(f, "not allowed: {text}"),
            Reason::NoResources(text) => write!(f, "not enough memory, disk space or time: {text}"),
            Reason::NotInProfile(text) => write!(f, "left out by the profile: {text}"),
            Reason::NotBuilt(text) => write!(f, "not built: {text}"),
            Reason::WorkerDied(text) => write!(f, "the worker died: {text}"),
            Reason::Interrupted => f.write_str("stopped by the user"),
            Reason::Failed(text) => write!(f, "failed: {text}"),
        }
    }
}

/// A measurement that has no value: a record with a reason, never a missing row, a zero or a sentinel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotMeasured {
    /// The identity of the series, or a workload's name (`stream`) where the whole of it failed.
    #[serde(flatten)]
    pub id: MetricId,
    /// Why.
    pub reason: Reason,
}

impl NotMeasured {
    /// The series of a metric with these labels has no value.
    #[must_use]
    pub fn new(definition: &Definition, labels: Labels, reason: Reason) -> Self {
        NotMeasured { id: MetricId { labels, ..definition.series() }, reason }
    }
}

/// What came of a measurement.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Samples.
    Measured(Measurement),
    /// None, and why.
    NotMeasured(NotMeasured),
}

impl Outcome {
    /// The samples, where there are some.
    #[must_use]
    pub fn measured(&self) -> Option<&Measurement> {
        match self {
            Outcome::Measured(measurement) => Some(measurement),
            Outcome::NotMeasured(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Taint, metrics};

    #[test]
    fn tainted_samples_are_kept_and_do_not_count() {
        let samples = [1.0, 2.0, 3.0].map(Sample::untimed);
        let mut triad = Measurement::new(&metrics::STREAM_TRIAD, samples);
        triad.samples[2].taint = Some(Taint::WrongNode { share: 0.5 });
        assert_eq!(triad.samples.len(), 3);
        assert_eq!(triad.summary().map(|s| (s.n, s.max)), Some((2, 2.0)));
    }

    #[test]
    fn identity_prints_its_labels() {
        let latency = Measurement::new(&metrics::STREAM_LATENCY_SWEEP, []).label("size", 16384).label("page", "huge");
        assert_eq!(latency.id().to_string(), "stream.latency.sweep{page=huge,size=16384}");
        assert_eq!(latency.summary(), None);
    }
}
