//! What one worker records while it runs, and Little's law over it.

use crate::histogram::{Histogram, Moments};
use crate::pattern::{Action, Op};

/// Length of a tick of the series in nanoseconds.
pub(crate) const TICK: u64 = 100_000_000;
/// Ticks that are reserved: ten minutes. A longer run grows the series at a tick's end, once.
const RESERVED: usize = 6000;

/// What happened in one direction.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Bytes transferred.
    pub bytes: u64,
    /// From submission to completion: from when the system call that submitted the request began.
    pub latency: Histogram,
    /// From due (arrival in an open loop, else taken from the pattern) to when that call had returned: fio's `slat`.
    pub slat: Moments,
    /// From when that call had returned to completion: fio's `clat`.
    pub clat: Histogram,
    /// From due to completion: fio's `lat`.
    pub response: Moments,
    /// The distribution of the same, in an open loop: what a stall does to requests that it delayed.
    pub delayed: Option<Histogram>,
}

impl Stats {
    /// Requests that were completed.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.latency.moments().count
    }

    /// Adds what another worker recorded.
    pub fn merge(&mut self, other: &Stats) {
        self.bytes += other.bytes;
        self.latency.merge(&other.latency);
        self.slat.merge(&other.slat);
        self.clat.merge(&other.clat);
        self.response.merge(&other.response);
        match (&mut self.delayed, &other.delayed) {
            (Some(own), Some(other)) => own.merge(other),
            (None, Some(other)) => self.delayed = Some(other.clone()),
            (_, None) => {}
        }
    }
}

/// What was completed in a tick, by direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// Requests.
    pub operations: [u64; 2],
    /// Bytes.
    pub bytes: [u64; 2],
}

/// How deep the queue was and how large batches were, in powers of two as fio reports them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depths {
    /// Requests in flight when one was submitted: 1, 2, 4, 8, 16, 32, 64 or more.
    pub level: [u64; 7],
    /// Size of submissions: 0, up to 4, 8, 16, 32, 64, more.
    pub submit: [u64; 7],
    /// Size of completions, likewise.
    pub complete: [u64; 7],
}

/// When the states of one request began, by the clock of the latencies.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    /// It was due: its arrival in an open loop, else when it was taken from the pattern.
    pub(crate) start: u64,
    /// The system call that submitted it began.
    pub(crate) submit_begin: u64,
    /// That call had returned.
    pub(crate) submit_end: u64,
    /// Its completion was seen.
    pub(crate) completed: u64,
}

/// Requests in flight, integrated over time; it shares no reading of a clock with the latencies.
#[derive(Clone, Copy, Debug, Default)]
struct Flight {
    count: u64,
    last: u64,
    /// Requests times nanoseconds.
    area: u128,
}

impl Flight {
    #[inline]
    fn advance(&mut self, at: u64) {
        self.area += u128::from(self.count) * u128::from(at.saturating_sub(self.last));
        self.last = at;
    }
}

/// Little's law, L = X · W, with L from a counter that knows no latency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LittlesLaw {
    /// Mean number of requests in flight (L).
    pub in_flight: f64,
    /// Completions a second (X).
    pub rate: f64,
    /// Mean latency in seconds (W).
    pub latency: f64,
    /// Seconds of the window.
    pub seconds: f64,
}

/// The largest error of Little's law that is let pass.
pub const LITTLES_LAW_LIMIT: f64 = 0.02;

impl LittlesLaw {
    /// |L − X·W| / L.
    #[must_use]
    pub fn error(&self) -> f64 {
        (self.in_flight - self.rate * self.latency).abs() / self.in_flight
    }

    /// Whether it holds; `None` where the window is too short to tell: what was in flight at its two ends is counted
    /// on one side of the equation only, and is a share of about W over the window.
    #[must_use]
    pub fn holds(&self) -> Option<bool> {
        let tellable = self.in_flight > 0.0 && self.latency * 200.0 < self.seconds;
        tellable.then(|| self.error() < LITTLES_LAW_LIMIT)
    }
}

/// The record of one worker.
#[derive(Clone, Debug)]
pub(crate) struct LatencyRecorder {
    /// Reads and writes.
    pub(crate) stats: [Stats; 2],
    /// `fsync` and `fdatasync`.
    pub(crate) syncs: Histogram,
    /// What was done in each tick since the epoch.
    pub(crate) ticks: Vec<Tick>,
    /// Depths and batches.
    pub(crate) depths: Depths,
    /// When counting began, after the ramp, in nanoseconds of the clock.
    pub(crate) begin: u64,
    /// When counting ended.
    pub(crate) end: u64,
    /// The moment that ticks are counted from, the same for all workers.
    epoch: u64,
    tick_end: u64,
    flight: Flight,
    flight_begin: u64,
}

impl LatencyRecorder {
    /// An empty record; ticks are counted from `epoch`. An open loop has the distribution of responses too.
    pub(crate) fn new(epoch: u64, open_loop: bool) -> Self {
        let stats = || Stats { delayed: open_loop.then(Histogram::default), ..Stats::default() };
        let mut ticks = Vec::with_capacity(RESERVED);
        ticks.push(Tick::default());
        LatencyRecorder {
            stats: [stats(), stats()],
            syncs: Histogram::default(),
            ticks,
            depths: Depths::default(),
            begin: epoch,
            end: epoch,
            epoch,
            tick_end: epoch + TICK,
            flight: Flight::default(),
            flight_begin: epoch,
        }
    }

    pub(crate) fn begin(&mut self, at: u64, meter: u64) {
        self.begin = at;
        self.flight.last = meter;
        self.flight_begin = meter;
    }

    /// Forgets what was recorded so far, which was the ramp; requests in flight stay counted as such.
    pub(crate) fn restart(&mut self, at: u64, meter: u64) {
        for stats in &mut self.stats {
            stats.bytes = 0;
            stats.latency.clear();
            stats.slat = Moments::default();
            stats.clat.clear();
            stats.response = Moments::default();
            stats.delayed.iter_mut().for_each(Histogram::clear);
        }
        self.syncs.clear();
        self.depths = Depths::default();
        self.ticks.fill(Tick::default());
        self.flight.advance(meter);
        self.flight.area = 0;
        self.flight_begin = meter;
        self.begin = at;
    }

    pub(crate) fn end(&mut self, at: u64, meter: u64) {
        self.end = at;
        self.flight.advance(meter);
    }

    #[inline]
    pub(crate) fn submitted(&mut self, count: u64, meter: u64) {
        self.flight.advance(meter);
        self.flight.count += count;
        if count > 0 {
            self.depths.level[level(self.flight.count)] += count;
            self.depths.submit[batch(count)] += 1;
        }
    }

    #[inline]
    pub(crate) fn completed(&mut self, count: u64, meter: u64) {
        self.flight.advance(meter);
        self.flight.count -= count;
        self.depths.complete[batch(count)] += 1;
    }

    /// Records a request that was seen to be done.
    #[inline]
    pub(crate) fn record(&mut self, op: &Op, times: &Times) {
        let Times { start, submit_begin, submit_end, completed } = *times;
        while completed >= self.tick_end {
            self.ticks.push(Tick::default());
            self.tick_end += TICK;
        }
        let Action::Transfer(direction) = op.action else {
            self.syncs.record(completed - submit_begin);
            return;
        };
        let index = direction as usize;
        let stats = &mut self.stats[index];
        stats.bytes += u64::from(op.len);
        stats.latency.record(completed.saturating_sub(submit_begin));
        stats.slat.record(submit_end.saturating_sub(start));
        stats.clat.record(completed.saturating_sub(submit_end));
        let response = completed.saturating_sub(start);
        stats.response.record(response);
        if let Some(delayed) = &mut stats.delayed {
            delayed.record(response);
        }
        if let Some(tick) = self.ticks.last_mut() {
            tick.operations[index] += 1;
            tick.bytes[index] += u64::from(op.len);
        }
    }

    /// Transfers that were completed.
    #[cfg(test)]
    pub(crate) fn operations(&self) -> u64 {
        self.stats.iter().map(Stats::operations).sum()
    }

    /// Bytes that were transferred.
    pub(crate) fn bytes(&self) -> u64 {
        self.stats.iter().map(|stats| stats.bytes).sum()
    }

    /// Whole ticks in which this worker ran and counted, as indices.
    pub(crate) fn whole_ticks(&self) -> std::ops::Range<usize> {
        let tick = |at: u64| usize::try_from(at.saturating_sub(self.epoch) / TICK).unwrap_or(usize::MAX);
        let first = tick(self.begin.saturating_add(TICK - 1));
        first..tick(self.end).min(self.ticks.len()).max(first)
    }

    /// Little's law over what was counted, `fsync` included.
    pub(crate) fn littles_law(&self) -> LittlesLaw {
        let window = self.flight.last.saturating_sub(self.flight_begin) as f64;
        let mut all = *self.syncs.moments();
        self.stats.iter().for_each(|stats| all.merge(stats.latency.moments()));
        let seconds = self.end.saturating_sub(self.begin) as f64 * 1e-9;
        LittlesLaw {
            in_flight: self.flight.area as f64 / window.max(1.0),
            rate: all.count as f64 / seconds.max(1e-9),
            latency: all.mean() * 1e-9,
            seconds,
        }
    }
}

/// fio's class of a depth: 1, 2, 4, 8, 16, 32, 64 or more.
#[inline]
fn level(depth: u64) -> usize {
    (depth.max(1).ilog2() as usize).min(6)
}

/// fio's class of a batch: 0, 1 to 4, up to 8, 16, 32, 64, more.
#[inline]
fn batch(count: u64) -> usize {
    match count {
        0 => 0,
        1..=4 => 1,
        count => ((count - 1).ilog2() as usize).min(6),
    }
}
