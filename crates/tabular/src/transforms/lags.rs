//! t08: what a user did before, and in this session.

use polars_core::prelude::*;

use super::columns::{full, numbers, with_nulls};
use super::keyed::{DoesNotFit, Keyed, place, sort_by_key_and, word, words};
use crate::schema::Kind;

/// A longer gap in microseconds begins a new session.
const GAP: i64 = 30 * 60 * 1_000_000;
/// The time since the previous event of a user's first: no other is negative.
const FIRST: i64 = -1;

words! {
    /// What t08 needs of an event.
    UserEvent { user, place, time, row_id, amount }
}

words! {
    /// What t08 says of an event.
    Lag {
        /// Microseconds since the previous event, or [`FIRST`].
        since,
        /// The amount less that of the previous event.
        change,
        session,
        /// What was spent in the session until now.
        spent,
    }
}

impl Lag {
    /// A value that a user's first event does not have.
    fn after_first(&self, value: i64) -> Option<i64> {
        (self.since != FIRST).then_some(value)
    }
}

/// `dt_prev_us`, `d_amount`, `session_no`, `session_amount`.
pub(crate) struct Lags;

impl Keyed for Lags {
    type In = UserEvent;
    type Out = Lag;

    fn records(chunk: &DataFrame, start: usize) -> PolarsResult<impl ExactSizeIterator<Item = UserEvent> + Clone> {
        let users = numbers::<Int32Type>(chunk, "user_id")?.values;
        let times = numbers::<Int64Type>(chunk, "ts")?.values;
        let ids = numbers::<Int64Type>(chunk, "row_id")?.values;
        let amounts = numbers::<Int64Type>(chunk, "amount_cents")?.values;
        let record = move |index: usize| UserEvent {
            user: i64::from(users[index]),
            place: word(start, index),
            time: times[index],
            row_id: ids[index],
            amount: amounts[index],
        };
        Ok((0..users.len()).map(record))
    }

    fn key(record: &UserEvent) -> i64 {
        record.user
    }

    fn solve(records: &mut [UserEvent], mut give: impl FnMut(usize, Lag)) -> Result<(), DoesNotFit> {
        sort_by_key_and(records, |event| event.user, |event| (event.time, event.row_id));
        for events in records.chunk_by(|a, b| a.user == b.user) {
            let mut before: Option<(UserEvent, Lag)> = None;
            for event in events {
                let lag = match &before {
                    None => Lag { since: FIRST, change: 0, session: 1, spent: event.amount },
                    Some((previous, lag)) => next(previous, lag, event)?,
                };
                give(place(event.place), lag);
                before = Some((*event, lag));
            }
        }
        Ok(())
    }

    fn columns(results: &[Lag]) -> Vec<Column> {
        let session = |lag: &Lag| i32::try_from(lag.session).unwrap_or(i32::MAX);
        vec![
            with_nulls::<Int64Type>("dt_prev_us", results.iter().map(|lag| lag.after_first(lag.since))),
            with_nulls::<Int64Type>("d_amount", results.iter().map(|lag| lag.after_first(lag.change))),
            full::<Int32Type>("session_no", results.iter().map(session).collect()),
            full::<Int64Type>("session_amount", results.iter().map(|lag| lag.spent).collect()),
        ]
    }
}

/// What is said of an event that follows another of the same user.
fn next(previous: &UserEvent, lag: &Lag, event: &UserEvent) -> Result<Lag, DoesNotFit> {
    let too_large = |column, kind| DoesNotFit { column, kind, place: place(event.place) };
    let since = event.time.checked_sub(previous.time).ok_or_else(|| too_large("dt_prev_us", Kind::I64))?;
    let change = event.amount.checked_sub(previous.amount).ok_or_else(|| too_large("d_amount", Kind::I64))?;
    if since <= GAP {
        let spent = lag.spent.checked_add(event.amount).ok_or_else(|| too_large("session_amount", Kind::I64))?;
        return Ok(Lag { since, change, session: lag.session, spent });
    }
    let session = lag.session + 1;
    if session > i64::from(i32::MAX) {
        return Err(too_large("session_no", Kind::I32));
    }
    Ok(Lag { since, change, session, spent: event.amount })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(user: i64, place: i64, time: i64, amount: i64) -> UserEvent {
        UserEvent { user, place, time, row_id: place, amount }
    }

    fn solved(mut records: Vec<UserEvent>) -> Result<Vec<Lag>, DoesNotFit> {
        let mut results = vec![Lag::default(); records.len()];
        Lags::solve(&mut records, |place, result| results[place] = result)?;
        Ok(results)
    }

    #[test]
    fn sessions_end_after_more_than_half_an_hour() {
        let results = solved(vec![
            event(7, 0, 0, 100),
            event(8, 1, 5, 1),
            event(7, 2, GAP, 50),
            event(7, 4, 2 * GAP + 1, 9),
            event(7, 3, 2 * GAP + 1, 10),
        ]);
        let lag = |since, change, session, spent| Lag { since, change, session, spent };
        let expect = [
            lag(FIRST, 0, 1, 100),
            lag(FIRST, 0, 1, 1),
            lag(GAP, -50, 1, 150),
            lag(GAP + 1, -40, 2, 10),
            lag(0, -1, 2, 19),
        ];
        assert_eq!(results.unwrap(), expect);
    }

    #[test]
    fn what_leaves_64_bits_is_refused_and_nothing_else() {
        let check = |events: [(i64, i64); 2], expect: Result<i64, &'static str>| {
            let [(t0, a0), (t1, a1)] = events;
            let found = solved(vec![event(1, 0, t0, a0), event(1, 1, t1, a1)]);
            let found = found.map(|lags| lags[1].after_first(lags[1].change).unwrap());
            assert_eq!(found, expect.map_err(|column| DoesNotFit { column, kind: Kind::I64, place: 1 }), "{events:?}");
        };
        check([(0, 0), (0, i64::MIN)], Ok(i64::MIN));
        check([(0, 1), (0, i64::MIN)], Err("d_amount"));
        check([(0, -1), (0, i64::MAX)], Err("d_amount"));
        check([(0, 1), (0, i64::MAX)], Err("session_amount"));
        check([(0, 1), (GAP + 1, i64::MAX)], Ok(i64::MAX - 1));
        check([(-2, 0), (i64::MAX, 0)], Err("dt_prev_us"));
        check([(0, 0), (i64::MAX, 0)], Ok(0));
    }
}
