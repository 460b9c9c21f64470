//! A documented machine, and a run on exactly that machine.

use std::collections::BTreeMap;

use measure::metrics::{DISK_RANDREAD_IOPS, DISK_RANDREAD_P99, STREAM_LATENCY, STREAM_TRIAD};
use measure::{
    Attempt, Better, Build, Definition, Ending, FactValue, Facts, Fingerprint, Interval, Measurement, Outcome, Profile,
    Quantity, Run, Sample, SpecSource, Unit, Workload,
};
use spec::audit::{Grade, Graded};
use spec::{Baseline, Constraint, Place, Standing, StatedFact, System, Target};

fn place() -> Place {
    Place { at: "§2.1 row 1".into(), says: "as fast as that".into() }
}

pub(crate) fn stated(id: &str, value: FactValue) -> StatedFact {
    StatedFact {
        id: id.into(),
        value,
        approximate: false,
        place: place(),
        standing: Standing::Firm,
        required: false,
        admits: vec![],
    }
}

pub(crate) fn number(value: f64, unit: Unit) -> FactValue {
    FactValue::Quantity(Quantity::new(value, unit))
}

/// 100 GB/s less 5 % on one socket with 4 channels of 4800 MT/s (153.6 GB/s); 100 ns; a million IOPS below 50 µs.
pub(crate) fn system() -> System {
    let target = Target {
        id: "memory.triad".into(),
        title: "Triad".into(),
        metric: Some(&STREAM_TRIAD),
        series: BTreeMap::new(),
        value: Quantity::new(100e9, Unit::BytePerSecond),
        approximate: false,
        better: Better::Higher,
        tolerance: 0.05,
        required: true,
        place: place(),
        conditions: BTreeMap::new(),
        open: vec![],
        constraint: None,
        depends_on: vec!["cpu.sockets".into(), "memory.data_rate".into()],
        shares: BTreeMap::new(),
        phases: vec![],
        companion_of: None,
    };
    let latency = Target {
        id: "memory.latency".into(),
        metric: Some(&STREAM_LATENCY),
        value: Quantity::new(100e-9, Unit::Second),
        better: Better::Lower,
        ..target.clone()
    };
    let random = Target {
        id: "storage.random".into(),
        metric: Some(&DISK_RANDREAD_IOPS),
        value: Quantity::new(1e6, Unit::IoPerSecond),
        constraint: Some(Constraint {
            metric: &DISK_RANDREAD_P99,
            bound: Quantity::new(50e-6, Unit::Second),
            better: Better::Lower,
        }),
        open: vec!["queue depth not stated".into()],
        ..target.clone()
    };
    System {
        id: "X-1".into(),
        name: "Example".into(),
        document: "example.txt".into(),
        family: None,
        facts: vec![
            stated("cpu.sockets", number(1.0, Unit::Count)),
            stated("memory.data_rate", number(4.8e9, Unit::TransferPerSecond)),
        ],
        baselines: vec![Baseline {
            target: target.id.clone(),
            system: "an older one".into(),
            value: Quantity::new(20e9, Unit::BytePerSecond),
            approximate: true,
            facts: BTreeMap::new(),
            place: place(),
        }],
        targets: vec![target, latency, random],
        claims: vec![],
        limits: vec![],
        prose: vec![],
    }
}

/// These values, one a second.
pub(crate) fn samples(values: &[f64]) -> Vec<Sample> {
    const SECOND: u64 = 1_000_000_000;
    let second = |start: u64| Interval::new(start * SECOND, (start + 1) * SECOND);
    (0..).zip(values).map(|(start, value)| Sample::timed(*value, second(start))).collect()
}

pub(crate) fn measured(metric: &Definition, values: &[f64]) -> Outcome {
    Outcome::Measured(Measurement::new(metric, samples(values)))
}

/// One boot that meets every target.
pub(crate) fn run() -> Run {
    let mut facts = Facts::default();
    facts.quantity("cpu.sockets", 1.0, Unit::Count, "sysfs");
    facts.quantity("memory.channels", 4.0, Unit::Count, "SMBIOS");
    facts.quantity("memory.data_rate", 4.8e9, Unit::TransferPerSecond, "SMBIOS");
    let attempt = |workload, outcomes| Attempt { workload, repetition: 0, outcomes, warnings: vec![] };
    let stream =
        vec![measured(&STREAM_TRIAD, &[109e9, 110e9, 112e9]), measured(&STREAM_LATENCY, &[90e-9, 91e-9, 89e-9])];
    let disk = vec![measured(&DISK_RANDREAD_IOPS, &[1.2e6]), measured(&DISK_RANDREAD_P99, &[40e-6])];
    Run {
        id: "20260701T120000Z-0a1b".into(),
        started: "2026-07-01T12:00:00Z".into(),
        host: "node-1".into(),
        node: None,
        boot_id: Some("boot-1".into()),
        profile: Profile::Full,
        build: Build { version: "0.1.0".into(), profile: "release".into(), ..Build::default() },
        spec: SpecSource::default(),
        facts,
        fingerprint: Fingerprint {
            platform: BTreeMap::from([("system.serial".to_owned(), "SN-1".to_owned())]),
            ..Fingerprint::default()
        },
        noise: BTreeMap::new(),
        attempts: vec![attempt(Workload::Stream, stream), attempt(Workload::Disk, disk)],
        ending: Ending::Complete,
    }
}

pub(crate) fn graded(grade: Grade) -> Graded {
    Graded {
        target: "memory.triad".into(),
        grade,
        ceiling: Some(Quantity::new(76.8e9, Unit::BytePerSecond)),
        arithmetic: "2 channels × 4800 MT/s × 8 B = 76.8 GB/s".into(),
    }
}
