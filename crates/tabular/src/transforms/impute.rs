//! t01: heavy-tailed counts to a logarithmic scale.

use std::sync::LazyLock;

use polars_core::prelude::*;

use super::columns::{full, numbers};

/// Where values are cut off.
const MOST: i32 = 1 << 20;

/// ln(1 + x) for every x that is left after the cut: 4 MiB, of which heavy-tailed values use the first pages.
static LOGARITHMS: LazyLock<Vec<f32>> = LazyLock::new(|| {
    #[expect(clippy::cast_possible_truncation, reason = "the definition rounds last")]
    (0..=MOST).map(|x| f64::from(x).ln_1p() as f32).collect()
});

/// `i1_log` … `i13_log`.
pub(crate) fn columns(chunk: &DataFrame) -> PolarsResult<Vec<Column>> {
    let table = LOGARITHMS.as_slice();
    let one = |number| {
        let values = numbers::<Int32Type>(chunk, &format!("i{number}"))?;
        let logs = values.map(|x, there| table[if there { x } else { 0 }.clamp(0, MOST).unsigned_abs() as usize]);
        Ok(full::<Float32Type>(format!("i{number}_log"), logs))
    };
    (1..=13).map(one).collect()
}
