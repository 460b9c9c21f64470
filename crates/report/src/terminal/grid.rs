//! A table where it fits, a list where it does not: a narrow terminal must still read.

mod lines;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell as TableCell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, Width};
use verdict::Verdict;

use crate::Look;
use crate::text::{clean, to_ascii, unbroken, wrap};

pub(crate) use lines::Give;

/// From this width on, a table that is too wide is wrapped between the words of its cells; below, it becomes a list.
const WIDE: u16 = 100;
/// A frame and the blanks on both sides of a cell.
const AROUND: usize = 3;
/// Stands for a blank where a line must not end.
const BOUND: &str = "\u{a0}";

/// What a text says by its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    Good,
    Bad,
    Doubtful,
    Faint,
}

impl Paint {
    fn color(self) -> Option<Color> {
        match self {
            Paint::Plain => None,
            Paint::Good => Some(Color::Green),
            Paint::Bad => Some(Color::Red),
            Paint::Doubtful => Some(Color::Yellow),
            Paint::Faint => Some(Color::DarkGrey),
        }
    }

    /// The text in this colour, by the codes of ECMA-48.
    pub(crate) fn on(self, text: &str, look: Look) -> String {
        let code = match self {
            Paint::Plain => return text.to_owned(),
            Paint::Good => 32,
            Paint::Bad => 31,
            Paint::Doubtful => 33,
            Paint::Faint => 90,
        };
        if look.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// What a verdict says by its colour.
pub(super) fn paint_of(verdict: Verdict) -> Paint {
    match verdict {
        Verdict::Pass => Paint::Good,
        Verdict::Fail | Verdict::Implausible => Paint::Bad,
        Verdict::Inconclusive | Verdict::Tainted | Verdict::NotMeasured => Paint::Doubtful,
        Verdict::Infeasible | Verdict::NotComparable => Paint::Faint,
    }
}

/// One field.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    pub(crate) fn painted(text: &str, paint: Paint) -> Cell {
        Cell { text: clean(text), paint }
    }

    /// Its text as the terminal shows it.
    pub(super) fn shown(&self, look: Look) -> String {
        if look.ascii { to_ascii(&self.text) } else { self.text.clone() }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell::painted(text.as_ref(), Paint::Plain)
    }
}

/// Rows under a header. The first column names the row.
pub(crate) struct Grid {
    header: Vec<&'static str>,
    numbers: Vec<usize>,
    rows: Vec<Vec<Cell>>,
    packed: bool,
}

impl Grid {
    /// `numbers` are the columns that are set to the right.
    pub(crate) fn new(header: &[&'static str], numbers: &[usize]) -> Grid {
        Grid { header: header.to_vec(), numbers: numbers.to_vec(), rows: Vec::new(), packed: false }
    }

    /// As a list, the fields of a row share their lines: for many rows of small figures.
    pub(crate) fn packed(mut self) -> Grid {
        self.packed = true;
        self
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn render(&self, look: Look) -> String {
        let room = usize::from(look.width);
        let total = |widths: Vec<usize>| 1 + widths.iter().map(|width| width + AROUND).sum::<usize>();
        if total(self.widths(look, |text| text.chars().count())) <= room {
            return self.table(&[], look);
        }
        let least = self.widths(look, longest_word);
        if look.width >= WIDE && total(least.clone()) <= room { self.table(&least, look) } else { self.list(look) }
    }

    /// What each column takes, where `of` says it of a text.
    fn widths(&self, look: Look, of: fn(&str) -> usize) -> Vec<usize> {
        let cells = |at: usize| self.rows.iter().filter_map(move |row| row.get(at)).map(|cell| of(&cell.shown(look)));
        self.header.iter().enumerate().map(|(at, name)| cells(at).fold(of(name), usize::max)).collect()
    }

    fn bare(&self, look: Look) -> Table {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header(self.header.clone());
        for row in &self.rows {
            table.add_row(row.iter().map(|cell| {
                let words: Vec<String> =
                    unbroken(&cell.shown(look)).iter().map(|word| word.replace(' ', BOUND)).collect();
                let cell_of_table = TableCell::new(words.join(" "));
                match cell.paint.color() {
                    Some(color) => cell_of_table.fg(color),
                    None => cell_of_table,
                }
            }));
        }
        table
    }

    /// The table, whose columns are at least as wide as `least` says.
    fn table(&self, least: &[usize], look: Look) -> String {
        let mut table = self.bare(look);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(look.width).force_no_tty();
        if look.colour {
            table.enforce_styling();
        }
        for (column, longest) in least.iter().enumerate() {
            let least = u16::try_from(longest + AROUND - 1).unwrap_or(u16::MAX);
            if let Some(column) = table.column_mut(column) {
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
            }
        }
        for &number in &self.numbers {
            if let Some(column) = table.column_mut(number) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.lines().map(|line| line.trim_end().replace(BOUND, " ") + "\n").collect()
    }

    fn list(&self, look: Look) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let Some((name, fields)) = row.split_first() else { continue };
            let fields: Vec<(&str, &Cell)> =
                self.header.iter().skip(1).copied().zip(fields).filter(|(_, cell)| !cell.text.is_empty()).collect();
            text += &name.paint.on(&wrap(&name.text, 0, look), look);
            text += &if self.packed { packed(&fields, look) } else { self.stacked(&fields, look) };
        }
        text
    }

    fn stacked(&self, fields: &[(&str, &Cell)], look: Look) -> String {
        let label = self.header.iter().skip(1).map(|name| name.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for (header, cell) in fields {
            let header = format!("  {header:label$}  ");
            let value = wrap(&cell.text, label + 4, look);
            text.extend([header.as_str(), &cell.paint.on(value.trim(), look), "\n"]);
        }
        text
    }
}

/// How long the longest word is, a number with its unit as one.
fn longest_word(text: &str) -> usize {
    unbroken(text).iter().map(|word| word.chars().count()).max().unwrap_or(0)
}

fn packed(fields: &[(&str, &Cell)], look: Look) -> String {
    let fields: Vec<String> = fields.iter().map(|(header, cell)| format!("{header} {}", cell.text)).collect();
    wrap(&fields.join(" · "), 2, look)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let mut grid = Grid::new(&["What", "How much", "Why"], &[1]);
        grid.row(["memory".into(), "1".into(), Cell::painted("\u{1b}[2Jbecause", Paint::Bad)]);
        grid.row(["clock".into(), "22".into(), "".into()]);
        grid
    }

    #[test]
    fn a_table_where_it_fits() {
        insta::assert_snapshot!(grid().render(Look::plain(60)));
    }

    #[test]
    fn a_list_where_it_does_not() {
        insta::assert_snapshot!(grid().render(Look::plain(30)));
    }

    #[test]
    fn a_list_of_small_figures_shares_lines() {
        insta::assert_snapshot!(grid().packed().render(Look::plain(30)));
    }

    #[test]
    fn colour_only_where_it_is_wanted() {
        for width in [30, 60] {
            assert!(!grid().render(Look::plain(width)).contains('\u{1b}'));
        }
        assert!(
            grid().render(Look { colour: true, ..Look::plain(30) }).contains("\u{1b}[31m\\u{1b}[2Jbecause\u{1b}[0m")
        );
    }
}
