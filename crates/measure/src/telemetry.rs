//! Telemetry: counters and sensors of the host over a run, as plain series with the clock that they were read by.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::num::Num;
use crate::{Interval, Labels, Measurement, Metric, Sample, Workload};

/// A stretch of telemetry: what each gauge said over the same intervals.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Telemetry {
    /// The intervals, in order: each gauge has one reading for each.
    pub clock: Vec<Interval>,
    /// What was read.
    pub gauges: Vec<Gauge>,
}

/// What one counter or sensor said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gauge {
    /// What it counts or senses.
    #[serde(flatten)]
    pub metric: Metric,
    /// Which one of it: a source of power.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: Labels,
    /// A reading for each interval; `None` where it did not answer.
    #[serde(with = "readings")]
    pub readings: Vec<Option<f64>>,
}

mod readings {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Num;

    pub(super) fn serialize<S: Serializer>(readings: &[Option<f64>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(readings.iter().map(|reading| reading.map(Num)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Option<f64>>, D::Error> {
        let readings = Vec::<Option<Num>>::deserialize(deserializer)?;
        Ok(readings.into_iter().map(|reading| reading.map(|Num(value)| value)).collect())
    }
}

/// Stretches of telemetry that were put together: a series for each gauge, whose samples carry their intervals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gathered(Vec<Measurement>);

impl Gathered {
    /// Adds the next stretch, which was seen while a workload ran.
    pub(crate) fn add(&mut self, stretch: Telemetry, workload: Workload) {
        for Gauge { metric, mut labels, readings } in stretch.gauges {
            labels.insert("workload".to_owned(), workload.name().to_owned());
            let samples = stretch.clock.iter().zip(readings);
            let samples = samples.filter_map(|(interval, value)| Some(Sample::timed(value?, *interval)));
            let is_its = |series: &&mut Measurement| series.metric.name == metric.name && series.labels == labels;
            match self.0.iter_mut().find(is_its) {
                Some(series) => series.samples.extend(samples),
                None => self.0.push(Measurement {
                    metric,
                    labels,
                    samples: samples.collect(),
                    placement: None,
                    place: None,
                    context: BTreeMap::new(),
                    warnings: Vec::new(),
                }),
            }
        }
    }

    /// The series; gauges that never answered are left out.
    pub(crate) fn into_series(self) -> impl Iterator<Item = Measurement> {
        self.0.into_iter().filter(|series| !series.samples.is_empty())
    }
}
