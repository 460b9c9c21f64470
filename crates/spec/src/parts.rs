//! What data sheets say of parts that documents name.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use measure::{FactValue, Quantity};

use crate::read::Reader;
use crate::{Error, StatedFact, System, wire};

/// What a data sheet says of a part.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    /// Id of the fact that names it.
    pub(crate) of: String,
    /// Its name.
    pub(crate) name: String,
    /// What it is, in the vocabulary of facts.
    pub(crate) facts: BTreeMap<String, FactValue>,
    /// Which data sheet.
    pub(crate) source: String,
}

impl Part {
    /// A number of the data sheet.
    pub(crate) fn number(&self, id: &str) -> Option<f64> {
        match self.facts.get(id) {
            Some(FactValue::Quantity(Quantity { value, .. })) => Some(*value),
            _ => None,
        }
    }
}

/// A word that belongs to the parts of one maker.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    /// The word.
    pub(crate) word: String,
    /// Id of the fact that it tells something of.
    pub(crate) of: String,
    /// What that fact is where the word is used.
    pub(crate) value: String,
    /// Who uses it.
    pub(crate) source: String,
}

/// The table of parts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parts {
    pub(crate) parts: Vec<Part>,
    pub(crate) terms: Vec<Term>,
}

static TABLE: LazyLock<Parts> =
    LazyLock::new(|| read(include_str!("../data/parts.toml"), "parts.toml").expect("the table is read in the tests"));

/// Reads the table of parts.
fn read(text: &str, file: &str) -> Result<Parts, Error> {
    let reader = Reader { file, text };
    let parsed: wire::PartsFile = toml::from_str(text).map_err(|mut error| Error::from_toml(file, text, &mut error))?;
    let part = |row: wire::PartEntry| {
        reader.kind(&row.of, "part.of")?;
        let facts = reader.values(&row.facts, "part.facts")?;
        Ok(Part { of: row.of.into_inner(), name: row.name, facts, source: row.source })
    };
    let term = |row: wire::TermEntry| {
        reader.kind(&row.of, "term.of")?;
        Ok(Term { word: row.word, of: row.of.into_inner(), value: row.value, source: row.source })
    };
    Ok(Parts {
        parts: parsed.part.into_iter().map(part).collect::<Result<_, _>>()?,
        terms: parsed.term.into_iter().map(term).collect::<Result<_, _>>()?,
    })
}

/// All words that belong to one maker.
pub(crate) fn terms() -> &'static [Term] {
    &TABLE.terms
}

/// The parts that a statement names: those that it admits, else the one that it is. Nothing where one of the names is
/// not in the table: what it says is not known then.
pub(crate) fn named(stated: &StatedFact) -> Vec<&'static Part> {
    let FactValue::Text(value) = &stated.value else { return Vec::new() };
    let names = if stated.admits.is_empty() { std::slice::from_ref(value) } else { &stated.admits };
    let part = |name: &String| {
        TABLE.parts.iter().find(|part| part.of == stated.id && part.name.eq_ignore_ascii_case(name.trim()))
    };
    names.iter().map(part).collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// Every statement that names parts of the table, with these.
pub(crate) fn of(system: &System) -> impl Iterator<Item = (&StatedFact, Vec<&'static Part>)> {
    system.facts.iter().map(|stated| (stated, named(stated))).filter(|(_, parts)| !parts.is_empty())
}
