//! Power: supplies at peak load, the parts against the whole, cards against their slot, the rack against the server.

use measure::metrics::{HOST_POWER_IDLE, HOST_POWER_PEAK};
use measure::{Definition, Unit};

use super::constants::{ABOUT, CARD_POWER, CIRCUIT_VOLTS, CONTINUOUS, GENEROUS};
use super::document::{Document, Input, agree, count, ids, places, show, times};
use super::parts::constant;
use super::{Finding, Grade, Notes};
use crate::{StatedFact, parts};

pub(super) fn audit(document: &Document<'_>, notes: &mut Notes) {
    supplies(document, notes);
    parts(document, notes);
    cards(document, notes);
    models(document, notes);
    distribution(document, notes);
    circuit(document, notes);
    idle(document, notes);
}

fn watt(value: f64) -> String {
    show(value, Unit::Watt)
}

/// Ids of the targets that promise this power.
fn promised(document: &Document<'_>, metric: &'static Definition) -> Vec<String> {
    document.judged_by(metric).map(|target| target.id.clone()).collect()
}

fn least(input: &Input<'_>) -> f64 {
    if input.approximate() { input.value * (1.0 - ABOUT.value) } else { input.value }
}

/// What the supplies carry at peak load, with one failed where they are redundant.
fn supplies(document: &Document<'_>, notes: &mut Notes) {
    let (Some(supplies), Some(rating), Some(peak)) =
        (document.number("power.supplies"), document.number("power.supply_rating"), document.number("power.peak"))
    else {
        return;
    };
    let redundancy = document.text("power.supply_redundancy");
    let redundant = redundancy.filter(|(text, _)| {
        let text = text.to_lowercase();
        text.contains("redundant") && !text.contains("non") && !text.contains("not ")
    });
    let working = if redundant.is_some() { supplies.value - 1.0 } else { supplies.value };
    let carried = working * rating.value;
    if least(&peak) <= carried {
        return;
    }
    let mut rows = times(&supplies, &rating).rows;
    rows.extend(redundant.map(|(_, row)| row));
    rows.extend(&peak.rows);
    let needed = (peak.value / rating.value).ceil();
    let spare = if redundant.is_some() { 1.0 } else { 0.0 };
    notes.find(Finding {
        rule: "power.supplies",
        factor: peak.value / carried.max(1.0),
        targets: promised(document, &HOST_POWER_PEAK),
        concerns: ids(&rows),
        says: format!(
            "{} supplies of {}{} carry {}; the peak load is {}.{}",
            count(supplies.value),
            watt(rating.value),
            if redundant.is_some() { ", of which any one may fail," } else { "" },
            watt(carried),
            watt(peak.value),
            if redundant.is_some() && supplies.value * rating.value >= peak.value {
                " Only both together carry it, and then they are not redundant."
            } else {
                ""
            }
        ),
        arithmetic: format!("{} × {} = {} < {}", count(working), watt(rating.value), watt(carried), watt(peak.value)),
        rows: places(&rows),
        consistent_if: format!(
            "there are {} supplies of {}, or {} of {} and more",
            count(needed + spare),
            watt(rating.value),
            count(supplies.value),
            watt(peak.value / working.max(1.0))
        ),
        ..Finding::default()
    });
}

/// CPUs and accelerators alone against the peak of the whole.
fn parts(document: &Document<'_>, notes: &mut Notes) {
    let Some(peak) = document.number("power.peak") else { return };
    let cpus = document.total("cpu.tdp", "cpu.sockets", "cpu.tdp_per_socket");
    let gpus = document.total("gpu.power_total", "gpu.slots", "gpu.power");
    let inputs: Vec<Input<'_>> = [cpus, gpus].into_iter().flatten().collect();
    if inputs.is_empty() {
        return;
    }
    let sum: f64 = inputs.iter().map(|input| input.value).sum();
    let words: Vec<String> = inputs.iter().map(|input| watt(input.value)).collect();
    let arithmetic = format!(
        "CPUs and accelerators {} = {} of {}; {} for all else",
        words.join(" + "),
        watt(sum),
        watt(peak.value),
        watt((peak.value - sum).max(0.0))
    );
    let most = if peak.approximate() { peak.value * (1.0 + ABOUT.value) } else { peak.value };
    if sum <= most {
        for target in promised(document, &HOST_POWER_PEAK) {
            notes.grade(&target, Grade::Plausible, None, arithmetic.clone());
        }
        return;
    }
    let mut rows = peak.rows.clone();
    rows.extend(inputs.iter().flat_map(|input| input.rows.clone()));
    notes.find(Finding {
        rule: "power.parts",
        factor: sum / peak.value,
        targets: promised(document, &HOST_POWER_PEAK),
        concerns: ids(&rows),
        says: format!(
            "CPUs and accelerators alone draw {}, more than the {} of the whole system.",
            watt(sum),
            watt(peak.value)
        ),
        arithmetic,
        rows: places(&rows),
        consistent_if: format!("the peak load is above {}", watt(sum)),
        ..Finding::default()
    });
}

/// Cards that draw more than a card may.
fn cards(document: &Document<'_>, notes: &mut Notes) {
    let (Some(power), Some((form, row))) = (document.number("gpu.power"), document.text("gpu.form_factor")) else {
        return;
    };
    if !form.to_lowercase().contains("pcie") || power.value <= CARD_POWER.value {
        return;
    }
    let mut rows = power.rows.clone();
    rows.push(row);
    notes.find(Finding {
        rule: "power.card",
        factor: power.value / CARD_POWER.value,
        concerns: ids(&rows),
        says: format!(
            "An accelerator of {} cannot be a PCIe card: the standard allows a card {}.",
            watt(power.value),
            watt(CARD_POWER.value)
        ),
        arithmetic: format!("{} > {}", watt(power.value), watt(CARD_POWER.value)),
        rows: places(&rows),
        consistent_if: format!(
            "the accelerators are modules on a board of their own, or draw at most {}",
            watt(CARD_POWER.value)
        ),
        constants: vec![CARD_POWER],
        ..Finding::default()
    });
}

/// Accelerators that are said to draw more than any of the named models does.
fn models(document: &Document<'_>, notes: &mut Notes) {
    let Some(power) = document.number("gpu.power") else { return };
    for (row, parts) in parts::of(document.system) {
        let drawn: Option<Vec<(f64, &'static parts::Part)>> =
            parts.iter().map(|part| Some((part.number("gpu.power")?, *part))).collect();
        let Some((most, part)) = drawn.into_iter().flatten().max_by(|one, other| one.0.total_cmp(&other.0)) else {
            continue;
        };
        if power.value <= most || agree(power.value, most, power.approximate()) {
            continue;
        }
        let mut rows = [vec![row], power.rows.clone()].concat();
        let together = together(document, most, power.value, &mut rows);
        notes.find(Finding {
            rule: "power.model",
            factor: power.value / most,
            concerns: ids(&rows),
            says: format!(
                "{} is named, of which no model draws more than {} ({}); {} each is reckoned with.{}",
                row.value,
                watt(most),
                part.name,
                watt(power.value),
                together.unwrap_or_default()
            ),
            arithmetic: format!("{} > {}", watt(power.value), watt(most)),
            rows: places(&rows),
            consistent_if: format!("an accelerator draws at most {}, or another model is named", watt(most)),
            constants: vec![constant(part, "gpu.power", most)],
            ..Finding::default()
        });
    }
}

/// What all cards draw by their data sheet, alone and with the processors, and what is reckoned with; with the rows that say so.
fn together<'a>(document: &Document<'a>, most: f64, power: f64, rows: &mut Vec<&'a StatedFact>) -> Option<String> {
    let slots = document.number("gpu.slots")?;
    rows.extend(&slots.rows);
    let (drawn, reckoned) = (slots.value * most, slots.value * power);
    let with_cpus = document.total("cpu.tdp", "cpu.sockets", "cpu.tdp_per_socket").map(|cpus| {
        rows.extend(&cpus.rows);
        format!(", and with the CPUs {} and not {}", watt(drawn + cpus.value), watt(reckoned + cpus.value))
    });
    Some(format!(
        " {} of them draw {} and not {}{}.",
        count(slots.value),
        watt(drawn),
        watt(reckoned),
        with_cpus.unwrap_or_default()
    ))
}

/// The circuit against what the rack must deliver for the height of the server, or against the server's peak.
fn circuit(document: &Document<'_>, notes: &mut Notes) {
    let Some(circuit) = document.number("power.circuit") else { return };
    let feed = document.product("power.pdu_per_unit", "chassis.height").or_else(|| document.number("power.peak"));
    let Some(feed) = feed else { return };
    let carried = circuit.value * CIRCUIT_VOLTS.value * CONTINUOUS.value;
    if least(&feed) <= carried {
        return;
    }
    let amperes = |value: f64| show(value, Unit::Ampere);
    let needed = (feed.value / CIRCUIT_VOLTS.value / CONTINUOUS.value).ceil();
    let rows = [feed.rows.clone(), circuit.rows.clone()].concat();
    notes.find(Finding {
        rule: "power.circuit",
        grade: Grade::Aggressive,
        factor: feed.value / carried,
        concerns: ids(&rows),
        says: format!(
            "{} are to be delivered; a single-phase circuit of {} carries {} for hours, and it would take {}.",
            watt(feed.value),
            amperes(circuit.value),
            watt(carried),
            amperes(needed)
        ),
        arithmetic: format!(
            "{} × {} V × {} = {} < {}",
            amperes(circuit.value),
            count(CIRCUIT_VOLTS.value),
            count(CONTINUOUS.value),
            watt(carried),
            watt(feed.value)
        ),
        rows: places(&rows),
        consistent_if: format!("the circuits have {}, or three phases, and it is said", amperes(needed)),
        constants: vec![CIRCUIT_VOLTS, CONTINUOUS],
        ..Finding::default()
    });
}

/// What the rack must deliver for the height of the server against what the server draws.
fn distribution(document: &Document<'_>, notes: &mut Notes) {
    let (Some(unit), Some(height), Some(peak)) =
        (document.number("power.pdu_per_unit"), document.number("chassis.height"), document.number("power.peak"))
    else {
        return;
    };
    let feed = times(&unit, &height);
    let too_little = feed.value < least(&peak);
    if !too_little && feed.value <= GENEROUS.value * peak.value {
        return;
    }
    let mut rows = feed.rows.clone();
    rows.extend(&peak.rows);
    let each = watt(peak.value / height.value);
    notes.find(Finding {
        rule: "power.distribution",
        grade: if too_little { Grade::Contradictory } else { Grade::Loose },
        factor: (feed.value / peak.value).max(peak.value / feed.value),
        concerns: ids(&rows),
        says: format!(
            "{} for each of {} rack units are {}; the server draws {} at peak, {each} a unit.",
            watt(unit.value),
            count(height.value),
            watt(feed.value),
            watt(peak.value)
        ),
        arithmetic: format!(
            "{} × {} = {}; {}",
            count(height.value),
            watt(unit.value),
            watt(feed.value),
            watt(peak.value)
        ),
        rows: places(&rows),
        consistent_if: format!("the requirement is {} a server, or {each} a rack unit and a margin", watt(peak.value)),
        constants: if too_little { Vec::new() } else { vec![GENEROUS] },
        ..Finding::default()
    });
}

/// More power idle than at peak.
fn idle(document: &Document<'_>, notes: &mut Notes) {
    let (Some(idle), Some(peak)) = (document.number("power.idle"), document.number("power.peak")) else { return };
    if idle.value <= peak.value {
        return;
    }
    let rows = times(&idle, &peak).rows;
    notes.find(Finding {
        rule: "power.idle",
        factor: idle.value / peak.value,
        targets: promised(document, &HOST_POWER_IDLE),
        concerns: ids(&rows),
        says: format!("The system draws {} idle and {} at peak.", watt(idle.value), watt(peak.value)),
        arithmetic: format!("{} > {}", watt(idle.value), watt(peak.value)),
        rows: places(&rows),
        consistent_if: "the two figures are exchanged".to_owned(),
        ..Finding::default()
    });
}
