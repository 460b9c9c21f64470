//! Which metrics decide, and by how much each may get worse.

use std::collections::BTreeMap;

use measure::{Labels, MetricId, Role, definition};
use spec::System;

use crate::stats::Margin;

/// Parts whose share of the work our own placement fixes. What of it a drive gets is up to file systems and mirrors, and may be
/// another after each boot: its figures are recorded, and decide nothing.
const DECIDING: [&str; 3] = ["socket", "package", "node"];

/// The tolerances of what a specification promises, by series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tolerances(BTreeMap<MetricId, f64>);

impl Tolerances {
    /// Those of a system: of several for one series the smallest.
    #[must_use]
    pub fn of(system: &System) -> Tolerances {
        let mut tolerances: BTreeMap<MetricId, f64> = BTreeMap::new();
        for target in &system.targets {
            let own =
                target.metric.map(|metric| MetricId { name: metric.id.to_owned(), labels: target.series.clone() });
            let constraint = target.constraint.as_ref().map(|constraint| constraint.metric.series());
            for id in own.into_iter().chain(constraint) {
                let tolerance = tolerances.entry(id).or_insert(target.tolerance);
                *tolerance = tolerance.min(target.tolerance);
            }
        }
        Tolerances(tolerances)
    }

    /// δ of a series.
    #[must_use]
    pub fn margin(&self, id: &MetricId) -> Margin {
        Margin::of_tolerance(self.0.get(id).or_else(|| self.0.get(&whole(id))).copied())
    }

    /// Whether a series decides: of a metric that is critical, or that the specification promises; the whole host, and
    /// each of its sockets.
    #[must_use]
    pub fn critical(&self, id: &MetricId) -> bool {
        let is_critical = definition(&id.name).is_some_and(|known| known.role == Role::Critical);
        let of_whole = is_critical || self.0.contains_key(&whole(id));
        self.0.contains_key(id) || (of_whole && id.labels.keys().all(|label| DECIDING.contains(&label.as_str())))
    }
}

/// The series of the whole host that a series of a part belongs to.
fn whole(id: &MetricId) -> MetricId {
    MetricId { name: id.name.clone(), labels: Labels::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::system;
    use measure::{Definition, metrics};

    #[test]
    fn critical_and_promised_metrics_and_their_parts_decide() {
        let mut system = system();
        system.targets[0].metric = Some(&metrics::STREAM_SCALE);
        let tolerances = Tolerances::of(&system);
        let check = |metric: &Definition, labels: &[(&str, &str)], expect: bool| {
            let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let id = MetricId { labels, ..metric.series() };
            assert_eq!(tolerances.critical(&id), expect, "{id}");
        };
        check(&metrics::STREAM_TRIAD, &[], true);
        check(&metrics::STREAM_SCALE, &[], true);
        check(&metrics::STREAM_ADD, &[], false);
        check(&metrics::STREAM_TRIAD, &[("socket", "1")], true);
        check(&metrics::DISK_SEQREAD_BANDWIDTH, &[("drive", "S1")], false);
        check(&metrics::STREAM_TRIAD, &[("isa", "avx2")], false);
        check(&metrics::STREAM_TRIAD_BEST, &[], false);
        check(&metrics::DISK_RANDREAD_P99, &[], true);
        assert!(!tolerances.critical(&MetricId { name: "stream.unknown".into(), labels: BTreeMap::new() }));
    }

    #[test]
    fn a_promised_series_decides_and_no_other_of_its_metric() {
        let mut system = system();
        system.targets[0].metric = Some(&metrics::DENSE_CLOCK);
        system.targets[0].series = [("isa", "avx512"), ("scope", "all")].map(|(k, v)| (k.into(), v.into())).into();
        let tolerances = Tolerances::of(&system);
        let id = |scope: &str| {
            let labels = [("isa", "avx512"), ("scope", scope)].map(|(k, v)| (k.into(), v.into())).into();
            MetricId { labels, ..metrics::DENSE_CLOCK.series() }
        };
        assert_eq!((tolerances.critical(&id("all")), tolerances.critical(&id("core"))), (true, false));
        assert!(!tolerances.critical(&metrics::DENSE_CLOCK.series()));
    }

    #[test]
    fn the_margin_comes_from_the_smallest_tolerance() {
        let mut system = system();
        system.targets[1].tolerance = 0.2;
        let tolerances = Tolerances::of(&system);
        let margin = |metric: &Definition| tolerances.margin(&metric.series()).share();
        assert_eq!(
            (margin(&metrics::STREAM_TRIAD), margin(&metrics::STREAM_LATENCY), margin(&metrics::DENSE_HPL)),
            (0.025, 0.1, 0.02)
        );
    }
}
