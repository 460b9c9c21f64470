//! t09: what was bought of the same item in the previous clock hour, and the price paid beside the list's.

use polars_core::prelude::*;

use super::columns::{full, numbers, with_nulls};
use super::keyed::{DoesNotFit, Keyed, place, sort_by_key_and, word, words};
use super::lookup::Lookup;
use crate::schema::Kind;

const HOUR_US: i64 = 3_600_000_000;

words! {
    /// What t09 needs of an event.
    ItemEvent { item, place, hour, amount, quantity }
}

words! {
    /// What happened to an item in the hour before.
    HourBefore { events, amount, quantity }
}

/// What happened to an item in an hour.
#[derive(Clone, Copy, Default)]
struct Sums {
    item: i64,
    hour: i64,
    events: i64,
    /// Wide enough for what a part of it would not fit, when the whole does.
    amount: i128,
    quantity: i64,
}

/// `item_prev_n`, `item_prev_amount`, `item_prev_qty_mean`.
pub(crate) struct Hours;

impl Keyed for Hours {
    type In = ItemEvent;
    type Out = HourBefore;

    fn records(chunk: &DataFrame, start: usize) -> PolarsResult<impl ExactSizeIterator<Item = ItemEvent> + Clone> {
        let items = numbers::<Int32Type>(chunk, "item_id")?.values;
        let times = numbers::<Int64Type>(chunk, "ts")?.values;
        let amounts = numbers::<Int64Type>(chunk, "amount_cents")?.values;
        let quantities = numbers::<Int16Type>(chunk, "qty")?.values;
        let record = move |index: usize| ItemEvent {
            item: i64::from(items[index]),
            place: word(start, index),
            hour: times[index].div_euclid(HOUR_US),
            amount: amounts[index],
            quantity: i64::from(quantities[index]),
        };
        Ok((0..items.len()).map(record))
    }

    fn key(record: &ItemEvent) -> i64 {
        record.item
    }

    fn solve(records: &mut [ItemEvent], mut give: impl FnMut(usize, HourBefore)) -> Result<(), DoesNotFit> {
        sort_by_key_and(records, |event| event.item, |event| event.hour);
        let mut last = Sums::default();
        for events in records.chunk_by(|a, b| (a.item, a.hour) == (b.item, b.hour)) {
            let ItemEvent { item, hour, place: first, .. } = events[0];
            let mut before = HourBefore::default();
            if (last.item, last.hour) == (item, hour - 1) {
                let amount = i64::try_from(last.amount);
                let too_large = |_| DoesNotFit { column: "item_prev_amount", kind: Kind::I64, place: place(first) };
                before =
                    HourBefore { events: last.events, amount: amount.map_err(too_large)?, quantity: last.quantity };
            }
            last = Sums { item, hour, ..Sums::default() };
            for event in events {
                last.events += 1;
                last.amount += i128::from(event.amount);
                last.quantity += event.quantity;
                give(place(event.place), before);
            }
        }
        Ok(())
    }

    fn columns(results: &[HourBefore]) -> Vec<Column> {
        let mean = |before: &HourBefore| {
            if before.events == 0 { 0.0 } else { before.quantity as f64 / before.events as f64 }
        };
        vec![
            full::<Int64Type>("item_prev_n", results.iter().map(|before| before.events).collect()),
            full::<Int64Type>("item_prev_amount", results.iter().map(|before| before.amount).collect()),
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

    fn event(item: i64, place: i64, hour: i64, amount: i64, quantity: i64) -> ItemEvent {
        ItemEvent { item, place, hour, amount, quantity }
    }

    fn solved(mut records: Vec<ItemEvent>) -> Result<Vec<HourBefore>, DoesNotFit> {
        let mut results = vec![HourBefore::default(); records.len()];
        Hours::solve(&mut records, |place, result| results[place] = result)?;
        Ok(results)
    }

    #[test]
    fn only_the_hour_before_counts() {
        let results = solved(vec![
            event(1, 0, 10, 5, 1),
            event(1, 1, 11, 7, 2),
            event(1, 2, 10, 6, 4),
            event(1, 3, 13, 1, 1),
            event(2, 4, 11, 9, 9),
            event(2, 5, 14, 9, 9),
        ]);
        let none = HourBefore::default();
        let two = HourBefore { events: 2, amount: 11, quantity: 5 };
        assert_eq!(results.unwrap(), [none, two, none, none, none, none]);
    }

    #[test]
    fn a_sum_that_leaves_64_bits_is_refused_where_it_is_looked_at() {
        let check = |amounts: &[i64], hour: i64, expect: Result<i64, DoesNotFit>| {
            let mut events: Vec<ItemEvent> =
                amounts.iter().enumerate().map(|(at, &amount)| event(1, word(0, at), 0, amount, 1)).collect();
            events.push(event(1, word(0, amounts.len()), hour, 1, 1));
            let found = solved(events).map(|results| results[amounts.len()].amount);
            assert_eq!(found, expect, "{amounts:?} {hour}");
        };
        check(&[i64::MAX, 1, -1], 1, Ok(i64::MAX));
        let refused = DoesNotFit { column: "item_prev_amount", kind: Kind::I64, place: 2 };
        check(&[i64::MAX, 1], 1, Err(refused));
        check(&[i64::MAX, 1], 2, Ok(0));
    }
}
