//! What keeps a worker from sending although it could: a latency that is to be kept, and shares of a flow.

use std::sync::atomic::{AtomicU64, Ordering};

/// A latency target in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LatencyBound {
    pub(crate) nanos: u64,
    pub(crate) window: u64,
    /// Percent of the requests that are to be faster.
    pub(crate) percent: f64,
    pub(crate) goes_on: bool,
}

/// What the end of a window changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The search goes on at another depth.
    Tries,
    /// The depth was found with this window.
    Found,
    /// The window was one of the depth that had been found.
    Holds,
}

/// The search for the largest depth that keeps a latency: twice as deep until it fails, then by halves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DepthSearch {
    target: LatencyBound,
    /// Requests in flight at most.
    pub(crate) depth: u32,
    /// The largest depth that kept it, or 0; the smallest that did not, or one more than the job's.
    kept: u32,
    failed: u32,
    pub(crate) found: bool,
    window_end: u64,
    fast: u64,
    all: u64,
}

impl DepthSearch {
    pub(crate) fn new(target: LatencyBound, most: u32, now: u64) -> Self {
        let window_end = now.saturating_add(target.window);
        DepthSearch { target, depth: 1, kept: 0, failed: most + 1, found: false, window_end, fast: 0, all: 0 }
    }

    /// Takes note of a request; what becomes of the search where a window is over.
    pub(crate) fn record(&mut self, latency: u64, now: u64) -> Option<Step> {
        self.all += 1;
        self.fast += u64::from(latency <= self.target.nanos);
        if now < self.window_end {
            return None;
        }
        let keeps = self.fast as f64 >= self.all as f64 * self.target.percent / 100.0;
        (self.window_end, self.fast, self.all) = (now.saturating_add(self.target.window), 0, 0);
        if self.found {
            return Some(Step::Holds);
        }
        if keeps {
            self.kept = self.depth;
        } else {
            self.failed = self.depth;
        }
        if self.failed - self.kept <= 1 {
            // Where even one request is too slow, one is all that can be sent.
            (self.depth, self.found) = (self.kept.max(1), true);
            return Some(Step::Found);
        }
        let middle = self.kept.midpoint(self.failed);
        self.depth = if keeps { middle.min(self.kept * 2) } else { middle };
        Some(Step::Tries)
    }

    /// Whether the job is done when the depth that was found was measured for a window.
    pub(crate) fn ends(&self) -> bool {
        !self.target.goes_on
    }
}

/// The requests of all jobs of a flow.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    requests: AtomicU64,
    weights: AtomicU64,
}

/// One worker's part of a flow.
#[derive(Debug)]
pub(crate) struct FlowMember<'a> {
    flow: &'a Flow,
    weight: u64,
    requests: u64,
    /// Nanoseconds that it sleeps when it is ahead.
    pub(crate) sleep: u64,
}

impl Flow {
    /// Adds workers of this weight, before any of them sends.
    pub(crate) fn add(&self, workers: u64, weight: u32) {
        self.weights.fetch_add(workers * u64::from(weight), Ordering::Relaxed);
    }

    /// The part of one of them.
    pub(crate) fn member(&self, weight: u32, sleep: u64) -> FlowMember<'_> {
        FlowMember { flow: self, weight: u64::from(weight), requests: 0, sleep }
    }
}

impl FlowMember<'_> {
    /// Whether it has sent more than its share; else it may send one more, which is counted.
    pub(crate) fn is_ahead(&mut self) -> bool {
        let all = self.flow.requests.load(Ordering::Relaxed);
        let weights = self.flow.weights.load(Ordering::Relaxed);
        if u128::from(self.requests) * u128::from(weights) > u128::from(all) * u128::from(self.weight) {
            return true;
        }
        self.requests += 1;
        self.flow.requests.fetch_add(1, Ordering::Relaxed);
        false
    }
}

impl Drop for FlowMember<'_> {
    fn drop(&mut self) {
        // Who is done has no share any more: the others go on among themselves.
        self.flow.weights.fetch_sub(self.weight, Ordering::Relaxed);
        self.flow.requests.fetch_sub(self.requests, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The depth that is found on a device where a request takes as many microseconds as are in flight.
    fn found(limit: u64, most: u32) -> u32 {
        let target = LatencyBound { nanos: limit * 1000, window: 1000, percent: 100.0, goes_on: false };
        let mut search = DepthSearch::new(target, most, 0);
        for now in (1000..).step_by(1000).take(100) {
            if search.record(u64::from(search.depth) * 1000, now) == Some(Step::Found) {
                return search.depth;
            }
        }
        panic!("nothing was found: {search:?}");
    }

    #[test]
    fn the_largest_depth_that_keeps_the_latency_is_found() {
        for most in [1, 2, 7, 32, 100] {
            for limit in 1..=120 {
                assert_eq!(u64::from(found(limit, most)), limit.min(u64::from(most)), "{limit} of {most}");
            }
        }
        assert_eq!(found(0, 32), 1, "one request is the least");
    }

    #[test]
    fn members_of_a_flow_send_by_their_weights() {
        let flow = Flow::default();
        flow.add(1, 1);
        flow.add(1, 8);
        let (mut small, mut large) = (flow.member(1, 0), flow.member(8, 0));
        let mut sent = [0, 0];
        for _ in 0..9000 {
            sent[0] += u32::from(!small.is_ahead());
            sent[1] += u32::from(!large.is_ahead());
        }
        let ratio = f64::from(sent[1]) / f64::from(sent[0]);
        assert!((7.9..8.1).contains(&ratio), "{sent:?}");
        drop(large);
        assert!((0..100).filter(|_| small.is_ahead()).count() < 2, "the others go on alone");
    }
}
