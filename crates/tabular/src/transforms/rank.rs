//! t10, second part: the rank of an amount among those of its country and day.

use polars_core::prelude::*;

use super::calendar::day;
use super::columns::{full, numbers};
use super::keyed::{DoesNotFit, Keyed, place, word, words};
use super::vocabulary::Slot;

words! {
    /// What t10 needs of an event. A country is known by its slot.
    GroupEvent {
        /// Country and day.
        group,
        place,
        amount,
        row_id,
    }
}

words! {
    /// The rank of an event.
    Rank {
        /// Of the double.
        bits,
    }
}

impl GroupEvent {
    /// The country's slot.
    pub(crate) fn country(&self) -> Slot {
        (self.group.cast_unsigned() >> 32) as Slot
    }

    /// Names the country by a code instead.
    pub(crate) fn set_country(&mut self, code: i32) {
        self.group = group(code.cast_unsigned(), self.group);
    }

    /// The day, as a number that differs from day to day.
    pub(crate) fn day(&self) -> i64 {
        self.group & DAY
    }
}

/// The bits of a group that are the day.
const DAY: i64 = 0xFFFF_FFFF;

fn group(country: u32, day: i64) -> i64 {
    i64::from(country) << 32 | day & DAY
}

/// `amount_rank`.
pub(crate) struct Ranks;

impl Keyed for Ranks {
    type In = GroupEvent;
    type Out = Rank;

    fn records(chunk: &DataFrame, start: usize) -> PolarsResult<impl ExactSizeIterator<Item = GroupEvent> + Clone> {
        let countries = numbers::<UInt32Type>(chunk, "country_slot")?.values;
        let times = numbers::<Int64Type>(chunk, "ts")?.values;
        let amounts = numbers::<Int64Type>(chunk, "amount_cents")?.values;
        let ids = numbers::<Int64Type>(chunk, "row_id")?.values;
        let record = move |index: usize| GroupEvent {
            group: group(countries[index], day(times[index])),
            place: word(start, index),
            amount: amounts[index],
            row_id: ids[index],
        };
        Ok((0..times.len()).map(record))
    }

    fn key(record: &GroupEvent) -> i64 {
        record.group
    }

    fn solve(records: &mut [GroupEvent], mut give: impl FnMut(usize, Rank)) -> Result<(), DoesNotFit> {
        records.sort_unstable_by_key(|event| (event.group, event.amount, event.row_id));
        for group in records.chunk_by(|a, b| a.group == b.group) {
            for (index, event) in group.iter().enumerate() {
                let rank = (index + 1) as f64 / group.len() as f64;
                give(place(event.place), Rank { bits: rank.to_bits().cast_signed() });
            }
        }
        Ok(())
    }

    fn columns(results: &[Rank]) -> Vec<Column> {
        let rank = |rank: &Rank| f64::from_bits(rank.bits.cast_unsigned());
        vec![full::<Float64Type>("amount_rank", results.iter().map(rank).collect())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_go_by_amount_and_then_by_row() {
        // Groups are next to one another, and amounts as far apart as they can be.
        let events =
            [(1, i64::MAX, 9), (0, 5, 4), (1, i64::MIN, 3), (0, 5, 2), (-1, 0, 0), (1, i64::MAX, 1), (0, -5, 7)];
        let event = |(place, (group, amount, row_id))| GroupEvent { group, place: word(0, place), amount, row_id };
        let mut records: Vec<GroupEvent> = events.into_iter().enumerate().map(event).collect();
        let mut ranks = [0; 7];
        Ranks::solve(&mut records, |place, rank| ranks[place] = rank.bits).unwrap();
        let third = |count: u32| (f64::from(count) / 3.0).to_bits().cast_signed();
        assert_eq!(ranks, [3, 3, 1, 2, 3, 2, 1].map(third));
    }
}
