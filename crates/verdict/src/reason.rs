//! The sentences beside verdicts.

use std::collections::BTreeSet;

use measure::{Better, Quantity};
use spec::Target;

use crate::{Comparability, Decision, Goal, HostLimit, Measured, NoiseFloor};

/// `a, b and c`.
fn join(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

fn percent(share: f64) -> String {
    Quantity::new(share, measure::Unit::Ratio).to_string()
}

/// Why a target without a metric has no result, as far as its document's gaps tell.
pub(crate) fn no_metric(target: &Target) -> String {
    let why: Vec<&str> =
        target.open.iter().map(String::as_str).filter(|words| !words.starts_with("tolerance not stated")).collect();
    let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) };
    format!("this suite has no measurement of it{why}")
}

pub(crate) fn infeasible(arithmetic: &str) -> String {
    let arithmetic = arithmetic.trim_end_matches('.');
    format!("No machine that matches the document's own tables can reach it: {arithmetic}.")
}

pub(crate) fn differs(comparability: &Comparability) -> String {
    let facts: Vec<String> = comparability
        .differs
        .iter()
        .map(|d| format!("{} is {} (documented {})", d.fact, d.host, d.documented))
        .collect();
    format!("This host is not the documented machine: {}.", join(&facts))
}

/// Whether a sentence of a row says that the host is another machine, or that this cannot be told: it holds for the host, and
/// not for one figure alone.
#[must_use]
pub fn is_of_the_machine(sentence: &str, comparability: &Comparability) -> bool {
    (!comparability.differs.is_empty() && sentence == differs(comparability))
        || (!comparability.unknown.is_empty() && sentence == unknown(comparability))
}

pub(crate) fn unknown(comparability: &Comparability) -> String {
    // One reason is often that of several facts.
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for fact in &comparability.unknown {
        match reasons.iter_mut().find(|(why, _)| *why == fact.why) {
            Some((_, facts)) => facts.push(fact.fact.clone()),
            None => reasons.push((&fact.why, vec![fact.fact.clone()])),
        }
    }
    let parts: Vec<String> = reasons.iter().map(|(why, facts)| format!("{} unknown ({why})", join(facts))).collect();
    format!("Cannot tell whether this host is the documented machine: {}.", parts.join("; "))
}

pub(crate) fn beyond_physics(measured: &Measured, limit: &HostLimit, better: Better) -> String {
    let (furthest, word, what): (fn(f64, f64) -> f64, _, _) = match better {
        Better::Higher => (f64::max, "above", "this host's physical ceiling"),
        Better::Lower => (f64::min, "below", "the least that its medium takes"),
    };
    let worst = measured.boots.iter().copied().fold(measured.value.value, furthest);
    let worst = Quantity::new(worst, measured.value.unit);
    format!("{worst} is {word} {}, which is {what}: {}.", limit.value, limit.how)
}

/// What the threshold is: `95 GB/s (100 GB/s less 5 %)`.
fn threshold(goal: &Goal, unit: measure::Unit) -> String {
    let value = Quantity::new(goal.value, unit);
    if goal.tolerance == 0.0 {
        return format!("the documented {value}");
    }
    let word = match goal.better {
        Better::Higher => "less",
        Better::Lower => "plus",
    };
    let threshold = Quantity::new(goal.threshold(), unit);
    format!("the threshold of {threshold} ({value} {word} {})", percent(goal.tolerance))
}

/// Why the boots decide so about a goal; `what` names the figure where it is not the target's own.
pub(crate) fn decision(what: &str, measured: &Measured, goal: &Goal, decision: Decision, floor: NoiseFloor) -> String {
    let threshold = threshold(goal, measured.value.unit);
    let n = measured.boots.len();
    let (met, missed) = match goal.better {
        Better::Higher => ("above", "below"),
        Better::Lower => ("below", "above"),
    };
    let value = format!("{what}{}", measured.value);
    let floor = match floor {
        NoiseFloor { share, own: true } => format!("this host's own noise floor of {}", percent(share)),
        NoiseFloor { share, own: false } => format!("the noise floor of {}", percent(share)),
    };
    match decision {
        Decision::Met if n == 1 => {
            format!("{value} (one boot) is {met} {threshold} by more than {floor}.")
        }
        Decision::Missed if n == 1 => {
            format!("{value} (one boot) is {missed} {threshold} by more than {floor}.")
        }
        Decision::Open { boots } if n == 1 => {
            format!("{value} (one boot) is within {floor} of {threshold}; {}.", wanted(boots))
        }
        Decision::Met => format!("{value} over {n} boots is {met} {threshold}, its one-sided 95 % bound included."),
        Decision::Missed => {
            format!("{value} over {n} boots is {missed} {threshold}, its one-sided 95 % bound included.")
        }
        Decision::Open { boots } => {
            format!("{value} over {n} boots is too close to {threshold} for their spread; {}.", wanted(boots))
        }
    }
}

fn wanted(boots: Option<u32>) -> String {
    match boots {
        Some(boots) => format!("about {boots} boots would settle it at this noise level"),
        None => "no number of boots would settle it".to_owned(),
    }
}

/// The shares of the phases beside the documented ones.
pub(crate) fn shares(target: &Target, measured: &Measured) -> Option<String> {
    let found = measured.context.get("shares").filter(|_| !target.shares.is_empty())?;
    let documented: Vec<_> =
        target.shares.iter().map(|(phase, share)| format!("{phase} {}", percent(*share))).collect();
    Some(format!("Shares of the time: {found}; documented: {}.", documented.join(", ")))
}

/// That samples have no times, and in which versions' records.
pub(crate) fn untimed(versions: &BTreeSet<&str>) -> Option<String> {
    let versions: Vec<String> = versions.iter().map(|version| (*version).to_owned()).collect();
    (!versions.is_empty()).then(|| {
        format!(
            "Its samples carry no times (record of version {}): the marks are those of the program that measured.",
            join(&versions)
        )
    })
}

/// What the document leaves open, and the facts that it does not state firmly.
pub(crate) fn left_open(target: &Target, comparability: &Comparability) -> Vec<String> {
    let mut remarks = Vec::new();
    if !target.open.is_empty() {
        remarks.push(format!("The document leaves open: {}.", target.open.join("; ")));
    }
    if !comparability.undecided.is_empty() {
        let facts = join(&comparability.undecided);
        remarks.push(format!("Not compared, because the document does not state it firmly: {facts}."));
    }
    remarks
}
