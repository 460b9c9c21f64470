//! What is known of a host, and how it stands to what a document says.

use measure::{Fact, Facts, Fingerprint, Reading, fact_kind};
use spec::System;

use super::grid::{Cell, Grid, Paint, paint_of};
use crate::text::wrap;
use crate::{Look, gate};

/// All facts with their sources.
#[must_use]
pub fn facts(facts: &Facts, look: Look) -> String {
    let mut grid = Grid::new(&["Fact", "This host", "Source"], &[]);
    for (id, fact) in &facts.0 {
        let (value, paint) = reading(fact);
        grid.row([name(id).into(), Cell::painted(&value, paint), fact.source.as_str().into()]);
    }
    grid.render(look)
}

/// A host against a document: a row for each of its statements about parts, with the verdict on it.
#[must_use]
pub fn comparison(facts: &Facts, system: &System, look: Look) -> String {
    let mut grid = Grid::new(&["Part", "Documented", "Place", "This host", "Verdict", "Why"], &[]);
    for row in verdict::inspect(system, facts) {
        let optional = if row.required { "" } else { " (optional)" };
        grid.row([
            format!("{} · {}{optional}", row.id, row.title).into(),
            row.documented.as_str().into(),
            row.place.as_str().into(),
            row.found.as_deref().unwrap_or_default().into(),
            Cell::painted(row.verdict.name(), paint_of(row.verdict)),
            gate::why(&row).into(),
        ]);
    }
    format!("Against {}\n{}", system.id, grid.render(look))
}

/// A list of things that a host has, or why there is none. `None` is a value that the host does not tell.
#[must_use]
pub fn list(title: &str, columns: &[&'static str], rows: Result<&[Vec<Option<String>>], &str>, look: Look) -> String {
    match rows {
        Err(why) => wrap(&format!("{title}: {why}"), 0, look.width),
        Ok([]) => wrap(&format!("{title}: none"), 0, look.width),
        Ok(rows) => {
            let mut grid = Grid::new(columns, &[]);
            for row in rows {
                grid.row(row.iter().map(|cell| Cell::from(cell.as_deref().unwrap_or("?"))));
            }
            format!("{title}\n{}", grid.render(look))
        }
    }
}

/// The two ids of a host: what it is, and how it is set up.
#[must_use]
pub fn fingerprint(fingerprint: &Fingerprint, look: Look) -> String {
    let line = |what: &str, id: &str, parts: usize| wrap(&format!("{what} {id} (of {parts} parts)"), 0, look.width);
    line("platform", &fingerprint.platform_id, fingerprint.platform.len())
        + &line("config  ", &fingerprint.config_id, fingerprint.config.len())
}

fn name(id: &str) -> String {
    fact_kind(id).map_or_else(|| id.to_owned(), |kind| format!("{id} · {}", kind.about))
}

fn reading(fact: &Fact) -> (String, Paint) {
    match &fact.reading {
        Reading::Present(value) => (value.to_string(), Paint::Plain),
        Reading::Absent => ("not present or not reported".to_owned(), Paint::Faint),
        Reading::Denied { remedy } => (format!("permission denied; to fix: {remedy}"), Paint::Doubtful),
        Reading::Failed { error } => (format!("failed: {error}"), Paint::Bad),
    }
}
