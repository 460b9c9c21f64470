//! Whether the events have the row ids 0 … n − 1, each once, by a bit for each.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use polars_core::prelude::*;

use crate::schema::Table;
use crate::transforms::columns::numbers;
use crate::{Dataset, Error};

/// The ids that were met.
pub(crate) struct RowIds {
    words: Vec<AtomicU64>,
    rows: u64,
    wrong: AtomicBool,
}

impl RowIds {
    pub(crate) fn new(rows: u64) -> RowIds {
        let words = usize::try_from(rows.div_ceil(64)).unwrap_or(usize::MAX);
        RowIds { words: (0..words).map(|_| AtomicU64::new(0)).collect(), rows, wrong: AtomicBool::new(false) }
    }

    /// Adds the ids of some rows.
    pub(crate) fn add(&self, rows: &DataFrame) -> PolarsResult<()> {
        let ids = numbers::<Int64Type>(rows, "row_id")?.values;
        // Ids that follow one another share a word, which is written once for all of them.
        let (mut word, mut bits) = (0, 0_u64);
        for &id in ids {
            let Some(id) = u64::try_from(id).ok().filter(|&id| id < self.rows) else {
                self.wrong.store(true, Relaxed);
                continue;
            };
            let (of_id, bit) = ((id / 64) as usize, 1 << (id % 64));
            if of_id != word || bits & bit != 0 {
                self.put(word, bits);
                (word, bits) = (of_id, 0);
            }
            bits |= bit;
        }
        self.put(word, bits);
        Ok(())
    }

    fn put(&self, word: usize, bits: u64) {
        if bits != 0 && self.words[word].fetch_or(bits, Relaxed) & bits != 0 {
            self.wrong.store(true, Relaxed);
        }
    }

    /// Sees that each id was met once, when all rows were added; else reads the ids again, for the row that is wrong.
    pub(crate) fn check(&self, data: &Dataset) -> Result<(), Error> {
        if self.wrong.load(Relaxed) { data.require_row_ids() } else { Ok(()) }
    }

    /// For all events of a data set.
    pub(crate) fn of(data: &Dataset) -> RowIds {
        RowIds::new(data.rows(Table::Events))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_there_twice_or_beyond_are_found_in_any_order() {
        let check = |chunks: &[&[i64]], wrong: bool| {
            let ids = RowIds::new(chunks.iter().map(|chunk| chunk.len() as u64).sum());
            for chunk in chunks {
                let column = Column::new("row_id".into(), *chunk);
                ids.add(&DataFrame::new_infer_height(vec![column]).unwrap()).unwrap();
            }
            assert_eq!(ids.wrong.load(Relaxed), wrong, "{chunks:?}");
        };
        check(&[&[0]], false);
        check(&[&[2, 0], &[1, 3]], false);
        check(&[&[0, 0]], true);
        check(&[&[0, 1], &[1, 2]], true);
        check(&[&[0, 1], &[2, 4]], true);
        check(&[&[-1, 0]], true);
        let (low, high): (Vec<i64>, Vec<i64>) = ((0..100).collect(), (100..200).rev().collect());
        check(&[&high, &low], false);
        check(&[&high, &low[1..], &[100]], true);
    }
}
