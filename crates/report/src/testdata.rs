//! A run on a small virtual machine, judged against a machine that it is not.

use measure::{
    Attempt, Build, Digest, DrivesBelow, Ending, FactValue, Facts, Fingerprint, Interval, Labels, Measurement,
    MetricId, NotMeasured, Outcome, Profile, Quantity, Reading, Reason, Run, Sample, SpecSource, StoragePlace, Taint,
    Unit, Warning, Workload, metrics,
};
use spec::audit::{Grade, Graded};
use spec::{Place, Standing, StatedFact, System};
use verdict::compare::{Question, Tolerances, compare};
use verdict::{Judgement, judge};

use crate::BeforeAfter;

const SYSTEM: &str = r#"
[[system]]
id = "X-1"
name = "Example"
document = "An example"

[[system.fact]]
id = "cpu.sockets"
value = 2
at = "§1 Board"
says = "dual-socket"

[[system.fact]]
id = "cpu.model"
value = "Model 9"
at = "§1 CPU"
says = "Model 9 (placeholder)"
placeholder = "§1 CPU"

[[system.target]]
id = "memory.stream"
title = "STREAM bandwidth"
metric = "stream.triad"
value = "1.65 TB/s"
better = "higher"
tolerance = "5 %"
required = true
at = "§2.1 STREAM"
says = "1.65 TB/s"
open = ["array size not stated"]
depends_on = ["cpu.sockets", "cpu.model"]

[[system.target]]
id = "memory.latency"
title = "Memory latency"
metric = "stream.latency"
value = "75 ns"
approximate = true
better = "lower"
tolerance = "5 %"
required = true
at = "§2.1 latency"
says = "~75 ns"
depends_on = []

[[system.target]]
id = "compute.hpl"
title = "HPL"
metric = "dense.hpl"
value = "11.2 TFLOPS"
better = "higher"
tolerance = "5 %"
required = true
at = "§2.2 HPL"
says = "11.2 TFLOPS"
depends_on = []

[[system.baseline]]
target = "memory.latency"
system = "an older one"
value = "110 ns"
approximate = true
at = "§2.1 baseline"
says = "~110 ns"

[[system.limit]]
fact = "thermal.limit"
at_most = "90 °C"
at = "§5.2"
says = "above 90°C"
"#;

pub(crate) fn system() -> System {
    spec::parse(SYSTEM, "example.toml").unwrap().remove(0)
}

/// The same with parts that acceptance demands: one that fails, one that cannot be read, one that is there.
pub(crate) fn system_of_parts() -> System {
    let mut system = system();
    let demanded = |id: &str, value: FactValue| {
        let place = Place { at: format!("§1 {id}"), says: value.to_string() };
        let (standing, admits) = (Standing::Firm, Vec::new());
        StatedFact { id: id.into(), value, approximate: false, place, standing, required: true, admits }
    };
    system.facts[0].required = true;
    system.facts.push(demanded("memory.dimms", FactValue::Quantity(Quantity::new(16.0, Unit::Count))));
    system.facts.push(demanded("cpu.model", FactValue::Text("Evil \u{1b}[2J model".into())));
    system
}

pub(crate) fn facts() -> Facts {
    let mut facts = Facts::default();
    facts.quantity("cpu.sockets", 1.0, Unit::Count, "/sys/devices/system/cpu");
    facts.text("cpu.model", "Evil \u{1b}[2J model", "/proc/cpuinfo");
    facts.put("memory.dimms", Reading::Denied { remedy: "run as root".into() }, "SMBIOS");
    facts.put("gpu.count", Reading::Absent, "/sys/bus/pci");
    facts.put("bmc.version", Reading::Failed { error: "timeout".into() }, "IPMI");
    facts
}

/// Samples that were taken one after the other, each for a tenth of a second.
pub(crate) fn samples(values: &[f64]) -> Vec<Sample> {
    const STEP: u64 = 100_000_000;
    let sample = |(at, value): (u64, &f64)| Sample::timed(*value, Interval::new(at * STEP, (at + 1) * STEP));
    (70..).zip(values).map(sample).collect()
}

pub(crate) fn run() -> Run {
    let mut triad = Measurement::new(&metrics::STREAM_TRIAD, samples(&[25.2e9, 25.3e9, 9e9]))
        .context("isa", "avx512")
        .warn([Warning::Noisy { spread: 0.12 }]);
    triad.samples[2].taint = Some(Taint::CpuTaken { share: 0.4, by: "steal".into() });
    let read = Measurement::new(&metrics::STREAM_READ, samples(&[31e9])).warn([Warning::Noisy { spread: 0.12 }]);
    let latency = Measurement::new(&metrics::STREAM_LATENCY, samples(&[70e-9, 69.5e-9, 70.5e-9]));
    let sweep = |size: u32, value: f64| {
        let sweep = Measurement::new(&metrics::STREAM_LATENCY_SWEEP, samples(&[value]));
        Outcome::Measured(sweep.label("size", size).label("page", "huge"))
    };
    let id = MetricId { name: "dense".into(), labels: Labels::new() };
    let dead = NotMeasured { id, reason: Reason::WorkerDied("signal 4 (SIGILL)".into()) };
    let attempt = |workload, outcomes| Attempt { workload, repetition: 0, outcomes, warnings: vec![] };
    let mut stream = [triad, read, latency].map(Outcome::Measured).to_vec();
    stream.extend([sweep(16384, 1.1e-9), sweep(134_217_728, 71e-9)]);
    let mut attempts =
        vec![attempt(Workload::Stream, stream), attempt(Workload::Dense, vec![Outcome::NotMeasured(dead)])];
    attempts[0].warnings.push(Warning::Note("prefetchers cannot be disabled without MSRs".into()));
    Run {
        id: "20260701T120000Z-0a1b".into(),
        started: "2026-07-01T12:00:00Z".into(),
        host: "node-1".into(),
        node: None,
        boot_id: None,
        profile: Profile::Quick,
        build: Build {
            version: "0.1.0".into(),
            revision: "abc".into(),
            compiler: "rustc 1.95.0".into(),
            profile: "release".into(),
            target_features: "avx2".into(),
        },
        spec: SpecSource::default(),
        facts: facts(),
        fingerprint: Fingerprint::default(),
        noise: std::collections::BTreeMap::new(),
        attempts,
        ending: Ending::Complete,
    }
}

/// The same run with random reads of files on a drive.
pub(crate) fn run_with_files() -> Run {
    let mut run = run();
    let reads = Measurement::new(&metrics::DISK_RANDREAD_IOPS, samples(&[1e6])).at(StoragePlace {
        path: "/data/test".into(),
        mount_point: "/data".into(),
        file_system: "xfs".into(),
        source: "/dev/nvme0n1".into(),
        drives: DrivesBelow::Known(vec!["nvme0n1".into()]),
        free: Some(1_200_000_000_000),
    });
    let outcomes = vec![Outcome::Measured(reads.clone()), Outcome::Measured(reads)];
    run.attempts.push(Attempt { workload: Workload::Disk, repetition: 0, outcomes, warnings: vec![] });
    run
}

pub(crate) fn judged() -> Judgement {
    let graded = Graded {
        target: "memory.stream".into(),
        grade: Grade::Impossible,
        ceiling: Some(Quantity::new(716.8e9, Unit::BytePerSecond)),
        arithmetic: "2 × 8 channels × 5600 MT/s × 8 B = 716.8 GB/s".into(),
    };
    let system = system();
    let mut companion = system.targets[0].clone();
    companion.id = "memory.stream.achievable".into();
    companion.value = Quantity::new(600e9, Unit::BytePerSecond);
    companion.companion_of = Some("memory.stream".into());
    judge(&run(), &system, &[graded], &[companion])
}

/// Another run of the same boot: a fifth slower, after a new BIOS.
pub(crate) fn run_after() -> Run {
    let mut run = run();
    run.id = "20260702T120000Z-0b2c".into();
    run.started = "2026-07-02T12:00:00Z".into();
    run.facts.quantity("cpu.sockets", 2.0, Unit::Count, "/sys/devices/system/cpu");
    run.fingerprint.config.insert("bios.version".into(), "1.3".into());
    for outcome in &mut run.attempts[0].outcomes {
        let Outcome::Measured(one) = outcome else { continue };
        let factor = if one.metric.unit == Unit::Second { 1.25 } else { 0.8 };
        one.samples.iter_mut().for_each(|sample| sample.value *= factor);
    }
    let scaling = Measurement::new(&metrics::STREAM_SCALING, samples(&[8e9]));
    run.attempts[0].outcomes.push(Outcome::Measured(scaling.label("threads", 1)));
    run
}

/// Two runs of one boot, which cannot be compared.
pub(crate) fn change() -> BeforeAfter {
    let (mut before, mut after) = (run(), run_after());
    (before.boot_id, after.boot_id) = (Some("e0a9".into()), Some("e0a9".into()));
    before.fingerprint.config.insert("bios.version".into(), "1.2".into());
    compared(&[before], &[after])
}

/// Five boots on each side, which differ by a little among themselves.
pub(crate) fn campaign() -> BeforeAfter {
    let boots = |run: &Run| -> Vec<Run> {
        let boot = |number: u8| {
            let mut run = run.clone();
            run.boot_id = Some(format!("{} {number}", run.id));
            run.id = format!("{}{number}", run.id);
            for outcome in run.attempts.iter_mut().flat_map(|attempt| &mut attempt.outcomes) {
                let Outcome::Measured(one) = outcome else { continue };
                one.samples.iter_mut().for_each(|sample| sample.value *= 1.0 + 0.002 * f64::from(number));
            }
            run
        };
        (0..5).map(boot).collect()
    };
    let mut before = run();
    before.fingerprint.config.insert("bios.version".into(), "1.2".into());
    compared(&boots(&before), &boots(&run_after()))
}

fn compared(before: &[Run], after: &[Run]) -> BeforeAfter {
    let digests = |runs: &[Run]| runs.iter().map(Digest::of).collect();
    let tolerances = Tolerances::of(&system());
    let question = Question { before: digests(before), after: digests(after), tolerances, ..Question::default() };
    let sides = [before, after].map(|runs| runs.iter().collect());
    let [before, after] = sides;
    BeforeAfter::of(before, after, compare(question).map_err(|refusal| refusal.to_string()))
}
