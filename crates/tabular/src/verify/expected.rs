//! What the columns of a transformation should hold.

use std::collections::HashMap;

use super::column::ColumnCheck;
use super::output::Output;
use crate::cells::Cells;
use crate::dataset::Dataset;
use crate::error::Error;
use crate::reference::{self, RowChoice, Source};
use crate::schema::{TRANSFORMS, Transform};

/// The expected values for some rows.
pub(super) struct Expected {
    /// Where the values of a row are.
    places: HashMap<i64, usize>,
    columns: Vec<Cells>,
}

impl Expected {
    /// Computed by the reference for a sample of the rows.
    pub(super) fn by_reference(dataset: &Dataset, index: usize, sample: RowChoice) -> Result<Self, Error> {
        let source = Source::new(dataset, sample)?;
        let row_ids = source.whole_numbers("row_id")?;
        let places = row_ids.into_iter().enumerate().map(|(place, row)| (row, place)).collect();
        Ok(Self { places, columns: reference::transform(index, &source)? })
    }

    /// Taken from another output, for one row of so many.
    pub(super) fn by_output(other: &Output, index: usize, one_of: u64) -> Result<Self, Error> {
        let columns = TRANSFORMS[index].columns;
        let names: Vec<&'static str> = std::iter::once("row_id").chain(columns.iter().map(|c| c.name)).collect();
        let mut places = HashMap::new();
        let mut kept: Vec<Vec<Cells>> = columns.iter().map(|_| Vec::new()).collect();
        other.read(&names, |cells| {
            let rows: Vec<usize> = (0..cells[0].len())
                .filter(|&at| cells[0].int(at).is_some_and(|row| reference::is_sampled(row, one_of)))
                .collect();
            for &at in &rows {
                places.insert(cells[0].int(at).unwrap_or(-1), places.len());
            }
            kept.iter_mut().zip(&cells[1..]).for_each(|(kept, cells)| kept.push(cells.pick(&rows)));
            Ok(())
        })?;
        Ok(Self { places, columns: kept.iter().map(|parts| Cells::concat(parts)).collect() })
    }

    /// How many rows have expected values.
    pub(super) fn rows(&self) -> u64 {
        self.places.len() as u64
    }

    /// The expected values, by place, in the order of the schema.
    pub(super) fn columns(&self) -> &[Cells] {
        &self.columns
    }

    /// The ids of a batch, and where the expected values of each are.
    pub(super) fn places(&self, row_ids: &Cells) -> (Vec<i64>, Vec<Option<usize>>) {
        (0..row_ids.len())
            .map(|at| row_ids.int(at).unwrap_or(-1))
            .map(|row| (row, self.places.get(&row).copied()))
            .unzip()
    }

    /// Compares the columns of a transformation in an output with what is expected of them, and sums up what they hold.
    pub(super) fn check(&self, output: &Output, transform: &Transform) -> Result<Vec<ColumnCheck>, Error> {
        let names: Vec<&'static str> =
            std::iter::once("row_id").chain(transform.columns.iter().map(|c| c.name)).collect();
        let mut checks = vec![ColumnCheck::default(); transform.columns.len()];
        output.read(&names, |cells| {
            let (row_ids, places) = self.places(&cells[0]);
            for (((column, check), found), expected) in
                transform.columns.iter().zip(&mut checks).zip(&cells[1..]).zip(self.columns())
            {
                check.add(column, &row_ids, found, &places, expected);
            }
            Ok(())
        })?;
        Ok(checks)
    }
}
