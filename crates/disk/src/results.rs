//! Job results and their aggregation.

use std::time::Duration;

use machine::Clock;
use measure::{Interval, Warning};

use crate::counters::{ArcStat, DeviceStat, DeviceTraffic, DriveCounts};
use crate::engine::Counted;
use crate::histogram::{Histogram, Moments};
use crate::job::{Direction, Job};
use crate::latency_recorder::{Depths, LatencyRecorder, LittlesLaw, Stats, TICK, Tick};
use crate::plan::PlannedJob;
use crate::ring_setup::Granted;
use crate::steady::SteadyCriterion;
use crate::usage::Usage;
use crate::volume::Volume;

/// Ticks of a second.
const TICKS: usize = (1_000_000_000 / TICK) as usize;

/// What one worker hands in.
#[derive(Clone, Debug)]
pub(crate) struct WorkerReport {
    pub(crate) recorder: LatencyRecorder,
    pub(crate) usage: Usage,
    pub(crate) granted: Granted,
    pub(crate) cpus: Vec<u32>,
    pub(crate) verified: u64,
    /// The record of reading back what was written.
    pub(crate) read_back: Option<LatencyRecorder>,
}

/// Everything that a run of jobs gave.
#[derive(Clone, Debug)]
pub struct Results {
    /// Wall-clock time of the start, since 1970 in UTC.
    pub started: Duration,
    /// How long all took, layout and verification included, in seconds.
    pub seconds: f64,
    /// One for each group of jobs with `group_reporting`, and for each worker of a job without it, in order.
    pub jobs: Vec<JobResult>,
    /// What the devices below counted in the phases, summed by device.
    pub devices: Vec<DeviceStat>,
}

/// How a job's steady state came out.
#[derive(Clone, Debug, PartialEq)]
pub struct SteadyResult {
    /// What was asked for.
    pub criterion: SteadyCriterion,
    /// Values of the watched series, one a second.
    pub values: Vec<f64>,
    /// How far the last window was from steady, in the unit of the limit; `None` where there were too few values.
    pub off: Option<f64>,
    /// Whether it was reached.
    pub attained: bool,
}

impl SteadyResult {
    pub(crate) fn new(criterion: SteadyCriterion) -> Self {
        SteadyResult { criterion, values: Vec::new(), off: None, attained: false }
    }
}

/// The time in which all workers of a job ran, and what was done in it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Window {
    /// Seconds in which all ran: whole ticks of 100 ms, or the whole span where it is shorter than ten ticks.
    pub seconds: f64,
    /// What was completed.
    pub done: Tick,
    /// From the first worker's start to the last one's end.
    pub interval: Interval,
    /// Seconds from the first finisher to the last.
    pub finish_skew: f64,
}

impl Window {
    /// Requests a second of a direction.
    #[must_use]
    pub fn iops(&self, direction: Direction) -> f64 {
        rate(self.done.operations[direction as usize], self.seconds)
    }

    /// Bytes a second of a direction.
    #[must_use]
    pub fn bandwidth(&self, direction: Direction) -> f64 {
        rate(self.done.bytes[direction as usize], self.seconds)
    }
}

fn rate(amount: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { amount as f64 / seconds } else { 0.0 }
}

/// The reads that check what a job wrote.
#[derive(Clone, Debug, Default)]
pub struct ReadBack {
    /// What was read.
    pub stats: Stats,
    /// Seconds that the slowest worker read.
    pub seconds: f64,
}

/// The result of a group of jobs, of one job, or of one worker of it.
#[derive(Clone, Debug)]
pub struct JobResult {
    /// The job as it was planned; the first one of a group.
    pub job: Job,
    /// The names of the other jobs of the group.
    pub also: Vec<String>,
    /// Which group it is of.
    pub group: u32,
    /// Workers in it.
    pub workers: u32,
    /// Reads and writes, from the first start to the last end.
    pub stats: [Stats; 2],
    /// `fsync` and `fdatasync`.
    pub syncs: Histogram,
    /// Depths and batches.
    pub depths: Depths,
    /// The time in which all workers ran.
    pub window: Window,
    /// What was completed in each whole second, all workers together.
    pub seconds: Vec<Tick>,
    /// CPU time and faults.
    pub usage: Usage,
    /// Little's law for each worker.
    pub littles_law: Vec<LittlesLaw>,
    /// What the kernel granted; the refusals of all workers together.
    pub granted: Granted,
    /// CPUs that the workers could run on, by `sched_getaffinity`.
    pub cpus: Vec<u32>,
    /// Where the data lay.
    pub volume: Volume,
    /// Whether all files had `O_DIRECT`.
    pub direct: bool,
    /// Workers of io-wq that were seen; more than 0 means that requests were punted.
    pub io_wq_threads: usize,
    /// What it and the devices below moved while it was measured; `None` where no device counts.
    pub traffic: Option<DeviceTraffic>,
    /// What each drive below did meanwhile.
    pub drives: DriveCounts,
    /// Hits and misses of the ARC of ZFS while it was measured.
    pub arc: Option<ArcStat>,
    /// Blocks whose data was checked.
    pub verified: u64,
    /// How what was written was read back.
    pub read_back: ReadBack,
    /// Its steady state, where one was asked for.
    pub steady: Option<SteadyResult>,
    /// What was not honoured, and what a reader should know; the weightiest first.
    pub notes: Vec<Warning>,
}

impl JobResult {
    /// Bytes of the devices over bytes of the job, by direction, in the time in which it was measured: amplification or
    /// other I/O where it is over 1, a cache that answered where it is under it. `None` where no device counts or nothing
    /// was transferred.
    #[must_use]
    pub fn amplification(&self) -> [Option<f64>; 2] {
        self.traffic.map_or([None; 2], |traffic| traffic.amplification())
    }

    /// The worker with the largest error of Little's law, of those whose window is long enough to tell.
    #[must_use]
    pub fn worst_littles_law(&self) -> Option<LittlesLaw> {
        let known = self.littles_law.iter().filter(|law| law.holds().is_some()).copied();
        known.max_by(|a, b| a.error().total_cmp(&b.error()))
    }
}

/// What was seen from outside of the workers.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub(crate) counted: Counted,
    pub(crate) io_wq_threads: usize,
    pub(crate) steady: Option<SteadyResult>,
}

/// A job of a phase with what its workers handed in.
pub(crate) struct Member<'a> {
    pub(crate) planned: &'a PlannedJob<'a>,
    pub(crate) reports: Vec<WorkerReport>,
    pub(crate) seen: Observed,
}

/// The results of jobs that ran together: one for each group, or one for each worker where they are not reported as one.
pub(crate) fn results_of(members: &[Member<'_>]) -> Vec<JobResult> {
    let grouped = |member: &Member<'_>| member.planned.job.grouped;
    let together = |a: &Member<'_>, b: &Member<'_>| grouped(a) && grouped(b) && a.planned.group == b.planned.group;
    let mut results = Vec::new();
    for group in members.chunk_by(together) {
        match group {
            [single] if !grouped(single) => {
                let each = single.reports.chunks(1).zip(single.seen.counted.traffic.chunks(1));
                results.extend(each.map(|(report, traffic)| join(single.planned, report, traffic, &single.seen)));
            }
            _ => results.extend(join_group(group)),
        }
    }
    results
}

/// One result of several jobs; what is of a job, and not of its requests, is the first one's.
fn join_group(group: &[Member<'_>]) -> Option<JobResult> {
    let (first, others) = group.split_first()?;
    let reports: Vec<WorkerReport> = group.iter().flat_map(|member| member.reports.iter().cloned()).collect();
    let traffic: Vec<_> = group.iter().flat_map(|member| member.seen.counted.traffic.iter().copied()).collect();
    let mut result = join(first.planned, &reports, &traffic, &first.seen);
    for other in others {
        result.also.push(other.planned.job.name.clone());
        result.direct &= other.planned.opened.iter().all(|opened| opened.direct);
        result.arc = result.arc.or(other.seen.counted.arc);
        let new: Vec<Warning> =
            other.planned.notes.iter().filter(|note| !result.notes.contains(note)).cloned().collect();
        result.notes.extend(new);
    }
    result.notes.sort_by_key(|note| std::cmp::Reverse(note.weight()));
    Some(result)
}

/// Adds what devices counted, by name.
pub(crate) fn merge_devices(sums: &mut Vec<DeviceStat>, more: &[DeviceStat]) {
    for device in more {
        match sums.iter_mut().find(|known| known.name == device.name) {
            Some(known) => known.add(device),
            None => sums.push(device.clone()),
        }
    }
}

fn join(
    planned: &PlannedJob<'_>,
    reports: &[WorkerReport],
    moved: &[Option<DeviceTraffic>],
    seen: &Observed,
) -> JobResult {
    let recorders: Vec<&LatencyRecorder> = reports.iter().map(|report| &report.recorder).collect();
    let mut stats: [Stats; 2] = Default::default();
    let (mut syncs, mut depths, mut usage) = (Histogram::default(), Depths::default(), Usage::default());
    let mut read_back = ReadBack::default();
    for report in reports {
        if let Some(recorder) = &report.read_back {
            read_back.stats.merge(&recorder.stats[Direction::Read as usize]);
            read_back.seconds = read_back.seconds.max(Clock::seconds(recorder.begin, recorder.end));
        }
        for (sum, more) in stats.iter_mut().zip(&report.recorder.stats) {
            sum.merge(more);
        }
        syncs.merge(&report.recorder.syncs);
        depths.add(&report.recorder.depths);
        usage.add(&report.usage);
    }
    let traffic = moved.iter().flatten().copied().reduce(|mut all, one| {
        all.add(&one);
        all
    });
    let mut cpus: Vec<u32> = reports.iter().flat_map(|report| report.cpus.iter().copied()).collect();
    cpus.sort_unstable();
    cpus.dedup();
    let mut granted = reports.first().map(|report| report.granted.clone()).unwrap_or_default();
    granted.refused = reports.iter().flat_map(|report| report.granted.refused.iter().cloned()).collect();
    granted.refused.sort();
    granted.refused.dedup();
    let mut result = JobResult {
        job: planned.job.clone(),
        also: Vec::new(),
        group: planned.group,
        workers: u32::try_from(reports.len()).unwrap_or(u32::MAX),
        stats,
        syncs,
        depths,
        window: window(&recorders),
        seconds: seconds(&recorders),
        usage,
        littles_law: recorders.iter().map(|recorder| recorder.littles_law()).collect(),
        granted,
        cpus,
        volume: planned.volume.clone(),
        direct: planned.opened.iter().all(|opened| opened.direct),
        io_wq_threads: seen.io_wq_threads,
        traffic,
        drives: seen.counted.drives.clone(),
        arc: seen.counted.arc,
        verified: reports.iter().map(|report| report.verified).sum(),
        read_back,
        steady: seen.steady.clone(),
        notes: planned.notes.clone(),
    };
    let notes = observe(&result);
    result.notes.extend(notes);
    result.notes.sort_by_key(|note| std::cmp::Reverse(note.weight()));
    result
}

/// Notes on a result: what a reader should know.
fn observe(result: &JobResult) -> Vec<Warning> {
    let mut notes = Vec::new();
    notes.extend(result.granted.refused.iter().map(|what| Warning::NotHonoured { what: what.clone() }));
    if result.io_wq_threads > 0 {
        notes.push(Warning::Note(format!(
            "{} io-wq workers were seen: the file system or device blocks, so requests were punted to them",
            result.io_wq_threads
        )));
    }
    if let Some(law) = result.worst_littles_law().filter(|law| law.holds() == Some(false)) {
        notes.push(Warning::Uncertain {
            why: format!(
                "Little's law is off by {:.1} %: {:.2} requests were in flight, {:.0} a second of {:.1} µs each make {:.2}",
                law.error() * 100.0,
                law.in_flight,
                law.rate,
                law.latency * 1e6,
                law.rate * law.latency
            ),
        });
    }
    notes.extend(result.traffic.iter().flat_map(of_devices));
    if let Some(ArcStat { hits, misses }) = result.arc.filter(|arc| arc.hits > 0) {
        notes.push(Warning::Note(format!("the ZFS ARC had {hits} hits and {misses} misses")));
    }
    if let Some(steady) = result.steady.as_ref().filter(|steady| !steady.attained) {
        let why = format!("the steady state was not reached in {} seconds", steady.values.len());
        notes.push(Warning::Uncertain { why });
    }
    notes
}

/// What the devices moved that is not what the workers did.
fn of_devices(traffic: &DeviceTraffic) -> Vec<Warning> {
    let cached = traffic.answered_by_cache().into_iter().flatten();
    let mut notes: Vec<Warning> = cached.map(|share| Warning::CacheAnswered { share }).collect();
    for (name, ratio) in ["read", "wrote"].into_iter().zip(traffic.amplification()) {
        if let Some(ratio) = ratio.filter(|ratio| *ratio > 1.1) {
            let why = format!("the devices {name} {ratio:.2} times the bytes (amplification, or other I/O)");
            notes.push(Warning::Uncertain { why });
        }
    }
    notes
}

/// What was done while all workers ran.
fn window(recorders: &[&LatencyRecorder]) -> Window {
    let begins = || recorders.iter().map(|recorder| recorder.begin);
    let ends = || recorders.iter().map(|recorder| recorder.end);
    let (first, last) = (begins().min().unwrap_or(0), ends().max().unwrap_or(0));
    let interval = Interval::new(first, last);
    let finish_skew = Clock::seconds(ends().min().unwrap_or(0), last);
    let ranges = || recorders.iter().map(|recorder| recorder.whole_ticks());
    let start = ranges().map(|range| range.start).max().unwrap_or(0);
    let end = ranges().map(|range| range.end).min().unwrap_or(0);
    let mut done = Tick::default();
    if end < start + TICKS {
        for recorder in recorders {
            for (index, stats) in recorder.stats.iter().enumerate() {
                done.operations[index] += stats.operations();
                done.bytes[index] += stats.bytes;
            }
        }
        return Window { seconds: interval.seconds(), done, interval, finish_skew };
    }
    let ticks = recorders.iter().flat_map(|recorder| &recorder.ticks[start..end]);
    ticks.for_each(|tick| done.add(tick));
    Window { seconds: (end - start) as f64 * TICK as f64 * 1e-9, done, interval, finish_skew }
}

/// One value a second, from the first whole tick on.
fn seconds(recorders: &[&LatencyRecorder]) -> Vec<Tick> {
    let start = recorders.iter().map(|recorder| recorder.whole_ticks().start).min().unwrap_or(0);
    let end = recorders.iter().map(|recorder| recorder.whole_ticks().end).max().unwrap_or(0);
    let whole = end.saturating_sub(start) / TICKS;
    let mut seconds = vec![Tick::default(); whole];
    for recorder in recorders {
        for (second, sum) in seconds.iter_mut().enumerate() {
            let from = start + second * TICKS;
            let ticks = recorder.ticks.get(from..(from + TICKS).min(recorder.ticks.len())).unwrap_or_default();
            for tick in ticks {
                sum.add(tick);
            }
        }
    }
    seconds
}

impl Tick {
    fn add(&mut self, other: &Tick) {
        for index in 0..2 {
            self.operations[index] += other.operations[index];
            self.bytes[index] += other.bytes[index];
        }
    }
}

impl Depths {
    fn add(&mut self, other: &Depths) {
        for index in 0..self.level.len() {
            self.level[index] += other.level[index];
            self.submit[index] += other.submit[index];
            self.complete[index] += other.complete[index];
        }
    }
}

/// Moments without the marker of an empty minimum, as reports print them.
#[must_use]
pub(crate) fn least(moments: &Moments) -> u64 {
    if moments.count == 0 { 0 } else { moments.min }
}
