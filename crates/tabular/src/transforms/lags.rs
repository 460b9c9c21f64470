//! t08: what a user did before, and in this session.

use polars::prelude::*;

use super::columns::{full, numbers, with_nulls};
use super::keyed::{Keyed, NULL, known, place, word};

/// A longer gap in microseconds begins a new session.
const GAP: i64 = 30 * 60 * 1_000_000;

/// Records: user, place, time, row, amount. Results: `dt_prev_us`, `d_amount`, `session_no`, `session_amount`.
pub(crate) struct Lags;

impl Keyed<5, 4> for Lags {
    fn records(chunk: &DataFrame, start: usize) -> PolarsResult<Vec<[i64; 5]>> {
        let users = numbers::<Int32Type>(chunk, "user_id")?.values;
        let times = numbers::<Int64Type>(chunk, "ts")?.values;
        let ids = numbers::<Int64Type>(chunk, "row_id")?.values;
        let amounts = numbers::<Int64Type>(chunk, "amount_cents")?.values;
        let record =
            |index: usize| [i64::from(users[index]), word(start, index), times[index], ids[index], amounts[index]];
        Ok((0..users.len()).map(record).collect())
    }

    fn solve(records: &mut [[i64; 5]], mut give: impl FnMut(usize, [i64; 4])) {
        records.sort_unstable_by_key(|&[user, _, time, row, _]| (user, time, row));
        for events in records.chunk_by(|a, b| a[0] == b[0]) {
            let mut before: Option<(i64, i64)> = None;
            let (mut session, mut spent) = (1, 0);
            for &[_, at, time, _, amount] in events {
                let since = before.map(|(then, _)| time - then);
                if since.is_some_and(|since| since > GAP) {
                    (session, spent) = (session + 1, 0);
                }
                spent += amount;
                let change = before.map_or(NULL, |(_, previous)| amount - previous);
                give(place(at), [since.unwrap_or(NULL), change, session, spent]);
                before = Some((time, amount));
            }
        }
    }

    fn columns(results: &[[i64; 4]]) -> Vec<Column> {
        let session = |result: &[i64; 4]| i32::try_from(result[2]).unwrap_or(i32::MAX);
        vec![
            with_nulls::<Int64Type>("dt_prev_us", results.iter().map(|result| known(result[0]))),
            with_nulls::<Int64Type>("d_amount", results.iter().map(|result| known(result[1]))),
            full::<Int32Type>("session_no", results.iter().map(session).collect()),
            full::<Int64Type>("session_amount", results.iter().map(|result| result[3]).collect()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_end_after_more_than_half_an_hour() {
        let mut records = vec![
            [7, 0, 0, 0, 100],
            [8, 1, 5, 1, 1],
            [7, 2, GAP, 2, 50],
            [7, 4, 2 * GAP + 1, 4, 9],
            [7, 3, 2 * GAP + 1, 3, 10],
        ];
        let mut results = vec![[0; 4]; records.len()];
        Lags::solve(&mut records, |place, result| results[place] = result);
        let expect =
            [[NULL, NULL, 1, 100], [NULL, NULL, 1, 1], [GAP, -50, 1, 150], [GAP + 1, -40, 2, 10], [0, -1, 2, 19]];
        assert_eq!(results, expect);
    }
}
