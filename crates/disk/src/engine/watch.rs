//! The view from outside while a phase runs: rates once a second, io-wq workers, and steady states, which end
//! their jobs.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use machine::Clock;

use super::windows::{Counted, Windows};
use crate::plan::PlannedJob;
use crate::results::SteadyResult;
use crate::steady::WatchedRate;
use crate::usage::io_wq_threads;
use crate::worker::{Completed, LiveCounters};

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
    /// What was counted in the window of each job.
    pub(super) counted: Vec<Counted>,
}

/// What workers tell the watch.
#[derive(Clone, Copy, Debug)]
pub(super) enum Signal {
    /// The first worker has started, at this time.
    Started(u64),
    /// A worker of the job with this number has measured all that it is to.
    Measured(usize),
    /// A worker has ended.
    Ended,
}

/// How often the watch looks, in nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// What a worker completed a second between two moments.
#[derive(Clone, Copy, Debug)]
struct Rates {
    iops: f64,
    bandwidth: f64,
}

impl Rates {
    fn between(before: Completed, now: Completed, seconds: f64) -> Self {
        let since = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        let bytes = |completed: Completed| completed.moved[0] + completed.moved[1];
        Rates { iops: since(now.operations, before.operations), bandwidth: since(bytes(now), bytes(before)) }
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
    counts: Vec<Completed>,
    windows: Windows<'a>,
    io_wq_threads: usize,
    steady: Vec<Option<SteadyResult>>,
}

impl<'a> Watch<'a> {
    /// Begins now, before the workers do: `counters` has an entry for each worker, `stops` one for each job, and `root` is
    /// where `/proc` and `/sys` are found.
    pub(super) fn new(
        planned: &'a [PlannedJob<'a>],
        counters: &'a [LiveCounters],
        stops: &'a [AtomicBool],
        root: &'a Path,
    ) -> Self {
        let counts = vec![Completed::default(); counters.len()];
        let steady = planned.iter().map(|job| job.job.steady.map(SteadyResult::new)).collect();
        let windows = Windows::new(planned, counters, root);
        let begin = Clock::now();
        Watch { planned, counters, stops, root, begin, last: begin, counts, windows, io_wq_threads: 0, steady }
    }

    /// Looks once a second until every worker has ended.
    pub(super) fn run(mut self, signals: &Receiver<Signal>, emit: &mut dyn FnMut(LiveRates)) -> PhaseObservation {
        let mut running = self.counters.len();
        while running > 0 {
            match signals.recv_timeout(self.pause()) {
                Ok(Signal::Started(epoch)) => self.windows.started(epoch),
                Ok(Signal::Measured(job)) => self.windows.measured(job),
                Ok(Signal::Ended) => running -= 1,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Clock::now();
            self.windows.begin_due(now);
            if now >= self.last + SECOND {
                self.look(now, emit);
            }
        }
        self.count_io_wq_threads();
        PhaseObservation { io_wq_threads: self.io_wq_threads, steady: self.steady, counted: self.windows.counted() }
    }

    /// How long there is nothing to do unless a worker tells something.
    fn pause(&self) -> Duration {
        let look = self.last + SECOND;
        let next = self.windows.next_due().map_or(look, |due| due.min(look));
        Duration::from_nanos(next.saturating_sub(Clock::now()))
    }

    fn count_io_wq_threads(&mut self) {
        self.io_wq_threads = self.io_wq_threads.max(io_wq_threads(self.root));
    }

    fn look(&mut self, now: u64, emit: &mut dyn FnMut(LiveRates)) {
        self.count_io_wq_threads();
        let counts: Vec<Completed> = self.counters.iter().map(LiveCounters::now).collect();
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

    fn done(&self, counts: &[Completed], at: f64) -> f64 {
        let mut counts = counts.iter();
        let share = |job: &PlannedJob<'_>| {
            let bytes =
                counts.by_ref().take(job.assignments.len()).map(|worker| worker.moved[0] + worker.moved[1]).sum();
            share_done(job, bytes, at)
        };
        self.planned.iter().map(share).fold(1.0, f64::min)
    }

    /// Ends the jobs that are steady.
    fn end_steady(&mut self, rates: &[Rates], at: f64) {
        let mut first = 0;
        for ((job, result), stop) in self.planned.iter().zip(&mut self.steady).zip(self.stops) {
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
