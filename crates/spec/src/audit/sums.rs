//! Totals against count × each, and parts against the whole.

use measure::{FactValue, Unit};

use super::constants::DATASET_COPIES;
use super::document::{Document, Input, agree, count, ids, places, show, sizes, times};
use super::{Finding, Grade, Notes};
use crate::{Bound, Place};

/// Total, count, each.
const PRODUCTS: &[(&str, &str, &str)] = &[
    ("cpu.cores", "cpu.sockets", "cpu.cores_per_socket"),
    ("cpu.threads", "cpu.sockets", "cpu.threads_per_socket"),
    ("cpu.l3", "cpu.sockets", "cpu.l3_per_socket"),
    ("cpu.tdp", "cpu.sockets", "cpu.tdp_per_socket"),
    ("memory.dimms", "cpu.sockets", "memory.dimms_per_socket"),
    ("memory.channels", "cpu.sockets", "memory.channels_per_socket"),
    ("memory.capacity", "memory.dimms", "memory.dimm_capacity"),
    ("gpu.power_total", "gpu.slots", "gpu.power"),
];

/// The first may not be more than the second.
const AT_MOST: &[(&str, &str)] = &[
    ("cpu.cores", "cpu.threads"),
    ("cpu.cores_per_socket", "cpu.threads_per_socket"),
    ("cpu.base_clock", "cpu.turbo_clock"),
    ("memory.usable_dataset", "memory.capacity"),
    ("gpu.count", "gpu.max"),
];

pub(super) fn audit(document: &Document<'_>, notes: &mut Notes) {
    for &(total, number, each) in PRODUCTS {
        if let (Some(total), Some(product)) = (document.number(total), document.product(number, each)) {
            product_is(document, &total, &product, notes);
        }
    }
    usable(document, notes);
    for &(small, large) in AT_MOST {
        if let (Some(small), Some(large)) = (document.number(small), document.number(large)) {
            at_most(&small, &large, notes);
        }
    }
    datasets(document, notes);
}

/// Datasets that are said to fit into memory, and do so only without a copy of any part of them.
fn datasets(document: &Document<'_>, notes: &mut Notes) {
    const ID: &str = "memory.usable_dataset";
    let Some(capacity) = document.number("memory.capacity") else { return };
    let stated = document.number(ID).into_iter().map(|fact| (fact.value, fact.places()));
    let limits = document.system.limits.iter().filter(|limit| limit.fact == ID);
    let promised = limits.filter_map(|limit| match limit.bound {
        Bound::AtLeast(least) => Some((least.value, vec![limit.place.clone()])),
        Bound::AtMost(_) | Bound::OneOf(_) | Bound::Open(_) => None,
    });
    for (dataset, places) in stated.chain(promised) {
        if dataset <= capacity.value && dataset * DATASET_COPIES.value > capacity.value {
            notes.find(dataset_finding(dataset, &capacity, places));
        }
    }
}

fn dataset_finding(dataset: f64, capacity: &Input<'_>, mut rows: Vec<Place>) -> Finding {
    let [own, all, fits] = [dataset, dataset * DATASET_COPIES.value, capacity.value / DATASET_COPIES.value]
        .map(|bytes| show(bytes, Unit::Byte));
    let has = text(capacity, 0);
    rows.extend(capacity.places());
    Finding {
        rule: "sums.dataset",
        grade: Grade::Aggressive,
        factor: dataset * DATASET_COPIES.value / capacity.value,
        concerns: [vec!["memory.usable_dataset".to_owned()], capacity.ids()].concat(),
        says: format!(
            "A dataset of {own} is said to fit into {has}; with one copy, which a step makes that does not work in place, it needs \
             {all}."
        ),
        arithmetic: format!("{} × {own} = {all} > {has}", count(DATASET_COPIES.value)),
        rows,
        consistent_if: format!("the dataset has at most {fits}, or all steps work in place and it is said"),
        constants: vec![DATASET_COPIES],
        ..Finding::default()
    }
}

/// One of the stated numbers that an input is made of.
fn text(input: &Input<'_>, index: usize) -> String {
    match input.rows[index].value {
        FactValue::Quantity(quantity) => sizes(quantity.value, quantity.unit),
        FactValue::Text(_) | FactValue::Flag(_) => String::new(),
    }
}

fn unit(input: &Input<'_>) -> Unit {
    match input.rows[0].value {
        FactValue::Quantity(quantity) => quantity.unit,
        FactValue::Text(_) | FactValue::Flag(_) => Unit::Count,
    }
}

fn product_is(document: &Document<'_>, total: &Input<'_>, product: &Input<'_>, notes: &mut Notes) {
    let approximate = total.approximate() || product.approximate();
    if agree(total.value, product.value, approximate) {
        return;
    }
    // Where the document states a fact twice, the other statement may be the one that fits.
    if document.system.stated(&total.rows[0].id).any(|row| match row.value {
        FactValue::Quantity(quantity) => agree(quantity.value, product.value, approximate),
        FactValue::Text(_) | FactValue::Flag(_) => false,
    }) {
        return;
    }
    let rows = times(total, product).rows;
    let result = sizes(product.value, unit(total));
    let stated = text(total, 0);
    notes.find(Finding {
        rule: "sums.product",
        factor: (total.value / product.value).max(product.value / total.value),
        concerns: ids(&rows),
        says: format!("{stated} are stated, but {} × {} are {result}.", text(product, 0), text(product, 1)),
        arithmetic: format!("{} × {} = {result}, not {stated}", text(product, 0), text(product, 1)),
        rows: places(&rows),
        consistent_if: format!("the total is {result}, or one of the factors differs"),
        ..Finding::default()
    });
}

/// The usable bytes of a volume against its drives and the way in which they are joined.
fn usable(document: &Document<'_>, notes: &mut Notes) {
    let (Some(usable), Some(raw)) = (
        document.number("storage.scratch.usable"),
        document.product("storage.scratch.drives", "storage.scratch.drive_capacity"),
    ) else {
        return;
    };
    let layout = document.text("storage.scratch.layout").map(|(text, _)| text.to_lowercase()).unwrap_or_default();
    let share =
        if layout.contains("raid1") && !layout.contains("raid10") || layout.contains("mirror") { 0.5 } else { 1.0 };
    let expect = raw.value * share;
    let whole = share < 1.0 || layout.contains("stripe") || layout.contains("raid0");
    let approximate = usable.approximate();
    let fits = if whole { agree(usable.value, expect, approximate) } else { usable.value <= expect };
    if fits {
        return;
    }
    let rows = times(&usable, &raw).rows;
    let result = sizes(expect, Unit::Byte);
    notes.find(Finding {
        rule: "sums.usable",
        factor: (usable.value / expect).max(expect / usable.value),
        concerns: ids(&rows),
        says: format!("{} usable are stated, and the drives give {result}.", text(&usable, 0)),
        arithmetic: format!("{} × {} gives {result}, not {}", text(&raw, 0), text(&raw, 1), text(&usable, 0)),
        rows: places(&rows),
        consistent_if: format!("{result} are usable"),
        ..Finding::default()
    });
}

fn at_most(small: &Input<'_>, large: &Input<'_>, notes: &mut Notes) {
    if small.value <= large.value * (1.0 + 1e-9) {
        return;
    }
    let rows = times(small, large).rows;
    let (one, other) = (text(small, 0), text(large, 0));
    notes.find(Finding {
        rule: "sums.order",
        factor: small.value / large.value,
        concerns: ids(&rows),
        says: format!("{} is {one}, more than {} with {other}.", small.rows[0].id, large.rows[0].id),
        arithmetic: format!("{one} > {other}"),
        rows: places(&rows),
        consistent_if: format!("{} is at most {other}", small.rows[0].id),
        ..Finding::default()
    });
}
