//! The storage part of a run: sequential reads and writes, and random reads over a sweep of depths, on test files.

use std::path::PathBuf;

use machine::{Machine, Needs, Profile};
use measure::{Event, Measurement, Metric, MetricId, NotMeasured, Outcome, Placement, Reason, Taint, Unit, Warning};
use serde::{Deserialize, Serialize};

use crate::engine::Session;
use crate::frontier::{Point, best_within, knee};
use crate::job::{Access, Amount, Blocks, Flow, Job, Place, Queue, Span};
use crate::log::Stats;
use crate::results::JobResult;
use crate::ring::buffer_bytes;
use crate::steady::{self, ROUNDS, State, WINDOW};
use crate::{Error, Settings, Volume};

const SEQUENTIAL_BLOCK: u32 = 1 << 20;
const RANDOM_BLOCK: u32 = 4096;
const SEQUENTIAL_DEPTH: u32 = 8;
const MIB: u64 = 1 << 20;
/// Seconds between the start of the requests and the start of counting.
const RAMP: f64 = 0.2;

/// The percentiles that are told beside the 99th.
const PERCENTILES: [f64; 11] = [0.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.95, 99.99, 100.0];

/// What the storage part measures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Folder of the test files, which have no name and are gone at the end.
    pub directory: PathBuf,
    /// Workers, each with a file of its own.
    pub workers: u32,
    /// Bytes of each worker's file.
    pub file_bytes: u64,
    /// Seconds of a round.
    pub round_seconds: f64,
    /// Rounds that are measured at least.
    pub rounds: usize,
    /// Rounds after which a device that is not steady is given up; equal to `rounds` where no steady state is asked for.
    pub most_rounds: usize,
    /// Depths of each worker in the sweep of random reads, ascending.
    pub depths: Vec<u32>,
    /// Seconds of a depth.
    pub depth_seconds: f64,
    /// The p99 in seconds that random reads are to keep: the depth is the one with the most IOPS within it.
    /// Without it, the smallest depth that reaches 95 % of the most IOPS is taken.
    pub randread_p99: Option<f64>,
}

impl Config {
    /// Every path once, on a small file in the current folder.
    #[must_use]
    pub fn smoke() -> Self {
        Config {
            directory: PathBuf::from("."),
            workers: 1,
            file_bytes: 16 * MIB,
            round_seconds: 0.25,
            rounds: 1,
            most_rounds: 1,
            depths: vec![1, 8],
            depth_seconds: 0.2,
            randread_p99: None,
        }
    }

    /// Planned for a host: workers for its cores, files for the free space, SNIA's rounds of a minute on `full`.
    pub fn for_profile(profile: Profile, machine: &Machine) -> Result<Self, Error> {
        let cores = u32::try_from(machine.topology.cores.len()).unwrap_or(1).max(1);
        let smoke = Config::smoke();
        Ok(match profile {
            Profile::Smoke => smoke,
            Profile::Quick => Config {
                workers: cores.min(8),
                file_bytes: 256 * MIB,
                round_seconds: 1.5,
                rounds: WINDOW,
                most_rounds: WINDOW,
                depths: vec![1, 4, 16, 32, 64, 128],
                depth_seconds: 1.0,
                ..smoke
            },
            Profile::Full => Config {
                workers: cores.min(32),
                file_bytes: 8192 * MIB,
                round_seconds: 60.0,
                rounds: WINDOW,
                most_rounds: ROUNDS,
                depths: vec![1, 2, 4, 8, 16, 32, 64, 128, 256],
                depth_seconds: 10.0,
                ..smoke
            },
        })
    }

    /// What it takes: the rounds of the three headlines at most, and the files.
    #[must_use]
    pub fn needs(&self, _machine: &Machine) -> Needs {
        let disk = self.file_bytes * u64::from(self.workers);
        // Test files are laid out at 500 MB/s or faster on anything that is worth measuring.
        let layout = disk as f64 / 500e6;
        let rounds = 3.0 * self.most_rounds as f64 * (self.round_seconds + RAMP);
        let sweep = self.depths.len() as f64 * (self.depth_seconds + RAMP);
        let deepest = self.depths.iter().copied().max().unwrap_or(1);
        let buffers = buffer_bytes(SEQUENTIAL_DEPTH, SEQUENTIAL_BLOCK).max(buffer_bytes(deepest, RANDOM_BLOCK)) as u64;
        Needs { seconds: layout + rounds + sweep, memory: buffers * u64::from(self.workers), disk }
    }

    /// A job over the workload's files. All have one name, so that all use the same files.
    fn job(&self, access: Access, flow: Flow, block: u32, depth: u32, seconds: f64) -> Job {
        let mut job = Job::new("scratch", Place::Scratch(self.directory.clone()));
        (job.access, job.flow) = (access, flow);
        job.blocks = [Blocks::of(block); 2];
        job.size = Some(Amount::Bytes(self.file_bytes));
        job.queue = Queue::deep(depth);
        job.workers = self.workers;
        job.span = Span { ramp: RAMP, runtime: Some(seconds), time_based: true };
        job.random_map = false;
        (job.grouped, job.pinned, job.refill) = (true, true, true);
        job.percentiles = vec![50.0, 99.0, 99.9];
        job
    }
}

/// One of the three documented cases.
struct Case {
    name: &'static str,
    access: Access,
    flow: Flow,
    block: u32,
    rate: &'static str,
    unit: Unit,
}

const CASES: [Case; 3] = [
    Case {
        name: "seqread",
        access: Access::Sequential,
        flow: Flow::Read,
        block: SEQUENTIAL_BLOCK,
        rate: "bandwidth",
        unit: Unit::BytePerSecond,
    },
    Case {
        name: "seqwrite",
        access: Access::Sequential,
        flow: Flow::Write,
        block: SEQUENTIAL_BLOCK,
        rate: "bandwidth",
        unit: Unit::BytePerSecond,
    },
    Case {
        name: "randread",
        access: Access::Random,
        flow: Flow::Read,
        block: RANDOM_BLOCK,
        rate: "iops",
        unit: Unit::IoPerSecond,
    },
];

impl Case {
    fn metric(&self, figure: &str) -> String {
        format!("disk.{}.{figure}", self.name)
    }

    fn stats<'a>(&self, result: &'a JobResult) -> &'a Stats {
        &result.stats[usize::from(self.flow == Flow::Write)]
    }

    /// The rate of a result over the window in which all workers ran.
    fn rate_of(&self, result: &JobResult) -> f64 {
        let index = usize::from(self.flow == Flow::Write);
        let done = &result.window.done;
        let amount = if self.unit == Unit::IoPerSecond { done.operations[index] } else { done.bytes[index] };
        if result.window.seconds > 0.0 { amount as f64 / result.window.seconds } else { 0.0 }
    }

    fn p99_of(&self, result: &JobResult) -> Option<f64> {
        self.stats(result).completion.percentile(99.0).map(|nanos| nanos as f64 * 1e-9)
    }
}

/// Measures; a case that fails is an outcome with a reason, and the others go on.
pub fn run(config: &Config, machine: &Machine, tell: &mut dyn FnMut(Event)) -> Result<(), Error> {
    machine.require_host()?;
    crate::ring::available()?;
    let settings = Settings::default();
    let mut session = Session::new(&settings);
    for (index, case) in CASES.iter().enumerate() {
        tell(Event::Progress { done: index as f64 / CASES.len() as f64, doing: format!("disk {}", case.name) });
        if let Err(error) = measure(config, case, &mut session, tell) {
            let reason = reason(&error);
            for figure in [case.rate, "p99"] {
                let id = MetricId { name: case.metric(figure), labels: measure::Labels::new() };
                tell(Event::Outcome(Outcome::NotMeasured(NotMeasured { id, reason: reason.clone() })));
            }
        }
    }
    Ok(())
}

/// Why a case has no value.
fn reason(error: &Error) -> Reason {
    let text = error.to_string();
    match error {
        Error::NoRoom { .. } | Error::Full { .. } => Reason::NoResources(text),
        Error::Refused { .. } | Error::Ring { .. } => Reason::NotAllowed(text),
        Error::Mismatch { .. } => Reason::WrongResult(text),
        _ => Reason::Failed(text),
    }
}

fn measure(config: &Config, case: &Case, session: &mut Session<'_>, tell: &mut dyn FnMut(Event)) -> Result<(), Error> {
    let depth = match case.access {
        Access::Sequential => SEQUENTIAL_DEPTH,
        Access::Random => sweep(config, case, session, tell)?,
    };
    let job = config.job(case.access, case.flow, case.block, depth, config.round_seconds);
    let mut rounds: Vec<JobResult> = Vec::new();
    let state = loop {
        rounds.push(one(session, &job)?);
        let rates: Vec<f64> = rounds.iter().map(|round| case.rate_of(round)).collect();
        let state = steady::judge(&rates);
        let enough = rounds.len() >= config.rounds && (state != State::NotYet || rounds.len() >= config.most_rounds);
        if enough {
            break state;
        }
    };
    let rate = Measurement::new(
        Metric::higher(&case.metric(case.rate), case.unit),
        rounds.iter().map(|round| case.rate_of(round)),
    );
    let p99 = Measurement::new(
        Metric::lower(&case.metric("p99"), Unit::Second),
        rounds.iter().filter_map(|round| case.p99_of(round)),
    );
    for measurement in [rate, p99] {
        let measured = describe(measurement, config, &rounds, depth).warn(remarks(case, &rounds, state));
        tell(Event::Outcome(Outcome::Measured(measured)));
    }
    for measurement in percentiles(case, &rounds) {
        tell(Event::Outcome(Outcome::Measured(describe(measurement, config, &rounds, depth))));
    }
    Ok(())
}

/// The latency at each of many percentiles, a sample for each round: what a chart of the tail is drawn from.
fn percentiles(case: &Case, rounds: &[JobResult]) -> Vec<Measurement> {
    let at = |percent: f64| {
        let seconds = rounds.iter().filter_map(|round| case.stats(round).completion.percentile(percent));
        let metric = Metric::lower(&case.metric("latency"), Unit::Second);
        Measurement::new(metric, seconds.map(|nanos| nanos as f64 * 1e-9)).label("percentile", percent)
    };
    PERCENTILES.into_iter().map(at).collect()
}

/// One round.
fn one(session: &mut Session<'_>, job: &Job) -> Result<JobResult, Error> {
    session.phase(&[job], &mut |_| {})?;
    let missing = || Error::Plan { job: job.name.clone(), why: "it gave no result".to_owned() };
    session.done.pop().ok_or_else(missing)
}

/// Measures each depth and chooses one.
fn sweep(config: &Config, case: &Case, session: &mut Session<'_>, tell: &mut dyn FnMut(Event)) -> Result<u32, Error> {
    let mut points = Vec::new();
    for &depth in &config.depths {
        let job = config.job(case.access, case.flow, case.block, depth, config.depth_seconds);
        let result = one(session, &job)?;
        let p99 = case.p99_of(&result).unwrap_or(f64::INFINITY);
        let point = Point { depth, iops: case.rate_of(&result), p99 };
        points.push(point);
        let rounds = [result];
        let all = u64::from(depth) * u64::from(config.workers);
        let name = case.metric("frontier");
        for measurement in [
            Measurement::new(Metric::higher(&name, Unit::IoPerSecond), [point.iops]),
            Measurement::new(Metric::lower(&format!("{name}.p99"), Unit::Second), [point.p99]),
        ] {
            let measured = describe(measurement, config, &rounds, depth).label("depth", all);
            tell(Event::Outcome(Outcome::Measured(measured)));
        }
    }
    let chosen = match config.randread_p99 {
        Some(limit) => best_within(&points, limit).or_else(|| points.first().copied()),
        None => knee(&points),
    };
    Ok(chosen.map_or(1, |point| point.depth))
}

/// Adds how and where it was measured; samples that a cache answered are tainted.
fn describe(mut measurement: Measurement, config: &Config, rounds: &[JobResult], depth: u32) -> Measurement {
    let taints = rounds.iter().map(cached);
    for (sample, taint) in measurement.samples.iter_mut().zip(taints) {
        sample.taint = taint;
    }
    let Some(last) = rounds.last() else { return measurement };
    let volume = &last.volume;
    let placement = Placement { cpus: last.cpus.clone(), ..Placement::default() };
    measurement
        .placed(placement)
        .context("block", last.job.largest_block())
        .context("depth", u64::from(depth) * u64::from(config.workers))
        .context("depth_per_worker", depth)
        .context("workers", config.workers)
        .context("file_bytes", config.file_bytes)
        .context("where", place(volume, config))
        .context("direct", last.direct)
        .context("ring", &last.granted.setup)
        .context("fixed_buffers", last.granted.fixed_buffers)
        .context("round_seconds", config.round_seconds)
}

/// A direct read that the device did not see was answered by a cache.
fn cached(round: &JobResult) -> Option<Taint> {
    let ratio = round.amplification()[0].filter(|ratio| *ratio < 0.98)?;
    Some(Taint::Environment(format!("a cache answered: the devices read only {ratio:.2} of the bytes")))
}

/// What the files lie on, in words.
fn place(volume: &Volume, config: &Config) -> String {
    let devices = volume.devices.join(" ");
    let record = volume.zfs.as_ref().and_then(crate::Zfs::record_size);
    let record = record.map_or(String::new(), |bytes| format!(", records of {bytes} B"));
    format!(
        "test files in {} ({} on {} {devices}{record})",
        config.directory.display(),
        volume.file_system,
        volume.source
    )
}

/// What a reader should know of a case.
fn remarks(case: &Case, rounds: &[JobResult], state: State) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if case.flow == Flow::Write {
        let said = "not preconditioned: a drive that has been written over twice may be slower";
        warnings.push(Warning::Note(said.to_owned()));
    }
    if rounds.len() >= WINDOW {
        match state {
            State::Steady { .. } => {}
            State::NotYet | State::NeverReached => warnings.push(Warning::Note(format!(
                "no steady state in {} rounds (range ≤ 20 %, line ≤ 10 % of the mean over {WINDOW} rounds)",
                rounds.len()
            ))),
        }
    }
    let straggle = rounds.iter().map(|round| round.window.straggle).fold(0.0, f64::max);
    if straggle > 0.1 {
        warnings.push(Warning::Note(format!("the last worker ended {straggle:.1} s after the first")));
    }
    let mut notes: Vec<&String> = rounds.iter().flat_map(|round| &round.notes).collect();
    notes.sort();
    notes.dedup();
    let rest = notes.iter().map(|note| Warning::NotHonoured { what: (*note).clone() });
    // One of a kind is enough: rounds differ in the digits.
    warnings.extend(rest.take(4));
    warnings
}
