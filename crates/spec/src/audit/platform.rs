//! The platform: bays for the drives, and PCIe lanes for all devices.

use super::constants::{BAY_SOURCE, MOST_LANES, NVME_LANES, fits};
use super::document::{Document, Input, count, ids, places, times};
use super::{Finding, Notes};

/// The groups of drives that a document may state.
const GROUPS: [&str; 2] = ["storage.boot", "storage.scratch"];

pub(super) fn audit(document: &Document<'_>, notes: &mut Notes) {
    bays(document, notes);
    form_factors(document, notes);
    lanes(document, notes);
}

fn drives<'a>(document: &Document<'a>, group: &str) -> Option<Input<'a>> {
    document.number(&format!("{group}.drives"))
}

/// More drives than bays.
fn bays(document: &Document<'_>, notes: &mut Notes) {
    let Some(bays) = document.number("chassis.drive_bays") else { return };
    // A drive on the board takes no bay.
    let in_bay = |group: &&str| {
        document.text(&format!("{group}.form_factor")).is_none_or(|(form, _)| !form.to_lowercase().contains("m.2"))
    };
    let groups: Vec<Input<'_>> =
        GROUPS.into_iter().filter(in_bay).filter_map(|group| drives(document, group)).collect();
    let total: f64 = groups.iter().map(|group| group.value).sum();
    if total <= bays.value {
        return;
    }
    let parts: Vec<String> = groups.iter().map(|group| count(group.value)).collect();
    let mut rows = bays.rows.clone();
    rows.extend(groups.iter().flat_map(|group| group.rows.clone()));
    notes.find(Finding {
        rule: "platform.bays",
        factor: total / bays.value,
        concerns: ids(&rows),
        says: format!("{} drives are stated, and the chassis has {} bays.", count(total), count(bays.value)),
        arithmetic: format!("{} = {} > {}", parts.join(" + "), count(total), count(bays.value)),
        rows: places(&rows),
        consistent_if: format!(
            "the chassis has {} bays, or some drives sit elsewhere and it is said where",
            count(total)
        ),
        ..Finding::default()
    });
}

/// Drives that do not fit the bays.
fn form_factors(document: &Document<'_>, notes: &mut Notes) {
    let Some((bay, bay_row)) = document.text("chassis.bay_form_factor") else { return };
    for group in GROUPS {
        let Some((drive, row)) = document.text(&format!("{group}.form_factor")) else { continue };
        if fits(bay, drive) != Some(false) {
            continue;
        }
        let number = drives(document, group).map_or_else(|| "The".to_owned(), |drives| count(drives.value));
        notes.find(Finding {
            rule: "platform.form_factor",
            factor: 1.0,
            concerns: ids(&[bay_row, row]),
            says: format!(
                "{number} {drive} drives do not fit bays of the form factor {bay}: outline and connector differ."
            ),
            arithmetic: format!("bay {bay}, drive {drive}"),
            rows: places(&[bay_row, row]),
            consistent_if: format!("the chassis has {drive} bays, or the drives are of a form factor that fits {bay}"),
            constants: vec![BAY_SOURCE],
            ..Finding::default()
        });
    }
}

/// More lanes than the sockets have.
fn lanes(document: &Document<'_>, notes: &mut Notes) {
    let Some(sockets) = document.number("cpu.sockets") else { return };
    let stated = document.number("cpu.pcie_lanes_per_socket");
    let each = stated.as_ref().map_or(MOST_LANES.value, |lanes| lanes.value);
    let mut users: Vec<(String, Input<'_>, f64)> = Vec::new();
    if let (Some(slots), Some(width)) = (document.number("gpu.slots"), document.number("gpu.slot_lanes")) {
        users.push((format!("{} slots × {}", count(slots.value), count(width.value)), times(&slots, &width), 1.0));
    }
    for group in GROUPS {
        let media = document.text(&format!("{group}.media"));
        let nvme = media.is_some_and(|(media, _)| media.eq_ignore_ascii_case("nvme"));
        let width = document.number(&format!("{group}.pcie_lanes")).map_or(NVME_LANES.value, |lanes| lanes.value);
        if let Some(drives) = drives(document, group).filter(|_| nvme) {
            users.push((format!("{} drives × {}", count(drives.value), count(width)), drives, width));
        }
    }
    let total: f64 = users.iter().map(|(_, input, width)| input.value * width).sum();
    if total <= sockets.value * each {
        return;
    }
    let parts: Vec<&str> = users.iter().map(|(words, ..)| words.as_str()).collect();
    let mut rows = sockets.rows.clone();
    rows.extend(stated.iter().flat_map(|lanes| lanes.rows.clone()));
    rows.extend(users.iter().flat_map(|(_, input, _)| input.rows.clone()));
    let available = count(sockets.value * each);
    notes.find(Finding {
        rule: "platform.lanes",
        factor: total / (sockets.value * each),
        concerns: ids(&rows),
        says: format!("The devices need {} PCIe lanes, and the sockets have {available}.", count(total)),
        arithmetic: format!(
            "{} = {} > {} × {} = {available}",
            parts.join(" + "),
            count(total),
            count(sockets.value),
            count(each)
        ),
        rows: places(&rows),
        consistent_if: "there are fewer or narrower devices, or a PCIe switch is stated".to_owned(),
        constants: if stated.is_some() { vec![NVME_LANES] } else { vec![NVME_LANES, MOST_LANES] },
        ..Finding::default()
    });
}
