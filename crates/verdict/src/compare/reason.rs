//! The sentences beside findings.

use measure::{Quantity, Unit};

use super::{Effect, Finding, Row};
use crate::stats::Method;

/// Why a row has its finding.
pub(super) fn of(row: &Row) -> String {
    match &row.effect {
        Some(effect) => with_effect(row, effect),
        None => without_effect(row),
    }
}

fn percent(share: f64) -> String {
    Quantity::new(share, Unit::Ratio).to_string()
}

fn with_effect(row: &Row, effect: &Effect) -> String {
    let margin = percent(row.margin.share());
    let boots = |needed: Option<u32>| match needed {
        Some(boots) => format!("{boots} boots on each side"),
        None => "no number of boots".to_owned(),
    };
    let sentence = match row.finding {
        Finding::Regression => format!("It is worse for sure, and by at least the margin of {margin}."),
        Finding::Improved => format!("It is better for sure, and by at least {margin}; the baseline stays."),
        Finding::NotWorse => format!("It is not worse by {margin}."),
        Finding::ChangedWithinMargin if effect.estimate.difference < 0.0 => {
            format!("It is worse for sure, and by less than the margin of {margin}.")
        }
        Finding::ChangedWithinMargin => "It is better for sure, by little.".to_owned(),
        Finding::Inconclusive if effect.worse_tests.disagree() => {
            "The t test and the exact permutation test do not agree whether it is worse: look at the single boots, one may \
             be out of line."
                .to_owned()
        }
        Finding::Inconclusive => format!(
            "Whether it is worse by {margin} is open; {} would settle it at this noise level.",
            boots(effect.boots_needed)
        ),
        Finding::CannotBeJudged => format!(
            "Boots scatter by {}, so that {} and {} boots cannot show whether it is worse by {margin}; needed are {}.",
            percent(effect.noise),
            row.before.boots,
            row.after.boots,
            boots(effect.boots_needed)
        ),
        Finding::Tainted => "Something disturbed every sample of a side.".to_owned(),
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

fn without_effect(row: &Row) -> String {
    let side = if row.before.boots == 0 { "before" } else { "after" };
    match row.finding {
        Finding::Tainted => "Something disturbed every sample of a side: no verdict is taken from them.".to_owned(),
        Finding::CannotBeJudged => format!(
            "{} and {} boots have no spread to judge by, and this host has no history; 2 boots on each side are the least, \
             5 are usual.",
            row.before.boots, row.after.boots
        ),
        _ => format!("There is no usable value {side}, so that there is nothing to compare."),
    }
}
