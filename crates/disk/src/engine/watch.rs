//! The view from outside while a phase runs: rates once a second, io-wq workers, and steady states, which end
//! their jobs.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use machine::Clock;

use crate::plan::PlannedJob;
use crate::results::SteadyResult;
use crate::steady::WatchedRate;
use crate::usage::io_wq_threads;
use crate::worker::LiveCounters;

/// Rates of the last second while jobs run, as fio prints them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LiveRates {
    /// Seconds since the jobs of this phase started.
    pub seconds: f64,
    /// Requests a second, all jobs together.
    pub iops: f64,
    /// Bytes a second.
    pub bandwidth: f64,
    /// The share of the jobs of this phase that is done, from 0 to 1: of the one that is least far.
    pub done: f64,
}

/// How far a job is by its bytes and by its time, whichever is further.
fn share_done(job: &PlannedJob<'_>, bytes: u64, seconds: f64) -> f64 {
    let timing = &job.job.timing;
    let amount = job.assignments.iter().fold(0_u64, |sum, worker| sum.saturating_add(worker.amount));
    let by_bytes = bytes as f64 / amount.max(1) as f64;
    let by_time = timing.runtime.map_or(0.0, |runtime| (seconds - timing.delay) / (timing.ramp + runtime).max(1e-9));
    by_bytes.max(by_time).clamp(0.0, 1.0)
}

/// What was seen of a phase.
pub(super) struct PhaseObservation {
    /// Most io-wq workers that were there at a time.
    pub(super) io_wq_threads: usize,
    /// The steady state of each job that asks for one.
    pub(super) steady: Vec<Option<SteadyResult>>,
}

/// What a worker has completed by some moment.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    operations: u64,
    bytes: u64,
}

impl Counts {
    fn of(counters: &LiveCounters) -> Self {
        Counts { operations: counters.ops.load(Ordering::Relaxed), bytes: counters.bytes.load(Ordering::Relaxed) }
    }
}

/// What a worker completed a second between two moments.
#[derive(Clone, Copy, Debug)]
struct Rates {
    iops: f64,
    bandwidth: f64,
}

impl Rates {
    fn between(before: Counts, now: Counts, seconds: f64) -> Self {
        // Counting starts over at the end of a ramp: a smaller value is one from zero.
        let since = |now: u64, before: u64| now.checked_sub(before).unwrap_or(now) as f64 / seconds;
        Rates { iops: since(now.operations, before.operations), bandwidth: since(now.bytes, before.bytes) }
    }
}

/// Watches the workers of a phase.
pub(super) struct Watch<'a> {
    planned: &'a [PlannedJob<'a>],
    counters: &'a [LiveCounters],
    stops: &'a [AtomicBool],
    root: &'a Path,
    begin: u64,
    /// When it looked last, and what each worker had completed by then.
    last: u64,
    counts: Vec<Counts>,
    watched: PhaseObservation,
}

impl<'a> Watch<'a> {
    /// Begins now: `counters` has an entry for each worker, `stops` one for each job, and `root` is where `/proc` is found.
    pub(super) fn new(
        planned: &'a [PlannedJob<'a>],
        counters: &'a [LiveCounters],
        stops: &'a [AtomicBool],
        root: &'a Path,
    ) -> Self {
        let (begin, counts) = (Clock::now(), vec![Counts::default(); counters.len()]);
        let steady = planned.iter().map(|job| job.job.steady.map(SteadyResult::new)).collect();
        let watched = PhaseObservation { io_wq_threads: 0, steady };
        Watch { planned, counters, stops, root, begin, last: begin, counts, watched }
    }

    /// Looks once a second until every worker has sent `done`.
    pub(super) fn run(mut self, done: &Receiver<()>, emit: &mut dyn FnMut(LiveRates)) -> PhaseObservation {
        let mut running = self.counters.len();
        while running > 0 {
            match done.recv_timeout(Duration::from_secs(1)) {
                Ok(()) => running -= 1,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => self.look(emit),
            }
        }
        self.count_io_wq_threads();
        self.watched
    }

    fn count_io_wq_threads(&mut self) {
        self.watched.io_wq_threads = self.watched.io_wq_threads.max(io_wq_threads(self.root));
    }

    fn look(&mut self, emit: &mut dyn FnMut(LiveRates)) {
        let now = Clock::now();
        self.count_io_wq_threads();
        let counts: Vec<Counts> = self.counters.iter().map(Counts::of).collect();
        let seconds = Clock::seconds(self.last, now);
        let each = self.counts.iter().zip(&counts);
        let rates: Vec<Rates> = each.map(|(before, now)| Rates::between(*before, *now, seconds)).collect();
        let at = Clock::seconds(self.begin, now);
        emit(LiveRates {
            seconds: at,
            iops: rates.iter().map(|rate| rate.iops).sum(),
            bandwidth: rates.iter().map(|rate| rate.bandwidth).sum(),
            done: self.done(&counts, at),
        });
        self.end_steady(&rates, at);
        (self.last, self.counts) = (now, counts);
    }

    fn done(&self, counts: &[Counts], at: f64) -> f64 {
        let mut counts = counts.iter();
        let share = |job: &PlannedJob<'_>| {
            let bytes = counts.by_ref().take(job.assignments.len()).map(|worker| worker.bytes).sum();
            share_done(job, bytes, at)
        };
        self.planned.iter().map(share).fold(1.0, f64::min)
    }

    /// Ends the jobs that are steady.
    fn end_steady(&mut self, rates: &[Rates], at: f64) {
        let mut first = 0;
        for ((job, result), stop) in self.planned.iter().zip(&mut self.watched.steady).zip(self.stops) {
            let mine = &rates[first..first + job.assignments.len()];
            first += job.assignments.len();
            let Some(result) = result else { continue };
            if at < result.criterion.ramp + job.job.timing.ramp {
                continue;
            }
            let watched = |rate: &Rates| match result.criterion.rate {
                WatchedRate::Iops => rate.iops,
                WatchedRate::Bandwidth => rate.bandwidth,
            };
            result.values.push(mine.iter().map(watched).sum());
            if let Some((off, attained)) = result.criterion.judge(&result.values) {
                (result.off, result.attained) = (Some(off), attained);
                if attained {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        }
    }
}
