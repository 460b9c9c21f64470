//! Columns of a chunk as slices, and slices as columns.

use std::borrow::Cow;

use polars_arrow::array::Utf8ViewArray;
use polars_arrow::bitmap::Bitmap;
use polars_core::prelude::*;

use crate::Error;
use crate::schema::Kind;

/// The values of a column of one chunk, and which of them are there.
#[derive(Clone, Copy)]
pub(crate) struct Values<'a, T> {
    pub(crate) values: &'a [T],
    pub(crate) present: Option<&'a Bitmap>,
}

/// Values that are compared side by side.
const LANES: usize = 8;
/// Values that are in the cache when they are read again.
const CACHED: usize = 1024;
/// Values whose presence is one word of a bitmap.
const BLOCK: usize = u64::BITS as usize;

impl<'a, T: Copy + Default> Values<'a, T> {
    /// What comes of each value and of whether it is there: without a branch for each bit, so that vectors can do it.
    pub(crate) fn map<U: Copy + Default>(self, of: impl Fn(T, bool) -> U) -> Vec<U> {
        let Some(present) = self.present else {
            return self.values.iter().map(|&value| of(value, true)).collect();
        };
        let mut mapped = Vec::with_capacity(self.values.len());
        self.blocks(present, |values, word| {
            let mut block = [U::default(); BLOCK];
            for (bit, (mapped, &value)) in block.iter_mut().zip(values).enumerate() {
                *mapped = of(value, word >> bit & 1 == 1);
            }
            mapped.extend_from_slice(&block[..values.len()]);
        });
        mapped
    }

    /// Looks at each value, and whether it is there.
    pub(crate) fn each(self, mut look: impl FnMut(T, bool)) {
        match self.present {
            None => self.values.iter().for_each(|&value| look(value, true)),
            Some(present) => self.blocks(present, |values, word| {
                values.iter().enumerate().for_each(|(bit, &value)| look(value, word >> bit & 1 == 1));
            }),
        }
    }

    /// The values that are there.
    pub(crate) fn known(self) -> Cow<'a, [T]> {
        let Some(present) = self.present else { return Cow::Borrowed(self.values) };
        let mut known = Vec::with_capacity(self.values.len());
        self.blocks(present, |values, word| {
            // Each is put behind those that are there, and stays where it is one of them.
            let (mut block, mut count) = ([T::default(); BLOCK], 0);
            for (bit, &value) in values.iter().enumerate() {
                block[count] = value;
                count += usize::from(word >> bit & 1 == 1);
            }
            known.extend_from_slice(&block[..count]);
        });
        Cow::Owned(known)
    }

    /// The values by words of their presence: the last are fewer.
    #[inline]
    fn blocks(self, present: &Bitmap, mut each: impl FnMut(&[T], u64)) {
        let (blocks, rest) = self.values.as_chunks::<BLOCK>();
        let mut words = present.chunks::<u64>();
        for (block, word) in blocks.iter().zip(&mut words) {
            each(block, word);
        }
        each(rest, words.remainder());
    }
}

/// The smallest and the largest of values that are numbers.
pub(crate) fn extremes<T: Copy + PartialOrd>(values: &[T]) -> Option<(T, T)> {
    let first = *values.first()?;
    let least = |a: T, b: T| if a < b { a } else { b };
    let most = |a: T, b: T| if a > b { a } else { b };
    let (mut lows, mut highs) = ([first; LANES], [first; LANES]);
    // One after the other, while they are in the cache: of both at once the compiler makes something four times slower.
    for block in values.chunks(CACHED) {
        let (lines, rest) = block.as_chunks::<LANES>();
        for line in lines {
            lows.iter_mut().zip(line).for_each(|(low, &value)| *low = least(value, *low));
        }
        for line in lines {
            highs.iter_mut().zip(line).for_each(|(high, &value)| *high = most(value, *high));
        }
        for &value in rest {
            (lows[0], highs[0]) = (least(value, lows[0]), most(value, highs[0]));
        }
    }
    let low = lows.into_iter().reduce(least)?;
    let high = highs.into_iter().reduce(most)?;
    Some((low, high))
}

/// A numeric column of a chunk. Dates and times are there as numbers.
pub(crate) fn numbers<'a, T: PolarsNumericType>(
    chunk: &'a DataFrame,
    name: &str,
) -> PolarsResult<Values<'a, T::Native>> {
    let column: &ChunkedArray<T> = chunk.column(name)?.as_materialized_series().unpack::<T>()?;
    let array = column.downcast_iter().next().ok_or_else(|| not_whole(name))?;
    polars_ensure!(array.values().len() == chunk.height(), ComputeError: "column `{name}` is in several pieces");
    Ok(Values { values: array.values().as_slice(), present: array.validity() })
}

/// A text column of a chunk.
pub(crate) fn texts<'a>(chunk: &'a DataFrame, name: &str) -> PolarsResult<&'a Utf8ViewArray> {
    let column = chunk.column(name)?.as_materialized_series().str()?;
    let array = column.downcast_iter().next().ok_or_else(|| not_whole(name))?;
    polars_ensure!(array.len() == chunk.height(), ComputeError: "column `{name}` is in several pieces");
    Ok(array)
}

/// The refusal of a chunk of which a whole number of the result does not fit its type.
pub(crate) fn does_not_fit(chunk: &DataFrame, column: &'static str, kind: Kind, row: usize) -> Error {
    match numbers::<Int64Type>(chunk, "row_id") {
        Ok(ids) => Error::DoesNotFit { column, row: ids.values[row], kind },
        Err(error) => error.into(),
    }
}

fn not_whole(name: &str) -> PolarsError {
    polars_err!(ComputeError: "column `{name}` has no values")
}

/// A column without nulls.
pub(crate) fn full<T: PolarsNumericType>(name: impl Into<PlSmallStr>, values: Vec<T::Native>) -> Column {
    ChunkedArray::<T>::from_vec(name.into(), values).into_column()
}

/// A column in which `None` is null.
pub(crate) fn with_nulls<T: PolarsNumericType>(
    name: impl Into<PlSmallStr>,
    values: impl ExactSizeIterator<Item = Option<T::Native>>,
) -> Column {
    let mut present = Vec::with_capacity(values.len());
    let filled = values.map(|value| {
        present.push(value.is_some());
        value.unwrap_or_default()
    });
    let filled = filled.collect();
    ChunkedArray::<T>::from_vec_validity(name.into(), filled, Some(Bitmap::from(present))).into_column()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_go_by_whether_they_are_there(
            column in prop::collection::vec(prop::option::of(prop::num::i32::ANY), 0..300), cut in 0..300_usize,
        ) {
            let rows = column.len();
            let chunk = DataFrame::new_infer_height(vec![Column::new("c".into(), &column)]).unwrap();
            // A part of it begins anywhere in a word.
            let cut = cut.min(rows);
            let part = chunk.slice(cut as i64, rows);
            let values = numbers::<Int32Type>(&part, "c").unwrap();
            let expect = &column[cut..];
            let mapped = values.map(|value, there| if there { i64::from(value) } else { i64::MAX });
            prop_assert_eq!(mapped, expect.iter().map(|value| value.map_or(i64::MAX, i64::from)).collect::<Vec<_>>());
            prop_assert_eq!(values.known().into_owned(), expect.iter().flatten().copied().collect::<Vec<_>>());
        }

        #[test]
        fn extremes_are_the_smallest_and_the_largest(values in prop::collection::vec(-1e3..1e3_f64, 0..2_100)) {
            let expect = values.iter().copied().reduce(f64::min).zip(values.iter().copied().reduce(f64::max));
            prop_assert_eq!(extremes(&values), expect);
        }
    }
}
