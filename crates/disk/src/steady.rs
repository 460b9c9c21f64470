//! Whether a device is in its steady state, by the rules of the SNIA Performance Test Specification.

use measure::LinearFit;

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchedRate {
    /// Requests a second.
    Iops,
    /// Bytes a second.
    Bandwidth,
}

/// How far values may be from steady.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SteadyLimit {
    /// As a share of their mean.
    Relative(f64),
    /// In their own unit.
    Absolute(f64),
}

/// A steady state that ends a job: fio's option `ss`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SteadyCriterion {
    /// What is watched.
    pub rate: WatchedRate,
    /// Whether the slope of the fitted line is bounded, and not the largest deviation from the mean.
    pub slope: bool,
    /// The bound.
    pub limit: SteadyLimit,
    /// Seconds that have to be steady.
    pub duration: f64,
    /// Seconds at the start that are not watched.
    pub ramp: f64,
}

impl SteadyCriterion {
    /// How far the last values, one a second, are from steady: the deviation or the slope in the unit of the limit,
    /// and whether it is within the limit. `None` while there are too few values.
    #[must_use]
    pub fn judge(&self, values: &[f64]) -> Option<(f64, bool)> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a run")]
        let window = (self.duration as usize).max(2);
        let last = &values[values.len().checked_sub(window)?..];
        let line = trend(last)?;
        let off = if self.slope {
            line.slope.abs()
        } else {
            last.iter().map(|value| (value - line.mean).abs()).fold(0.0, f64::max)
        };
        Some(match self.limit {
            SteadyLimit::Absolute(limit) => (off, off <= limit),
            SteadyLimit::Relative(limit) => (off / line.mean, line.mean > 0.0 && off / line.mean <= limit),
        })
    }
}

/// The least-squares line through values one step apart.
#[must_use]
pub fn trend(values: &[f64]) -> Option<LinearFit> {
    let points: Vec<(f64, f64)> = values.iter().enumerate().map(|(place, value)| (place as f64, *value)).collect();
    LinearFit::ordinary(&points)
}

/// Rounds that are looked at together.
pub const WINDOW: usize = 5;
/// Rounds after which a device that was never steady is given up.
pub const ROUNDS: usize = 25;

/// What the rounds of a test say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SteadyState {
    /// The last five rounds are steady.
    Steady {
        /// Largest minus smallest, as a share of the mean; at most 0.20.
        range: f64,
        /// What the fitted line rises or falls over the window, as a share of the mean; at most 0.10.
        excursion: f64,
    },
    /// Not yet: more rounds are needed.
    NotYet,
    /// Not in 25 rounds: a verdict of its own.
    NeverReached,
}

/// Judges rounds in their order, each the mean rate of one round (amount over its own elapsed time).
/// SNIA PTS: over five rounds, range ≤ 20 % of the mean, and the fitted line's excursion ≤ 10 % of it.
#[must_use]
pub fn judge(rounds: &[f64]) -> SteadyState {
    if let Some(window) = rounds.len().checked_sub(WINDOW).map(|first| &rounds[first..])
        && let Some(line) = trend(window)
    {
        let max = window.iter().copied().fold(f64::MIN, f64::max);
        let min = window.iter().copied().fold(f64::MAX, f64::min);
        let range = (max - min) / line.mean;
        let excursion = line.slope.abs() * (WINDOW - 1) as f64 / line.mean;
        if range <= 0.20 && excursion <= 0.10 {
            return SteadyState::Steady { range, excursion };
        }
    }
    if rounds.len() >= ROUNDS { SteadyState::NeverReached } else { SteadyState::NotYet }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snia_windows() {
        let check = |rounds: &[f64], expect: &str| {
            let seen = match judge(rounds) {
                SteadyState::Steady { .. } => "steady",
                SteadyState::NotYet => "not yet",
                SteadyState::NeverReached => "never",
            };
            assert_eq!(seen, expect, "{rounds:?}");
        };
        check(&[], "not yet");
        check(&[100.0; 4], "not yet");
        check(&[100.0; 5], "steady");
        check(&[500.0, 300.0, 100.0, 101.0, 99.0, 100.0, 100.0], "steady");
        check(&[110.0, 100.0, 100.0, 100.0, 89.0], "not yet");
        check(&[106.0, 103.0, 100.0, 97.0, 94.0], "not yet");
        check(&[104.0, 102.0, 100.0, 98.0, 96.0], "steady");
        check(&[0.0; 25], "never");
        let falling: Vec<f64> = (0..25).map(|round| 1000.0 * 0.9_f64.powi(round)).collect();
        check(&falling, "never");
    }

    #[test]
    fn the_range_alone_can_fail() {
        // A line without slope, and one value far off.
        assert_eq!(judge(&[100.0, 100.0, 125.0, 100.0, 100.0]), SteadyState::NotYet);
    }

    #[test]
    fn a_slope_is_found() {
        let line = trend(&[1.0, 3.0, 5.0]).unwrap();
        assert!((line.slope - 2.0).abs() < 1e-12 && (line.mean - 3.0).abs() < 1e-12);
        assert_eq!(trend(&[1.0]), None);
    }

    #[test]
    fn criteria_of_job_files() {
        let base = SteadyCriterion {
            rate: WatchedRate::Iops,
            slope: false,
            limit: SteadyLimit::Relative(0.05),
            duration: 3.0,
            ramp: 0.0,
        };
        assert_eq!(base.judge(&[100.0, 100.0]), None);
        assert!(base.judge(&[1.0, 100.0, 104.0, 96.0]).unwrap().1);
        assert!(!base.judge(&[100.0, 110.0, 90.0]).unwrap().1);
        let slope = SteadyCriterion { slope: true, limit: SteadyLimit::Absolute(1.0), ..base };
        assert!(slope.judge(&[100.0, 120.0, 100.0]).unwrap().1);
        assert!(!slope.judge(&[100.0, 102.0, 104.0]).unwrap().1);
    }
}
