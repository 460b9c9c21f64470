//! The verdict on one metric before and after.

use std::fmt;

use crate::stats::{ALPHA, Estimate, Margin};

/// What became of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChangeFinding {
    /// It is worse, and by the margin or more.
    Regression,
    /// The environment disturbed every sample of a side.
    Tainted,
    /// The boots do not decide.
    Inconclusive,
    /// The boots could not have decided, whatever they had shown: the metric is too noisy for its margin.
    CannotBeJudged,
    /// It changed, with 95 % confidence, and is not worse by the margin.
    ChangedWithinMargin,
    /// It is not worse by the margin.
    NotWorse,
    /// It is better, and by the margin or more. The baseline stays.
    Improved,
}

impl ChangeFinding {
    /// All findings, the gravest first.
    pub const ALL: [ChangeFinding; 7] = [
        ChangeFinding::Regression,
        ChangeFinding::Tainted,
        ChangeFinding::Inconclusive,
        ChangeFinding::CannotBeJudged,
        ChangeFinding::ChangedWithinMargin,
        ChangeFinding::NotWorse,
        ChangeFinding::Improved,
    ];

    /// The word in tables and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ChangeFinding::Regression => "REGRESSION",
            ChangeFinding::Tainted => "TAINTED",
            ChangeFinding::Inconclusive => "INCONCLUSIVE",
            ChangeFinding::CannotBeJudged => "CANNOT-BE-JUDGED",
            ChangeFinding::ChangedWithinMargin => "CHANGED-WITHIN-MARGIN",
            ChangeFinding::NotWorse => "NOT-WORSE",
            ChangeFinding::Improved => "IMPROVED",
        }
    }

    /// Whether it shows that the metric is not worse by the margin.
    #[must_use]
    pub fn holds(self) -> bool {
        matches!(self, ChangeFinding::ChangedWithinMargin | ChangeFinding::NotWorse | ChangeFinding::Improved)
    }

    /// Whether it says that the metric changed.
    #[must_use]
    pub fn moved(self) -> bool {
        matches!(self, ChangeFinding::Regression | ChangeFinding::ChangedWithinMargin | ChangeFinding::Improved)
    }
}

impl fmt::Display for ChangeFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A p value, alone and corrected for the family of metrics that it was read with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct P {
    /// Alone.
    pub raw: f64,
    /// Corrected.
    pub adjusted: f64,
}

/// The two tests of one direction, worse or better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tests {
    /// Of the t test.
    pub t: P,
    /// Of the exact permutation test; `None` where there are too many boots to need one.
    pub permutation: Option<P>,
    /// The smallest p value that the permutation test can give with these boots.
    pub smallest: f64,
}

impl Tests {
    /// Whether the t test says so.
    #[must_use]
    pub fn hold(&self) -> bool {
        self.t.adjusted <= ALPHA
    }

    /// Whether one test says so for the whole family, and the other not even for this metric alone, although the
    /// permutation test could.
    #[must_use]
    pub fn disagree(&self) -> bool {
        let claimed_against = |claims: P, other: P| claims.adjusted <= ALPHA && other.raw > ALPHA;
        self.permutation.is_some_and(|permutation| {
            self.smallest <= ALPHA && (claimed_against(self.t, permutation) || claimed_against(permutation, self.t))
        })
    }
}

/// Decides by the boots alone.
///
/// REGRESSION: the corrected upper bound is below 0 and the estimate at or beyond −δ. NOT-WORSE: the one-sided 95 %
/// lower bound is above −δ. CHANGED-WITHIN-MARGIN: so is it, and 0 lies outside of the two-sided 95 % interval, which is
/// what people see. IMPROVED mirrors REGRESSION. Where the two tests of "worse" disagree, nothing is decided.
#[must_use]
pub fn decide(estimate: &Estimate, margin: Margin, worse: &Tests, better: &Tests) -> ChangeFinding {
    if worse.disagree() {
        return ChangeFinding::Inconclusive;
    }
    if worse.hold() && estimate.difference <= -margin.log() {
        return ChangeFinding::Regression;
    }
    let improved = better.hold() && !better.disagree();
    if improved && estimate.difference >= margin.log() {
        return ChangeFinding::Improved;
    }
    if margin.p_not_worse(estimate) <= ALPHA {
        let changed = (worse.hold() || improved) && estimate.excludes_none();
        return if changed { ChangeFinding::ChangedWithinMargin } else { ChangeFinding::NotWorse };
    }
    if estimate.half_width(1.0 - ALPHA) >= margin.log() {
        ChangeFinding::CannotBeJudged
    } else {
        ChangeFinding::Inconclusive
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Method;

    /// δ = 2 %; one metric, so that nothing is corrected.
    fn check(difference: f64, error: f64, by_permutation: Option<f64>, expect: ChangeFinding) {
        let estimate = Estimate { difference, error, degrees_of_freedom: 8.0, method: Method::Welch };
        let tests = |t: f64, permutation: Option<f64>| Tests {
            t: P { raw: t, adjusted: t },
            permutation: permutation.map(|p| P { raw: p, adjusted: p }),
            smallest: 1.0 / 252.0,
        };
        let worse = tests(estimate.p_below(0.0), by_permutation);
        let better = tests(estimate.p_above(0.0), by_permutation.map(|p| 1.0 - p));
        let found = decide(&estimate, Margin::of_tolerance(None), &worse, &better);
        assert_eq!(found, expect, "{difference} ± {error}, {by_permutation:?}");
    }

    #[test]
    fn the_verdict_follows_bounds_and_margin() {
        check(-0.05, 0.005, Some(0.004), ChangeFinding::Regression);
        check(-0.05, 0.005, None, ChangeFinding::Regression);
        check(0.0, 0.005, Some(0.5), ChangeFinding::NotWorse);
        check(0.05, 0.005, Some(0.996), ChangeFinding::Improved);
        check(-0.008, 0.002, Some(0.01), ChangeFinding::ChangedWithinMargin);
        check(0.01, 0.002, Some(0.996), ChangeFinding::ChangedWithinMargin);
        // One-sided p = 0.04: 0 lies in the two-sided interval.
        check(-0.004, 0.002, Some(0.04), ChangeFinding::NotWorse);
        // It is worse, by how much is open: not above −δ, and not beyond it.
        check(-0.015, 0.005, Some(0.01), ChangeFinding::Inconclusive);
        check(-0.015, 0.010, Some(0.1), ChangeFinding::Inconclusive);
        check(-0.015, 0.020, Some(0.3), ChangeFinding::CannotBeJudged);
        check(0.0, 0.05, Some(0.5), ChangeFinding::CannotBeJudged);
    }

    #[test]
    fn tests_that_disagree_decide_nothing() {
        check(-0.05, 0.005, Some(0.06), ChangeFinding::Inconclusive);
        check(-0.005, 0.005, Some(0.01), ChangeFinding::Inconclusive);
        // A doubtful improvement is no improvement, and no doubt about "not worse".
        check(0.05, 0.005, Some(0.9), ChangeFinding::NotWorse);
    }

    #[test]
    fn a_permutation_that_cannot_reach_the_level_does_not_object() {
        let p = |raw| P { raw, adjusted: raw };
        let tests = |smallest| Tests { t: p(0.001), permutation: Some(p(0.1)), smallest };
        assert!(!tests(0.1).disagree());
        assert!(tests(0.05).disagree());
    }
}
