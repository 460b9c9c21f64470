//! t09: what was bought of the same item in the previous clock hour, and the price paid beside the list's.

use polars::prelude::*;

use super::columns::{full, numbers, with_nulls};
use super::keyed::{Keyed, place, word};
use super::lookup::Lookup;

const HOUR_US: i64 = 3_600_000_000;

/// Records: item, place, hour, amount, quantity. Results: rows, amount and quantity of the hour before.
pub(crate) struct Hours;

impl Keyed<5, 3> for Hours {
    fn records(chunk: &DataFrame, start: usize) -> PolarsResult<Vec<[i64; 5]>> {
        let items = numbers::<Int32Type>(chunk, "item_id")?.values;
        let times = numbers::<Int64Type>(chunk, "ts")?.values;
        let amounts = numbers::<Int64Type>(chunk, "amount_cents")?.values;
        let quantities = numbers::<Int16Type>(chunk, "qty")?.values;
        let record = |index: usize| {
            let hour = times[index].div_euclid(HOUR_US);
            [i64::from(items[index]), word(start, index), hour, amounts[index], i64::from(quantities[index])]
        };
        Ok((0..items.len()).map(record).collect())
    }

    fn solve(records: &mut [[i64; 5]], mut give: impl FnMut(usize, [i64; 3])) {
        records.sort_unstable_by_key(|&[item, _, hour, ..]| (item, hour));
        let mut last = (0, 0);
        let mut sums = [0; 3];
        for events in records.chunk_by(|a, b| (a[0], a[2]) == (b[0], b[2])) {
            let [item, _, hour, ..] = events[0];
            let before = if (item, hour - 1) == last { sums } else { [0; 3] };
            sums = [0; 3];
            for &[_, at, _, amount, quantity] in events {
                sums = [sums[0] + 1, sums[1] + amount, sums[2] + quantity];
                give(place(at), before);
            }
            last = (item, hour);
        }
    }

    fn columns(results: &[[i64; 3]]) -> Vec<Column> {
        let mean = |&[rows, _, quantity]: &[i64; 3]| if rows == 0 { 0.0 } else { quantity as f64 / rows as f64 };
        vec![
            full::<Int64Type>("item_prev_n", results.iter().map(|result| result[0]).collect()),
            full::<Int64Type>("item_prev_amount", results.iter().map(|result| result[1]).collect()),
            full::<Float64Type>("item_prev_qty_mean", results.iter().map(mean).collect()),
        ]
    }
}

/// `price_ratio`.
pub(crate) fn price_ratio(chunk: &DataFrame, prices: &Lookup) -> PolarsResult<Column> {
    let items = numbers::<Int32Type>(chunk, "item_id")?.values;
    let amounts = numbers::<Int64Type>(chunk, "amount_cents")?.values;
    let ratio = |(&item, &amount): (&i32, &i64)| prices.get(item).map(|price| amount as f64 / price as f64);
    Ok(with_nulls::<Float64Type>("price_ratio", items.iter().zip(amounts).map(ratio)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hour_before_counts() {
        let mut records = vec![
            [1, 0, 10, 5, 1],
            [1, 1, 11, 7, 2],
            [1, 2, 10, 6, 4],
            [1, 3, 13, 1, 1],
            [2, 4, 11, 9, 9],
            [2, 5, 14, 9, 9],
        ];
        let mut results = vec![[-1; 3]; records.len()];
        Hours::solve(&mut records, |place, result| results[place] = result);
        assert_eq!(results, [[0; 3], [2, 11, 5], [0; 3], [0; 3], [0; 3], [0; 3]]);
    }
}
