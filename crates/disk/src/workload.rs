//! The storage part of a run: sequential reads and writes and random reads, each over a sweep of depths, on test files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use machine::Machine;
use measure::metrics::{
    DISK_DRIVE_LATENCY, DISK_RANDREAD_FRONTIER, DISK_RANDREAD_FRONTIER_P99, DISK_RANDREAD_IOPS, DISK_RANDREAD_LATENCY,
    DISK_RANDREAD_P99, DISK_SEQREAD_BANDWIDTH, DISK_SEQREAD_FRONTIER, DISK_SEQREAD_FRONTIER_P99, DISK_SEQREAD_LATENCY,
    DISK_SEQREAD_P99, DISK_SEQWRITE_BANDWIDTH, DISK_SEQWRITE_FRONTIER, DISK_SEQWRITE_FRONTIER_P99,
    DISK_SEQWRITE_LATENCY, DISK_SEQWRITE_P99,
};
use measure::{
    Definition, Event, Labels, Measurement, Needs, NotMeasured, Placement, Profile, Reason, Sample, Taint, Unit,
    Warning,
};
use serde::{Deserialize, Serialize};

use crate::counters::IoCounters;
use crate::engine::Session;
use crate::frontier::{SweepPoint, best_within, knee};
use crate::job::{Access, Amount, Blocks, Job, JobTarget, JobTiming, Queue, ReadWriteMix};
use crate::latency_recorder::Stats;
use crate::results::JobResult;
use crate::ring::buffer_bytes;
use crate::steady::{self, ROUNDS, SteadyState, WINDOW};
use crate::{Error, Settings, Volume};

const SEQUENTIAL_BLOCK: u32 = 1 << 20;
const RANDOM_BLOCK: u32 = 4096;
const MIB: u64 = 1 << 20;
/// Seconds between the start of the requests and the start of counting.
const RAMP: f64 = 0.2;

/// The percentiles that are emitted beside the 99th.
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
    /// Requests in flight of all workers together in the sweeps of the sequential cases, ascending.
    pub sequential_depths: Vec<u32>,
    /// The same in the sweep of random reads.
    pub random_depths: Vec<u32>,
    /// Seconds of a depth.
    pub depth_seconds: f64,
    /// The p99 in seconds that a case is to keep, by its name (`seqread`, `seqwrite`, `randread`): the depth is the one
    /// with the highest rate within it. Without one, it is the smallest depth that reaches 95 % of the highest rate.
    pub bounds: BTreeMap<String, f64>,
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
            sequential_depths: vec![1, 8],
            random_depths: vec![1, 8],
            depth_seconds: 0.2,
            bounds: BTreeMap::new(),
        }
    }

    /// Planned for a host: workers for its cores, files of a fixed size each, SNIA's rounds of a minute on `full`.
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
                sequential_depths: vec![1, 2, 4, 8, 16],
                random_depths: vec![1, 4, 16, 64, 256],
                depth_seconds: 1.0,
                ..smoke
            },
            Profile::Full => Config {
                workers: cores.min(32),
                file_bytes: 8192 * MIB,
                round_seconds: 60.0,
                rounds: WINDOW,
                most_rounds: ROUNDS,
                sequential_depths: vec![1, 2, 4, 6, 8, 12, 16, 24, 32, 64, 128, 256],
                random_depths: (0..=13).map(|power| 1 << power).collect(),
                depth_seconds: 10.0,
                ..smoke
            },
        })
    }

    /// What it takes: the sweeps and at most the rounds of the three headlines, and the files.
    #[must_use]
    pub fn needs(&self, _machine: &Machine) -> Needs {
        let disk = self.file_bytes * u64::from(self.workers);
        // Test files are laid out at 500 MB/s or faster on anything that is worth measuring.
        let layout = disk as f64 / 500e6;
        let rounds = 3.0 * self.most_rounds as f64 * (self.round_seconds + RAMP);
        let points: usize = CASES.iter().map(|case| self.depths(case).len()).sum();
        let sweeps = points as f64 * (self.depth_seconds + RAMP);
        let buffers = |case: &StorageCase| {
            let (workers, depth) = self.split(self.depths(case).last().copied().unwrap_or(1));
            buffer_bytes(depth, case.block) as u64 * u64::from(workers)
        };
        let memory = CASES.iter().map(buffers).max().unwrap_or(0);
        Needs { seconds: layout + rounds + sweeps, memory, disk }
    }

    /// The requests in flight of a case's sweep, as the workers can share them evenly.
    fn depths(&self, case: &StorageCase) -> Vec<u32> {
        let wanted = if case.access == Access::Sequential { &self.sequential_depths } else { &self.random_depths };
        let shared = |&in_flight: &u32| {
            let (workers, depth) = self.split(in_flight);
            workers * depth
        };
        let mut depths: Vec<u32> = wanted.iter().map(shared).collect();
        depths.dedup();
        depths
    }

    /// How many workers have how many requests in flight each, so that it is this many together: a few requests are
    /// those of a few workers, since a latency of 150 µs may leave room for less than one of each.
    fn split(&self, in_flight: u32) -> (u32, u32) {
        let workers = in_flight.clamp(1, self.workers.max(1));
        (workers, (in_flight / workers).max(1))
    }

    /// A job over the workload's files. All have one name, so that all use the same files.
    fn job(&self, case: &StorageCase, in_flight: u32, seconds: f64) -> Job {
        let mut job = Job::new("scratch", JobTarget::Scratch(vec![self.directory.clone()]));
        (job.access, job.rw) = (case.access, case.rw);
        job.blocks = [Blocks::of(case.block); 2];
        job.size = Some(Amount::Bytes(self.file_bytes));
        let (workers, depth) = self.split(in_flight);
        (job.workers, job.queue) = (workers, Queue::deep(depth));
        job.timing = JobTiming { ramp: RAMP, runtime: Some(seconds), time_based: true, ..JobTiming::default() };
        job.random_map = false;
        (job.grouped, job.pinned, job.refill) = (true, true, true);
        job.percentiles = vec![50.0, 99.0, 99.9];
        job
    }
}

/// One of the three documented cases.
struct StorageCase {
    name: &'static str,
    access: Access,
    rw: ReadWriteMix,
    block: u32,
    metrics: CaseMetrics,
}

/// What is measured of a case.
struct CaseMetrics {
    rate: &'static Definition,
    p99: &'static Definition,
    latency: &'static Definition,
    /// The rate by the requests in flight, and its p99.
    frontier: [&'static Definition; 2],
}

const CASES: [StorageCase; 3] = [
    StorageCase {
        name: "seqread",
        access: Access::Sequential,
        rw: ReadWriteMix::Read,
        block: SEQUENTIAL_BLOCK,
        metrics: CaseMetrics {
            rate: &DISK_SEQREAD_BANDWIDTH,
            p99: &DISK_SEQREAD_P99,
            latency: &DISK_SEQREAD_LATENCY,
            frontier: [&DISK_SEQREAD_FRONTIER, &DISK_SEQREAD_FRONTIER_P99],
        },
    },
    StorageCase {
        name: "seqwrite",
        access: Access::Sequential,
        rw: ReadWriteMix::Write,
        block: SEQUENTIAL_BLOCK,
        metrics: CaseMetrics {
            rate: &DISK_SEQWRITE_BANDWIDTH,
            p99: &DISK_SEQWRITE_P99,
            latency: &DISK_SEQWRITE_LATENCY,
            frontier: [&DISK_SEQWRITE_FRONTIER, &DISK_SEQWRITE_FRONTIER_P99],
        },
    },
    StorageCase {
        name: "randread",
        access: Access::Random,
        rw: ReadWriteMix::Read,
        block: RANDOM_BLOCK,
        metrics: CaseMetrics {
            rate: &DISK_RANDREAD_IOPS,
            p99: &DISK_RANDREAD_P99,
            latency: &DISK_RANDREAD_LATENCY,
            frontier: [&DISK_RANDREAD_FRONTIER, &DISK_RANDREAD_FRONTIER_P99],
        },
    },
];

/// The case that a metric is of: its name in [`Config::bounds`].
#[must_use]
pub fn case_of(metric: &Definition) -> Option<&'static str> {
    let is_of = |case: &&StorageCase| {
        let CaseMetrics { rate, p99, latency, frontier } = &case.metrics;
        [rate, p99, latency].into_iter().chain(frontier).any(|own| *own == metric)
    };
    CASES.iter().find(is_of).map(|case| case.name)
}

impl StorageCase {
    fn stats<'a>(&self, result: &'a JobResult) -> &'a Stats {
        &result.stats[usize::from(self.rw == ReadWriteMix::Write)]
    }

    /// The rate of a result over the window in which all workers ran.
    fn rate_of(&self, result: &JobResult) -> f64 {
        let index = usize::from(self.rw == ReadWriteMix::Write);
        let done = &result.window.done;
        let amount =
            if self.metrics.rate.unit == Unit::IoPerSecond { done.operations[index] } else { done.bytes[index] };
        if result.window.seconds > 0.0 { amount as f64 / result.window.seconds } else { 0.0 }
    }

    /// What a drive did in a round, as its own counters have it: the bytes a second of a case of bytes, and else the requests.
    /// The kernel may have merged some of these.
    fn rate_of_drive(&self, round: &JobResult, drive: &str) -> Option<f64> {
        let own = self.counted(round, drive)?;
        let amount = if self.metrics.rate.unit == Unit::IoPerSecond { own.ios + own.merges } else { own.bytes };
        let seconds = round.drives.interval.seconds();
        (seconds > 0.0).then(|| amount as f64 / seconds)
    }

    /// What a drive counted of the requests of this case.
    fn counted(&self, round: &JobResult, drive: &str) -> Option<IoCounters> {
        let counted = round.drives.drives.get(drive)?;
        Some(if self.rw == ReadWriteMix::Write { counted.write } else { counted.read })
    }

    fn p99_of(&self, result: &JobResult) -> Option<f64> {
        self.stats(result).latency.percentile(99.0).map(|nanos| nanos as f64 * 1e-9)
    }
}

/// Measures; a case that fails is an outcome with a reason, and the others go on.
pub fn run(config: &Config, machine: &Machine, emit: &mut dyn FnMut(Event)) -> Result<(), Error> {
    machine.require_host()?;
    crate::ring_setup::available()?;
    let settings = Settings::default();
    let mut session = Session::new(&settings);
    for (index, case) in CASES.iter().enumerate() {
        emit(Event::Progress { done: index as f64 / CASES.len() as f64, doing: format!("disk {}", case.name) });
        if let Err(error) = measure(config, case, &mut session, emit) {
            let reason = reason(&error);
            for metric in [case.metrics.rate, case.metrics.p99] {
                emit(Event::NotMeasured(NotMeasured::new(metric, Labels::new(), reason.clone())));
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

fn measure(
    config: &Config,
    case: &StorageCase,
    session: &mut Session<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<(), Error> {
    let depth = sweep(config, case, session, emit)?;
    let job = config.job(case, depth, config.round_seconds);
    let mut rounds: Vec<JobResult> = Vec::new();
    let state = loop {
        rounds.push(run_round(session, &job)?);
        let rates: Vec<f64> = rounds.iter().map(|round| case.rate_of(round)).collect();
        let state = steady::judge(&rates);
        let enough =
            rounds.len() >= config.rounds && (state != SteadyState::NotYet || rounds.len() >= config.most_rounds);
        if enough {
            break state;
        }
    };
    let rate = of_rounds(case.metrics.rate, &rounds, |round| Some(case.rate_of(round)));
    let p99 = of_rounds(case.metrics.p99, &rounds, |round| case.p99_of(round));
    for measurement in [rate, p99] {
        emit(Event::Measured(describe(measurement, config, &rounds).warn(remarks(case, &rounds, state))));
    }
    for measurement in of_drives(case, config, &rounds) {
        emit(Event::Measured(measurement));
    }
    for measurement in percentiles(case, &rounds) {
        emit(Event::Measured(describe(measurement, config, &rounds)));
    }
    Ok(())
}

/// A sample for each round that has the figure, taken while the round was counted. It is tainted where a cache answered.
fn of_rounds(metric: &Definition, rounds: &[JobResult], figure: impl Fn(&JobResult) -> Option<f64>) -> Measurement {
    let sample = |round: &JobResult| {
        Some(Sample { taint: cached(round), ..Sample::timed(figure(round)?, round.window.interval) })
    };
    Measurement::new(metric, rounds.iter().filter_map(sample))
}

/// Rate and latency of each drive below the files, where there are several: of a stripe the slowest drive holds up the others,
/// all move the same, and it is the latency that says which it is.
fn of_drives(case: &StorageCase, config: &Config, rounds: &[JobResult]) -> Vec<Measurement> {
    let drives: BTreeSet<&String> = rounds.iter().flat_map(|round| round.drives.drives.keys()).collect();
    let timed = |round: &JobResult, value: Option<f64>| {
        Some(Sample { taint: cached(round), ..Sample::timed(value?, round.drives.interval) })
    };
    let counted = |part: Measurement| part.context("counted", "by the drive itself, for whomever it worked");
    let of_drive = |&drive: &&String| {
        let rates = rounds.iter().filter_map(|round| timed(round, case.rate_of_drive(round, drive)));
        let whole = describe(Measurement::new(case.metrics.rate, []), config, rounds);
        let rate = counted(whole.of_part("drive", drive, rates));
        let latency = |round: &JobResult| case.counted(round, drive).and_then(IoCounters::latency);
        let latencies = rounds.iter().filter_map(|round| timed(round, latency(round)));
        let latency = Measurement::new(&DISK_DRIVE_LATENCY, latencies).label("case", case.name).label("drive", drive);
        [rate, counted(describe(latency, config, rounds))]
    };
    if drives.len() > 1 { drives.iter().flat_map(of_drive).collect() } else { Vec::new() }
}

/// The latency at each of many percentiles, a sample for each round: what a chart of the tail is drawn from.
fn percentiles(case: &StorageCase, rounds: &[JobResult]) -> Vec<Measurement> {
    let at = |percent: f64| {
        let seconds = |round: &JobResult| Some(case.stats(round).latency.percentile(percent)? as f64 * 1e-9);
        of_rounds(case.metrics.latency, rounds, seconds).label("percentile", percent)
    };
    PERCENTILES.into_iter().map(at).collect()
}

/// One round.
fn run_round(session: &mut Session<'_>, job: &Job) -> Result<JobResult, Error> {
    session.phase(&[job], &mut |_| {})?;
    let missing = || Error::Plan { job: job.name.clone(), why: "it gave no result".to_owned() };
    session.done.pop().ok_or_else(missing)
}

/// Measures each depth and chooses one.
fn sweep(
    config: &Config,
    case: &StorageCase,
    session: &mut Session<'_>,
    emit: &mut dyn FnMut(Event),
) -> Result<u32, Error> {
    let mut points = Vec::new();
    for depth in config.depths(case) {
        let result = run_round(session, &config.job(case, depth, config.depth_seconds))?;
        let p99 = case.p99_of(&result).unwrap_or(f64::INFINITY);
        let point = SweepPoint { depth, rate: case.rate_of(&result), p99 };
        points.push(point);
        let rounds = [result];
        for (metric, value) in case.metrics.frontier.into_iter().zip([point.rate, point.p99]) {
            let measurement = of_rounds(metric, &rounds, |_| Some(value));
            emit(Event::Measured(describe(measurement, config, &rounds).label("depth", depth)));
        }
    }
    let chosen = match config.bounds.get(case.name) {
        Some(&limit) => best_within(&points, limit).or_else(|| points.first().copied()),
        None => knee(&points),
    };
    Ok(chosen.map_or(1, |point| point.depth))
}

/// Adds how and where it was measured.
fn describe(measurement: Measurement, config: &Config, rounds: &[JobResult]) -> Measurement {
    let Some(last) = rounds.last() else { return measurement };
    let volume = &last.volume;
    let placement = Placement { cpus: last.cpus.clone(), ..Placement::default() };
    measurement
        .placed(placement)
        .context("block", last.job.largest_block())
        .context("depth", u64::from(last.job.queue.depth) * u64::from(last.job.workers))
        .context("depth_per_worker", last.job.queue.depth)
        .context("workers", last.job.workers)
        .context("file_bytes", config.file_bytes)
        .context("where", describe_location(volume, config))
        .context("direct", last.direct)
        .context("ring", &last.granted.setup)
        .context("fixed_buffers", last.granted.fixed_buffers)
        .context("round_seconds", config.round_seconds)
}

/// A direct read that the device did not see was answered by a cache.
fn cached(round: &JobResult) -> Option<Taint> {
    let [ratio, _] = round.traffic?.answered_by_cache();
    let ratio = ratio?;
    Some(Taint::Environment(format!("a cache answered: the devices read only {ratio:.2} of the bytes")))
}

/// Where the test files are, in words.
fn describe_location(volume: &Volume, config: &Config) -> String {
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

/// What a reader should know of a case, the weightiest first.
fn remarks(case: &StorageCase, rounds: &[JobResult], state: SteadyState) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if case.rw == ReadWriteMix::Write {
        let text = "not preconditioned: a drive that has been overwritten twice may be slower";
        warnings.push(Warning::Uncertain { why: text.to_owned() });
    }
    if rounds.len() >= WINDOW {
        match state {
            SteadyState::Steady { .. } => {}
            SteadyState::NotYet | SteadyState::NeverReached => warnings.push(Warning::Uncertain {
                why: format!(
                    "no steady state in {} rounds (range ≤ 20 %, line ≤ 10 % of the mean over {WINDOW} rounds)",
                    rounds.len()
                ),
            }),
        }
    }
    let finish_skew = rounds.iter().map(|round| round.window.finish_skew).fold(0.0, f64::max);
    if finish_skew > 0.1 {
        let why = format!("the last worker ended {finish_skew:.1} s after the first");
        warnings.push(Warning::Uncertain { why });
    }
    warnings.extend(rounds.iter().flat_map(|round| round.notes.iter().cloned()));
    weightiest_first(warnings)
}

/// One of each kind: rounds differ in the digits. Of several shares that the devices moved, the smallest.
fn weightiest_first(mut warnings: Vec<Warning>) -> Vec<Warning> {
    let share = |warning: &Warning| if let Warning::CacheAnswered { share } = warning { *share } else { f64::MAX };
    warnings.sort_by(|a, b| b.weight().cmp(&a.weight()).then(share(a).total_cmp(&share(b))));
    let mut known = BTreeSet::new();
    warnings.retain(|warning| known.insert(warning.to_string().replace(|c: char| c.is_ascii_digit() || c == '.', "")));
    warnings
}

#[cfg(test)]
mod tests;
