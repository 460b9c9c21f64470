//! What is known of a host, beside what a document says.

use measure::{Fact, Facts, Reading, fact_kind};
use spec::{Standing, System};

use super::grid::{Cell, Grid, Paint};
use crate::Look;
use crate::text::documented;

/// All facts with their sources; with a system, beside what its document states.
#[must_use]
pub fn facts(facts: &Facts, system: Option<&System>, look: Look) -> String {
    let mut grid = match system {
        None => Grid::new(&["Fact", "This host", "Source"], &[]),
        Some(_) => Grid::new(&["Fact", "This host", "Documented", "Source"], &[]),
    };
    for (id, fact) in &facts.0 {
        let name = fact_kind(id).map_or_else(|| id.clone(), |kind| format!("{id} · {}", kind.about));
        let (value, paint) = reading(fact);
        let value = Cell::painted(&value, paint);
        match system {
            None => grid.row([name.into(), value, fact.source.as_str().into()]),
            Some(system) => grid.row([name.into(), value, stated(system, id).into(), fact.source.as_str().into()]),
        }
    }
    grid.render(look)
}

fn reading(fact: &Fact) -> (String, Paint) {
    match &fact.reading {
        Reading::Present(value) => (value.to_string(), Paint::Plain),
        Reading::Absent => ("none, or not told".to_owned(), Paint::Faint),
        Reading::Denied { remedy } => (format!("not allowed: {remedy}"), Paint::Doubtful),
        Reading::Failed { error } => (format!("failed: {error}"), Paint::Bad),
    }
}

/// What a document says of a fact, each value once, with whether it stands by it.
fn stated(system: &System, id: &str) -> String {
    let mut texts: Vec<String> = Vec::new();
    for fact in system.stated(id) {
        let value = match &fact.value {
            measure::FactValue::Quantity(quantity) => documented(*quantity, fact.approximate),
            value => value.to_string(),
        };
        let text = match fact.standing {
            Standing::Firm => value,
            Standing::Placeholder(_) => format!("{value} (placeholder)"),
            Standing::Contradicted(_) => format!("{value} (contradicted)"),
        };
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts.join("; ")
}
