//! The clock of an attempt: seconds since the first of what is drawn of it began.

use std::ops::Range;

use measure::{Interval, Sample};

/// Seconds since a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct AttemptClock {
    origin: u64,
}

impl AttemptClock {
    /// The clock that begins with the earliest interval; `None` where no sample knows when it was taken.
    pub(super) fn of<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> Option<AttemptClock> {
        let whole = Interval::hull_of(samples.into_iter().filter_map(|sample| sample.interval))?;
        Some(AttemptClock { origin: whole.start })
    }

    /// A moment; those before the beginning are at the beginning.
    fn seconds(self, at: u64) -> f64 {
        Interval::new(self.origin, at).seconds()
    }

    /// From when to when an interval was.
    pub(super) fn range(self, interval: Interval) -> Range<f64> {
        self.seconds(interval.start)..self.seconds(interval.end)
    }

    /// A sample at the end of its interval; `None` where it knows no interval or has no value that can be drawn.
    pub(super) fn point(self, sample: &Sample) -> Option<(f64, f64)> {
        let interval = sample.interval.filter(|_| sample.value.is_finite())?;
        Some((self.seconds(interval.end), sample.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_count_from_the_earliest_interval() {
        let samples = [
            Sample::timed(1.0, Interval::new(5_600_000_000, 9_200_000_000)),
            Sample::timed(f64::NAN, Interval::new(2_000_000_000, 5_600_000_000)),
            Sample::untimed(3.0),
        ];
        let clock = AttemptClock::of(&samples).unwrap();
        let points = samples.iter().map(|sample| clock.point(sample)).collect::<Vec<_>>();
        assert_eq!(points, [Some((7.2, 1.0)), None, None]);
        assert_eq!(clock.range(Interval::new(0, 3_000_000_000)), 0.0..1.0);
        assert!(AttemptClock::of(&samples[2..]).is_none());
    }
}
