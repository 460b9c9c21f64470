//! Chunks: some rows with all columns, which one thread works on at a time.

use polars_core::prelude::*;
use polars_core::runtime::RAYON;
use rayon::prelude::*;

use crate::Error;

/// Some rows, and the place of the first of them among all.
#[derive(Clone)]
pub(crate) struct Chunk {
    pub(crate) frame: DataFrame,
    pub(crate) start: usize,
}

impl Chunk {
    /// Adds columns.
    pub(crate) fn add(&mut self, columns: &[Column]) -> PolarsResult<()> {
        self.frame.hstack_mut(columns)?;
        Ok(())
    }

    /// Drops columns that nothing needs any more.
    pub(crate) fn drop(&mut self, names: &[&str]) -> PolarsResult<()> {
        names.iter().try_for_each(|name| self.frame.drop_in_place(name).map(|_| ()))
    }
}

/// Works on all chunks at once, and sums up the bytes of the columns that were added.
pub(crate) fn each(
    chunks: &mut [Chunk],
    work: impl Fn(&mut Chunk) -> Result<u64, Error> + Send + Sync,
) -> Result<u64, Error> {
    RAYON.install(|| chunks.par_iter_mut().map(&work).try_reduce(|| 0, |a, b| Ok(a + b)))
}

/// The same, with what is known of each chunk beside it.
pub(crate) fn each_with<T: Sync>(
    chunks: &mut [Chunk],
    known: &[T],
    work: impl Fn(&mut Chunk, &T) -> Result<u64, Error> + Send + Sync,
) -> Result<u64, Error> {
    debug_assert_eq!(chunks.len(), known.len(), "one for each chunk");
    let work = |(chunk, known): (&mut Chunk, &T)| work(chunk, known);
    RAYON.install(|| chunks.par_iter_mut().zip(known).map(work).try_reduce(|| 0, |a, b| Ok(a + b)))
}

/// What comes of each chunk, in their order.
pub(crate) fn map<T: Send>(
    chunks: &[Chunk],
    work: impl Fn(&Chunk) -> PolarsResult<T> + Send + Sync,
) -> Result<Vec<T>, Error> {
    Ok(RAYON.install(|| chunks.par_iter().map(&work).collect::<PolarsResult<_>>())?)
}

/// Rows of all chunks.
pub(crate) fn rows(chunks: &[Chunk]) -> usize {
    chunks.last().map_or(0, |last| last.start + last.frame.height())
}

/// Bytes of some columns in memory. Of texts Polars' own estimate is the sum of their lengths, without the views.
pub(crate) fn bytes(columns: &[Column]) -> u64 {
    let one = |column: &Column| match column.as_materialized_series().str() {
        Ok(texts) => texts.downcast_iter().map(|texts| size_of_val(&**texts.views()) + texts.total_buffer_len()).sum(),
        Err(_) => column.as_materialized_series().estimated_size(),
    };
    columns.iter().map(|column| one(column) as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_column_takes_in_memory_is_counted() {
        let check = |column: Column, expect: u64| assert_eq!(bytes(&[column]), expect);
        check(Column::new("c".into(), [1.0_f64; 10]), 80);
        check(Column::new("c".into(), ["DE"; 10]), 160);
        check(Column::new("c".into(), ["twenty-letters-and-6."]), 16 + 21);
    }
}
