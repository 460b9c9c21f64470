//! What the transformations that need all rows of a key together have in common.

use polars::prelude::*;

/// A transformation that needs all rows of a key together.
///
/// A row is cut down to a record of `IN` integers: its key, its place among the rows, and what the transformation
/// reads. What comes of a row are `OUT` integers. So the same transformation works in memory and from disk.
pub(crate) trait Keyed<const IN: usize, const OUT: usize>: Sync {
    /// The records of a chunk whose first row has place `start`.
    fn records(chunk: &DataFrame, start: usize) -> PolarsResult<Vec<[i64; IN]>>;

    /// Sorts the records of some whole keys, and gives each record's result with its place.
    fn solve(records: &mut [[i64; IN]], give: impl FnMut(usize, [i64; OUT]));

    /// The columns of a chunk's results.
    fn columns(results: &[[i64; OUT]]) -> Vec<Column>;
}

/// A null among results.
pub(crate) const NULL: i64 = i64::MIN;

/// A result that may be null.
pub(crate) fn known(result: i64) -> Option<i64> {
    (result != NULL).then_some(result)
}

/// The place of a record.
pub(crate) fn place(word: i64) -> usize {
    usize::try_from(word).unwrap_or(usize::MAX)
}

/// A record's word for the place of row `index` of a chunk.
pub(crate) fn word(start: usize, index: usize) -> i64 {
    (start + index) as i64
}

/// Which of `parts` (a power of two) a key belongs to.
pub(crate) fn part(key: i64, parts: usize) -> usize {
    // Fibonacci hashing: neighbours are spread evenly.
    let mixed = key.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 32) as usize & (parts - 1)
}
