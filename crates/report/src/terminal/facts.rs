//! What is known of a host, and how it stands to what a document says.

use measure::{Fact, Facts, Fingerprint, Reading, fact_kind};
use spec::{Bound, Limit, Standing, StatedFact, System};
use verdict::{FactMatch, check_limit, check_rules, compare_fact};

use super::grid::{Cell, Grid, Paint};
use crate::Look;
use crate::text::{documented, wrap};

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

/// A host against a document: every statement and every operational limit as match, differs or unknown.
#[must_use]
pub fn comparison(facts: &Facts, system: &System, look: Look) -> String {
    let mut grid = Grid::new(&["Fact", "Documented", "Place", "Host", "Why"], &[]);
    for stated in &system.facts {
        let answer = compare_fact(stated, facts);
        grid.row(row(name(&stated.id), &value(stated), &stated.place.at, &answer));
    }
    let mut text = format!("Against {}\n{}", system.id, grid.render(look));
    if !system.limits.is_empty() {
        let mut grid = Grid::new(&["Limit", "Documented", "Place", "Host", "Why"], &[]);
        for limit in &system.limits {
            grid.row(row(name(&limit.fact), &bound(limit), &limit.place.at, &check_limit(limit, facts)));
        }
        text += &format!("\nOperational limits\n{}", grid.render(look));
    }
    let rules = check_rules(system, facts);
    if !rules.is_empty() {
        let mut grid = Grid::new(&["Rule", "Asks", "Place", "Host", "Why"], &[]);
        for rule in &rules {
            grid.row(row(rule.rule.to_owned(), &rule.asks, &rule.at, &rule.answer));
        }
        text += &format!("\nOperational rules\n{}", grid.render(look));
        for warning in rules.iter().filter_map(|rule| rule.warning.as_ref()) {
            text += &wrap(&format!("Warning: {warning}."), 0, look.width);
        }
    }
    text
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

/// What the document says, with whether it stands by it.
fn value(fact: &StatedFact) -> String {
    let value = match &fact.value {
        measure::FactValue::Quantity(quantity) => documented(*quantity, fact.approximate),
        value => value.to_string(),
    };
    match fact.standing {
        Standing::Firm => value,
        Standing::Placeholder(_) => format!("{value} (placeholder)"),
        Standing::Contradicted(_) => format!("{value} (contradicted)"),
    }
}

/// A bound in signs and words.
pub(crate) fn bound(limit: &Limit) -> String {
    match &limit.bound {
        Bound::AtMost(most) => format!("≤ {most}"),
        Bound::AtLeast(least) => format!("≥ {least}"),
        Bound::OneOf(texts) => texts.join(" or "),
        Bound::Open(words) => words.clone(),
    }
}

fn row(name: String, documented: &str, at: &str, answer: &FactMatch) -> [Cell; 5] {
    let (word, paint, why) = match answer {
        FactMatch::Match => ("match", Paint::Good, ""),
        FactMatch::Differs { how } => ("differs", Paint::Bad, how.as_str()),
        FactMatch::Unknown { why } => ("unknown", Paint::Doubtful, why.as_str()),
    };
    [name.into(), documented.into(), at.into(), Cell::painted(word, paint), why.into()]
}
