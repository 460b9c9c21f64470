//! Comparisons: the baseline against its own hardware, claims against what follows from the figures.

use measure::metrics::STREAM_LATENCY;
use measure::{FactValue, Unit};

use super::constants::{ABOUT, CHANNEL_BYTES, DRAM_ACCESS, LINE_TRANSFERS, pcie_lane};
use super::document::{Document, agree, at_least, at_most, condition, count, percent, show, times};
use super::{Finding, Grade, Notes, latency, memory};
use crate::{Baseline, Claim, Claimed, Target};

pub(super) fn audit(document: &Document<'_>, notes: &mut Notes) {
    for baseline in &document.system.baselines {
        of_its_hardware(baseline, notes);
    }
    claims(document, notes);
    latencies(document, notes);
    saturation(document, notes);
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

/// A claimed ratio that does not follow from the figures, or only where all of them were rounded in its favour.
fn claims(document: &Document<'_>, notes: &mut Notes) {
    for claim in &document.system.claims {
        let Claimed::Ratio(ratio) = claim.that else { continue };
        let Some(target) = document.system.target(&claim.target) else { continue };
        let Some(baseline) = document.system.baselines.iter().find(|row| row.target == claim.target) else { continue };
        if baseline.value.value <= 0.0 || target.value.value <= 0.0 || ratio <= 0.0 {
            continue;
        }
        let follows = target.value.value / baseline.value.value;
        let approximate = claim.approximate || baseline.approximate || target.approximate;
        let arithmetic = format!("{} / {} = {follows:.2}", target.value, baseline.value);
        if agree(ratio, follows, approximate) {
            notes.grade(&claim.id, Grade::Plausible, None, arithmetic);
            continue;
        }
        let rounded = at_best(target, baseline, about(ratio, claim.approximate));
        let grade = if rounded.is_some() { Grade::Aggressive } else { Grade::Contradictory };
        notes.grade(&claim.id, grade, None, arithmetic.clone());
        notes.find(Finding {
            rule: "ratios.claim",
            grade,
            factor: (ratio / follows).max(follows / ratio),
            concerns: vec![target.id.clone()],
            says: format!(
                "A ratio of {} is claimed; {} against {} is {}.{}{}",
                count(ratio),
                target.value,
                baseline.value,
                count((follows * 100.0).round() / 100.0),
                rounded.unwrap_or_default(),
                by_channels(document, baseline).unwrap_or_default()
            ),
            arithmetic,
            rows: vec![target.place.clone(), baseline.place.clone(), claim.place.clone()],
            consistent_if: format!("the claim is {} times", count((follows * 10.0).round() / 10.0)),
            constants: vec![ABOUT],
            ..Finding::default()
        });
    }
}

/// What the ratio may be where both figures were rounded, if that reaches what is claimed.
fn at_best(target: &Target, baseline: &Baseline, (least, most): (f64, f64)) -> Option<String> {
    let (below, above) = about(baseline.value.value, baseline.approximate);
    let (low, high) = (at_least(target) / above, at_most(target) / below);
    (low <= most && high >= least).then(|| {
        format!(
            " As all are said to be approximate it may be {low:.1} to {high:.1}, so that it holds at the very best."
        )
    })
}

/// The range of a figure that may be approximate.
fn about(value: f64, approximate: bool) -> (f64, f64) {
    let room = if approximate { ABOUT.value } else { 0.0 };
    (value * (1.0 - room), value * (1.0 + room))
}

/// Latencies that lie further apart than what the DRAM of both systems takes.
fn latencies(document: &Document<'_>, notes: &mut Notes) {
    for target in document.judged_by(&STREAM_LATENCY) {
        let Some(baseline) = document.system.baselines.iter().find(|row| row.target == target.id) else { continue };
        let (Some(own), Some(other)) = (document.number("memory.data_rate"), fact(baseline, "memory.data_rate")) else {
            continue;
        };
        let (fast, slow) = (latency::floor(own.value), latency::floor(other));
        let apart = about(baseline.value.value, baseline.approximate).0 / at_most(target);
        if apart <= slow / fast {
            continue;
        }
        let stated = baseline.value.value / target.value.value;
        let mut rows = own.places();
        rows.extend([target.place.clone(), baseline.place.clone()]);
        notes.find(Finding {
            rule: "ratios.latency",
            grade: Grade::Aggressive,
            factor: stated * fast / slow,
            targets: vec![target.id.clone()],
            concerns: own.ids(),
            says: format!(
                "{} against {} is {stated:.2} times as fast; by the data rates of both the DRAM takes {} and {}, {:.2} times: the \
                 rest would be the processor's.",
                target.value,
                baseline.value,
                show(fast, Unit::Second),
                show(slow, Unit::Second),
                slow / fast
            ),
            arithmetic: format!("{} / {} = {stated:.2} > {:.2}", baseline.value, target.value, slow / fast),
            rows,
            consistent_if: "it is said how both latencies were measured".to_owned(),
            constants: vec![DRAM_ACCESS, LINE_TRANSFERS],
        });
    }
}

/// A rate that is said to saturate the links of the GPU slots, and is less than they carry.
fn saturation(document: &Document<'_>, notes: &mut Notes) {
    let claims: Vec<&Claim> =
        document.system.claims.iter().filter(|claim| claim.that == Claimed::SaturatesGpuLinks).collect();
    let Some(target) = claims.first().and_then(|claim| document.system.target(&claim.target)) else { return };
    let (Some(lanes), Some(generation)) =
        (document.product("gpu.slots", "gpu.slot_lanes"), document.number("gpu.slot_pcie_gen"))
    else {
        return;
    };
    let Some(lane) = pcie_lane(generation.value) else { return };
    let links = lanes.value * lane.value;
    if target.value.unit != Unit::BytePerSecond || target.value.value >= links {
        return;
    }
    let links_text = show(links, Unit::BytePerSecond);
    let inputs = times(&lanes, &generation);
    let mut rows = inputs.places();
    rows.push(target.place.clone());
    rows.extend(claims.iter().map(|claim| claim.place.clone()));
    notes.find(Finding {
        rule: "ratios.saturation",
        factor: links / target.value.value.max(1.0),
        concerns: [vec![target.id.clone()], inputs.ids()].concat(),
        says: format!(
            "{} are said to saturate the GPUs; the links of their slots carry {links_text}, of which that is {}.{}",
            target.value,
            percent(target.value.value / links),
            job_rate(document, links).unwrap_or_default()
        ),
        arithmetic: format!(
            "{} lanes × {} = {links_text} > {}",
            count(lanes.value),
            show(lane.value, Unit::BytePerSecond),
            target.value
        ),
        rows,
        consistent_if: "what saturates them is the work on each byte, and how much of it there is is said".to_owned(),
        constants: vec![lane],
        ..Finding::default()
    });
}

/// What a job of the document moves by its own data and time.
fn job_rate(document: &Document<'_>, links: f64) -> Option<String> {
    let is_job = |target: &&Target| target.value.unit == Unit::Second && condition(target, "data").is_some();
    let job = document.targets(|_| true).find(is_job)?;
    let rate = condition(job, "data")?.value / job.value.value;
    Some(format!(
        " Its own job, {}, moves {}, {:.2} % of it.",
        job.id,
        show(rate, Unit::BytePerSecond),
        rate / links * 100.0
    ))
}

/// The ratio of the channels of both systems, where both are stated.
fn by_channels(document: &Document<'_>, baseline: &Baseline) -> Option<String> {
    let (.., other) = own_bandwidth(baseline)?;
    let (low, high) = memory::bounds(document)?;
    let range =
        if low < high { format!("{:.1} to {:.1}", low / other, high / other) } else { format!("{:.1}", low / other) };
    Some(format!(" By the memory channels of both systems it would be {range}."))
}
