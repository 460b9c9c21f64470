//! What failed repetitions say of a metric: they have no value, so that the arithmetic of values does not see them.

use super::{ChangeFinding, P, SideSummary};
use crate::stats::{ALPHA, fisher};

/// The p value of "it does not fail more often after than before", boot by boot; `None` where nothing failed.
pub(super) fn p(before: &SideSummary, after: &SideSummary) -> Option<f64> {
    let boots = |side: &SideSummary| (side.failed_boots, side.tried_boots);
    (before.failures.all() + after.failures.all() > 0).then(|| fisher(boots(before), boots(after)))
}

/// Whether a larger share of the repetitions failed after than before.
pub(super) fn is_more_frequent(before: &SideSummary, after: &SideSummary) -> bool {
    let (failed_before, failed_after) = (u64::from(before.failures.all()), u64::from(after.failures.all()));
    let (all_before, all_after) = (u64::from(before.repetitions()), u64::from(after.repetitions()));
    failed_after * all_before.max(1) > failed_before * all_after.max(1)
}

/// The finding by the values, and by what failed: a metric that fails more often than before is not shown to be as good,
/// and is worse where the exact test says so.
pub(super) fn with_failures(
    by_value: ChangeFinding,
    before: &SideSummary,
    after: &SideSummary,
    test: Option<P>,
) -> ChangeFinding {
    if !is_more_frequent(before, after) {
        by_value
    } else if test.is_some_and(|p| p.adjusted <= ALPHA) {
        ChangeFinding::Regression
    } else if by_value.holds() {
        ChangeFinding::Inconclusive
    } else {
        by_value
    }
}

/// How often it failed on either side, in a sentence.
pub(super) fn sentence(before: &SideSummary, after: &SideSummary, test: Option<P>) -> Option<String> {
    let p = test?;
    let side = |side: &SideSummary| {
        let kinds = if side.failures.all() > 0 { format!(" ({})", side.failures) } else { String::new() };
        format!(
            "{} of {} repetitions{kinds} in {} of {} boots",
            side.failures.all(),
            side.repetitions(),
            side.failed_boots,
            side.tried_boots
        )
    };
    let more = if is_more_frequent(before, after) {
        format!("; p = {:.3} that it does not fail more often after", p.adjusted)
    } else {
        String::new()
    };
    Some(format!("Failed before: {}; after: {}{more}.", side(before), side(after)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ChangeFinding::{CannotBeJudged, Improved, Inconclusive, NotWorse, Regression};
    use measure::FailureCount;

    fn side(failed: u32, with_value: u32, failed_boots: usize, tried_boots: usize) -> SideSummary {
        let failures = FailureCount { wrong: failed, ..FailureCount::default() };
        SideSummary { with_value, failures, tried_boots, failed_boots, ..SideSummary::default() }
    }

    #[test]
    fn failures_lower_a_finding_by_the_stated_rule() {
        let sound = side(0, 30, 0, 6);
        let check = |before: SideSummary, after: SideSummary, by_value: ChangeFinding, expect: ChangeFinding| {
            let test = p(&before, &after).map(|p| P { raw: p, adjusted: p });
            assert_eq!(with_failures(by_value, &before, &after, test), expect, "{before:?} {after:?}");
        };
        check(sound, sound, NotWorse, NotWorse);
        // Three of six boots: p = 0.09. Four: 0.03.
        check(sound, side(15, 15, 3, 6), NotWorse, Inconclusive);
        check(sound, side(15, 15, 3, 6), Improved, Inconclusive);
        check(sound, side(15, 15, 3, 6), CannotBeJudged, CannotBeJudged);
        check(sound, side(20, 10, 4, 6), NotWorse, Regression);
        check(sound, side(24, 6, 6, 6), Improved, Regression);
        check(sound, side(30, 0, 6, 6), Inconclusive, Regression);
        // As often on both sides, or more often before.
        check(side(5, 25, 3, 6), side(5, 25, 3, 6), NotWorse, NotWorse);
        check(side(15, 15, 3, 6), sound, NotWorse, NotWorse);
        // The same number of twice as many is less often.
        check(side(3, 12, 3, 3), side(3, 27, 3, 6), NotWorse, NotWorse);
        check(side(1, 29, 1, 6), side(2, 28, 1, 6), NotWorse, Inconclusive);
    }
}
