//! The sentences beside findings.

use measure::{Quantity, Unit};

use super::{ChangeFinding, Effect, MetricChange, failing};
use crate::stats::Method;

/// Why a row has its finding.
pub(super) fn of(row: &MetricChange) -> String {
    match &row.effect {
        Some(effect) => with_effect(row, effect),
        None => without_effect(row),
    }
}

fn percent(share: f64) -> String {
    Quantity::new(share, Unit::Ratio).to_string()
}

fn with_effect(row: &MetricChange, effect: &Effect) -> String {
    let margin = percent(row.margin.share());
    let boots = |needed: Option<u32>| match needed {
        Some(boots) => format!("{boots} boots on each side"),
        None => "no number of boots".to_owned(),
    };
    let sentence = match row.finding {
        ChangeFinding::Regression => {
            format!("It is worse {}, and by the estimate at least the margin of {margin}.", confidence(effect))
        }
        ChangeFinding::Improved => {
            format!("It is better {}, and by the estimate at least {margin}; the baseline stays.", confidence(effect))
        }
        ChangeFinding::NotWorse => format!("It is not worse by {margin}."),
        ChangeFinding::ChangedWithinMargin if effect.estimate.difference < 0.0 => {
            format!("It is worse with 95 % confidence, and by less than the margin of {margin}.")
        }
        ChangeFinding::ChangedWithinMargin => "It is better with 95 % confidence, by little.".to_owned(),
        ChangeFinding::Inconclusive if effect.worse_tests.disagree() => {
            "The t test and the exact permutation test do not agree whether it is worse: look at the single boots, one may \
             be out of line."
                .to_owned()
        }
        ChangeFinding::Inconclusive => format!(
            "Whether it is worse by {margin} is open; {} would settle it at this noise level.",
            boots(row.boots_needed)
        ),
        ChangeFinding::CannotBeJudged => format!(
            "Boots scatter by {}, so that {} and {} boots cannot show whether it is worse by {margin}; needed are {}.",
            percent(effect.noise),
            row.before.boots,
            row.after.boots,
            boots(row.boots_needed)
        ),
        ChangeFinding::Tainted => "Something disturbed every sample of a side.".to_owned(),
    };
    match effect.estimate.method {
        Method::Moderated(history) => format!(
            "{sentence} (With this host's history: s₀ = {}, d₀ = {}.)",
            percent(history.deviation()),
            history.degrees_of_freedom
        ),
        Method::Welch | Method::Paired => sentence,
    }
}

/// How sure a direction is. A one-sided test can hold where 0 lies in the two-sided interval that stands beside it.
fn confidence(effect: &Effect) -> &'static str {
    if effect.estimate.excludes_none() {
        "with 95 % confidence"
    } else {
        "by a one-sided test at 5 % (the two-sided interval holds 0)"
    }
}

fn without_effect(row: &MetricChange) -> String {
    let side = if row.before.boots == 0 { "before" } else { "after" };
    match row.finding {
        ChangeFinding::Tainted => {
            "Something disturbed every sample of a side: no verdict is taken from them.".to_owned()
        }
        ChangeFinding::CannotBeJudged => format!(
            "{} and {} boots: a side of one boot has no spread to judge by, and the history of the host cannot stand in for \
             it; {}.",
            row.before.boots,
            row.after.boots,
            match row.boots_needed {
                Some(boots) => format!("{boots} boots on each side could decide, by the noise of its history"),
                None => "2 boots on each side are the least, 5 are usual".to_owned(),
            }
        ),
        _ => format!("There is no usable value {side}, so that there is nothing to compare."),
    }
}

/// The reason with what failed, where something did. `by_value` is the finding that the values alone would give.
pub(super) fn with_failures(row: &MetricChange, by_value: ChangeFinding) -> String {
    let Some(failed) = failing::sentence(&row.before, &row.after, row.failure_test) else { return row.reason.clone() };
    if row.finding == by_value {
        return format!("{} {failed}", row.reason);
    }
    let shown = match row.finding {
        ChangeFinding::Regression => "It fails more often after than before, with 95 % confidence.",
        _ => "It fails more often after than before, and is not shown to be as good.",
    };
    format!("{shown} {failed} By its values: {}", row.reason)
}
