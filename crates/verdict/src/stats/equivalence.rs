//! How much is still the same.

use super::Estimate;

/// No margin is smaller: below 2 % two firmware versions are the same for every purpose that this suite knows.
pub const SMALLEST_MARGIN: f64 = 0.02;

/// δ: how much worse a metric may get before it counts. It comes from the specification alone, so that a noisy host
/// cannot widen it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margin(f64);

impl Margin {
    /// The larger of half of the specification's tolerance (a share below 1) and [`SMALLEST_MARGIN`].
    #[must_use]
    pub fn of_tolerance(tolerance: Option<f64>) -> Margin {
        Margin((tolerance.unwrap_or(0.0) / 2.0).clamp(SMALLEST_MARGIN, 0.5))
    }

    /// As a share: 0.025.
    #[must_use]
    pub fn share(self) -> f64 {
        self.0
    }

    /// On the scale of y, −ln(1 − δ): a rate that falls by δ and its time that grows by 1/(1 − δ) are equally bad.
    #[must_use]
    pub fn log(self) -> f64 {
        -(1.0 - self.0).ln()
    }

    /// The p value of "it is worse by the margin or more": small shows that it is not. One-sided non-inferiority;
    /// showing it for every metric needs no correction for their number, because the claim is about all of them
    /// (intersection–union, Berger (1982), Technometrics 24, 295).
    #[must_use]
    pub fn p_not_worse(self, estimate: &Estimate) -> f64 {
        estimate.p_above(-self.log())
    }

    /// The p value of "it differs by the margin or more, in whichever direction": small shows that it is the same. Two
    /// one-sided tests, Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15, 657.
    #[must_use]
    pub fn p_same(self, estimate: &Estimate) -> f64 {
        self.p_not_worse(estimate).max(estimate.p_below(self.log()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::welch;

    #[test]
    fn the_margin_is_half_of_the_tolerance_and_at_least_two_percent() {
        let check = |tolerance, expect| assert_eq!(Margin::of_tolerance(tolerance), Margin(expect));
        check(None, 0.02);
        check(Some(0.0), 0.02);
        check(Some(0.05), 0.025);
        check(Some(0.1), 0.05);
        check(Some(5.0), 0.5);
    }

    #[test]
    fn the_same_is_shown_and_not_assumed() {
        let margin = Margin::of_tolerance(None);
        let check = |after: &[f64], not_worse: bool, same: bool| {
            let estimate = welch(&[0.0, 0.001, -0.001], after).unwrap();
            assert_eq!((margin.p_not_worse(&estimate) < 0.05, margin.p_same(&estimate) < 0.05), (not_worse, same));
        };
        check(&[0.0, 0.001, -0.001], true, true);
        check(&[0.1, 0.101, 0.099], true, false);
        check(&[-0.1, -0.101, -0.099], false, false);
        check(&[0.0, 0.1, -0.1], false, false);
    }
}
