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

impl<'a, T: Copy> Values<'a, T> {
    /// The values with `fill` in place of nulls.
    pub(crate) fn filled(self, fill: T) -> Cow<'a, [T]> {
        match self.present {
            None => Cow::Borrowed(self.values),
            Some(present) => {
                let filled = self.values.iter().zip(present).map(|(&value, there)| if there { value } else { fill });
                Cow::Owned(filled.collect())
            }
        }
    }

    /// The values that are there.
    pub(crate) fn known(self) -> Cow<'a, [T]> {
        match self.present {
            None => Cow::Borrowed(self.values),
            Some(present) => {
                let known = self.values.iter().zip(present).filter_map(|(&value, there)| there.then_some(value));
                Cow::Owned(known.collect())
            }
        }
    }
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
