//! t03: what the calendar and the clock say of a time.

use std::f64::consts::TAU;
use std::sync::LazyLock;

use polars_arrow::bitmap::Bitmap;
use polars_core::prelude::*;

use super::columns::{does_not_fit, full, numbers, with_nulls};
use super::lookup::Lookup;
use crate::Error;
use crate::schema::{DAY_US, Kind};

const SECOND_US: i64 = 1_000_000;
const DAY_SECONDS: i64 = 86_400;

/// The sine and cosine of each second of the day.
static CLOCK: LazyLock<Vec<(f64, f64)>> =
    LazyLock::new(|| (0..DAY_SECONDS).map(|second| (TAU * second as f64 / DAY_SECONDS as f64).sin_cos()).collect());

/// The UTC date of a time, in days since 1970.
pub(crate) fn day(ts: i64) -> i64 {
    ts.div_euclid(DAY_US)
}

/// `hour`, `dow`, `is_weekend`, `tod_sin`, `tod_cos`, `days_since_signup`.
pub(crate) fn columns(chunk: &DataFrame, signups: &Lookup) -> Result<Vec<Column>, Error> {
    let times = numbers::<Int64Type>(chunk, "ts")?.values;
    let users = numbers::<Int32Type>(chunk, "user_id")?.values;
    let rows = times.len();
    let clock = CLOCK.as_slice();
    let (mut hours, mut weekdays) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    let (mut sines, mut cosines) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    for &ts in times {
        let second = ts.rem_euclid(DAY_US) / SECOND_US;
        let (sine, cosine) = clock[second.unsigned_abs() as usize];
        hours.push(narrow(second / 3600));
        // 1970-01-01 was a Thursday, the fourth day from Monday.
        weekdays.push(narrow((day(ts) + 3).rem_euclid(7) + 1));
        sines.push(sine);
        cosines.push(cosine);
    }
    let weekend: Bitmap = weekdays.iter().map(|&day| day >= 6).collect();
    let mut since = Vec::with_capacity(rows);
    for (row, (&ts, &user)) in times.iter().zip(users).enumerate() {
        let days = signups.get(user).map(|signup| i32::try_from(day(ts) - signup)).transpose();
        since.push(days.map_err(|_| does_not_fit(chunk, "days_since_signup", Kind::I32, row))?);
    }
    Ok(vec![
        full::<Int8Type>("hour", hours),
        full::<Int8Type>("dow", weekdays),
        BooleanChunked::from_bitmap("is_weekend".into(), weekend).into_column(),
        full::<Float64Type>("tod_sin", sines),
        full::<Float64Type>("tod_cos", cosines),
        with_nulls::<Int32Type>("days_since_signup", since.into_iter()),
    ])
}

#[expect(clippy::cast_possible_truncation, reason = "hours and weekdays are below 24")]
fn narrow(small: i64) -> i8 {
    small as i8
}
