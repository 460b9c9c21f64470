//! What the rules see of a document: its numbers with the rows that they stand in.

use std::collections::BTreeMap;

use measure::{Definition, FactValue, Quantity, Unit, Workload};

use super::constants::ABOUT;
use crate::{Place, Standing, StatedFact, System, Target};

/// A document under audit, with the others of its family.
pub(super) struct Document<'a> {
    pub(super) system: &'a System,
    pub(super) family: Vec<&'a System>,
}

/// A number that the document states, or that follows from several rows.
#[derive(Clone)]
pub(super) struct Input<'a> {
    pub(super) value: f64,
    pub(super) rows: Vec<&'a StatedFact>,
}

impl Input<'_> {
    pub(super) fn places(&self) -> Vec<Place> {
        places(&self.rows)
    }

    pub(super) fn ids(&self) -> Vec<String> {
        ids(&self.rows)
    }

    pub(super) fn approximate(&self) -> bool {
        self.rows.iter().any(|row| row.approximate)
    }
}

impl<'a> Document<'a> {
    pub(super) fn new(system: &'a System, others: &'a [System]) -> Self {
        let same = |other: &&System| system.family.is_some() && other.family == system.family && other.id != system.id;
        Document { system, family: others.iter().filter(same).collect() }
    }

    /// The first statement of a fact.
    pub(super) fn fact(&self, id: &str) -> Option<&'a StatedFact> {
        self.system.facts.iter().find(|fact| fact.id == id)
    }

    /// The first statement of a fact that is a positive number.
    pub(super) fn number(&self, id: &str) -> Option<Input<'a>> {
        let row = self.fact(id)?;
        match row.value {
            FactValue::Quantity(quantity) if quantity.value > 0.0 => {
                Some(Input { value: quantity.value, rows: vec![row] })
            }
            _ => None,
        }
    }

    pub(super) fn text(&self, id: &str) -> Option<(&'a str, &'a StatedFact)> {
        let row = self.fact(id)?;
        match &row.value {
            FactValue::Text(text) => Some((text, row)),
            _ => None,
        }
    }

    pub(super) fn flag(&self, id: &str) -> Option<&'a StatedFact> {
        self.fact(id).filter(|row| row.value == FactValue::Flag(true))
    }

    /// The product of two stated numbers.
    pub(super) fn product(&self, one: &str, other: &str) -> Option<Input<'a>> {
        let (one, other) = (self.number(one)?, self.number(other)?);
        Some(times(&one, &other))
    }

    /// A total, as it is stated or as count × each.
    pub(super) fn total(&self, id: &str, count: &str, each: &str) -> Option<Input<'a>> {
        self.number(id).or_else(|| self.product(count, each))
    }

    /// The documented targets that are judged by a metric of this kind.
    pub(super) fn targets(&self, kind: impl Fn(&Definition) -> bool) -> impl Iterator<Item = &'a Target> {
        self.system
            .targets
            .iter()
            .filter(move |target| target.companion_of.is_none() && target.metric.is_some_and(&kind))
    }

    /// The documented targets that are judged by this metric.
    pub(super) fn judged_by(&self, metric: &'static Definition) -> impl Iterator<Item = &'a Target> {
        self.targets(move |of| of == metric)
    }

    /// The documented targets whose metrics this workload measures.
    pub(super) fn measured_by(&self, workload: Workload) -> impl Iterator<Item = &'a Target> {
        self.targets(move |metric| metric.family.workload == Some(workload))
    }

    /// Whether the fact is stated firmly wherever it is stated.
    pub(super) fn firm(&self, id: &str) -> bool {
        let mut rows = self.system.facts.iter().filter(|fact| fact.id == id).peekable();
        rows.peek().is_some() && rows.all(|row| row.standing == Standing::Firm)
    }
}

pub(super) fn times<'a>(one: &Input<'a>, other: &Input<'a>) -> Input<'a> {
    Input { value: one.value * other.value, rows: [one.rows.clone(), other.rows.clone()].concat() }
}

pub(super) fn places(rows: &[&StatedFact]) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for row in rows {
        if !places.contains(&row.place) {
            places.push(row.place.clone());
        }
    }
    places
}

pub(super) fn ids(rows: &[&StatedFact]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for row in rows {
        if !ids.contains(&row.id) {
            ids.push(row.id.clone());
        }
    }
    ids
}

/// A condition of a target that is a quantity.
pub(super) fn condition(target: &Target, name: &str) -> Option<Quantity> {
    quantity(&target.conditions, name)
}

/// The one of these conditions that has this name, where it is a quantity.
pub(super) fn quantity(conditions: &BTreeMap<String, String>, name: &str) -> Option<Quantity> {
    conditions.get(name)?.parse().ok()
}

/// The least that the target promises where more is better: "about" covers a little.
pub(super) fn at_least(target: &Target) -> f64 {
    if target.approximate { target.value.value * (1.0 - ABOUT.value) } else { target.value.value }
}

/// The most that the target promises where less is better.
pub(super) fn at_most(target: &Target) -> f64 {
    if target.approximate { target.value.value * (1.0 + ABOUT.value) } else { target.value.value }
}

/// Whether two figures say the same; "about" covers a little, rounding of the arithmetic always.
pub(super) fn agree(one: f64, other: f64, approximate: bool) -> bool {
    let share = if approximate { ABOUT.value } else { 0.0 };
    (one - other).abs() <= one.abs().max(other.abs()) * (share + 1e-9)
}

/// A number of base units, printed.
pub(super) fn show(value: f64, unit: Unit) -> String {
    Quantity::new(value, unit).to_string()
}

/// The same, but memory, caches, blocks and records in the binary units that they are sold in.
pub(super) fn sizes(value: f64, unit: Unit) -> String {
    const KIB: f64 = 1024.0;
    let whole = |unit: f64| value >= unit && value % unit == 0.0;
    match unit {
        Unit::Byte if whole(KIB * KIB * KIB) => format!("{} GiB", value / KIB / KIB / KIB),
        Unit::Byte if whole(KIB * KIB) => format!("{} MiB", value / KIB / KIB),
        Unit::Byte if whole(KIB) => format!("{} KiB", value / KIB),
        _ => show(value, unit),
    }
}

/// A share in percent, to a tenth.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A number of things: as it is where it is whole, else with two digits.
pub(super) fn count(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.2}") }
}
