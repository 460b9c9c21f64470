//! One line for each criterion: its id first and never cut, then what was promised, what was found, and the verdict.

use verdict::{FactRow, Judgement, LimitKind, Row, Verdict};

use super::grid::{Paint, paint_of};
use crate::text::{clean, documented, share, spread, to_ascii, wrap};
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

    fn is_number(self) -> bool {
        matches!(self, Column::Documented | Column::Measured | Column::OfDocumented)
    }

    /// What is left out first where the line is too long.
    const DROPPED: [Column; 4] = [Column::Title, Column::OfDocumented, Column::OfHost, Column::Documented];
}

/// The targets that decide, and with `all` every row.
pub(super) fn targets(judgement: &Judgement, all: bool, look: Look) -> String {
    let is_shown = |row: &&Row| all || row.companion_of.is_none() || row.required;
    let rows: Vec<&Row> = judgement.rows.iter().filter(is_shown).collect();
    let elsewhere = rows.iter().any(|row| row.measured.is_some() && !row.comparability.differs.is_empty());
    let order = Column::order(elsewhere);
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let cell = |column: &Column| {
                let text = clean(&cell(row, *column, look));
                if look.ascii { to_ascii(&text) } else { text }
            };
            order.iter().map(cell).collect()
        })
        .collect();
    let kept = columns(&order, &cells, look.width);
    if kept.is_empty() { stacked(&order, &rows, &cells, look) } else { table(&order, &kept, &rows, &cells, look) }
}

fn cell(row: &Row, column: Column, look: Look) -> String {
    match column {
        Column::Id => row.id.clone(),
        Column::Title if row.required => row.title.clone(),
        Column::Title => format!("{} (optional)", row.title),
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
        Column::Verdict => row.verdict.name().to_owned(),
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

fn width(text: &str) -> usize {
    text.chars().count()
}

/// The columns that say something and fit into a line, with their widths.
fn columns(order: &[Column], cells: &[Vec<String>], width_of_line: u16) -> Vec<(Column, usize)> {
    let room = usize::from(width_of_line);
    let natural = |at: usize| cells.iter().map(|row| width(&row[at])).max().unwrap_or(0);
    let mut kept: Vec<(Column, usize)> = Vec::new();
    for (at, column) in order.iter().enumerate() {
        let widest = natural(at);
        if widest > 0 {
            kept.push((*column, widest.max(width(column.header()))));
        }
    }
    let total = |kept: &[(Column, usize)]| kept.iter().map(|(_, width)| width + GAP.len()).sum::<usize>() - GAP.len();
    for dropped in Column::DROPPED {
        if kept.is_empty() || total(&kept) <= room {
            break;
        }
        let over = total(&kept) - room;
        match kept.iter_mut().find(|(column, _)| *column == dropped) {
            // A title may be cut; a figure may not.
            Some((Column::Title, width)) if *width >= over + SHORTEST_TITLE => *width -= over,
            Some(_) => kept.retain(|(column, _)| *column != dropped),
            None => {}
        }
    }
    if !kept.is_empty() && total(&kept) > room { Vec::new() } else { kept }
}

fn table(order: &[Column], kept: &[(Column, usize)], rows: &[&Row], cells: &[Vec<String>], look: Look) -> String {
    let line = |text: &dyn Fn(usize, Column) -> String, paint: Paint| {
        let mut line = String::new();
        for (column, width) in kept {
            let Some(at) = order.iter().position(|one| one == column) else { continue };
            let text = cut(&text(at, *column), *width, look.ascii);
            let text = if column.is_number() { format!("{text:>width$}") } else { format!("{text:<width$}") };
            line += &if *column == Column::Verdict { paint.on(text.trim_end(), look) } else { text + GAP };
        }
        line.trim_end().to_owned() + "\n"
    };
    let mut text =
        if rows.is_empty() { String::new() } else { line(&|_, column| column.header().to_owned(), Paint::Plain) };
    for (row, cells) in rows.iter().zip(cells) {
        text += &line(&|at, _| cells[at].clone(), paint_of(row.verdict));
    }
    text
}

fn cut(text: &str, most: usize, ascii: bool) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let end = if ascii { "..." } else { "…" };
    let kept: String = text.chars().take(most - width(end)).collect();
    kept.trim_end().to_owned() + end
}

/// Two lines for a criterion, on a terminal too narrow for one.
fn stacked(order: &[Column], rows: &[&Row], cells: &[Vec<String>], look: Look) -> String {
    let mut text = String::new();
    for (row, cells) in rows.iter().zip(cells) {
        let of = |column: Column| order.iter().position(|one| *one == column).map_or("", |at| cells[at].as_str());
        text.extend([of(Column::Id), " ", &paint_of(row.verdict).on(row.verdict.name(), look), "\n"]);
        let mut figures = vec![format!("documented {}", of(Column::Documented))];
        figures
            .extend(Some(of(Column::Measured)).filter(|text| !text.is_empty()).map(|text| format!("measured {text}")));
        let shares = [(Column::OfDocumented, "of it"), (Column::OfHost, "of the host's own ceiling")];
        figures.extend(shares.iter().filter(|(column, _)| !of(*column).is_empty()).map(|(column, what)| {
            let text = of(*column).trim_start_matches(|c: char| !c.is_ascii_digit());
            format!("{text} {what}")
        }));
        text += &wrap(&figures.join(", "), 2, look.width);
    }
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
        all => text + &wrap(&format!("{met} of {all} required parts are as documented."), 0, look.width),
    }
}

/// A part in a line, or below its id where that is too long.
fn part(row: &FactRow, look: Look) -> String {
    let verdict = paint_of(row.verdict).on(row.verdict.name(), look);
    let optional = if row.required { "" } else { " (optional)" };
    let id = clean(&row.id);
    let what = match &row.found {
        Some(found) => format!("{found} (documented {})", row.documented),
        None if row.verdict == Verdict::Pass => row.documented.clone(),
        None => format!("documented {}; {}", row.documented, row.reason),
    };
    let (what, taken) = (clean(&what), width(&id) + 2 * GAP.len() + row.verdict.name().len() + optional.len());
    if taken + width(&what) <= usize::from(look.width) {
        format!("{id}{GAP}{what}{GAP}{verdict}{optional}\n")
    } else {
        format!("{id}{GAP}{verdict}{optional}\n{}", wrap(&what, 2, look.width))
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
