//! t10, second part: the rank of an amount among those of its country and day.

use polars::prelude::*;

use super::calendar::day;
use super::columns::{full, numbers};
use super::keyed::{Keyed, place, word};

/// Records: country and day, place, amount, row. Results: the bits of `amount_rank`. A country is known by its slot.
pub(crate) struct Ranks;

impl Keyed<4, 1> for Ranks {
    fn records(chunk: &DataFrame, start: usize) -> PolarsResult<Vec<[i64; 4]>> {
        let countries = numbers::<UInt32Type>(chunk, "country_slot")?.values;
        let times = numbers::<Int64Type>(chunk, "ts")?.values;
        let amounts = numbers::<Int64Type>(chunk, "amount_cents")?.values;
        let ids = numbers::<Int64Type>(chunk, "row_id")?.values;
        let record = |index: usize| {
            let group = i64::from(countries[index]) << 32 | day(times[index]) & 0xFFFF_FFFF;
            [group, word(start, index), amounts[index], ids[index]]
        };
        Ok((0..times.len()).map(record).collect())
    }

    fn solve(records: &mut [[i64; 4]], mut give: impl FnMut(usize, [i64; 1])) {
        records.sort_unstable_by_key(|&[group, _, amount, row]| (group, amount, row));
        for group in records.chunk_by(|a, b| a[0] == b[0]) {
            for (index, &[_, at, ..]) in group.iter().enumerate() {
                let rank = (index + 1) as f64 / group.len() as f64;
                give(place(at), [rank.to_bits().cast_signed()]);
            }
        }
    }

    fn columns(results: &[[i64; 1]]) -> Vec<Column> {
        let rank = |&[bits]: &[i64; 1]| f64::from_bits(bits.cast_unsigned());
        vec![full::<Float64Type>("amount_rank", results.iter().map(rank).collect())]
    }
}
