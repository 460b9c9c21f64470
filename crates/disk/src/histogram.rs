//! A log-linear histogram of durations: a recording costs a few nanoseconds, any quantile is within 1 %.
//!
//! Each octave is cut into 128 buckets of equal width, so that a bucket is at most 1/128 of its value wide and the
//! reported upper edge at most 0.79 % too high; values under 256 ns are exact. The idea is the one of `HdrHistogram`;
//! a table of our own because the engine may not spend more than a few nanoseconds on an I/O.

/// Buckets in an octave.
const SUB: usize = 128;
/// Values below this have a bucket of their own.
const EXACT: usize = 2 * SUB;
/// Values of 2^40 ns (1099 s) and more share the last bucket.
const TOP_BITS: u32 = 40;
const BUCKETS: usize = (TOP_BITS - EXACT.ilog2()) as usize * SUB + EXACT;

/// The largest relative error of a quantile below 2^40 ns.
pub const ERROR_BOUND: f64 = 1.0 / SUB as f64;

/// Counts of durations in nanoseconds; histograms of several workers are merged by adding them.
#[derive(Clone, PartialEq)]
pub struct Histogram {
    counts: Vec<u64>,
    moments: Moments,
}

/// Count, extremes, mean and deviation of durations, without a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// How many.
    pub count: u64,
    /// The smallest in nanoseconds; `u64::MAX` where there is none.
    pub min: u64,
    /// The largest in nanoseconds.
    pub max: u64,
    /// The sum in nanoseconds.
    pub sum: u64,
    /// The sum of squares.
    pub squares: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Moments { count: 0, min: u64::MAX, max: 0, sum: 0, squares: 0.0 }
    }
}

impl Moments {
    /// Adds a duration in nanoseconds.
    #[inline]
    pub fn record(&mut self, nanos: u64) {
        self.record_many(nanos, 1);
    }

    /// Adds the same duration several times.
    #[inline]
    pub fn record_many(&mut self, nanos: u64, times: u64) {
        self.count += times;
        self.min = self.min.min(nanos);
        self.max = self.max.max(nanos);
        self.sum = self.sum.saturating_add(nanos.saturating_mul(times));
        self.squares += nanos as f64 * nanos as f64 * times as f64;
    }

    /// Adds everything that another holds.
    pub fn merge(&mut self, other: &Moments) {
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum = self.sum.saturating_add(other.sum);
        self.squares += other.squares;
    }

    /// The mean in nanoseconds; 0 where nothing was recorded.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum as f64 / self.count as f64 }
    }

    /// The sample standard deviation in nanoseconds; 0 for fewer than two values.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        if self.count < 2 {
            return 0.0;
        }
        let count = self.count as f64;
        let spread = self.squares - self.mean() * self.mean() * count;
        (spread.max(0.0) / (count - 1.0)).sqrt()
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { counts: vec![0; BUCKETS], moments: Moments::default() }
    }
}

impl std::fmt::Debug for Histogram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Histogram").field("moments", &self.moments).finish_non_exhaustive()
    }
}

impl Histogram {
    /// Adds a duration in nanoseconds.
    #[inline]
    pub fn record(&mut self, nanos: u64) {
        self.counts[bucket(nanos)] += 1;
        self.moments.record(nanos);
    }

    /// Adds everything that another holds.
    pub fn merge(&mut self, other: &Histogram) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.moments.merge(&other.moments);
    }

    /// Forgets everything: the end of the ramp.
    pub fn clear(&mut self) {
        self.counts.fill(0);
        self.moments = Moments::default();
    }

    /// Count, extremes, mean and deviation; exact, not from buckets.
    #[must_use]
    pub fn moments(&self) -> &Moments {
        &self.moments
    }

    /// The smallest value in nanoseconds that at least `percent` of the durations do not exceed (nearest rank), at
    /// most 0.79 % too high; `None` where nothing was recorded. What lies beyond the range is answered by the maximum.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Option<u64> {
        let count = self.moments.count;
        if count == 0 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count fits it")]
        let rank = ((percent / 100.0 * count as f64).ceil() as u64).clamp(1, count);
        let mut seen = 0;
        let at = self.counts.iter().position(|bucket| {
            seen += bucket;
            seen >= rank
        });
        let edge = at.filter(|&at| at + 1 < BUCKETS).map_or(self.moments.max, upper_edge);
        Some(edge.clamp(self.moments.min, self.moments.max))
    }

    /// How many durations lie in `from..to` nanoseconds, as finely as the buckets tell.
    #[must_use]
    pub fn between(&self, from: u64, to: u64) -> u64 {
        let (first, end) = (bucket(from), if to == u64::MAX { BUCKETS } else { bucket(to) });
        self.counts[first..end.max(first)].iter().sum()
    }
}

/// The bucket of a value: its octave, then its seven bits below the leading one.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "shifted below EXACT")]
fn bucket(nanos: u64) -> usize {
    let nanos = nanos.min((1 << TOP_BITS) - 1);
    let least = EXACT as u64 - 1;
    let shift = (nanos | least).ilog2() - least.ilog2();
    shift as usize * SUB + (nanos >> shift) as usize
}

/// The largest value of a bucket.
fn upper_edge(bucket: usize) -> u64 {
    let shift = (bucket / SUB).saturating_sub(1);
    let sub = (bucket - shift * SUB) as u64;
    ((sub + 1) << shift) - 1
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank in a short list")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for &value in values {
            histogram.record(value);
        }
        histogram
    }

    #[test]
    fn every_bucket_follows_the_one_before() {
        for at in 1..BUCKETS {
            assert_eq!(bucket(upper_edge(at - 1) + 1), at);
            assert_eq!(bucket(upper_edge(at)), at);
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn nearest_rank_quantiles() {
        let check = |values: &[u64], percent: f64, expect: Option<u64>| {
            assert_eq!(of(values).percentile(percent), expect, "p{percent} of {values:?}");
        };
        check(&[], 50.0, None);
        check(&[7], 99.0, Some(7));
        check(&[1, 2, 3, 4], 50.0, Some(2));
        check(&[1, 2, 3, 4], 100.0, Some(4));
        check(&[1, 2, 3, 4], 0.0, Some(1));
        check(&[100, 2_000_000_000_000], 99.0, Some(2_000_000_000_000));
    }

    proptest! {
        #[test]
        fn any_latency_is_within_a_hundredth(nanos in 100_u64..=1_000_000_000_000, above in 1_u64..1000) {
            let seen = of(&[nanos, nanos + above * 1_000_000_000_000]).percentile(50.0).unwrap();
            prop_assert!(seen >= nanos);
            prop_assert!((seen - nanos) as f64 <= 0.01 * nanos as f64);
            prop_assert!((seen - nanos) as f64 <= ERROR_BOUND * nanos as f64);
        }

        #[test]
        fn quantiles_are_within_a_hundredth(
            mut values in prop::collection::vec(100_u64..=1_000_000_000_000, 1..300),
            percent in 0.1_f64..100.0,
        ) {
            let seen = of(&values).percentile(percent).unwrap();
            values.sort_unstable();
            let rank = ((percent / 100.0 * values.len() as f64).ceil() as usize).clamp(1, values.len());
            let exact = values[rank - 1];
            prop_assert!(seen.abs_diff(exact) as f64 <= 0.01 * exact as f64, "{} for {}", seen, exact);
        }

        #[test]
        fn merged_equals_whole(values in prop::collection::vec(any::<u64>().prop_map(|v| v >> (v % 60)), 0..200), cut in 0_usize..200) {
            let (left, right) = values.split_at(cut.min(values.len()));
            let mut merged = of(left);
            merged.merge(&of(right));
            let whole = of(&values);
            prop_assert_eq!(&merged.counts, &whole.counts);
            prop_assert_eq!(merged.moments.min, whole.moments.min);
            prop_assert_eq!(merged.moments.sum, whole.moments.sum);
            prop_assert_eq!(merged.percentile(99.0), whole.percentile(99.0));
        }

        #[test]
        fn deviation_is_the_sample_deviation(values in prop::collection::vec(1_u64..1_000_000, 2..100)) {
            let mean = values.iter().sum::<u64>() as f64 / values.len() as f64;
            let squares: f64 = values.iter().map(|&v| (v as f64 - mean).powi(2)).sum();
            let expect = (squares / (values.len() - 1) as f64).sqrt();
            let histogram = of(&values);
            prop_assert!((histogram.moments().mean() - mean).abs() < 1e-6 * mean);
            prop_assert!((histogram.moments().deviation() - expect).abs() <= 1e-4 * mean);
        }
    }
}
