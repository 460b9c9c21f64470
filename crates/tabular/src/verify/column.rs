//! One column of an output, compared value by value and summed up.

use crate::cells::Cells;
use crate::digest::{self, Digest};
use crate::finding::Fault;
use crate::schema::{Column, Kind};

/// What was seen of a column.
#[derive(Clone, Debug, Default)]
pub(super) struct ColumnCheck {
    pub(super) nulls: u64,
    pub(super) digest: Digest,
    /// Σ|x| over the values that are not null.
    pub(super) absolute: f64,
    /// Σx² over the values that are not null.
    pub(super) squares: f64,
    wrong: u64,
    first: Option<String>,
}

impl ColumnCheck {
    /// Adds a batch. `places` says for each row where it is among the expected values, if it is.
    pub(super) fn add(
        &mut self,
        column: &Column,
        row_ids: &[i64],
        found: &Cells,
        places: &[Option<usize>],
        expected: &Cells,
    ) {
        self.nulls += found.nulls() as u64;
        match found {
            Cells::F32(values) => self.add_moments(values.iter().flatten().map(|&v| f64::from(v))),
            Cells::F64(values) => self.add_moments(values.iter().flatten().copied()),
            Cells::Int(_) | Cells::Text(_) => self.digest += digest::of_cells(column.name, row_ids, found),
        }
        let tolerance = Tolerance::of(column);
        for (at, (row, place)) in row_ids.iter().zip(places).enumerate() {
            let Some(place) = *place else { continue };
            if !tolerance.agree(found, at, expected, place) {
                self.wrong += 1;
                self.first.get_or_insert_with(|| {
                    format!("row {row} has {}, {} expected", found.show(at), expected.show(place))
                });
            }
        }
    }

    fn add_moments(&mut self, values: impl Iterator<Item = f64>) {
        for value in values {
            self.absolute += value.abs();
            self.squares += value * value;
        }
    }

    /// What is wrong with the column, if anything.
    pub(super) fn finding(&self, column: &Column) -> Option<Fault> {
        let what = match (&self.first, self.nulls) {
            (Some(first), _) => format!("{} values are wrong: {first}", self.wrong),
            (None, 1..) if !column.nullable => format!("{} are null, and none may be", self.nulls),
            _ => return None,
        };
        Some(Fault { column: column.name.to_owned(), what })
    }
}

/// How far two values may lie apart: by this share of the larger, or of `scale` where both are smaller.
#[derive(Clone, Copy, Debug)]
struct Tolerance {
    share: f64,
    /// The size of the numbers whose difference a value is: near zero, what is left of them has their errors.
    scale: f64,
}

impl Tolerance {
    fn of(column: &Column) -> Self {
        let share = if column.kind == Kind::F32 { 1e-5 } else { 1e-9 };
        let is_difference = column.name.ends_with("_z") || column.name.starts_with("tod_") || is_product(column.name);
        Self { share, scale: if is_difference { 1.0 } else { 0.0 } }
    }

    fn agree(self, found: &Cells, at: usize, expected: &Cells, place: usize) -> bool {
        match (found, expected) {
            (Cells::Int(found), Cells::Int(expected)) => found[at] == expected[place],
            (Cells::Text(_), Cells::Text(_)) => found.text(at) == expected.text(place),
            _ => match (float(found, at), float(expected, place)) {
                (None, None) => true,
                (Some(found), Some(expected)) => self.close(found, expected),
                _ => false,
            },
        }
    }

    #[expect(clippy::float_cmp, reason = "infinities have no difference; NaN is close to nothing")]
    fn close(self, found: f64, expected: f64) -> bool {
        found == expected
            || (found - expected).abs() <= self.share * found.abs().max(expected.abs()).max(self.scale)
                && found.is_finite()
                && expected.is_finite()
    }
}

/// Whether a column is one of the products `f1f2` … `f5f6`.
fn is_product(name: &str) -> bool {
    name.len() == 4 && name.starts_with('f') && name.as_bytes()[2] == b'f'
}

fn float(cells: &Cells, at: usize) -> Option<f64> {
    match cells {
        Cells::F32(values) => values[at].map(f64::from),
        Cells::F64(values) => values[at],
        Cells::Int(_) | Cells::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::output_columns;

    #[test]
    fn floats_agree_within_their_share_and_no_further() {
        let close = |name: &str, found: f64, expected: f64| {
            let column = output_columns().find(|c| c.name == name).expect("a column of the output");
            Tolerance::of(&column).close(found, expected)
        };
        for (name, found, expected, agree) in [
            ("te_c2", 1.0 + 9e-10, 1.0, true),
            ("te_c2", 1.0 + 2e-9, 1.0, false),
            ("te_c2", 1e-12, 0.0, false),
            ("f1_z", 1e-12, 0.0, true),
            ("f1_z", 2e-9, 0.0, false),
            ("f1f2", -1e-12, 1e-12, true),
            ("f1_mm", 1e-12, 0.0, false),
            ("tod_cos", 6e-17, 0.0, true),
            ("i1_log", 1.0 + 9e-6, 1.0, true),
            ("i1_log", 1.0 + 2e-5, 1.0, false),
            ("te_c2", f64::NAN, f64::NAN, false),
            ("te_c2", f64::INFINITY, f64::INFINITY, true),
            ("te_c2", f64::INFINITY, 1.0, false),
        ] {
            assert_eq!(close(name, found, expected), agree, "{name}: {found} and {expected}");
        }
    }
}
