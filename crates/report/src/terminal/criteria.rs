//! One line for each criterion: its id first and never cut, then what was promised, what was found, and the verdict.

use verdict::{FactRow, Judgement, LimitKind, Row, Verdict};

use super::grid::{Cell, Give, Grid, Paint, paint_of};
use crate::text::{documented, share, spread, wrap};
use crate::{Look, gate};

/// Cells of a bar.
const BAR: usize = 8;
/// The same as a number of steps.
const STEPS: u32 = 8;

/// Between two columns.
const GAP: &str = "  ";

/// A title shorter than this says nothing.
const SHORTEST_TITLE: usize = 12;

/// A column, set to the left or to the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Id,
    Title,
    Documented,
    Measured,
    OfDocumented,
    OfHost,
    Verdict,
}

impl Column {
    /// How the columns follow each other: where the host is not the documented machine, what it reaches of its own ceiling
    /// says more than what it reaches of another machine's figures.
    fn order(own_first: bool) -> [Column; 7] {
        use Column::{Documented, Id, Measured, OfDocumented, OfHost, Title, Verdict};
        if own_first {
            [Id, Title, Measured, OfHost, Documented, OfDocumented, Verdict]
        } else {
            [Id, Title, Documented, Measured, OfDocumented, OfHost, Verdict]
        }
    }

    fn header(self) -> &'static str {
        match self {
            Column::Id => "Criterion",
            Column::Title => "",
            Column::Documented => "Documented",
            Column::Measured => "Measured",
            Column::OfDocumented => "Of it",
            Column::OfHost => "Of own ceiling",
            Column::Verdict => "Verdict",
        }
    }
}

/// The targets that decide, and with `all` every row.
pub(super) fn targets(judgement: &Judgement, all: bool, look: Look) -> String {
    let is_shown = |row: &&Row| all || row.companion_of.is_none() || row.required;
    let rows: Vec<&Row> = judgement.rows.iter().filter(is_shown).collect();
    let elsewhere = rows.iter().any(|row| row.measured.is_some() && !row.comparability.differs.is_empty());
    let order = Column::order(elsewhere);
    let place = |column: Column| order.iter().position(|one| *one == column).unwrap_or_default();
    let numbers = [Column::Documented, Column::Measured, Column::OfDocumented].map(place);
    let mut grid = Grid::new(&order.map(Column::header), &numbers);
    for row in &rows {
        grid.row(order.map(|column| {
            let paint = if column == Column::Verdict { paint_of(row.verdict) } else { Paint::Plain };
            Cell::painted(&cell(row, column, look), paint)
        }));
    }
    // A title may be cut; a figure may not.
    let title = Give::Ends(place(Column::Title), SHORTEST_TITLE);
    // Another machine's figures say less than its own ceiling.
    let last = if elsewhere { [Column::Documented, Column::OfHost] } else { [Column::OfHost, Column::Documented] };
    let columns = [Column::OfDocumented, last[0], last[1]].map(|column| Give::Column(place(column)));
    let given: Vec<Give> = std::iter::once(title).chain(columns).collect();
    grid.lines(&given, look).unwrap_or_else(|| rows.iter().map(|row| stacked(row, look)).collect())
}

fn cell(row: &Row, column: Column, look: Look) -> String {
    match column {
        Column::Id => row.id.clone(),
        Column::Title => row.title.clone(),
        Column::Documented => documented(row.documented, row.approximate),
        Column::Measured => match (&row.measured, row.disturbed) {
            (Some(measured), _) => format!("{} {}", measured.value, spread(&measured.summary)).trim_end().to_owned(),
            (None, Some(disturbed)) => format!("({disturbed})"),
            (None, None) => String::new(),
        },
        Column::OfDocumented => row.share_of_target.map(share).unwrap_or_default(),
        Column::OfHost => {
            let ceiling = row.host_limit.as_ref().filter(|limit| limit.kind == LimitKind::Ceiling);
            let of = ceiling.and(row.share_of_host);
            of.map(|of| format!("{} {}", bar(of, look.ascii), share(of))).unwrap_or_default()
        }
        Column::Verdict if row.required => row.verdict.name().to_owned(),
        Column::Verdict => format!("{} (optional)", row.verdict.name()),
    }
}

/// How much of a whole, to an eighth of a cell: `██████▌ `.
fn bar(share: f64, ascii: bool) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let reached = |steps: u32| (1..=steps).filter(|step| share >= f64::from(*step) / f64::from(steps)).count();
    if ascii {
        return format!("{:<BAR$}", "#".repeat(reached(STEPS)));
    }
    let eighths = reached(8 * STEPS);
    format!("{:<BAR$}", "█".repeat(eighths / 8) + PARTS[eighths % 8])
}

/// Two lines for a criterion, on a terminal too narrow for one.
fn stacked(row: &Row, look: Look) -> String {
    let of = |column: Column| Cell::from(cell(row, column, look)).shown(look);
    let mut text = format!("{} {}\n", of(Column::Id), paint_of(row.verdict).on(&of(Column::Verdict), look));
    let mut figures = vec![format!("documented {}", of(Column::Documented))];
    figures.extend(Some(of(Column::Measured)).filter(|text| !text.is_empty()).map(|text| format!("measured {text}")));
    let shares = [(Column::OfDocumented, "of it"), (Column::OfHost, "of the host's own ceiling")];
    figures.extend(
        shares
            .iter()
            .map(|(column, what)| (of(*column), what))
            .filter(|(text, _)| !text.is_empty())
            .map(|(text, what)| format!("{} {what}", text.trim_start_matches(|c: char| !c.is_ascii_digit()))),
    );
    text += &wrap(&figures.join(", "), 2, look);
    text
}

/// The parts that are not as demanded, each with what was found, and how many are; with `all` every one.
pub(super) fn parts(judgement: &Judgement, all: bool, look: Look) -> String {
    let shown: Vec<&FactRow> = if all {
        judgement.facts.iter().collect()
    } else {
        gate::concerning(judgement).filter(|row| row.verdict != Verdict::Pass).collect()
    };
    let mut text = String::new();
    for row in &shown {
        text += &part(row, look);
    }
    if !text.is_empty() {
        text.insert(0, '\n');
    }
    let required = || judgement.facts.iter().filter(|row| row.required);
    let met = required().filter(|row| row.verdict == Verdict::Pass).count();
    match required().count() {
        0 => text,
        all => text + &wrap(&format!("{met} of {all} required parts are as documented."), 0, look),
    }
}

/// A part in a line, or below its id where that is too long.
fn part(row: &FactRow, look: Look) -> String {
    let verdict = paint_of(row.verdict).on(row.verdict.name(), look);
    let optional = if row.required { "" } else { " (optional)" };
    let id = Cell::from(&row.id).shown(look);
    let what = match &row.found {
        Some(found) => format!("{found} (documented {})", row.documented),
        None if row.verdict == Verdict::Pass => row.documented.clone(),
        None => format!("documented {}; {}", row.documented, row.reason),
    };
    let (what, taken) =
        (Cell::from(what).shown(look), id.chars().count() + 2 * GAP.len() + row.verdict.name().len() + optional.len());
    if taken + what.chars().count() <= usize::from(look.width) {
        format!("{id}{GAP}{what}{GAP}{verdict}{optional}\n")
    } else {
        format!("{id}{GAP}{verdict}{optional}\n{}", wrap(&what, 2, look))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::judged;
    use proptest::prelude::*;

    #[test]
    fn bars_fill_with_the_share() {
        let check = |share: f64, expect: &str, ascii: &str| {
            assert_eq!(bar(share, false), expect, "{share}");
            assert_eq!(bar(share, true), ascii, "{share}");
        };
        check(0.0, "        ", "        ");
        check(0.815, "██████▌ ", "######  ");
        check(1.0, "████████", "########");
        check(1.7, "████████", "########");
    }

    proptest! {
        #[test]
        fn no_id_and_no_figure_is_cut_at_any_width(width in 60_u16..=220, ascii: bool, all: bool) {
            let judgement = judged();
            let look = Look { ascii, ..Look::plain(width) };
            let text = targets(&judgement, all, look);
            for line in text.lines() {
                prop_assert!(line.chars().count() <= usize::from(width), "{line}");
                prop_assert!(!ascii || line.is_ascii(), "{line}");
            }
            for row in judgement.rows.iter().filter(|row| all || row.companion_of.is_none() || row.required) {
                let is_there = |word: &str| text.split_whitespace().any(|one| one.trim_matches(',') == word);
                prop_assert!(is_there(&row.id) && is_there(row.verdict.name()), "{}: {text}", row.id);
                if let Some(measured) = &row.measured {
                    prop_assert!(text.contains(&measured.value.to_string()), "{}: {text}", row.id);
                }
            }
        }
    }
}
