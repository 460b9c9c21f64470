//! Comparisons: the baseline against its own hardware, and the claimed ratio against the ratio that follows.

use measure::{FactValue, Unit};

use super::constants::{ABOUT, CHANNEL_BYTES};
use super::document::{Document, agree, count, show};
use super::{Finding, Notes, memory};
use crate::Baseline;

pub(super) fn audit(document: &Document<'_>, notes: &mut Notes) {
    for baseline in &document.system.baselines {
        of_its_hardware(baseline, notes);
    }
    claims(document, notes);
}

fn fact(baseline: &Baseline, id: &str) -> Option<f64> {
    match baseline.facts.get(id) {
        Some(FactValue::Quantity(quantity)) if quantity.value > 0.0 => Some(quantity.value),
        _ => None,
    }
}

/// The bandwidth that the baseline's own channels have.
fn own_bandwidth(baseline: &Baseline) -> Option<(f64, f64, f64)> {
    let (channels, rate) = (fact(baseline, "memory.channels")?, fact(baseline, "memory.data_rate")?);
    (baseline.value.unit == Unit::BytePerSecond).then_some((channels, rate, channels * rate * CHANNEL_BYTES.value))
}

/// A baseline bandwidth that its channels do not have.
fn of_its_hardware(baseline: &Baseline, notes: &mut Notes) {
    let Some((channels, rate, ceiling)) = own_bandwidth(baseline) else { return };
    let value = baseline.value.value;
    let least = if baseline.approximate { value * (1.0 - ABOUT.value) } else { value };
    if least <= ceiling * (1.0 + 1e-9) {
        return;
    }
    let needed = value / (rate * CHANNEL_BYTES.value);
    let each = show(rate, Unit::TransferPerSecond);
    notes.find(Finding {
        rule: "ratios.baseline",
        factor: value / ceiling,
        concerns: vec![baseline.target.clone()],
        says: format!(
            "The comparison system, {}, is given {}; its {} channels at {each} carry {}.",
            baseline.system,
            baseline.value,
            count(channels),
            show(ceiling, Unit::BytePerSecond)
        ),
        arithmetic: format!(
            "{} channels × {each} × {} B = {}; {} need {needed:.1} channels",
            count(channels),
            count(CHANNEL_BYTES.value),
            show(ceiling, Unit::BytePerSecond),
            baseline.value
        ),
        rows: vec![baseline.place.clone()],
        consistent_if: format!(
            "the comparison is with {} channels (that many of {} sockets with {} each), or its figure is {}",
            count(needed.ceil()),
            count((needed / channels).ceil()),
            count(channels),
            show(ceiling, Unit::BytePerSecond)
        ),
        constants: vec![CHANNEL_BYTES],
        ..Finding::default()
    });
}

/// A claimed ratio that does not follow from the figures.
fn claims(document: &Document<'_>, notes: &mut Notes) {
    for claim in &document.system.claims {
        let Some(target) = document.system.target(&claim.target) else { continue };
        let Some(baseline) = document.system.baselines.iter().find(|row| row.target == claim.target) else { continue };
        if baseline.value.value <= 0.0 || target.value.value <= 0.0 || claim.ratio <= 0.0 {
            continue;
        }
        let follows = target.value.value / baseline.value.value;
        let approximate = claim.approximate || baseline.approximate || target.approximate;
        if agree(claim.ratio, follows, approximate) {
            continue;
        }
        notes.find(Finding {
            rule: "ratios.claim",
            factor: (claim.ratio / follows).max(follows / claim.ratio),
            concerns: vec![target.id.clone()],
            says: format!(
                "A ratio of {} is claimed; {} against {} is {}.{}",
                count(claim.ratio),
                target.value,
                baseline.value,
                count((follows * 100.0).round() / 100.0),
                by_channels(document, baseline).unwrap_or_default()
            ),
            arithmetic: format!("{} / {} = {follows:.2}", target.value, baseline.value),
            rows: vec![target.place.clone(), baseline.place.clone(), claim.place.clone()],
            consistent_if: format!("the claim is {} times", count((follows * 10.0).round() / 10.0)),
            constants: vec![ABOUT],
            ..Finding::default()
        });
    }
}

/// The ratio of the channels of both systems, where both are stated.
fn by_channels(document: &Document<'_>, baseline: &Baseline) -> Option<String> {
    let (.., other) = own_bandwidth(baseline)?;
    let (low, high) = memory::bounds(document)?;
    let range =
        if low < high { format!("{:.1} to {:.1}", low / other, high / other) } else { format!("{:.1}", low / other) };
    Some(format!(" By the memory channels of both systems it would be {range}."))
}
