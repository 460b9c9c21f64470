//! The clock of all timed work.

use std::sync::OnceLock;

use rustix::time::{ClockId, clock_gettime};

/// `CLOCK_MONOTONIC_RAW`: one time for all CPUs, counted by the hardware, never slewed by NTP, read in user space.
#[derive(Clone, Copy, Debug)]
pub struct Clock;

/// What a reading of the clock can resolve and costs.
struct Quality {
    resolution: f64,
    cost: f64,
}

impl Clock {
    /// Nanoseconds since an arbitrary moment, the same for all threads.
    #[must_use]
    #[inline]
    pub fn now() -> u64 {
        let time = clock_gettime(ClockId::MonotonicRaw);
        time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
    }

    /// Seconds between two stamps of [`Clock::now`].
    #[must_use]
    pub fn seconds(start: u64, end: u64) -> f64 {
        end.saturating_sub(start) as f64 * 1e-9
    }

    /// The smallest step in seconds that two readings showed; measured once, in about a millisecond.
    #[must_use]
    pub fn resolution() -> f64 {
        quality().resolution
    }

    /// What one reading costs, in seconds; the median of batches.
    #[must_use]
    pub fn cost() -> f64 {
        quality().cost
    }
}

fn quality() -> &'static Quality {
    static QUALITY: OnceLock<Quality> = OnceLock::new();
    QUALITY.get_or_init(|| {
        const BATCHES: usize = 31;
        const READS: usize = 1000;
        let mut step = u64::MAX;
        let mut costs = [0.0; BATCHES];
        for cost in &mut costs {
            let start = Clock::now();
            let mut last = start;
            for _ in 0..READS {
                let now = Clock::now();
                if now > last {
                    step = step.min(now - last);
                }
                last = now;
            }
            *cost = Clock::seconds(start, last) / READS as f64;
        }
        costs.sort_by(f64::total_cmp);
        Quality { resolution: step as f64 * 1e-9, cost: costs[BATCHES / 2] }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_advances_and_knows_its_step() {
        let start = Clock::now();
        assert!(Clock::resolution() >= 1e-9 && Clock::resolution() < 1.0, "{}", Clock::resolution());
        assert!(Clock::cost() > 0.0);
        // Some clocks have steps of microseconds.
        while Clock::now() == start {}
        assert!(Clock::now() > start);
        assert!(Clock::seconds(5, 2).abs() < f64::EPSILON);
    }
}
