//! t03 `calendar_cyclic`, t08 `user_lag_session` and t09 `window_join`: what looks at the time.

use std::collections::HashMap;
use std::f64::consts::PI;

use super::source::Source;
use crate::cells::Cells;
use crate::error::Error;
use crate::schema::{DAY_US, Kind, Table};

const SECOND_US: i64 = 1_000_000;
const HOUR_US: i64 = 3600 * SECOND_US;
/// A user who is away for longer begins a new session.
const PAUSE_US: i64 = 30 * 60 * SECOND_US;

pub(super) fn calendar_cyclic(source: &Source) -> Result<Vec<Cells>, Error> {
    let signup = source.dimension(Table::Users, "user_id", "signup")?;
    let (mut hours, mut weekdays, mut weekends) = (Vec::new(), Vec::new(), Vec::new());
    let (mut sines, mut cosines, mut since) = (Vec::new(), Vec::new(), Vec::new());
    let times = source.whole_numbers("ts")?;
    for (row, (ts, user)) in times.into_iter().zip(source.whole_numbers("user_id")?).enumerate() {
        let (day, in_day) = (ts.div_euclid(DAY_US), ts.rem_euclid(DAY_US));
        // 1970-01-01 was a Thursday, day 4 of its week.
        let weekday = (day + 3).rem_euclid(7) + 1;
        let angle = 2.0 * PI * (in_day / SECOND_US) as f64 / 86_400.0;
        hours.push(Some(in_day / HOUR_US));
        weekdays.push(Some(weekday));
        weekends.push(Some(i64::from(weekday >= 6)));
        sines.push(Some(angle.sin()));
        cosines.push(Some(angle.cos()));
        let days = signup.get(&user).map(|signup| i32::try_from(day - signup)).transpose();
        since.push(days.map_err(|_| source.does_not_fit("days_since_signup", row, Kind::I32))?.map(i64::from));
    }
    Ok(vec![
        Cells::Int(hours),
        Cells::Int(weekdays),
        Cells::Int(weekends),
        Cells::F64(sines),
        Cells::F64(cosines),
        Cells::Int(since),
    ])
}

pub(super) fn user_lag_session(source: &Source) -> Result<Vec<Cells>, Error> {
    let (users, times) = (source.whole_numbers("user_id")?, source.whole_numbers("ts")?);
    let (row_ids, amounts) = (source.whole_numbers("row_id")?, source.whole_numbers("amount_cents")?);
    let mut order: Vec<usize> = (0..users.len()).collect();
    order.sort_unstable_by_key(|&row| (users[row], times[row], row_ids[row]));
    let mut pauses = vec![None; users.len()];
    let mut differences = vec![None; users.len()];
    let mut sessions = vec![Some(1); users.len()];
    let mut sums: Vec<Option<i64>> = amounts.iter().copied().map(Some).collect();
    for pair in order.windows(2) {
        let (before, row) = (pair[0], pair[1]);
        if users[before] != users[row] {
            continue;
        }
        let too_large = |column: &'static str| source.does_not_fit(column, row, Kind::I64);
        let pause = times[row].checked_sub(times[before]).ok_or_else(|| too_large("dt_prev_us"))?;
        pauses[row] = Some(pause);
        differences[row] = Some(amounts[row].checked_sub(amounts[before]).ok_or_else(|| too_large("d_amount"))?);
        if pause > PAUSE_US {
            sessions[row] = sessions[before].map(|session| session + 1);
        } else {
            sessions[row] = sessions[before];
            let sum = sums[before].and_then(|sum| sum.checked_add(amounts[row]));
            sums[row] = Some(sum.ok_or_else(|| too_large("session_amount"))?);
        }
    }
    Ok([pauses, differences, sessions, sums].map(Cells::Int).into())
}

/// What happened to an item in an hour.
#[derive(Clone, Copy, Debug, Default)]
struct Hour {
    events: i64,
    /// Wide enough for what a part of it would not fit, when the whole does.
    amount: i128,
    quantity: i64,
}

pub(super) fn window_join(source: &Source) -> Result<Vec<Cells>, Error> {
    let prices = source.dimension(Table::Items, "item_id", "price_cents")?;
    let (items, times) = (source.whole_numbers("item_id")?, source.whole_numbers("ts")?);
    let (amounts, quantities) = (source.whole_numbers("amount_cents")?, source.whole_numbers("qty")?);
    let mut hours: HashMap<(i64, i64), Hour> = HashMap::new();
    for row in 0..items.len() {
        let hour = hours.entry((items[row], times[row].div_euclid(HOUR_US))).or_default();
        hour.events += 1;
        hour.amount += i128::from(amounts[row]);
        hour.quantity += quantities[row];
    }
    let (mut counts, mut sums) = (Vec::new(), Vec::new());
    let (mut means, mut ratios) = (Vec::new(), Vec::new());
    for row in 0..items.len() {
        let before = hours.get(&(items[row], times[row].div_euclid(HOUR_US) - 1)).copied().unwrap_or_default();
        counts.push(Some(before.events));
        let amount = i64::try_from(before.amount);
        sums.push(Some(amount.map_err(|_| source.does_not_fit("item_prev_amount", row, Kind::I64))?));
        means.push(Some(if before.events == 0 { 0.0 } else { before.quantity as f64 / before.events as f64 }));
        ratios.push(prices.get(&items[row]).map(|&price| amounts[row] as f64 / price as f64));
    }
    Ok(vec![Cells::Int(counts), Cells::Int(sums), Cells::F64(means), Cells::F64(ratios)])
}
