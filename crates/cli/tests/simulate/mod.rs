//! Simulated hosts: runs of boots with planted values.

mod written;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use measure::random::SplitMix64;
use measure::{
    Attempt, Better, Build, Definition, Ending, Facts, Fingerprint, Interval, Measurement, Outcome, Profile, Role, Run,
    Sample, SpecSource, Workload, metrics,
};

pub(crate) use written::write;

/// Repetitions in a boot.
const REPETITIONS: u32 = 5;
/// Standard deviation of ln(metric) between repetitions.
const WITHIN: f64 = 0.002;

/// What a simulated host is like.
#[derive(Clone)]
pub(crate) struct Host {
    /// Standard deviation of ln(metric) between boots.
    pub(crate) noise: f64,
    /// By which share metrics whose name begins with this are worse.
    pub(crate) steps: Vec<(&'static str, f64)>,
    /// What its fingerprint says of its configuration.
    pub(crate) config: BTreeMap<String, String>,
}

impl Host {
    /// 1 % of noise, BIOS 1.2.
    pub(crate) fn usual() -> Host {
        let config = [("bios.version", "1.2"), ("os.kernel", "6.1.0"), ("drive S1 firmware", "A")];
        let config = config.map(|(part, value)| (part.to_owned(), value.to_owned())).into();
        Host { noise: 0.01, steps: Vec::new(), config }
    }

    pub(crate) fn worse(mut self, metrics: &'static str, by: f64) -> Host {
        self.steps.push((metrics, by));
        self
    }

    pub(crate) fn with(mut self, part: &str, value: &str) -> Host {
        self.config.insert(part.to_owned(), value.to_owned());
        self
    }

    /// A run on a boot of its own, an hour after the one of the number before.
    pub(crate) fn run(&self, number: u32, random: &mut SplitMix64) -> Run {
        Run { attempts: self.attempts(random), ..self.named(number) }
    }

    /// The same before anything is measured.
    pub(crate) fn named(&self, number: u32) -> Run {
        let first: Timestamp = "2026-07-01T00:00:00Z".parse().unwrap();
        let started = first + SignedDuration::from_hours(i64::from(number));
        Run {
            id: format!("{}-{:04x}", started.strftime("%Y%m%dT%H%M%SZ"), number % 0x1_0000),
            started: started.to_string(),
            host: "node7".into(),
            node: None,
            boot_id: Some(format!("boot-{number:05}")),
            profile: Profile::Full,
            build: Build { version: "0.1.0".into(), profile: "release".into(), ..Build::default() },
            spec: specification(),
            facts: Facts::default(),
            fingerprint: Fingerprint {
                platform_id: "p1".into(),
                config_id: self.config.values().cloned().collect::<Vec<_>>().join("+"),
                platform: [("cpu.model", "a cpu"), ("system.serial", "7")]
                    .map(|(k, v)| (k.to_owned(), v.to_owned()))
                    .into(),
                config: self.config.clone(),
            },
            noise: BTreeMap::new(),
            attempts: Vec::new(),
            ending: Ending::Complete,
        }
    }

    /// An attempt for each workload with all repetitions in it: the writer syncs at the end of each attempt, and what a
    /// comparison takes from a record is the same.
    fn attempts(&self, random: &mut SplitMix64) -> Vec<Attempt> {
        let mut of_workload = |workload: Workload| {
            let mut outcomes = Vec::new();
            let critical = metrics::ALL.iter().filter(|metric| metric.role == Role::Critical);
            for metric in critical.filter(|metric| metric.family.workload == Some(workload)) {
                let level = self.level(metric) + self.noise * random.normal();
                for repetition in 0..REPETITIONS {
                    let gain = level + WITHIN * random.normal();
                    let value = if metric.better == Better::Higher { 1e9 * gain.exp() } else { 1e-6 * (-gain).exp() };
                    let interval = Interval::new(u64::from(repetition), u64::from(repetition) + 1);
                    let sample = Sample::timed(value, interval);
                    outcomes.push(Outcome::Measured(Measurement::new(metric, [sample.clone(), sample])));
                }
            }
            Attempt { workload, repetition: 0, outcomes, warnings: Vec::new() }
        };
        Workload::ALL.map(&mut of_workload).to_vec()
    }

    /// ln of how good a metric is.
    fn level(&self, metric: &Definition) -> f64 {
        self.steps.iter().filter(|(prefix, _)| metric.id.starts_with(prefix)).map(|(_, by)| (1.0 - by).ln()).sum()
    }
}

/// The specification of the documented machine.
pub(crate) fn specification() -> SpecSource {
    let id = "PY-HPC-2024.Q3";
    let source = spec::source(id).unwrap();
    SpecSource { id: id.into(), sha256: String::new(), text: source.text.to_owned() }
}
