//! What is known of a host, and how it stands to what a document says.

use measure::{Fact, Facts, Fingerprint, Reading, fact_kind};
use spec::System;
use verdict::{FactRow, Verdict};

use super::grid::{Cell, Give, Grid, Paint, paint_of};
use crate::text::wrap;
use crate::{Look, gate};

/// All facts with their sources.
#[must_use]
pub fn facts(facts: &Facts, look: Look) -> String {
    let mut grid = Grid::new(&["Fact", "This host", "Source"], &[]);
    for (id, fact) in &facts.0 {
        let (value, paint) = reading(id, fact);
        grid.row([name(id).into(), Cell::painted(&value, paint), fact.source.as_str().into()]);
    }
    grid.render(look)
}

/// A host against a document: how many parts are as documented, those that differ, and those that are not known by their
/// cause; with `all` also those that match.
#[must_use]
pub fn comparison(facts: &Facts, system: &System, all: bool, look: Look) -> String {
    let rows = verdict::inspect(system, facts);
    let of = |wanted: fn(Verdict) -> bool| rows.iter().filter(move |row| wanted(row.verdict));
    let (matches, differs) = (|verdict| verdict == Verdict::Pass, |verdict| verdict == Verdict::Fail);
    let is_open = |verdict| verdict != Verdict::Pass && verdict != Verdict::Fail;
    let counts = (of(matches).count(), of(differs).count(), of(is_open).count());
    let mut text =
        wrap(&format!("{}: {} match, {} differ, {} unknown", system.id, counts.0, counts.1, counts.2), 0, look);
    text += &beside("\nWhat differs\n", of(differs), look);
    text += &unknown(of(is_open), look);
    if all {
        text += &beside("\nAs documented\n", of(matches), look);
    }
    text
}

/// Parts in lines: what the document says, and what was found.
fn beside<'a>(heading: &str, rows: impl Iterator<Item = &'a FactRow>, look: Look) -> String {
    let mut grid = Grid::new(&["Part", "This host", "Documented", "", ""], &[]);
    for row in rows {
        let optional = if row.required { "" } else { "(optional)" };
        grid.row([
            Cell::from(&row.id),
            Cell::painted(row.found.as_deref().unwrap_or_default(), paint_of(row.verdict)),
            Cell::from(&row.documented),
            optional.into(),
            gate::why(row).into(),
        ]);
    }
    let given = [Give::Ends(4, 12), Give::Column(3)];
    if grid.is_empty() { String::new() } else { format!("{heading}{}", grid.lines_or_list(&given, look)) }
}

/// Parts that could not be told, each cause once.
fn unknown<'a>(rows: impl Iterator<Item = &'a FactRow>, look: Look) -> String {
    let mut causes: Vec<(&str, Vec<&str>)> = Vec::new();
    for row in rows {
        match causes.iter_mut().find(|(cause, _)| *cause == row.reason) {
            Some((_, ids)) => ids.push(&row.id),
            None => causes.push((&row.reason, vec![&row.id])),
        }
    }
    let text: String =
        causes.iter().map(|(cause, ids)| wrap(&format!("{cause}: {}", ids.join(", ")), 0, look)).collect();
    if text.is_empty() { text } else { format!("\nWhat is not known\n{text}") }
}

/// A list of things that a host has, or why there is none. `None` is a value that the host does not tell.
#[must_use]
pub fn list(title: &str, columns: &[&'static str], rows: Result<&[Vec<Option<String>>], &str>, look: Look) -> String {
    match rows {
        Err(why) => wrap(&format!("{title}: {why}"), 0, look),
        Ok([]) => wrap(&format!("{title}: none"), 0, look),
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
    let line = |what: &str, id: &str, parts: usize| wrap(&format!("{what} {id} (of {parts} parts)"), 0, look);
    line("platform", &fingerprint.platform_id, fingerprint.platform.len())
        + &line("config  ", &fingerprint.config_id, fingerprint.config.len())
}

fn name(id: &str) -> String {
    fact_kind(id).map_or_else(|| id.to_owned(), |kind| format!("{id} · {}", kind.about))
}

fn reading(id: &str, fact: &Fact) -> (String, Paint) {
    match &fact.reading {
        Reading::Present(value) => (value.shown(id), Paint::Plain),
        Reading::Absent => ("not present or not reported".to_owned(), Paint::Faint),
        Reading::Denied { remedy } => (format!("permission denied; to fix: {remedy}"), Paint::Doubtful),
        Reading::Failed { error } => (format!("failed: {error}"), Paint::Bad),
    }
}
