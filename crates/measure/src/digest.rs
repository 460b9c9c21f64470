//! A run in brief: what an index keeps of a record, and what a comparison of many runs needs.

use std::collections::BTreeMap;

use crate::failure::is_without_value;
use crate::{
    Build, Ending, FailureCount, FailureKind, Fingerprint, Measurement, Metric, MetricId, Outcome, Profile, Run,
    Summary,
};

/// Facts that stand for the fingerprint of a record that has none.
const CONFIGURATION: [&str; 9] = [
    "bios.version",
    "bmc.version",
    "cpu.microcode",
    "gpu.driver",
    "os.cmdline",
    "os.kernel",
    "os.mitigations",
    "os.zfs",
    "storage.scratch.firmware",
];

/// The same for the machine itself.
const IDENTITY: [&str; 4] = ["board.model", "chassis.model", "cpu.model", "cpu.sockets"];

/// A run without its samples: who, when, on what, and the medians of every series.
#[derive(Clone, Debug, PartialEq)]
pub struct Digest {
    /// The run's id.
    pub id: String,
    /// Start in RFC 3339, UTC.
    pub started: String,
    /// Name of the node, else of the host.
    pub host: String,
    /// The kernel's boot id.
    pub boot_id: Option<String>,
    /// How thorough it was.
    pub profile: Profile,
    /// The build that measured.
    pub build: Build,
    /// Which machine, and how it was set up.
    pub fingerprint: Fingerprint,
    /// How it ended.
    pub ending: Ending,
    /// What was measured.
    pub series: BTreeMap<MetricId, Series>,
    /// The repetitions that failed, by series; where all of a workload failed, by its name (`stream`).
    pub failures: BTreeMap<MetricId, FailureCount>,
}

/// One series of a run in brief.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What was measured.
    pub metric: Metric,
    /// The median of the valid samples of each repetition that has some and did not fail, in order.
    pub medians: Vec<f64>,
    /// How many samples counted.
    pub valid: usize,
    /// How many were left out because something disturbed them.
    pub tainted: usize,
}

impl Digest {
    /// The run in brief.
    #[must_use]
    pub fn of(run: &Run) -> Digest {
        let mut series: BTreeMap<MetricId, Series> = BTreeMap::new();
        let mut failures: BTreeMap<MetricId, FailureCount> = BTreeMap::new();
        for outcome in run.outcomes() {
            let failed = match outcome {
                Outcome::Measured(one) => {
                    let failed = is_without_value(one);
                    let series = series.entry(one.id()).or_insert_with(|| Series::empty(&one.metric));
                    if !failed {
                        series.add(one);
                    }
                    failed.then(|| (one.id(), FailureKind::NoValue))
                }
                Outcome::NotMeasured(one) => FailureKind::of(&one.reason).map(|kind| (one.id.clone(), kind)),
            };
            if let Some((id, kind)) = failed {
                failures.entry(id).or_default().add(kind);
            }
        }
        Digest {
            id: run.id.clone(),
            started: run.started.clone(),
            host: run.name().to_owned(),
            boot_id: run.boot_id.clone(),
            profile: run.profile,
            build: run.build.clone(),
            fingerprint: fingerprint(run),
            ending: run.ending,
            series,
            failures,
        }
    }
}

impl Series {
    fn empty(metric: &Metric) -> Series {
        Series { metric: metric.clone(), medians: Vec::new(), valid: 0, tainted: 0 }
    }

    fn add(&mut self, measurement: &Measurement) {
        let summary: Option<Summary> = measurement.summary();
        self.medians.extend(summary.map(|summary| summary.median));
        let tainted = measurement.samples.iter().filter(|sample| sample.taint.is_some()).count();
        self.tainted += tainted;
        self.valid += measurement.samples.len() - tainted;
    }
}

/// The run's own fingerprint; where it has none, its parts from the facts, without the hashes.
fn fingerprint(run: &Run) -> Fingerprint {
    if run.fingerprint != Fingerprint::default() {
        return run.fingerprint.clone();
    }
    let parts = |ids: &[&str]| {
        let value = |id: &&str| run.facts.value(id).map(|value| ((*id).to_owned(), value.to_string()));
        ids.iter().filter_map(value).collect()
    };
    Fingerprint { platform: parts(&IDENTITY), config: parts(&CONFIGURATION), ..Fingerprint::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attempt, Facts, Labels, NotMeasured, Reason, Sample, SpecSource, Taint, Unit, Workload, metrics};

    fn run(repetitions: &[&[f64]]) -> Run {
        let mut facts = Facts::default();
        facts.text("cpu.microcode", "0x2b", "test");
        facts.quantity("cpu.sockets", 2.0, Unit::Count, "test");
        let attempt = |(repetition, values): (usize, &&[f64])| Attempt {
            workload: Workload::Stream,
            repetition: u32::try_from(repetition).unwrap(),
            outcomes: vec![Outcome::Measured(Measurement::new(
                &metrics::STREAM_TRIAD,
                values.iter().copied().map(Sample::untimed),
            ))],
            warnings: Vec::new(),
        };
        Run {
            id: "r".into(),
            started: "2026-07-01T00:00:00Z".into(),
            host: "h".into(),
            node: None,
            boot_id: None,
            profile: Profile::Quick,
            build: Build::default(),
            spec: SpecSource::default(),
            facts,
            fingerprint: Fingerprint::default(),
            noise: BTreeMap::new(),
            attempts: repetitions.iter().enumerate().map(attempt).collect(),
            ending: Ending::Complete,
        }
    }

    #[test]
    fn a_digest_has_a_median_for_each_repetition() {
        let mut run = run(&[&[1.0, 2.0, 9.0], &[4.0], &[5.0]]);
        let Outcome::Measured(last) = &mut run.attempts[2].outcomes[0] else { panic!() };
        last.samples[0].taint = Some(Taint::WrongNode { share: 0.5 });
        let digest = Digest::of(&run);
        let series = digest.series.values().next().unwrap();
        assert_eq!((series.medians.as_slice(), series.valid, series.tainted), (&[2.0, 4.0][..], 4, 1));
    }

    #[test]
    fn a_digest_counts_what_failed() {
        let mut run = run(&[&[1.0, 2.0], &[0.0], &[f64::NAN, 3.0]]);
        let failed = |id: MetricId, reason| Outcome::NotMeasured(NotMeasured { id, reason });
        let workload = MetricId { name: "stream".into(), labels: Labels::new() };
        let triad = metrics::STREAM_TRIAD.series();
        run.attempts[0].outcomes.extend([
            failed(triad.clone(), Reason::WrongResult("1 element".into())),
            failed(workload.clone(), Reason::WorkerDied("signal 11".into())),
            failed(metrics::STREAM_COPY.series(), Reason::NotInProfile("smoke".into())),
        ]);
        let digest = Digest::of(&run);
        assert_eq!(digest.series[&triad].medians, [1.5]);
        let count = |wrong, no_value, lost| FailureCount { wrong, no_value, lost };
        assert_eq!(digest.failures, [(triad, count(1, 2, 0)), (workload, count(0, 0, 1))].into());
    }

    #[test]
    fn facts_stand_in_for_a_fingerprint() {
        let mut run = run(&[]);
        let parts = Digest::of(&run).fingerprint;
        assert_eq!(parts.config.get("cpu.microcode").map(String::as_str), Some("0x2b"));
        assert_eq!(parts.platform.get("cpu.sockets").map(String::as_str), Some("2"));
        assert_eq!(parts.config_id, "");
        run.fingerprint.config_id = "b2".into();
        assert_eq!(Digest::of(&run).fingerprint, run.fingerprint);
    }
}
