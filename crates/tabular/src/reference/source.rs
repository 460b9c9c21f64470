//! The rows that the reference looks at, read from the input column by column.
#![expect(clippy::cast_possible_truncation, reason = "columns of so many rows fit the memory")]

use std::collections::HashMap;

use twox_hash::XxHash64;

use crate::bits::Bits;
use crate::cells::Cells;
use crate::content;
use crate::dataset::Dataset;
use crate::error::Error;
use crate::schema::{DAY_US, Kind, Table};

/// Which rows are looked at. A sample is by a hash of a key, so that all rows of a user, an item or a group are in it or
/// none: what such a row gets depends on the others of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowChoice {
    /// Every row.
    All,
    /// Single rows, one of so many.
    Rows(u64),
    /// All rows of a user, one user of so many.
    Users(u64),
    /// All rows of an item, one item of so many.
    Items(u64),
    /// All rows of a country on a day, one such group of so many.
    Groups(u64),
}

/// Rows of the events of a data set, in the order of the files.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    dataset: &'a Dataset,
    /// By position in the order of the files; none for all.
    keep: Option<Bits>,
}

/// Whether a row is in the sample of one row of so many.
pub(crate) fn is_sampled(row_id: i64, one_of: u64) -> bool {
    XxHash64::oneshot(0, &row_id.to_le_bytes()).is_multiple_of(one_of)
}

impl<'a> Source<'a> {
    /// The rows of a sample.
    pub(crate) fn new(dataset: &'a Dataset, sample: RowChoice) -> Result<Self, Error> {
        let (key, of): (&'static [&'static str], _) = match sample {
            RowChoice::All => return Ok(Self { dataset, keep: None }),
            RowChoice::Rows(of) => (&["row_id"], of),
            RowChoice::Users(of) => (&["user_id"], of),
            RowChoice::Items(of) => (&["item_id"], of),
            RowChoice::Groups(of) => (&["ts", "country"], of),
        };
        let mut keep = Bits::new(dataset.rows(Table::Events));
        let mut position = 0;
        Self { dataset, keep: None }.each(key, |cells, at| {
            let number = cells[0].int(at).unwrap_or(0);
            let hash = match cells.get(1).and_then(|country| country.text(at)) {
                Some(country) => XxHash64::oneshot(number.div_euclid(DAY_US).cast_unsigned(), country.as_bytes()),
                None => XxHash64::oneshot(0, &number.to_le_bytes()),
            };
            if hash.is_multiple_of(of) {
                keep.insert(position);
            }
            position += 1;
        })?;
        Ok(Self { dataset, keep: Some(keep) })
    }

    /// The same input with all its rows.
    pub(crate) fn whole(&self) -> Self {
        Self { dataset: self.dataset, keep: None }
    }

    /// How many rows.
    pub(crate) fn rows(&self) -> usize {
        self.keep.as_ref().map_or_else(|| self.dataset.rows(Table::Events), Bits::count) as usize
    }

    /// Hands on each row: the columns in the order of `names`, and where in them the row is.
    pub(crate) fn each(&self, names: &[&'static str], mut row: impl FnMut(&[Cells], usize)) -> Result<(), Error> {
        let mut position = 0;
        self.dataset.read(Table::Events, names, |batch| {
            for at in 0..batch.cells.first().map_or(0, Cells::len) {
                if self.keep.as_ref().is_none_or(|keep| keep.contains(position)) {
                    row(batch.cells, at);
                }
                position += 1;
            }
            Ok(())
        })
    }

    /// A column of whole numbers, bools, dates or times.
    pub(crate) fn ints(&self, name: &'static str) -> Result<Vec<Option<i64>>, Error> {
        let mut values = Vec::with_capacity(self.rows());
        self.each(&[name], |cells, at| values.push(cells[0].int(at)))?;
        Ok(values)
    }

    /// A column of whole numbers without nulls.
    pub(crate) fn whole_numbers(&self, name: &'static str) -> Result<Vec<i64>, Error> {
        let mut values = Vec::with_capacity(self.rows());
        self.each(&[name], |cells, at| values.extend(cells[0].int(at)))?;
        Ok(values)
    }

    /// The refusal of an input of which a whole number of the result does not fit its type.
    pub(crate) fn does_not_fit(&self, column: &'static str, row: usize, kind: Kind) -> Error {
        // Row ids are read again only for this.
        match self.whole_numbers("row_id") {
            Ok(ids) => Error::DoesNotFit { column, row: ids[row], kind },
            Err(error) => error,
        }
    }

    /// A column of doubles.
    pub(crate) fn floats(&self, name: &'static str) -> Result<Vec<Option<f64>>, Error> {
        let mut values = Vec::with_capacity(self.rows());
        self.each(&[name], |cells, at| values.push(cells[0].f64(at)))?;
        Ok(values)
    }

    /// A dimension table as a map from its key to one of its columns.
    pub(crate) fn dimension(
        &self,
        table: Table,
        key: &'static str,
        value: &'static str,
    ) -> Result<HashMap<i64, i64>, Error> {
        let mut map = HashMap::new();
        self.dataset.read(table, &[key, value], |batch| {
            for at in 0..batch.cells[0].len() {
                if let (Some(id), Some(value)) = (batch.cells[0].int(at), batch.cells[1].int(at))
                    && map.insert(id, value).is_some()
                {
                    return Err(batch.refused(key, content::twice(batch.first + at, id)));
                }
            }
            Ok(())
        })?;
        Ok(map)
    }
}
