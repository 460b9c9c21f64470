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
    a.iter().zip(b).map(|(&a, &b)| hash(a.unsigned_abs(), b.unsigned_abs())).collect()
}

/// The bucket of two codes, which are not negative.
fn hash(a: u32, b: u32) -> i32 {
    const PRIME: u64 = (1 << 31) - 1;
    let mixed = u64::from(a) * 1_000_003 + u64::from(b) * 10_007 + 17;
    // 2³¹ leaves 1, so what is above 31 bits is added to what is below: a division that vectors can do.
    let folded = (mixed & PRIME) + (mixed >> 31);
    let rest = if folded >= PRIME { folded - PRIME } else { folded };
    (rest % 1_048_576) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn buckets_are_those_of_the_definition(a in 0..=i32::MAX, b in 0..=i32::MAX) {
            let mixed = i64::from(a) * 1_000_003 + i64::from(b) * 10_007 + 17;
            prop_assert_eq!(i64::from(hash(a.unsigned_abs(), b.unsigned_abs())), mixed % 2_147_483_647 % 1_048_576);
        }
    }

    #[test]
    fn a_multiple_of_the_prime_leaves_nothing() {
        // 1,000,003 a + 10,007 b + 17 = 2³¹ − 1, and twice that.
        let check = |a: u32, b: u32, expect: i32| assert_eq!(hash(a, b), expect, "{a} {b}");
        check(41, 210_501, 0);
        check(3_499, 79_540, 0);
        check(0, 0, 17);
        check(1, 0, 1_000_020);
        check(i32::MAX.unsigned_abs(), i32::MAX.unsigned_abs(), 17);
    }
}
