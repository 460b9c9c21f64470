//! A table whose rows are a line each: nothing is wrapped inside a cell, so that the eye finds a row by its first word.

use super::{Cell, Grid};
use crate::Look;

/// Between two columns.
const GAP: &str = "  ";

/// What a table gives up for its rows to fit into lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Give {
    /// This column.
    Column(usize),
    /// The ends of this column's texts, but not what is shorter than so many characters; then the column.
    Ends(usize, usize),
}

impl Grid {
    /// A line for each row, without frames; columns that nobody fills are left out. Where a line is too long, `given` says what
    /// is given up, in this order; `None` where even that is not enough.
    pub(crate) fn lines(&self, given: &[Give], look: Look) -> Option<String> {
        let texts: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(|cell| cell.shown(look)).collect()).collect();
        let kept = self.kept(&texts, given, usize::from(look.width))?;
        let mut lines = String::new();
        if !self.rows.is_empty() {
            lines += &self.line(&kept, look, |at| (self.header[at].to_owned(), None));
        }
        for (row, texts) in self.rows.iter().zip(&texts) {
            lines += &self.line(&kept, look, |at| (texts[at].clone(), Some(&row[at])));
        }
        Some(lines)
    }

    /// The same, and a list where the rows do not fit into lines.
    pub(crate) fn lines_or_list(&self, given: &[Give], look: Look) -> String {
        self.lines(given, look).unwrap_or_else(|| self.list(look))
    }

    /// The columns that stay, with their widths.
    fn kept(&self, texts: &[Vec<String>], given: &[Give], room: usize) -> Option<Vec<(usize, usize)>> {
        let widest = |at: usize| texts.iter().map(|row| width(&row[at])).max().unwrap_or(0);
        let columns = (0..self.header.len()).filter(|&at| widest(at) > 0);
        let mut kept: Vec<(usize, usize)> = columns.map(|at| (at, widest(at).max(width(self.header[at])))).collect();
        let total = |kept: &[(usize, usize)]| {
            kept.iter().map(|(_, width)| width + GAP.len()).sum::<usize>().saturating_sub(GAP.len())
        };
        for give in given {
            let over = total(&kept).saturating_sub(room);
            if over == 0 {
                break;
            }
            let (Give::Column(given) | Give::Ends(given, _)) = *give;
            match (give, kept.iter_mut().find(|(at, _)| *at == given)) {
                (Give::Ends(_, least), Some((_, width))) if *width >= over + least => *width -= over,
                // What names the row stays.
                (Give::Ends(0, least), Some((_, width))) => *width = (*width).min(*least),
                (_, Some(_)) => kept.retain(|(at, _)| *at != given),
                (_, None) => {}
            }
        }
        (total(&kept) <= room).then_some(kept)
    }

    fn line<'a>(
        &self,
        kept: &[(usize, usize)],
        look: Look,
        cell: impl Fn(usize) -> (String, Option<&'a Cell>),
    ) -> String {
        let mut line = String::new();
        for (place, &(at, width)) in kept.iter().enumerate() {
            let (text, painted) = cell(at);
            let text = cut(&text, width, look.ascii);
            let pad = " ".repeat(width - self::width(&text));
            let colour = |text: &str| painted.map_or_else(|| text.to_owned(), |cell| cell.paint.on(text, look));
            if place > 0 {
                line += GAP;
            }
            line += &if self.numbers.contains(&at) { pad + &colour(&text) } else { colour(&text) + &pad };
        }
        line.trim_end().to_owned() + "\n"
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn cut(text: &str, most: usize, ascii: bool) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let end = if ascii { "..." } else { "…" };
    let room = text.char_indices().nth(most.saturating_sub(width(end))).map_or(0, |(at, _)| at);
    let mut at = room;
    while let Some(start) = ends_badly(text, at) {
        // What is a single word has nothing else to be cut to.
        if text[..start].trim_end().is_empty() {
            at = room;
            break;
        }
        at = start;
    }
    text[..at].trim_end_matches([' ', ',', ';', ':']).to_owned() + end
}

/// Where the last word before `at` begins, if it must not stand at the end of a description: half of a number, a unit or an
/// identifier, a number without what it counts, or a sign between two.
fn ends_badly(text: &str, at: usize) -> Option<usize> {
    let kept = text[..at].trim_end();
    let start = kept.rfind(' ').map_or(0, |space| space + 1);
    let word = &kept[start..];
    let next = text[kept.len()..].chars().next();
    let is_whole = next.is_none_or(|next| matches!(next, ' ' | ',' | ';' | ':' | ')'));
    let is_plain = word.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '’' | ',' | '(' | ')' | ';'));
    let is_number = |word: &str| word.ends_with(|c: char| c.is_ascii_digit());
    let names_a_number = text[kept.len()..].strip_prefix(' ').is_some_and(|rest| rest.starts_with(is_name));
    let bad = (!is_whole && (!is_plain || is_number(kept[..start].trim_end())))
        || (is_number(word) && names_a_number)
        || !word.contains(char::is_alphanumeric);
    bad.then_some(start)
}

fn is_name(first: char) -> bool {
    first.is_alphabetic() || first == '%'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::grid::Paint;

    #[test]
    fn what_does_not_fit_is_given_up_in_order() {
        let mut grid = Grid::new(&["Id", "What it is", "Value", "Never filled"], &[2]);
        grid.row(["a.b".into(), "a long description".into(), Cell::painted("1.5 GB/s", Paint::Bad), "".into()]);
        grid.row(["c".into(), "short".into(), "± 2".into(), "".into()]);
        let given = [Give::Ends(1, 8), Give::Column(2)];
        let check = |width: u16, ascii: bool, expect: Option<&str>| {
            assert_eq!(grid.lines(&given, Look { ascii, ..Look::plain(width) }).as_deref(), expect, "{width}");
        };
        let whole =
            "Id   What it is             Value\na.b  a long description  1.5 GB/s\nc    short                    ± 2\n";
        check(80, false, Some(whole));
        check(33, false, Some(whole));
        check(25, false, Some("Id   What it is     Value\na.b  a long de…  1.5 GB/s\nc    short            ± 2\n"));
        check(25, true, Some("Id   What it is     Value\na.b  a long...   1.5 GB/s\nc    short          +/- 2\n"));
        check(20, false, Some("Id      Value\na.b  1.5 GB/s\nc         ± 2\n"));
        check(5, false, Some("Id\na.b\nc\n"));
        check(2, false, None);
    }

    #[test]
    fn a_description_does_not_end_with_half_a_number() {
        let check = |text: &str, most: usize, expect: &str| assert_eq!(cut(text, most, false), expect, "{text}");
        check("Random read, 4 KiB", 16, "Random read…");
        check("Random read, 4 KiB", 17, "Random read…");
        check("Random read, 4 KiB", 12, "Random read…");
        check("Random read, 4 KiB, p99", 20, "Random read, 4 KiB…");
        check("level of memory.stream here", 20, "level of…");
        check("memory.stream.achievable", 10, "memory.st…");
        check("the host has 2 (/proc/cpuinfo)", 18, "the host has 2…");
        check("6 drives × 4 lanes = 24", 20, "6 drives × 4 lanes…");
        check("6 drives × 4 lanes = 24", 14, "6 drives…");
        check("24 drives", 5, "24 d…");
        check("each lane 3.938 GB/s, twice", 18, "each lane…");
        check("each lane 3.938 GB/s, twice", 22, "each lane 3.938 GB/s…");
        check("each lane 3.938 GB/s, twice", 20, "each lane…");
        check("each lane 3.938 GB/s, twice", 26, "each lane 3.938 GB/s, twi…");
    }

    #[test]
    fn what_names_a_row_is_cut_and_never_given_up() {
        let mut grid = Grid::new(&["Target", "Value"], &[1]);
        grid.row(["a very long name of a target".into(), "1.5 GB/s".into()]);
        let given = [Give::Ends(0, 10)];
        assert_eq!(
            grid.lines(&given, Look::plain(25)).unwrap(),
            "Target              Value\na very long na…  1.5 GB/s\n"
        );
        assert_eq!(grid.lines(&given, Look::plain(15)), None);
    }

    #[test]
    fn only_a_cell_is_coloured() {
        let mut grid = Grid::new(&["Id", "Verdict"], &[]);
        grid.row(["a".into(), Cell::painted("FAIL", Paint::Bad)]);
        let look = Look { colour: true, ..Look::plain(80) };
        assert_eq!(grid.lines(&[], look).unwrap(), "Id  Verdict\na   \u{1b}[31mFAIL\u{1b}[0m\n");
    }
}
