//! Changes that nothing in the fingerprint tells of.

use measure::LinearFit;

use super::cusum::{alarm, mann_kendall, slope};
use super::energy::{divide, smallest_p};
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

/// What the search of one series found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Found {
    pub(super) steps: Vec<Step>,
    pub(super) drifts: Vec<Drift>,
    /// Stretches that were searched although they are too short for a step to show at the level that is left for them.
    pub(super) blind: usize,
}

/// Searches the boots from `from` on, each stretch between `borders` for itself. `family` is the number of metrics that
/// are searched.
///
/// The chance of a false find in the whole series is 5 % divided by the number of metrics: half of it is for steps and half
/// for drifts, and of each a part of the series has what its boots are of all that are searched. Parts that hold no change
/// do not overlap, whatever was found around them, so that their levels add up to no more than the whole.
pub(super) fn scan(gains: &[Option<f64>], borders: &[usize], from: usize, family: usize) -> Found {
    let mut ends: Vec<usize> = borders.iter().copied().filter(|border| *border > from).collect();
    ends.push(gains.len());
    let mut start = from;
    let mut stretches: Vec<Vec<(usize, f64)>> = Vec::new();
    for end in ends {
        stretches.push((start..end).filter_map(|index| gains[index].map(|gain| (index, gain))).collect());
        start = end;
    }
    stretches.retain(|stretch| stretch.len() >= LEAST_SCANNED);
    let boots: usize = stretches.iter().map(Vec::len).sum();
    let search = Search { level_of_boot: ALPHA / 2.0 / family.max(1) as f64 / boots.max(1) as f64 };
    let mut found = Found::default();
    for stretch in &stretches {
        found.blind += usize::from(smallest_p(stretch.len()) > search.level(stretch.len()));
        search.search(stretch, &mut found);
    }
    found.steps.sort_by_key(|step| step.at);
    found
}

/// How a series is searched.
struct Search {
    level_of_boot: f64,
}

impl Search {
    /// The level of a part with so many boots.
    fn level(&self, boots: usize) -> f64 {
        self.level_of_boot * boots as f64
    }

    /// Looks for a drift, else for the best step, and goes on in its two parts.
    fn search(&self, stretch: &[(usize, f64)], found: &mut Found) {
        let values: Vec<f64> = stretch.iter().map(|(_, gain)| *gain).collect();
        let Some(division) = divide(&values, self.level(stretch.len())) else { return };
        if let Some(drift) = self.drift(stretch, &values, division.at) {
            found.drifts.push(drift);
            return;
        }
        let Some(p) = division.p else { return };
        let (first, second) = values.split_at(division.at);
        // Both parts have three boots or more.
        let Some(estimate) = welch(first, second) else { return };
        found.steps.push(Step { at: stretch[division.at].0, p, estimate });
        let (first, second) = stretch.split_at(division.at);
        for part in [first, second] {
            self.search(part, found);
        }
    }

    /// A drift, where the sums alarm, the trend is significant, and a line describes the stretch better than the best
    /// step, be that significant or not: otherwise every slope would be cut into steps, and a step be called a slope.
    fn drift(&self, stretch: &[(usize, f64)], values: &[f64], step: usize) -> Option<Drift> {
        if values.len() < LEAST_SCANNED {
            return None;
        }
        let since = alarm(values)?;
        let p = mann_kendall(values);
        if p > self.level(values.len()) || around_means(values, step) <= around_line(values) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::simulate::Random;

    /// How many of `trials` series show anything beside the `true_steps`.
    fn alarms(trials: u64, true_steps: usize, borders: &[usize], course: impl Fn(usize) -> f64) -> u32 {
        let count = |seed: u64| {
            let mut random = Random::seed(seed);
            let gains: Vec<Option<f64>> = (0..98).map(|boot| Some(course(boot) + 0.01 * random.normal())).collect();
            let found = scan(&gains, borders, 0, 1);
            u32::from(found.steps.len() > true_steps || !found.drifts.is_empty())
        };
        (0..trials).map(count).sum()
    }

    #[test]
    fn the_level_holds_for_the_whole_series() {
        // The upper binomial limit (0.1 %) of 5 % of 400.
        let limit = 35;
        let check = |name: &str, found: u32| {
            println!("{name}: {found} of 400 series show more than there is");
            assert!(found <= limit, "{name}: {found}");
        };
        check("white noise", alarms(400, 0, &[], |_| 0.0));
        let borders: Vec<usize> = (1..7).map(|change| 14 * change).collect();
        check("white noise between six known changes", alarms(400, 0, &borders, |_| 0.0));
        // There and back: two steps, and not a third.
        check("there and back", alarms(400, 2, &[], |boot| if (40..60).contains(&boot) { -0.05 } else { 0.0 }));
    }

    #[test]
    fn a_step_is_found_among_many_metrics_and_is_no_drift() {
        let mut random = Random::seed(9);
        for metric in 0..51 {
            let gains: Vec<Option<f64>> =
                (0..40).map(|boot| Some(if boot < 20 { 0.0 } else { -0.05 } + 0.005 * random.normal())).collect();
            let found = scan(&gains, &[], 0, 51);
            let at: Vec<usize> = found.steps.iter().map(|step| step.at).collect();
            assert!(at == [20] && found.drifts.is_empty(), "{metric}: {found:?}");
        }
    }

    #[test]
    fn stretches_that_are_too_short_for_the_level_are_counted() {
        let mut random = Random::seed(10);
        let gains: Vec<Option<f64>> = (0..60).map(|_| Some(random.normal())).collect();
        assert_eq!(scan(&gains, &[], 0, 15).blind, 0);
        assert_eq!(scan(&gains, &[10, 20, 60], 0, 15).blind, 2);
    }
}
