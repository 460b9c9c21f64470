//! The documented systems.

use measure::{Better, Unit};
use spec::{Bound, Limit, Standing, StatedFact, System};

use super::grid::{Cell, Give, Grid, Paint};
use crate::Look;
use crate::text::{documented, quantity, wrap};

/// A line for each system.
#[must_use]
pub fn systems(systems: &[System], look: Look) -> String {
    let mut grid = Grid::new(&["Id", "Name", "Facts", "Targets", "Document"], &[2, 3]);
    for system in systems {
        let counts = [system.facts.len().to_string(), system.targets.len().to_string()];
        let [facts, targets] = counts.map(Cell::from);
        grid.row([(&system.id).into(), (&system.name).into(), facts, targets, (&system.document).into()]);
    }
    grid.lines_or_list(&[Give::Ends(4, 16), Give::Ends(1, 16)], look)
}

/// All that a document says of a system, with where it says it.
#[must_use]
pub fn system(system: &System, look: Look) -> String {
    let mut text = wrap(&format!("{} · {}", system.id, system.name), 0, look);
    text += &wrap(&system.document, 0, look);
    let mut section = |heading: &str, grid: &Grid| {
        if !grid.is_empty() {
            text.extend(["\n", heading, "\n", &grid.render(look)]);
        }
    };
    section("Hardware", &hardware(system));
    section("Targets", &targets(system));
    section("Figures of other systems", &baselines(system));
    section("Limits", &limits(system));
    text
}

fn hardware(system: &System) -> Grid {
    let mut grid = Grid::new(&["Fact", "Value", "Place", "Standing"], &[]);
    for fact in &system.facts {
        let (standing, paint) = match &fact.standing {
            Standing::Firm if fact.required => ("required".to_owned(), Paint::Plain),
            Standing::Firm => (String::new(), Paint::Plain),
            Standing::Placeholder(at) => (format!("placeholder: {at}"), Paint::Doubtful),
            Standing::Contradicted(at) => (format!("contradicted: {at}"), Paint::Doubtful),
        };
        let standing = Cell::painted(&standing, paint);
        grid.row([(&fact.id).into(), value(fact).into(), (&fact.place.at).into(), standing]);
    }
    grid
}

fn value(fact: &StatedFact) -> String {
    match &fact.value {
        measure::FactValue::Quantity(_) => {
            format!("{}{}", if fact.approximate { "~" } else { "" }, fact.value.stated(&fact.id))
        }
        value if fact.admits.is_empty() => value.to_string(),
        value => format!("{value}: {}", fact.admits.join(", ")),
    }
}

fn targets(system: &System) -> Grid {
    let mut grid = Grid::new(&["Target", "Value", "Tolerance", "Metric", "Place", "Left open"], &[1, 2]);
    for target in &system.targets {
        let value = documented(target.value, target.approximate);
        let bound = match target.better {
            Better::Higher => "≥",
            Better::Lower => "≤",
        };
        let with = target.constraint.as_ref().map(|with| format!(" with {} {}", with.metric.id, with.bound));
        grid.row([
            format!("{} · {}", target.id, target.title).into(),
            format!("{bound} {value}{}", with.unwrap_or_default()).into(),
            quantity(target.tolerance, Unit::Ratio).into(),
            target.measured_by().unwrap_or_else(|| "none".to_owned()).into(),
            (&target.place.at).into(),
            target.open.join("; ").into(),
        ]);
    }
    grid
}

fn baselines(system: &System) -> Grid {
    let mut grid = Grid::new(&["Target", "System", "Value", "Place"], &[2]);
    for baseline in &system.baselines {
        let value = documented(baseline.value, baseline.approximate);
        grid.row([(&baseline.target).into(), (&baseline.system).into(), value.into(), (&baseline.place.at).into()]);
    }
    grid
}

fn limits(system: &System) -> Grid {
    let mut grid = Grid::new(&["Fact", "Limit", "Place", "Standing"], &[]);
    for limit in &system.limits {
        let standing = if limit.required { "required" } else { "" };
        grid.row([(&limit.fact).into(), bound(limit).into(), (&limit.place.at).into(), standing.into()]);
    }
    grid
}

/// A bound in signs and words.
fn bound(limit: &Limit) -> String {
    match &limit.bound {
        Bound::AtMost(most) => format!("≤ {most}"),
        Bound::AtLeast(least) => format!("≥ {least}"),
        Bound::OneOf(texts) => texts.join(" or "),
        Bound::Open(words) => words.clone(),
    }
}
