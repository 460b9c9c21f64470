//! Changes that nothing in the fingerprint tells of.

use measure::LinearFit;

use super::cusum::{alarm, mann_kendall, slope};
use super::energy::divide;
use crate::stats::{ALPHA, Estimate, Moments, welch};

/// Fewer boots under one configuration are not searched.
pub const LEAST_SCANNED: usize = 10;

/// A step between two boots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Index of the first boot after it.
    pub at: usize,
    /// The p value of the search, for this metric alone.
    pub p: f64,
    /// The change of y, by Welch. Because the place was searched for, its interval is too narrow.
    pub estimate: Estimate,
}

/// A slow drift.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// Index of the boot where it began to show.
    pub since: usize,
    /// Index of the last boot of its stretch.
    pub until: usize,
    /// Change of y for each boot.
    pub slope: f64,
    /// Change of y over the stretch.
    pub gain: f64,
    /// The p value of "no trend", for this metric alone.
    pub p: f64,
}

/// Searches the boots from `from` on, each stretch between `borders` for itself. `family` is the number of metrics that
/// are searched, by which the level is divided (Bonferroni).
pub(super) fn scan(gains: &[Option<f64>], borders: &[usize], from: usize, family: usize) -> (Vec<Step>, Vec<Drift>) {
    let mut ends: Vec<usize> = borders.iter().copied().filter(|border| *border > from).collect();
    ends.push(gains.len());
    let mut found = Found { level: ALPHA / family.max(1) as f64, steps: Vec::new(), drifts: Vec::new() };
    let mut start = from;
    for end in ends {
        let stretch: Vec<(usize, f64)> =
            (start..end).filter_map(|index| gains[index].map(|gain| (index, gain))).collect();
        if stretch.len() >= LEAST_SCANNED {
            found.search(&stretch);
        }
        start = end;
    }
    found.steps.sort_by_key(|step| step.at);
    (found.steps, found.drifts)
}

struct Found {
    level: f64,
    steps: Vec<Step>,
    drifts: Vec<Drift>,
}

impl Found {
    /// Looks for a drift, else for the best step, and goes on in its two parts.
    fn search(&mut self, stretch: &[(usize, f64)]) {
        let values: Vec<f64> = stretch.iter().map(|(_, gain)| *gain).collect();
        let division = divide(&values, self.level);
        if let Some(drift) = self.drift(stretch, &values, division.map(|division| division.at)) {
            self.drifts.push(drift);
            return;
        }
        let Some(division) = division else { return };
        let (first, second) = values.split_at(division.at);
        // Both parts have three boots or more.
        let Some(estimate) = welch(first, second) else { return };
        self.steps.push(Step { at: stretch[division.at].0, p: division.p, estimate });
        let (first, second) = stretch.split_at(division.at);
        for part in [first, second] {
            self.search(part);
        }
    }

    /// A drift, where the sums alarm, the trend is significant, and a line describes the stretch better than the best
    /// step: otherwise every slope would be cut into steps.
    fn drift(&self, stretch: &[(usize, f64)], values: &[f64], step: Option<usize>) -> Option<Drift> {
        if values.len() < LEAST_SCANNED {
            return None;
        }
        let since = alarm(values)?;
        let p = mann_kendall(values);
        if p > self.level || step.is_some_and(|at| around_means(values, at) <= around_line(values)) {
            return None;
        }
        let slope = slope(values);
        let last = values.len() - 1;
        let gain = slope * last as f64;
        Some(Drift { since: stretch[since].0, until: stretch[last].0, slope, gain, p })
    }
}

/// The sum of squares around the means of the two parts.
fn around_means(values: &[f64], at: usize) -> f64 {
    let (first, second) = values.split_at(at);
    [first, second].into_iter().filter_map(Moments::of).map(|part| part.variance * part.degrees_of_freedom()).sum()
}

/// The sum of squares around the best line.
fn around_line(values: &[f64]) -> f64 {
    let points: Vec<(f64, f64)> = values.iter().enumerate().map(|(place, value)| (place as f64, *value)).collect();
    let Some(line) = LinearFit::ordinary(&points) else { return 0.0 };
    points.iter().map(|&(x, y)| (y - line.intercept - line.slope * x).powi(2)).sum()
}
