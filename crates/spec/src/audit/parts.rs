//! Parts that a document names, against their data sheets.

use measure::{FactValue, Quantity, fact_kind};

use super::constants::{Constant, Kind};
use super::document::{Document, Input, agree, count, ids, percent, places, show};
use super::{Finding, Grade, Notes};
use crate::parts::{self, Part};
use crate::{Place, StatedFact, System};

/// Facts that a rule of their own holds against the parts: a card may draw less, and link slower than its slot.
const ELSEWHERE: [&str; 2] = ["gpu.power", "gpu.pcie_gen"];

pub(super) fn audit(document: &Document<'_>, notes: &mut Notes) {
    for (row, parts) in parts::of(document.system) {
        values(document, row, &parts, notes);
        links(document, row, &parts, notes);
    }
    terms(document, notes);
}

/// A number of a data sheet, as a constant of a finding.
pub(super) fn constant(part: &'static Part, id: &str, value: f64) -> Constant {
    let about = fact_kind(id).map_or("", |kind| kind.about);
    Constant { value, about, kind: Kind::Datasheet, source: &part.source }
}

/// What the document states beside a part whose data sheet says otherwise.
fn values(document: &Document<'_>, row: &StatedFact, parts: &[&'static Part], notes: &mut Notes) {
    let of_first = parts.iter().take(1).flat_map(|part| part.facts.keys());
    for id in of_first.filter(|id| !ELSEWHERE.contains(&id.as_str())) {
        let Some(stated) = document.number(id) else { continue };
        let Some(known) = parts.iter().map(|part| part.number(id)).collect::<Option<Vec<f64>>>() else { continue };
        if known.iter().any(|known| agree(*known, stated.value, stated.approximate())) {
            continue;
        }
        notes.find(differing(row, parts, id, &stated, known[0]));
    }
}

fn differing(row: &StatedFact, parts: &[&'static Part], id: &str, stated: &Input<'_>, known: f64) -> Finding {
    let unit = match stated.rows[0].value {
        FactValue::Quantity(Quantity { unit, .. }) => unit,
        FactValue::Text(_) | FactValue::Flag(_) => measure::Unit::Count,
    };
    let about = fact_kind(id).map_or(id, |kind| kind.about);
    let (said, known_text) = (show(stated.value, unit), show(known, unit));
    let rows = [vec![row], stated.rows.clone()].concat();
    Finding {
        rule: "parts.value",
        factor: (stated.value / known).max(known / stated.value),
        concerns: ids(&rows),
        says: format!("{} is named, whose data sheet gives {known_text} ({about}); {said} is stated.", row.value),
        arithmetic: format!("{}: {known_text}, not {said}", row.value),
        rows: places(&rows),
        consistent_if: format!("{id} is {known_text}, or another part is named"),
        constants: parts.iter().take(1).map(|part| constant(part, id, known)).collect(),
        ..Finding::default()
    }
}

/// Cards of an older generation than the slots, so that the links run slower than the slots could.
fn links(document: &Document<'_>, row: &StatedFact, parts: &[&'static Part], notes: &mut Notes) {
    let Some(slot) = document.number("gpu.slot_pcie_gen") else { return };
    let generation = |part: &&&'static Part| part.number("gpu.pcie_gen").is_some_and(|card| card < slot.value);
    let Some(older) = parts.iter().find(generation) else { return };
    let Some(card) = older.number("gpu.pcie_gen") else { return };
    let lane = |generation| super::constants::pcie_lane(generation).map(|lane| lane.value);
    let Some((below, above)) = lane(card).zip(lane(slot.value)) else { return };
    let rows = [vec![row], slot.rows.clone()].concat();
    notes.find(Finding {
        rule: "parts.link",
        grade: Grade::Aggressive,
        factor: above / below,
        concerns: ids(&rows),
        says: format!(
            "{} links by PCIe {}: in a slot of PCIe {} it has {} of the slot's bandwidth.",
            older.name,
            count(card),
            count(slot.value),
            percent(below / above)
        ),
        arithmetic: format!(
            "PCIe {} {} a lane, PCIe {} {} a lane",
            count(card),
            show(below, measure::Unit::BytePerSecond),
            count(slot.value),
            show(above, measure::Unit::BytePerSecond)
        ),
        rows: places(&rows),
        consistent_if: format!("only cards of PCIe {} are named", count(slot.value)),
        constants: vec![constant(older, "gpu.pcie_gen", card)],
        ..Finding::default()
    });
}

/// Words of one maker on a system of another.
fn terms(document: &Document<'_>, notes: &mut Notes) {
    for term in parts::terms() {
        let Some((vendor, row)) = document.text(&term.of) else { continue };
        if vendor.eq_ignore_ascii_case(&term.value) {
            continue;
        }
        let Some(place) = sentences(document.system).find(|place| has_word(&place.says, &term.word)) else { continue };
        notes.find(Finding {
            rule: "parts.term",
            factor: 1.0,
            concerns: ids(&[row]),
            says: format!(
                "{} is a word of {} for its parts; the {} here is {vendor}.",
                term.word,
                term.value,
                fact_kind(&term.of).map_or(term.of.as_str(), |kind| kind.about)
            ),
            arithmetic: format!("{}: {}, not {vendor}", term.word, term.value),
            rows: vec![row.place.clone(), place.clone()],
            consistent_if: format!("the parts are of {}, or the word is {vendor}'s own", term.value),
            constants: vec![Constant {
                value: 1.0,
                about: "a word of one maker",
                kind: Kind::Datasheet,
                source: &term.source,
            }],
            ..Finding::default()
        });
        // One word of a maker says it.
        return;
    }
}

/// Everything that a document is quoted with.
fn sentences(system: &System) -> impl Iterator<Item = &Place> {
    let facts = system.facts.iter().map(|fact| &fact.place);
    let targets = system.targets.iter().map(|target| &target.place);
    let limits = system.limits.iter().map(|limit| &limit.place);
    facts.chain(targets).chain(limits).chain(system.prose.iter().map(|prose| &prose.place))
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|other| other == word)
}
