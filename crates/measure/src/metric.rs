//! What is measured: a name, a unit and which direction is better; and the row of the catalogue that says so.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Unit, Workload};

/// Which direction of a metric is better; it belongs to the metric, never to a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More is better: rates.
    Higher,
    /// Less is better: times, watts, degrees.
    Lower,
}

/// A kind of measurement as a record has it, for instance `stream.triad` in B/s.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Metric {
    /// Dotted id: workload first.
    pub name: String,
    /// The base unit of its values.
    pub unit: Unit,
    /// Which direction is better.
    pub better: Better,
}

impl Metric {
    /// Whether it is the one that a row of the catalogue defines.
    #[must_use]
    pub fn is(&self, definition: &Definition) -> bool {
        self.name == definition.id
    }
}

impl From<&Definition> for Metric {
    fn from(definition: &Definition) -> Metric {
        Metric { name: definition.id.to_owned(), unit: definition.unit, better: definition.better }
    }
}

/// How much a metric says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A counter or sensor of the host over the run; it says which samples count.
    Telemetry,
    /// It explains a headline.
    Detail,
    /// A figure that the suite is run for.
    Headline,
    /// A headline that decides comparisons: after an update it may not be worse by more than its margin.
    Critical,
}

/// What bounds a metric from above on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ceiling {
    /// Channels × transfers a second × bytes of a transfer.
    MemoryBandwidth,
    /// Cores × measured clock × flop in a cycle.
    FlopRate,
    /// Drives × lanes × bytes a second of a lane.
    DriveLinks {
        /// Bytes of an operation, where operations are counted and not bytes.
        block: Option<u32>,
    },
    /// The time that the memory modules themselves take.
    DramLatency,
    /// The time that the flash of a drive itself takes to read.
    NandLatency,
}

/// Metrics that are measured in one way.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Family {
    /// What the ids of its members begin with, for people: `stream.latency`.
    pub name: &'static str,
    /// Who measures it; `None` for what the watch over every workload sees of the host.
    pub workload: Option<Workload>,
    /// How it is measured, in a sentence or two.
    pub how: &'static str,
}

/// A row of the catalogue: all that is known of a metric before it is measured.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Definition {
    /// Dotted id: workload first.
    pub id: &'static str,
    /// The base unit of its values.
    pub unit: Unit,
    /// Which direction is better.
    pub better: Better,
    /// How it is measured, and by whom.
    pub family: &'static Family,
    /// How much it says.
    pub role: Role,
    /// The labels that its series may carry, beside those of [`PARTS`].
    pub labels: &'static [&'static str],
    /// What bounds it.
    pub ceiling: Option<Ceiling>,
    /// What it means, in one sentence.
    pub means: &'static str,
}

impl Definition {
    /// Whether it is a figure that the suite is run for.
    #[must_use]
    pub fn is_headline(&self) -> bool {
        self.role >= Role::Headline
    }

    /// The identity of its series without labels.
    #[must_use]
    pub fn series(&self) -> MetricId {
        MetricId { name: self.id.to_owned(), labels: Labels::new() }
    }

    /// Whether a series of it may carry this label.
    #[must_use]
    pub fn may_carry(&self, label: &str) -> bool {
        self.labels.contains(&label) || (self.is_headline() && PARTS.contains(&label))
    }
}

/// Labels that name a part of the host. A headline may be given for each part, so that a sum cannot hide the one socket or
/// drive that is worse.
pub const PARTS: [&str; 5] = ["socket", "package", "node", "drive", "device"];

/// Which instance of a metric: `kernel=triad`, `size=134217728`. Part of its identity.
pub type Labels = BTreeMap<String, String>;

/// The identity of one series of samples, printed as `stream.latency{page=huge,size=16384}`.
/// They sort by name, then by labels, numbers by their size: `percentile=9` before `percentile=50` before `percentile=100`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MetricId {
    /// The metric's name.
    pub name: String,
    /// Its labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: Labels,
}

impl MetricId {
    /// Whether it is the series without labels of a metric.
    #[must_use]
    pub fn is(&self, definition: &Definition) -> bool {
        self.name == definition.id && self.labels.is_empty()
    }
}

impl Ord for MetricId {
    fn cmp(&self, other: &MetricId) -> Ordering {
        let labels = || {
            let pairs = self.labels.iter().zip(&other.labels);
            let differing =
                pairs.map(|((key, value), (other_key, other))| key.cmp(other_key).then_with(|| by_size(value, other)));
            differing.fold(Ordering::Equal, Ordering::then).then_with(|| self.labels.len().cmp(&other.labels.len()))
        };
        self.name.cmp(&other.name).then_with(labels)
    }
}

impl PartialOrd for MetricId {
    fn partial_cmp(&self, other: &MetricId) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By the numbers that the texts begin with (`100ns`), then as texts; what begins with none comes last.
fn by_size(one: &str, other: &str) -> Ordering {
    let number = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        text[..end].parse::<f64>().unwrap_or(f64::INFINITY)
    };
    number(one).total_cmp(&number(other)).then_with(|| one.cmp(other))
}

impl fmt::Display for MetricId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.labels.is_empty() {
            return Ok(());
        }
        let labels: Vec<_> = self.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        write!(f, "{{{}}}", labels.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(name: &str, labels: &[(&str, &str)]) -> MetricId {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        MetricId { name: name.to_owned(), labels }
    }

    #[test]
    fn series_sort_by_their_numbers() {
        let sorted = [
            id("a", &[]),
            id("a", &[("percentile", "9")]),
            id("a", &[("percentile", "50")]),
            id("a", &[("percentile", "99")]),
            id("a", &[("percentile", "99.9")]),
            id("a", &[("percentile", "100")]),
            id("a", &[("size", "4096"), ("unit", "100ns")]),
            id("a", &[("size", "4096"), ("unit", "1000ns")]),
            id("a", &[("size", "4096"), ("unit", "none")]),
            id("b", &[]),
        ];
        let mut found = sorted.to_vec();
        found.reverse();
        found.sort();
        assert_eq!(found, sorted);
    }

    proptest! {
        #[test]
        fn the_order_is_total(values in proptest::collection::vec("[0-9.a]{0,3}", 3)) {
            let [a, b, c] = [0, 1, 2].map(|at| id("m", &[("k", &values[at])]));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
            prop_assert!(!(a < b && b < c) || a < c);
        }
    }
}
