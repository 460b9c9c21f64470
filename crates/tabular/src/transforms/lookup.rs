//! The dimension tables: an integer key, an integer value.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use polars_core::prelude::*;

use super::columns::numbers;

/// Values by key.
#[derive(Default)]
pub(crate) struct Lookup(HashMap<i32, i64, FixedState>);

/// A key that a table has twice.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Twice {
    /// The row that has it again.
    pub(crate) row: usize,
    pub(crate) key: i32,
}

impl Lookup {
    /// Adds the rows of a part of the table; the first key that is there already.
    pub(crate) fn add<V: PolarsNumericType<Native: Into<i64>>>(
        &mut self,
        part: &DataFrame,
        key: &str,
        value: &str,
    ) -> PolarsResult<Option<Twice>> {
        let keys = numbers::<Int32Type>(part, key)?.values;
        let values = numbers::<V>(part, value)?.values;
        self.0.reserve(keys.len());
        for (row, (&key, &value)) in keys.iter().zip(values).enumerate() {
            if self.0.insert(key, value.into()).is_some() {
                return Ok(Some(Twice { row, key }));
            }
        }
        Ok(None)
    }

    pub(crate) fn get(&self, key: i32) -> Option<i64> {
        self.0.get(&key).copied()
    }
}
