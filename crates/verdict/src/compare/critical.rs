//! Which metrics decide, and by how much each may get worse.

use std::collections::BTreeMap;

use measure::MetricId;
use spec::System;

use crate::stats::Margin;

/// The headlines of the suite. What a specification promises is critical beside them.
pub const HEADLINES: [&str; 15] = [
    "stream.read",
    "stream.write",
    "stream.copy",
    "stream.triad",
    "stream.latency",
    "dense.fma",
    "dense.dgemm",
    "dense.hpl",
    "disk.seqread.bandwidth",
    "disk.seqread.p99",
    "disk.seqwrite.bandwidth",
    "disk.seqwrite.p99",
    "disk.randread.iops",
    "disk.randread.p99",
    "tabular.time_500gb",
];

/// Labels that name a part of the host. A critical metric of each part is critical too, so that a sum cannot hide the
/// one socket or drive that got worse.
const PARTS: [&str; 5] = ["socket", "package", "node", "drive", "device"];

/// The tolerances of what a specification promises, by metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Promises(BTreeMap<String, f64>);

impl Promises {
    /// Those of a system: of several for one metric the smallest.
    #[must_use]
    pub fn of(system: &System) -> Promises {
        let mut tolerances: BTreeMap<String, f64> = BTreeMap::new();
        for target in &system.targets {
            let constraint = target.constraint.as_ref().map(|constraint| &constraint.metric);
            for metric in target.metric.iter().chain(constraint) {
                let tolerance = tolerances.entry(metric.clone()).or_insert(target.tolerance);
                *tolerance = tolerance.min(target.tolerance);
            }
        }
        Promises(tolerances)
    }

    /// δ of a metric.
    #[must_use]
    pub fn margin(&self, id: &MetricId) -> Margin {
        Margin::of_tolerance(self.0.get(&id.name).copied())
    }

    /// Whether a metric decides.
    #[must_use]
    pub fn critical(&self, id: &MetricId) -> bool {
        let named = HEADLINES.contains(&id.name.as_str()) || self.0.contains_key(&id.name);
        named && id.labels.keys().all(|label| PARTS.contains(&label.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::system;

    #[test]
    fn headlines_promises_and_their_parts_decide() {
        let mut system = system();
        system.targets[0].metric = Some("stream.special".into());
        let promises = Promises::of(&system);
        let check = |name: &str, labels: &[(&str, &str)], expect: bool| {
            let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let id = MetricId { name: name.to_owned(), labels };
            assert_eq!(promises.critical(&id), expect, "{id}");
        };
        check("stream.triad", &[], true);
        check("stream.special", &[], true);
        check("stream.triad", &[("socket", "1")], true);
        check("stream.triad", &[("isa", "avx2")], false);
        check("stream.triad.best", &[], false);
        check("disk.randread.p99", &[], true);
    }

    #[test]
    fn the_margin_comes_from_the_smallest_tolerance() {
        let mut system = system();
        system.targets[1].tolerance = 0.2;
        let promises = Promises::of(&system);
        let margin = |name: &str| promises.margin(&MetricId { name: name.into(), labels: BTreeMap::new() }).share();
        assert_eq!((margin("stream.triad"), margin("stream.latency"), margin("dense.hpl")), (0.025, 0.1, 0.02));
    }
}
