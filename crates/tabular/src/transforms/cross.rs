//! t06: pairs of codes hashed into buckets, and products of the normalised columns.

use polars_core::prelude::*;

use super::columns::{full, numbers};
use super::normalise;

/// `x_c1_c2`, `x_c2_device`, `x_c1_country`, `f1f2` … `f5f6`.
pub(crate) fn columns(chunk: &DataFrame, countries: &[i32]) -> PolarsResult<Vec<Column>> {
    let code = |name: &str| Ok::<_, PolarsError>(numbers::<Int32Type>(chunk, name)?.values);
    let (c1, c2, device) = (code("c1_code")?, code("c2_code")?, code("device_code")?);
    let crossed = [("x_c1_c2", c1, c2), ("x_c2_device", c2, device), ("x_c1_country", c1, countries)];
    let mut columns: Vec<Column> =
        crossed.into_iter().map(|(name, a, b)| full::<Int32Type>(name, cross(a, b))).collect();
    for i in 1..=normalise::COLUMNS {
        let left = numbers::<Float64Type>(chunk, &format!("f{i}_z"))?.values;
        for j in i + 1..=normalise::COLUMNS {
            let right = numbers::<Float64Type>(chunk, &format!("f{j}_z"))?.values;
            columns
                .push(full::<Float64Type>(format!("f{i}f{j}"), left.iter().zip(right).map(|(a, b)| a * b).collect()));
        }
    }
    Ok(columns)
}

fn cross(a: &[i32], b: &[i32]) -> Vec<i32> {
    let hash = |(&a, &b): (&i32, &i32)| {
        let mixed = i64::from(a) * 1_000_003 + i64::from(b) * 10_007 + 17;
        // Codes are not negative, so the remainder is below 2²⁰.
        i32::try_from(mixed % 2_147_483_647 % 1_048_576).unwrap_or(0)
    };
    a.iter().zip(b).map(hash).collect()
}
