//! The sentences beside findings.

use measure::{Quantity, Unit};

use super::{ChangeFinding, Effect, MetricChange};
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
        ChangeFinding::Regression => format!("It is worse for sure, and by at least the margin of {margin}."),
        ChangeFinding::Improved => format!("It is better for sure, and by at least {margin}; the baseline stays."),
        ChangeFinding::NotWorse => format!("It is not worse by {margin}."),
        ChangeFinding::ChangedWithinMargin if effect.estimate.difference < 0.0 => {
            format!("It is worse for sure, and by less than the margin of {margin}.")
        }
        ChangeFinding::ChangedWithinMargin => "It is better for sure, by little.".to_owned(),
        ChangeFinding::Inconclusive if effect.worse_tests.disagree() => {
            "The t test and the exact permutation test do not agree whether it is worse: look at the single boots, one may \
             be out of line."
                .to_owned()
        }
        ChangeFinding::Inconclusive => format!(
            "Whether it is worse by {margin} is open; {} would settle it at this noise level.",
            boots(effect.boots_needed)
        ),
        ChangeFinding::CannotBeJudged => format!(
            "Boots scatter by {}, so that {} and {} boots cannot show whether it is worse by {margin}; needed are {}.",
            percent(effect.noise),
            row.before.boots,
            row.after.boots,
            boots(effect.boots_needed)
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

fn without_effect(row: &MetricChange) -> String {
    let side = if row.before.boots == 0 { "before" } else { "after" };
    match row.finding {
        ChangeFinding::Tainted => {
            "Something disturbed every sample of a side: no verdict is taken from them.".to_owned()
        }
        ChangeFinding::CannotBeJudged => format!(
            "{} and {} boots have no spread to judge by, and this host has no history; 2 boots on each side are the least, \
             5 are usual.",
            row.before.boots, row.after.boots
        ),
        _ => format!("There is no usable value {side}, so that there is nothing to compare."),
    }
}
