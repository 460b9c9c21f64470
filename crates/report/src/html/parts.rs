//! The parts of the host as criteria: facts, limits and rules with the verdict on each.

use serde::Serialize;
use verdict::{Acceptance, FactRow, Judgement, Verdict};

use crate::gate;

/// The parts in the order of their weight, divided by whether they concern acceptance.
#[derive(Debug, Serialize)]
pub(super) struct Parts {
    concern: Vec<PartView>,
    others: Vec<PartView>,
    /// Those of the first kind that need no row on paper: they are as documented.
    met: Vec<String>,
    /// And those of which nothing is known.
    unknown: Vec<String>,
}

/// A row of the table of parts.
#[derive(Debug, Serialize)]
struct PartView {
    id: String,
    title: String,
    required: bool,
    documented: String,
    found: String,
    place: String,
    verdict: &'static str,
    class: &'static str,
    why: String,
    /// Whether it is named in a line on paper instead of having a row.
    brief: bool,
}

impl Parts {
    pub(super) fn of(judgement: &Judgement) -> Parts {
        let (concern, others): (Vec<&FactRow>, Vec<&FactRow>) =
            gate::parts(judgement).into_iter().partition(|row| gate::concerns(row));
        let views = |rows: Vec<&FactRow>| rows.into_iter().map(PartView::of).collect();
        let titles = |which: fn(&FactRow) -> bool| {
            concern.iter().filter(|row| which(row)).map(|row| row.title.clone()).collect()
        };
        let (met, unknown) = (titles(is_met), titles(is_unknown));
        Parts { concern: views(concern), others: views(others), met, unknown }
    }
}

fn is_met(row: &FactRow) -> bool {
    row.verdict == Verdict::Pass
}

fn is_unknown(row: &FactRow) -> bool {
    row.found.is_none() && !matches!(row.verdict, Verdict::Pass | Verdict::Fail)
}

impl PartView {
    fn of(row: &FactRow) -> PartView {
        PartView {
            id: row.id.clone(),
            title: row.title.clone(),
            required: row.required,
            documented: row.documented.clone(),
            found: row.found.clone().unwrap_or_default(),
            place: row.place.clone(),
            verdict: row.verdict.name(),
            class: class_of(row.verdict),
            why: gate::why(row).to_owned(),
            brief: is_met(row) || is_unknown(row),
        }
    }
}

/// The class of an acceptance in the page's style.
pub(super) fn class_of_acceptance(acceptance: Acceptance) -> &'static str {
    match acceptance {
        Acceptance::Accepted => "good",
        Acceptance::Rejected => "bad",
        Acceptance::Inconclusive => "doubt",
        Acceptance::NotComparable => "faint",
    }
}

pub(super) fn class_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "good",
        Verdict::Fail | Verdict::Implausible => "bad",
        Verdict::Inconclusive | Verdict::Tainted | Verdict::NotMeasured => "doubt",
        Verdict::Infeasible | Verdict::NotComparable => "faint",
    }
}

/// Verdicts that are told from each other without colour.
pub(super) fn glyph(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Fail => "✕",
        Verdict::Implausible => "!",
        Verdict::Inconclusive | Verdict::Tainted => "~",
        Verdict::NotMeasured => "–",
        Verdict::Infeasible => "⊘",
        Verdict::NotComparable => "≠",
    }
}
