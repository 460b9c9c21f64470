//! What the transformations that need all rows of a key together have in common.

use polars_core::prelude::*;

use crate::Error;
use crate::schema::Kind;

/// Some whole numbers with names, as words: what is put into a file, or where several threads write.
pub(crate) trait Words: Copy + Send + Sync {
    /// How many.
    const WORDS: usize;

    /// Hands each word on with its number.
    fn put(self, put: impl FnMut(usize, i64));

    /// The same from its words.
    fn get(get: impl FnMut(usize) -> i64) -> Self;
}

/// A struct of whole numbers of 64 bits, as words in the order of its fields.
macro_rules! words {
    ($(#[$of_struct:meta])* $name:ident { $($(#[$of_field:meta])* $field:ident),+ $(,)? }) => {
        $(#[$of_struct])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub(crate) struct $name {
            $($(#[$of_field])* pub(crate) $field: i64,)+
        }

        impl $crate::transforms::keyed::Words for $name {
            const WORDS: usize = [$(stringify!($field)),+].len();

            fn put(self, mut put: impl FnMut(usize, i64)) {
                let words = [$(self.$field),+];
                words.into_iter().enumerate().for_each(|(number, word)| put(number, word));
            }

            fn get(mut get: impl FnMut(usize) -> i64) -> Self {
                let mut numbers = 0..;
                let mut next = || get(numbers.next().unwrap_or_default());
                $name { $($field: next()),+ }
            }
        }
    };
}
pub(crate) use words;

/// A transformation that needs all rows of a key together.
///
/// A row is cut down to a record: its key, its place among the rows, and what the transformation reads. What comes of a row
/// is a result. So the same transformation works in memory and from disk.
pub(crate) trait Keyed: Sync {
    /// What is needed of a row.
    type In: Words + Default;
    /// What comes of a row.
    type Out: Words;

    /// The records of a chunk whose first row has place `start`.
    fn records(chunk: &DataFrame, start: usize) -> PolarsResult<impl ExactSizeIterator<Item = Self::In> + Clone>;

    /// The key of a record.
    fn key(record: &Self::In) -> i64;

    /// Sorts the records of some whole keys, and gives each record's result with its place.
    fn solve(records: &mut [Self::In], give: impl FnMut(usize, Self::Out)) -> Result<(), DoesNotFit>;

    /// The columns of a chunk's results.
    fn columns(results: &[Self::Out]) -> Vec<Column>;
}

/// Sorts records by their keys, and those of a key by `order`, in which they mostly are: then the first is enough.
pub(crate) fn sort_by_key_and<R, K: Ord, O: Ord>(records: &mut [R], key: impl Fn(&R) -> K, order: impl Fn(&R) -> O) {
    records.sort_by_key(&key);
    for of_key in records.chunk_by_mut(|a, b| key(a) == key(b)) {
        if !of_key.is_sorted_by_key(&order) {
            of_key.sort_unstable_by_key(&order);
        }
    }
}

/// A whole number of the result that does not fit its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DoesNotFit {
    /// The column of the result.
    pub(crate) column: &'static str,
    /// Its type.
    pub(crate) kind: Kind,
    /// The place of its row.
    pub(crate) place: usize,
}

impl DoesNotFit {
    /// The error, with the id of the row.
    pub(crate) fn of_row(self, row: i64) -> Error {
        Error::DoesNotFit { column: self.column, row, kind: self.kind }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn records_are_sorted_by_key_and_then_in_order(
            mut records in prop::collection::vec((0..5_i64, 0..20_i64), 0..100), before in any::<bool>(),
        ) {
            if before {
                // As they mostly come.
                records.sort_by_key(|record| record.1);
            }
            let mut expect = records.clone();
            expect.sort_unstable();
            sort_by_key_and(&mut records, |record| record.0, |record| record.1);
            prop_assert_eq!(records, expect);
        }
    }
}
