//! A run that has every variant of every type in it.

use std::path::Path;

use measure::{
    Attempt, Build, DrivesBelow, Ending, Event, FactValue, Facts, Fingerprint, Gauge, Interval, Labels, Measurement,
    Metric, NotMeasured, Outcome, Placement, Profile, Reading, Reason, Run, Sample, SpecSource, StoragePlace, Taint,
    Telemetry, Unit, Warning, Workload, metrics,
};

use crate::Writer;

pub(crate) fn run() -> Run {
    Run {
        id: "20260701T120000Z-0a1b".into(),
        started: "2026-07-01T12:00:00Z".into(),
        host: "node-1".into(),
        node: None,
        boot_id: Some("e0a9".into()),
        profile: Profile::Quick,
        build: Build {
            version: "0.1.0".into(),
            revision: "abc-dirty".into(),
            compiler: "rustc 1.95.0".into(),
            profile: "release".into(),
            target_features: "avx2,fma".into(),
        },
        spec: SpecSource { id: "X-1".into(), sha256: "00ff".into(), text: "id = \"X-1\"\n# ü\n".into() },
        facts: facts(),
        fingerprint: fingerprint(),
        noise: std::collections::BTreeMap::new(),
        attempts: vec![
            Attempt {
                workload: Workload::Stream,
                repetition: 0,
                outcomes: vec![Outcome::Measured(triad())],
                warnings: warnings(),
            },
            Attempt { workload: Workload::Disk, repetition: 1, outcomes: missing(), warnings: vec![] },
        ],
        ending: Ending::Complete,
    }
}

fn facts() -> Facts {
    let mut facts = Facts::default();
    facts.quantity("cpu.sockets", 2.0, Unit::Count, "sysfs");
    facts.present("cpu.avx2", FactValue::Flag(true), "CPUID");
    facts.text("cpu.model", "A \"quoted\" \u{1b}[31mmodel", "CPUID");
    facts.put("gpu.count", Reading::Absent, "sysfs");
    facts.put("memory.dimms", Reading::Denied { remedy: "run as root".into() }, "SMBIOS");
    facts.put("bmc.version", Reading::Failed { error: "timeout".into() }, "ipmi");
    facts
}

fn fingerprint() -> Fingerprint {
    let parts = |name: &str, value: &str| [(name.to_owned(), value.to_owned())].into();
    Fingerprint {
        platform_id: "a1".into(),
        config_id: "b2".into(),
        platform: parts("dimm P0 A1", "a \"quoted\" module"),
        config: parts("bios.version", "1.2"),
    }
}

fn triad() -> Measurement {
    let values = [0.1 + 0.2, 1.65e12, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let placement =
        Placement { cpus: vec![0, 1], pages_on_node: Some(1.0), huge_pages: Some(f64::NAN), migrations: Some(0) };
    let timed = |(value, start)| Sample::timed(value, Interval::new(start, start + 5));
    let mut triad = Measurement::new(&metrics::STREAM_TRIAD, values.into_iter().zip(u64::MAX - 50..).map(timed))
        .label("isa", "avx512")
        .context("array_bytes", 1u64 << 33)
        .placed(placement)
        .at(place())
        .warn(warnings());
    triad.samples[0].taint = Some(Taint::WrongCpu { planned: 3, found: "0-1".into() });
    triad.samples[1].taint = Some(Taint::WrongNode { share: 0.5 });
    triad.samples[2].taint = Some(Taint::CpuTaken { share: 0.1, by: "steal".into() });
    triad.samples[3].interval = None;
    triad.samples[4].taint = Some(Taint::Environment("hot".into()));
    triad
}

fn place() -> StoragePlace {
    StoragePlace {
        path: "/data/a \"quoted\" folder".into(),
        mount_point: "/data".into(),
        file_system: "ext4".into(),
        source: "/dev/md0".into(),
        drives: DrivesBelow::Known(vec!["nvme0n1".into(), "nvme1n1".into()]),
        free: Some(u64::MAX),
    }
}

/// Two intervals, a gauge that answered in one of them, and one that gave no number.
pub(crate) fn telemetry() -> Telemetry {
    let gauge = |definition, readings: [Option<f64>; 2]| Gauge {
        metric: Metric::from(definition),
        labels: Labels::new(),
        readings: readings.to_vec(),
    };
    Telemetry {
        clock: vec![Interval::new(7, 1_000_000_007), Interval::new(1_000_000_007, 4_600_000_000)],
        gauges: vec![gauge(&metrics::HOST_STEAL, [Some(0.25), None]), gauge(&metrics::HOST_LOAD, [Some(f64::NAN); 2])],
    }
}

fn warnings() -> Vec<Warning> {
    vec![
        Warning::FewHugePages { share: 0.25 },
        Warning::Noisy { spread: 0.1 },
        Warning::NearCache { array: 1, wanted: u64::MAX },
        Warning::CacheAnswered { share: 0.1 + 0.2 },
        Warning::PlacementUnproved { why: "EPERM".into() },
        Warning::NarrowIsa { used: "avx2".into() },
        Warning::Extrapolated { how: "R(N)".into() },
        Warning::Partial { covers: "rapl package-0".into() },
        Warning::NotHonoured { what: "O_DIRECT".into() },
        Warning::OtherThing { why: "tmpfs".into() },
        Warning::Uncertain { why: "0.3 s".into() },
        Warning::Note("note".into()),
    ]
}

fn missing() -> Vec<Outcome> {
    let reasons = [
        Reason::WrongResult("1 of 2".into()),
        Reason::NoHardware("AMX".into()),
        Reason::NotAllowed("EPERM".into()),
        Reason::NoResources("1 GB".into()),
        Reason::NotInProfile("smoke".into()),
        Reason::NotBuilt("a second binary".into()),
        Reason::WorkerDied("signal 9".into()),
        Reason::Interrupted,
        Reason::Failed("EIO".into()),
    ];
    let labels = Labels::from([("depth".into(), "8".into())]);
    let missing = |reason| NotMeasured::new(&metrics::DISK_RANDREAD_FRONTIER, labels.clone(), reason);
    reasons.into_iter().map(|reason| Outcome::NotMeasured(missing(reason))).collect()
}

/// Writes the whole of a run.
pub(crate) fn write_all(path: &Path, run: &Run) {
    let mut writer = Writer::create(path, run).unwrap();
    for attempt in &run.attempts {
        writer.begin(attempt.workload, attempt.repetition, &serde_json::json!({"threads": 2})).unwrap();
        for outcome in &attempt.outcomes {
            let event = match outcome.clone() {
                Outcome::Measured(measurement) => Event::Measured(measurement),
                Outcome::NotMeasured(missing) => Event::NotMeasured(missing),
            };
            writer.event(&event).unwrap();
        }
        for warning in &attempt.warnings {
            writer.event(&Event::Warning(warning.clone())).unwrap();
        }
        writer.end_attempt().unwrap();
    }
    writer.finish(run.ending).unwrap();
}
