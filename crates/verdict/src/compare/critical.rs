//! Which metrics decide, and by how much each may get worse.

use std::collections::BTreeMap;

use measure::{MetricId, PARTS, Role, definition};
use spec::System;

use crate::stats::Margin;

/// The tolerances of what a specification promises, by metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tolerances(BTreeMap<&'static str, f64>);

impl Tolerances {
    /// Those of a system: of several for one metric the smallest.
    #[must_use]
    pub fn of(system: &System) -> Tolerances {
        let mut tolerances: BTreeMap<&str, f64> = BTreeMap::new();
        for target in &system.targets {
            let constraint = target.constraint.as_ref().map(|constraint| constraint.metric);
            for metric in target.metric.into_iter().chain(constraint) {
                let tolerance = tolerances.entry(metric.id).or_insert(target.tolerance);
                *tolerance = tolerance.min(target.tolerance);
            }
        }
        Tolerances(tolerances)
    }

    /// δ of a metric.
    #[must_use]
    pub fn margin(&self, id: &MetricId) -> Margin {
        Margin::of_tolerance(self.0.get(id.name.as_str()).copied())
    }

    /// Whether a series decides: of a metric that is critical, or that the specification promises; the whole host, and
    /// each of its parts.
    #[must_use]
    pub fn critical(&self, id: &MetricId) -> bool {
        let critical = definition(&id.name).is_some_and(|known| known.role == Role::Critical);
        let decides = critical || self.0.contains_key(id.name.as_str());
        decides && id.labels.keys().all(|label| PARTS.contains(&label.as_str()))
    }
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
        check(&metrics::STREAM_TRIAD, &[("isa", "avx2")], false);
        check(&metrics::STREAM_TRIAD_BEST, &[], false);
        check(&metrics::DISK_RANDREAD_P99, &[], true);
        assert!(!tolerances.critical(&MetricId { name: "stream.unknown".into(), labels: BTreeMap::new() }));
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
