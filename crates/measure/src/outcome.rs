//! The outcome of one measurement: samples, or the reason why there are none.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Labels, Metric, MetricId, Summary, Warning};

/// One value, valid or tainted. Tainted samples are kept, and never pass or fail anything.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The value in the metric's base unit.
    pub value: f64,
    /// Why it must not count; `None` is a valid sample.
    pub taint: Option<Taint>,
}

impl Sample {
    /// A valid sample.
    #[must_use]
    pub fn valid(value: f64) -> Self {
        Sample { value, taint: None }
    }
}

/// Why a sample must not count.
#[derive(Clone, Debug, PartialEq)]
pub enum Taint {
    /// A worker's CPU mask was not the planned one.
    WrongCpu {
        /// The planned CPU.
        planned: u32,
        /// What the kernel said.
        found: String,
    },
    /// Pages lay on another node than planned.
    WrongNode {
        /// Share of pages on the planned node, 0 to 1.
        share: f64,
    },
    /// Other work or the hypervisor took the CPUs.
    CpuTaken {
        /// Share of the time, 0 to 1.
        share: f64,
        /// By what: `steal`, `other processes`.
        by: String,
    },
    /// Any other environmental reason, in words.
    Environment(String),
}

impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Taint::WrongCpu { planned, found } => write!(f, "the worker of CPU {planned} ran on {found}"),
            Taint::WrongNode { share } => {
                write!(f, "only {:.1} % of the pages lay on the planned node", share * 100.0)
            }
            Taint::CpuTaken { share, by } => write!(f, "{by} took {:.1} % of the CPU time", share * 100.0),
            Taint::Environment(text) => f.write_str(text),
        }
    }
}

/// The proof of where threads and memory were.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placement {
    /// CPUs of the workers, confirmed by `sched_getaffinity`.
    pub cpus: Vec<u32>,
    /// Share of pages on their planned node by `move_pages`, 0 to 1; `None` where the kernel did not tell.
    pub pages_on_node: Option<f64>,
    /// Share of bytes in huge pages by smaps, 0 to 1; `None` where the kernel did not tell.
    pub huge_pages: Option<f64>,
    /// How often workers were moved between CPUs while the clock ran; `None` where the kernel did not tell.
    pub migrations: Option<u64>,
}

/// Samples of one metric, with what is needed to trust them.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// What was measured.
    pub metric: Metric,
    /// Which instance of it.
    pub labels: Labels,
    /// Every sample, in the order of measuring.
    pub samples: Vec<Sample>,
    /// Where threads and memory were.
    pub placement: Option<Placement>,
    /// How it was measured (`isa`, `array_bytes`, `threads`): shown, and not part of its identity.
    pub context: BTreeMap<String, String>,
    /// What a reader should know.
    pub warnings: Vec<Warning>,
}

impl Measurement {
    /// A measurement of valid samples, without labels.
    #[must_use]
    pub fn new(metric: Metric, values: impl IntoIterator<Item = f64>) -> Self {
        Measurement {
            metric,
            labels: Labels::new(),
            samples: values.into_iter().map(Sample::valid).collect(),
            placement: None,
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
#[derive(Clone, Debug, PartialEq)]
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
            Reason::NoHardware(text) => write!(f, "this host has not what it needs: {text}"),
            Reason::NotAllowed(text) => write!(f, "not allowed: {text}"),
            Reason::NoResources(text) => write!(f, "too little room: {text}"),
            Reason::NotInProfile(text) => write!(f, "left out by the profile: {text}"),
            Reason::NotBuilt(text) => write!(f, "not built: {text}"),
            Reason::WorkerDied(text) => write!(f, "the worker died: {text}"),
            Reason::Interrupted => f.write_str("stopped by the user"),
            Reason::Failed(text) => write!(f, "failed: {text}"),
        }
    }
}

/// A measurement that has no value: a record with a reason, never a missing row, a zero or a sentinel.
#[derive(Clone, Debug, PartialEq)]
pub struct NotMeasured {
    /// The identity of the series, or a workload's name (`stream`) where the whole of it failed.
    pub id: MetricId,
    /// Why.
    pub reason: Reason,
}

/// What came of a measurement.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Samples.
    Measured(Measurement),
    /// None, and why.
    NotMeasured(NotMeasured),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Unit;

    #[test]
    fn tainted_samples_are_kept_and_do_not_count() {
        let mut triad = Measurement::new(Metric::higher("stream.triad", Unit::BytePerSecond), [1.0, 2.0, 3.0]);
        triad.samples[2].taint = Some(Taint::WrongNode { share: 0.5 });
        assert_eq!(triad.samples.len(), 3);
        assert_eq!(triad.summary().map(|s| (s.n, s.max)), Some((2, 2.0)));
    }

    #[test]
    fn identity_prints_its_labels() {
        let latency = Measurement::new(Metric::lower("stream.latency", Unit::Second), [])
            .label("size", 16384)
            .label("page", "huge");
        assert_eq!(latency.id().to_string(), "stream.latency{page=huge,size=16384}");
        assert_eq!(latency.summary(), None);
    }
}
