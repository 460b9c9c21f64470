//! Times with shares: room for every phase, and the rates that the shares imply against other targets.

use measure::metrics::{DISK_SEQREAD_BANDWIDTH, DISK_SEQWRITE_BANDWIDTH, STREAM_TRIAD};
use measure::{Definition, Unit};

use super::constants::GENEROUS;
use super::document::{Document, condition, count, percent, show};
use super::{Finding, Grade, Notes};
use crate::Target;

/// Phase of a job, the metric of the target that its rate can be held against, and the condition that says how often
/// the data passes.
const PHASE_RATES: &[(&str, &Definition, Option<&str>)] = &[
    ("read", &DISK_SEQREAD_BANDWIDTH, None),
    ("transform", &STREAM_TRIAD, Some("transformations")),
    ("save", &DISK_SEQWRITE_BANDWIDTH, None),
];

pub(super) fn audit(document: &Document<'_>, notes: &mut Notes) {
    let jobs =
        || document.targets(|_| true).filter(|target| target.value.unit == Unit::Second && !target.shares.is_empty());
    for target in jobs() {
        shares(target, notes);
        for &(phase, metric, passes) in PHASE_RATES {
            let passes = passes.map_or(Some(1.0), |name| condition(target, name).map(|passes| passes.value));
            if let Some(passes) = passes {
                phase_rate(document, target, (phase, passes), metric, notes);
            }
        }
    }
}

/// Shares that leave nothing for a phase that belongs to the work.
fn shares(target: &Target, notes: &mut Notes) {
    let sum: f64 = target.shares.values().sum();
    let without: Vec<&str> = target
        .phases
        .iter()
        .map(String::as_str)
        .filter(|phase| target.shares.get(*phase).is_none_or(|share| *share <= 0.0))
        .collect();
    let over = sum > 1.0 + 1e-9;
    let words: Vec<String> =
        target.shares.iter().map(|(phase, share)| format!("{phase} {}", percent(*share))).collect();
    let arithmetic = format!("{} = {} of {}", words.join(" + "), percent(sum), target.value);
    if !over && (without.is_empty() || sum < 1.0 - 1e-9) {
        notes.grade(&target.id, Grade::Plausible, None, arithmetic);
        return;
    }
    let says = if over {
        format!("The shares of {} add up to {}, more than all of it.", target.value, percent(sum))
    } else {
        format!(
            "The shares of {} add up to {} without {}, which belongs to the work: it would take no time.",
            target.value,
            percent(sum),
            without.join(" and ")
        )
    };
    notes.find(Finding {
        rule: "time.shares",
        grade: Grade::Contradictory,
        factor: sum.max(1.0),
        targets: vec![target.id.clone()],
        says,
        arithmetic,
        rows: vec![target.place.clone()],
        consistent_if: "the shares of all phases are stated and add up to 100 %".to_owned(),
        ..Finding::default()
    });
}

/// The rate that a phase has by its share, far from the rate that the document promises for the same work.
fn phase_rate(
    document: &Document<'_>,
    target: &Target,
    (phase, passes): (&str, f64),
    metric: &'static Definition,
    notes: &mut Notes,
) {
    let (Some(share), Some(data)) = (target.shares.get(phase), condition(target, "data")) else { return };
    let Some(other) = document.judged_by(metric).next() else { return };
    let seconds = share * target.value.value;
    if data.unit != Unit::Byte || seconds <= 0.0 || other.value.value <= 0.0 {
        return;
    }
    let rate = data.value * passes / seconds;
    let factor = other.value.value / rate;
    let arithmetic = format!(
        "{} × {data} / ({} × {}) = {} × {data} / {} s = {}; {} / {} = {}",
        count(passes),
        percent(*share),
        target.value,
        count(passes),
        count(seconds),
        show(rate, Unit::BytePerSecond),
        other.value,
        show(rate, Unit::BytePerSecond),
        count((factor * 10.0).round() / 10.0)
    );
    let (grade, says) = if rate > other.value.value * (1.0 + 1e-9) {
        (Grade::Contradictory, "faster than the document's own figure for the same work")
    } else if factor > GENEROUS.value {
        (Grade::Loose, "far slower than the document's own figure for the same work")
    } else {
        return;
    };
    notes.find(Finding {
        rule: "time.implied_rate",
        grade,
        factor: factor.max(1.0 / factor),
        targets: vec![target.id.clone()],
        concerns: vec![other.id.clone()],
        says: format!(
            "The share of `{phase}` implies {} for {data}{}, {says}: {}.",
            show(rate, Unit::BytePerSecond),
            if passes > 1.0 { format!(" passed {} times", count(passes)) } else { String::new() },
            other.value
        ),
        arithmetic,
        rows: vec![target.place.clone(), other.place.clone()],
        consistent_if: format!(
            "`{phase}` takes {}, or what else it does beside moving the bytes is said",
            show(data.value * passes / other.value.value, Unit::Second)
        ),
        constants: vec![GENEROUS],
    });
}
