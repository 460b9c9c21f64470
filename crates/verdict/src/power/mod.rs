//! What a number of boots can decide, by arithmetic: power, smallest detectable change, boots needed.
//!
//! The estimate is normal around the true change and independent of its error, so that the power of a rule is the mean,
//! over the distribution of the error, of a normal probability: the noncentral t without its series. The error of
//! Welch's test has two parts; their sum follows χ² and the share of one of them a beta distribution, independent of
//! the sum, which gives its random degrees of freedom exactly. Both integrals are taken by Simpson's rule.
//! Compare Cohen (1988), Statistical Power Analysis, and Moser, Stevens and Watts (1989), Communications in Statistics
//! 18, 3963. [`crate::stats`]' tests simulate the same rules and agree within 3 points.

mod distribution;

use crate::stats::{ALPHA, History, Margin, normal_below, t_quantile};
use distribution::{Distribution, beta, chi_square};

/// The power that a number of boots is planned for.
pub const PLANNED: f64 = 0.8;

/// More boots than anybody makes: beyond, the answer is that boots do not decide.
pub const MOST_BOOTS: u32 = 1000;

/// How boots are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Design {
    /// Two sides of separate boots.
    Unpaired {
        /// Boots before.
        before: u32,
        /// Boots after.
        after: u32,
    },
    /// Pairs of neighbouring boots.
    Paired {
        /// How many.
        pairs: u32,
    },
    /// Two sides of separate boots with the host's history.
    Moderated {
        /// Boots before.
        before: u32,
        /// Boots after.
        after: u32,
        /// The history.
        history: History,
    },
}

impl Design {
    /// `boots` on each side, by the history where there is some.
    #[must_use]
    pub fn balanced(boots: u32, history: Option<History>) -> Design {
        match history {
            Some(history) => Design::Moderated { before: boots, after: boots, history },
            None => Design::Unpaired { before: boots, after: boots },
        }
    }

    /// The standard deviation of the estimated change, in units of the noise between boots.
    pub(crate) fn spread(self) -> f64 {
        match self {
            Design::Unpaired { before, after } | Design::Moderated { before, after, .. } => {
                (1.0 / f64::from(before) + 1.0 / f64::from(after)).sqrt()
            }
            Design::Paired { pairs } => (2.0 / f64::from(pairs)).sqrt(),
        }
    }

    /// The distribution of t·error, t being the point of the one-sided level `alpha`; empty where the design has no
    /// degree of freedom. `noise` is the standard deviation between boots.
    fn half_widths(self, noise: f64, alpha: f64) -> Distribution {
        let t = |degrees_of_freedom: f64| t_quantile(1.0 - alpha, degrees_of_freedom);
        match self {
            Design::Unpaired { before, after } if before > 1 && after > 1 => {
                let (n, m) = (f64::from(before), f64::from(after));
                let squares = chi_square(n + m - 2.0);
                beta((n - 1.0) / 2.0, (m - 1.0) / 2.0).flat_map(|share| {
                    // Of a sum of squares of σ²·q, `share` is of the side before: the squared errors of both means.
                    let (first, second) = (share / ((n - 1.0) * n), (1.0 - share) / ((m - 1.0) * m));
                    let sum = first + second;
                    let degrees_of_freedom = sum.powi(2) / (first.powi(2) / (n - 1.0) + second.powi(2) / (m - 1.0));
                    let scale = t(degrees_of_freedom) * noise * sum.sqrt();
                    squares.map(move |q| scale * q.sqrt())
                })
            }
            Design::Paired { pairs } if pairs > 1 => {
                let degrees_of_freedom = f64::from(pairs) - 1.0;
                let scale = t(degrees_of_freedom) * noise * self.spread() / degrees_of_freedom.sqrt();
                chi_square(degrees_of_freedom).map(|q| scale * q.sqrt())
            }
            Design::Moderated { before, after, history } if before > 1 && after > 1 => {
                let degrees_of_freedom = f64::from(before) + f64::from(after) - 2.0;
                let all = history.degrees_of_freedom + degrees_of_freedom;
                let scale = t(all) * self.spread();
                chi_square(degrees_of_freedom)
                    .map(|q| scale * ((history.degrees_of_freedom * history.variance + q * noise * noise) / all).sqrt())
            }
            _ => Distribution::default(),
        }
    }
}

/// The chance of NOT-WORSE when the metric changed by `change` (of y; 0 is no change).
#[must_use]
pub fn of_not_worse(design: Design, noise: f64, margin: Margin, change: f64) -> f64 {
    let spread = design.spread() * noise;
    // The estimate less t·error is above −δ.
    design.half_widths(noise, ALPHA).mean(|half_width| normal_below((change + margin.log() - half_width) / spread))
}

/// The chance of REGRESSION when the metric changed by `change` (of y; negative is worse), at the one-sided level
/// `alpha`: the first step of Holm's procedure for one of k metrics has α/k.
///
/// A change of exactly −δ is called a regression half of the time at any number of boots, because the estimate itself
/// must be beyond the margin.
#[must_use]
pub fn of_regression(design: Design, noise: f64, margin: Margin, alpha: f64, change: f64) -> f64 {
    regression(&design.half_widths(noise, alpha), design.spread() * noise, margin, change)
}

fn regression(half_widths: &Distribution, spread: f64, margin: Margin, change: f64) -> f64 {
    half_widths.mean(|half_width| normal_below((-half_width.max(margin.log()) - change) / spread))
}

/// The smallest worsening, as a share, that is called a regression with [`PLANNED`] power; `None` where none is.
#[must_use]
pub fn smallest_detectable(design: Design, noise: f64, margin: Margin, alpha: f64) -> Option<f64> {
    let (half_widths, spread) = (design.half_widths(noise, alpha), design.spread() * noise);
    let found = |change: f64| regression(&half_widths, spread, margin, -change) >= PLANNED;
    let (mut low, mut high) = (0.0, 5.0);
    if !found(high) {
        return None;
    }
    for _ in 0..24 {
        let middle = f64::midpoint(low, high);
        if found(middle) { high = middle } else { low = middle }
    }
    Some(-(-high).exp_m1())
}

/// The smallest number of boots on each side that shows NOT-WORSE with [`PLANNED`] power where nothing changed; `None`
/// where [`MOST_BOOTS`] do not.
#[must_use]
pub fn boots_needed(noise: f64, margin: Margin, history: Option<History>) -> Option<u32> {
    fewest(|boots| of_not_worse(Design::balanced(boots, history), noise, margin, 0.0) >= PLANNED)
}

/// The chance that every metric of a family ends as not worse where nothing changed, each with its noise and margin; as
/// if they scattered independently, which claims the least.
#[must_use]
pub fn of_family(design: Design, family: &[(f64, Margin)]) -> f64 {
    family.iter().map(|(noise, margin)| of_not_worse(design, *noise, *margin, 0.0)).product()
}

/// The smallest number of boots on each side (or pairs) with which a whole family ends as not worse with [`PLANNED`] power
/// where nothing changed; `None` where [`MOST_BOOTS`] do not.
#[must_use]
pub fn boots_for_family(family: &[(f64, Margin)], design: impl Fn(u32) -> Design) -> Option<u32> {
    fewest(|boots| of_family(design(boots), family) >= PLANNED)
}

/// The smallest number of boots on each side that decides, were they to give the same estimate and scatter alike; `None`
/// where none does. `alpha` is the level of a regression.
pub(crate) fn boots_to_decide(difference: f64, noise: f64, margin: Margin, alpha: f64) -> Option<u32> {
    let (distance, level) =
        if difference > -margin.log() { (difference + margin.log(), ALPHA) } else { (-difference, alpha) };
    fewest(|boots| {
        let n = f64::from(boots);
        boots > 1 && t_quantile(1.0 - level, 2.0 * n - 2.0) * noise * (2.0 / n).sqrt() <= distance
    })
}

/// The smallest number of boots, up to [`MOST_BOOTS`], that is enough; more are enough too.
fn fewest(enough: impl Fn(u32) -> bool) -> Option<u32> {
    if !enough(MOST_BOOTS) {
        return None;
    }
    let (mut low, mut high) = (0, MOST_BOOTS);
    while high - low > 1 {
        let middle = u32::midpoint(low, high);
        if enough(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Option<History> = None;

    fn close(found: f64, expect: f64, by: f64) {
        assert!((found - expect).abs() <= by, "{found}, expected {expect}");
    }

    #[test]
    fn power_agrees_with_the_noncentral_t() {
        // A step of one standard deviation between boots at the one-sided level .05, by SciPy's noncentral t.
        let margin = Margin::of_tolerance(None);
        let pairs = |pairs| of_regression(Design::Paired { pairs }, 0.5, margin, ALPHA, -0.5);
        close(pairs(3), 0.214_693, 1e-4);
        close(pairs(5), 0.370_939, 1e-4);
        close(pairs(10), 0.662_376, 1e-4);
        close(pairs(20), 0.919_514, 1e-4);
        // Welch has a little less than the pooled t (.4214, .6936, .9279): it does not know that both sides scatter alike.
        let welch = |n| of_regression(Design::balanced(n, NONE), 0.5, margin, ALPHA, -0.5);
        close(welch(5), 0.405, 0.005);
        close(welch(10), 0.690, 0.005);
        close(welch(20), 0.927, 0.002);
        // A history of many boots is a known variance: Φ(1/√(2/5) − 1.645).
        let known = Some(History { variance: 0.25, degrees_of_freedom: 1e6 });
        close(of_regression(Design::balanced(5, known), 0.5, margin, ALPHA, -0.5), 0.4745, 0.002);
    }

    #[test]
    fn a_step_of_the_margin_is_found_half_of_the_time() {
        let margin = Margin::of_tolerance(Some(0.05));
        for boots in [10, 100, 1000] {
            let power = of_regression(Design::balanced(boots, NONE), 0.002, margin, ALPHA, -margin.log());
            close(power, 0.5, 0.001);
        }
    }

    #[test]
    fn what_a_design_without_freedom_can_decide_is_nothing() {
        let margin = Margin::of_tolerance(None);
        for design in [Design::balanced(1, None), Design::Paired { pairs: 1 }] {
            close(of_not_worse(design, 0.01, margin, 0.0), 0.0, 0.0);
            assert_eq!(smallest_detectable(design, 0.01, margin, ALPHA), None);
        }
        // A history does not stand in for the spread of a side.
        let history = Some(History { variance: 1e-6, degrees_of_freedom: 20.0 });
        close(of_not_worse(Design::balanced(1, history), 0.001, margin, 0.0), 0.0, 0.0);
        close(of_not_worse(Design::balanced(2, history), 0.001, margin, 0.0), 1.0, 1e-3);
        assert_eq!(boots_needed(0.001, margin, history), Some(2));
    }

    #[test]
    fn needed_boots_reach_the_planned_power_and_one_less_does_not() {
        let margin = Margin::of_tolerance(None);
        for noise in [0.005, 0.01, 0.02, 0.04] {
            let needed = boots_needed(noise, margin, None).unwrap();
            let power = |boots| of_not_worse(Design::balanced(boots, None), noise, margin, 0.0);
            assert!(power(needed) >= PLANNED && power(needed - 1) < PLANNED, "{noise}: {needed}");
        }
        assert_eq!(boots_needed(1.0, margin, None), None);
    }

    #[test]
    fn a_family_needs_more_boots_than_each_of_its_metrics() {
        let margin = Margin::of_tolerance(None);
        let design = |boots| Design::balanced(boots, None);
        let family = vec![(0.01, margin); 15];
        let alone = of_not_worse(design(8), 0.01, margin, 0.0);
        close(of_family(design(8), &family), alone.powi(15), 1e-9);
        let (one, all) = (boots_for_family(&family[..1], design), boots_for_family(&family, design));
        assert_eq!(one, boots_needed(0.01, margin, None));
        assert!(all > one && of_family(design(all.unwrap()), &family) >= PLANNED, "{one:?} {all:?}");
        assert_eq!(boots_for_family(&[(1.0, margin)], design), None);
    }

    #[test]
    fn the_smallest_detectable_change_is_detected() {
        let margin = Margin::of_tolerance(Some(0.05));
        let design = Design::balanced(5, None);
        let smallest = smallest_detectable(design, 0.01, margin, 0.005).unwrap();
        close(of_regression(design, 0.01, margin, 0.005, (1.0 - smallest).ln()), PLANNED, 1e-4);
        assert!(smallest > 0.025 && smallest < 0.05, "{smallest}");
    }
}
