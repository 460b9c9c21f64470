//! A fact that is stated in two places must be the same in both.

use std::collections::BTreeSet;

use measure::FactValue;

use super::document::{Document, agree, ids, places};
use super::{Finding, Notes};
use crate::StatedFact;

pub(super) fn audit(document: &Document<'_>, notes: &mut Notes) {
    let all: BTreeSet<&str> = document.system.facts.iter().map(|fact| fact.id.as_str()).collect();
    for id in all {
        let rows: Vec<&StatedFact> = document.system.stated(id).collect();
        let differing = rows.iter().skip(1).find(|row| !same(rows[0], row));
        if let Some(other) = differing {
            notes.find(finding(rows[0], other));
        }
    }
}

fn same(one: &StatedFact, other: &StatedFact) -> bool {
    match (&one.value, &other.value) {
        (FactValue::Quantity(a), FactValue::Quantity(b)) => {
            agree(a.value, b.value, one.approximate || other.approximate)
        }
        (FactValue::Text(a), FactValue::Text(b)) => a.trim().eq_ignore_ascii_case(b.trim()),
        (a, b) => a == b,
    }
}

fn finding(one: &StatedFact, other: &StatedFact) -> Finding {
    let factor = match (&one.value, &other.value) {
        (FactValue::Quantity(a), FactValue::Quantity(b)) if a.value > 0.0 && b.value > 0.0 => {
            (a.value / b.value).max(b.value / a.value)
        }
        _ => 1.0,
    };
    Finding {
        rule: "restated",
        factor,
        concerns: ids(&[one, other]),
        says: format!(
            "{} is {} at one place ({}) and {} at another ({}).",
            one.id, one.value, one.place.at, other.value, other.place.at
        ),
        arithmetic: format!("{} and {}", one.value, other.value),
        rows: places(&[one, other]),
        consistent_if: "both places say the same".to_owned(),
        ..Finding::default()
    }
}
