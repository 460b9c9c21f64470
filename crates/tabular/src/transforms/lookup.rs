//! The dimension tables: an integer key, an integer value.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use polars::prelude::*;

use super::columns::numbers;

/// Values by key.
pub(crate) struct Lookup(HashMap<i32, i64, FixedState>);

impl Lookup {
    /// From the columns of a dimension table.
    pub(crate) fn new<V: PolarsNumericType<Native: Into<i64>>>(
        table: &DataFrame,
        key: &str,
        value: &str,
    ) -> PolarsResult<Lookup> {
        let keys = numbers::<Int32Type>(table, key)?.values;
        let values = numbers::<V>(table, value)?.values;
        Ok(Lookup(keys.iter().copied().zip(values.iter().map(|&value| value.into())).collect()))
    }

    pub(crate) fn get(&self, key: i32) -> Option<i64> {
        self.0.get(&key).copied()
    }
}
