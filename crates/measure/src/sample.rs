//! A sample: a value, when it was taken, and whether it counts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::num::{self, Num};

/// When something happened, on the clock of the run: nanoseconds of the host's `CLOCK_MONOTONIC_RAW`, which all processes
/// of a boot share. On the wire `[start, end]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u64)", into = "(u64, u64)")]
pub struct Interval {
    /// The beginning.
    pub start: u64,
    /// The end; never before the beginning.
    pub end: u64,
}

impl Interval {
    /// From `start` to `end`; stamps in the wrong order give an interval of no length.
    #[must_use]
    pub fn new(start: u64, end: u64) -> Interval {
        Interval { start, end: end.max(start) }
    }

    /// Its length in seconds.
    #[must_use]
    pub fn seconds(self) -> f64 {
        (self.end - self.start) as f64 * 1e-9
    }

    /// Seconds that two intervals have in common.
    #[must_use]
    pub fn overlap(self, other: Interval) -> f64 {
        self.end.min(other.end).saturating_sub(self.start.max(other.start)) as f64 * 1e-9
    }

    /// The shortest interval that holds both: when something happened that was computed from two others.
    #[must_use]
    pub fn hull(self, other: Interval) -> Interval {
        Interval { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The shortest interval that holds all; `None` where there are none.
    #[must_use]
    pub fn hull_of(all: impl IntoIterator<Item = Interval>) -> Option<Interval> {
        all.into_iter().reduce(Interval::hull)
    }
}

impl From<(u64, u64)> for Interval {
    fn from((start, end): (u64, u64)) -> Interval {
        Interval::new(start, end)
    }
}

impl From<Interval> for (u64, u64) {
    fn from(interval: Interval) -> (u64, u64) {
        (interval.start, interval.end)
    }
}

/// One value, valid or tainted. Tainted samples are kept, and never pass or fail anything.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The value in the metric's base unit.
    pub value: f64,
    /// When it was taken; `None` in records of version 0.1.0, which have no times.
    pub interval: Option<Interval>,
    /// When the samples were taken that it was computed from, where it was computed from several: between them it was not
    /// measured. Empty for a sample of its own.
    pub parts: Vec<Interval>,
    /// Why it must not count; `None` is a valid sample.
    pub taint: Option<Taint>,
}

impl Sample {
    /// A valid sample that was taken in this interval.
    #[must_use]
    pub fn timed(value: f64, interval: Interval) -> Self {
        Sample { value, interval: Some(interval), parts: Vec::new(), taint: None }
    }

    /// A valid sample that does not know when it was taken.
    #[must_use]
    pub fn untimed(value: f64) -> Self {
        Sample { value, interval: None, parts: Vec::new(), taint: None }
    }

    /// The same moment with another value: what follows from this sample alone.
    #[must_use]
    pub fn map(&self, of: impl FnOnce(f64) -> f64) -> Self {
        Sample { value: of(self.value), ..self.clone() }
    }

    /// When it was measured: its interval, or those of its parts.
    #[must_use]
    pub fn times(&self) -> &[Interval] {
        if self.parts.is_empty() { self.interval.as_slice() } else { &self.parts }
    }
}

/// A value that was computed from several samples: it was taken when they were, and must not count where one of them must
/// not.
#[must_use]
pub fn derived<'a>(value: f64, from: impl IntoIterator<Item = &'a Sample>) -> Sample {
    let (mut parts, mut taint) = (Vec::new(), None);
    for sample in from {
        parts.extend_from_slice(sample.times());
        taint = taint.or_else(|| sample.taint.clone());
    }
    let interval = Interval::hull_of(parts.iter().copied());
    Sample { value, interval, parts, taint }
}

/// Why a sample must not count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
        #[serde(with = "num")]
        share: f64,
    },
    /// Other work or the hypervisor took the CPUs.
    CpuTaken {
        /// Share of the time, 0 to 1.
        #[serde(with = "num")]
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

/// Samples as they are stored: all values in order, their intervals where any is known, and the taints by index.
pub(crate) mod stored {
    use std::collections::BTreeMap;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Interval, Num, Sample, Taint};

    #[derive(Serialize)]
    struct Out<'a> {
        values: Vec<Num>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        intervals: Vec<Option<Interval>>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        parts: BTreeMap<usize, &'a [Interval]>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        taints: BTreeMap<usize, &'a Taint>,
    }

    #[derive(Deserialize)]
    struct In {
        values: Vec<Num>,
        #[serde(default)]
        intervals: Vec<Option<Interval>>,
        #[serde(default)]
        parts: BTreeMap<usize, Vec<Interval>>,
        #[serde(default)]
        taints: BTreeMap<usize, Taint>,
    }

    pub(crate) fn serialize<S: Serializer>(samples: &[Sample], serializer: S) -> Result<S::Ok, S::Error> {
        let timed = samples.iter().any(|sample| sample.interval.is_some());
        let computed = samples.iter().enumerate().filter(|(_, sample)| !sample.parts.is_empty());
        let tainted = samples.iter().enumerate().filter_map(|(index, sample)| Some((index, sample.taint.as_ref()?)));
        Out {
            values: samples.iter().map(|sample| Num(sample.value)).collect(),
            intervals: samples.iter().filter(|_| timed).map(|sample| sample.interval).collect(),
            parts: computed.map(|(index, sample)| (index, sample.parts.as_slice())).collect(),
            taints: tainted.collect(),
        }
        .serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Sample>, D::Error> {
        let In { values, intervals, mut parts, mut taints } = In::deserialize(deserializer)?;
        let count = values.len();
        if let Some(last) = taints.keys().next_back().filter(|&&last| last >= count) {
            return Err(D::Error::custom(format!("sample {last} is said to be tainted, of {count} samples")));
        }
        if let Some(last) = parts.keys().next_back().filter(|&&last| last >= count) {
            return Err(D::Error::custom(format!("sample {last} is said to have parts, of {count} samples")));
        }
        if !intervals.is_empty() && intervals.len() != count {
            return Err(D::Error::custom(format!("{} intervals for {count} samples", intervals.len())));
        }
        let interval = |index: usize| intervals.get(index).copied().flatten();
        let sample = |(index, Num(value))| Sample {
            value,
            interval: interval(index),
            parts: parts.remove(&index).unwrap_or_default(),
            taint: taints.remove(&index),
        };
        Ok(values.into_iter().enumerate().map(sample).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn intervals_overlap_where_both_are() {
        let check = |a: (u64, u64), b: (u64, u64), expect: f64| {
            let (a, b) = (Interval::from(a), Interval::from(b));
            assert_eq!((a.overlap(b), b.overlap(a)), (expect, expect), "{a:?} {b:?}");
        };
        check((0, 2 * S), (S, 3 * S), 1.0);
        check((0, 4 * S), (S, 3 * S), 2.0);
        check((0, S), (S, 2 * S), 0.0);
        check((0, S), (2 * S, 3 * S), 0.0);
        assert_eq!(Interval::new(5, 3), Interval { start: 5, end: 5 });
        assert_eq!(Interval::new(1, 2).hull(Interval::new(7, 9)), Interval::new(1, 9));
        assert_eq!(Interval::hull_of([]), None);
    }

    #[test]
    fn what_follows_from_samples_was_taken_when_they_were() {
        let mut samples = [Sample::timed(1.0, Interval::new(5, 6)), Sample::timed(2.0, Interval::new(1, 2))];
        let both = derived(3.0, &samples);
        assert_eq!((both.interval, both.times().len(), &both.taint), (Some(Interval::new(1, 6)), 2, &None));
        assert_eq!(derived(4.0, [&both, &samples[0]]).times().len(), 3, "the parts of a part");
        assert_eq!(derived(3.0, []), Sample::untimed(3.0));
        assert_eq!(samples[0].map(|value| value * 10.0), Sample::timed(10.0, Interval::new(5, 6)));
        samples[1].taint = Some(Taint::WrongNode { share: 0.5 });
        assert_eq!(derived(3.0, &samples).taint, samples[1].taint);
    }
}
