//! What is measured: a name, a unit and which direction is better.

use std::collections::BTreeMap;
use std::fmt;

use crate::Unit;

/// Which direction of a metric is better; it belongs to the metric, never to a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Better {
    /// More is better: rates.
    Higher,
    /// Less is better: times, watts, degrees.
    Lower,
}

/// A kind of measurement, for instance `stream.triad` in B/s.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Metric {
    /// Dotted name: workload first.
    pub name: String,
    /// The base unit of its values.
    pub unit: Unit,
    /// Which direction is better.
    pub better: Better,
}

impl Metric {
    /// A metric in which more is better.
    #[must_use]
    pub fn higher(name: &str, unit: Unit) -> Self {
        Metric { name: name.to_owned(), unit, better: Better::Higher }
    }

    /// A metric in which less is better.
    #[must_use]
    pub fn lower(name: &str, unit: Unit) -> Self {
        Metric { name: name.to_owned(), unit, better: Better::Lower }
    }
}

/// Which instance of a metric: `kernel=triad`, `size=134217728`. Part of its identity.
pub type Labels = BTreeMap<String, String>;

/// The identity of one series of samples, printed as `stream.latency{page=huge,size=16384}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricId {
    /// The metric's name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
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
