//! Keyed transformations in memory: records are dealt out by key, each part is solved by one thread, and the results go
//! to the places that they belong to.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use polars_core::prelude::*;
use polars_core::runtime::RAYON;
use rayon::prelude::*;

use super::chunk::{Chunk, bytes, each, map, rows};
use crate::Error;
use crate::transforms::columns::numbers;
use crate::transforms::keyed::{DoesNotFit, Keyed, Words, part};

/// Records in a part: some hundred kilobytes, which a core sorts in its cache.
const RECORDS_A_PART: usize = 16_384;
/// Most parts: each chunk has a piece of each.
const MOST_PARTS: usize = 8_192;

/// The records of a chunk by part.
pub(crate) struct Dealt<R> {
    records: Vec<R>,
    bounds: Vec<u32>,
}

impl<R: Copy + Default> Dealt<R> {
    /// Deals records out to `parts` parts (a power of two) by their keys. They are made anew each time, which costs less than to keep
    /// them.
    pub(crate) fn new(records: impl Iterator<Item = R> + Clone, parts: usize, key: impl Fn(&R) -> i64) -> Dealt<R> {
        let mut bounds = vec![0_u32; parts + 1];
        for record in records.clone() {
            bounds[part(key(&record), parts) + 1] += 1;
        }
        for part in 0..parts {
            bounds[part + 1] += bounds[part];
        }
        let mut next = bounds.clone();
        let mut dealt = vec![R::default(); bounds[parts] as usize];
        for record in records {
            let at = &mut next[part(key(&record), parts)];
            dealt[*at as usize] = record;
            *at += 1;
        }
        Dealt { records: dealt, bounds }
    }

    pub(crate) fn part(&self, part: usize) -> &[R] {
        &self.records[self.bounds[part] as usize..self.bounds[part + 1] as usize]
    }
}

/// The results of all rows, at their places. Each is written once; the threads' end makes them visible.
pub(crate) struct Results<R> {
    words: Vec<AtomicI64>,
    results: PhantomData<R>,
}

impl<R: Words> Results<R> {
    /// Solves a keyed transformation for all chunks.
    pub(crate) fn of<K: Keyed<Out = R>>(chunks: &[Chunk]) -> Result<Results<R>, Error> {
        let rows = rows(chunks);
        let parts = (rows / RECORDS_A_PART).next_power_of_two().min(MOST_PARTS);
        let dealt = map(chunks, |chunk| Ok(Dealt::new(K::records(&chunk.frame, chunk.start)?, parts, K::key)))?;
        let solved = RAYON.install(|| {
            let words: Vec<AtomicI64> = (0..rows * R::WORDS).into_par_iter().map(|_| AtomicI64::new(0)).collect();
            (0..parts).into_par_iter().try_for_each(|part| {
                let mut records = dealt.iter().map(|dealt| dealt.part(part)).collect::<Vec<_>>().concat();
                K::solve(&mut records, |place, result| {
                    let cells = &words[place * R::WORDS..(place + 1) * R::WORDS];
                    result.put(|number, word| cells[number].store(word, Relaxed));
                })
            })?;
            Ok(Results { words, results: PhantomData })
        });
        solved.map_err(|wrong: DoesNotFit| of_row(wrong, chunks))
    }

    /// The results at some places.
    pub(crate) fn at(&self, places: impl Iterator<Item = usize>) -> Vec<R> {
        places.map(|place| R::get(|number| self.words[place * R::WORDS + number].load(Relaxed))).collect()
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> u64 {
        (self.words.len() * size_of::<i64>()) as u64
    }

    /// The results of a chunk.
    pub(crate) fn of_chunk(&self, chunk: &Chunk) -> Vec<R> {
        self.at(chunk.start..chunk.start + chunk.frame.height())
    }
}

/// The error, with the id of the row that is at its place.
fn of_row(wrong: DoesNotFit, chunks: &[Chunk]) -> Error {
    let holder = chunks.partition_point(|chunk| chunk.start <= wrong.place).saturating_sub(1);
    match numbers::<Int64Type>(&chunks[holder].frame, "row_id") {
        Ok(ids) => wrong.of_row(ids.values[wrong.place - chunks[holder].start]),
        Err(error) => error.into(),
    }
}

/// Adds the columns of a keyed transformation to all chunks; gives their bytes.
pub(crate) fn add<K: Keyed>(_: K, chunks: &mut [Chunk], no_longer: &[&str]) -> Result<u64, Error> {
    let results = Results::of::<K>(chunks)?;
    each(chunks, |chunk| {
        let columns: Vec<Column> = K::columns(&results.of_chunk(chunk));
        chunk.add(&columns)?;
        chunk.drop(no_longer)?;
        Ok(bytes(&columns))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::columns::full;
    use crate::transforms::lags::{Lag, Lags};

    /// Rows of some thousand users in chunks, some of them not in the order of time.
    fn chunks(rows: usize, a_chunk: usize) -> Vec<Chunk> {
        let chunk = |start: usize| {
            let rows = start..(start + a_chunk).min(rows);
            let column = |value: fn(i64) -> i64| rows.clone().map(|row| value(row as i64)).collect::<Vec<i64>>();
            let users = column(|row| row * row % 4_001).into_iter().map(|user| user as i32).collect();
            let columns = vec![
                full::<Int64Type>("row_id", column(|row| row)),
                full::<Int32Type>("user_id", users),
                full::<Int64Type>("ts", column(|row| (row - row % 7 * 300) * 1_000_000)),
                full::<Int64Type>("amount_cents", column(|row| row % 997)),
            ];
            Chunk { frame: DataFrame::new_infer_height(columns).unwrap(), start }
        };
        (0..rows).step_by(a_chunk).map(chunk).collect()
    }

    #[test]
    fn results_are_those_of_all_records_solved_together() {
        let check = |rows: usize, a_chunk: usize| {
            let chunks = chunks(rows, a_chunk);
            let records = chunks.iter().flat_map(|chunk| Lags::records(&chunk.frame, chunk.start).unwrap());
            let mut expect = vec![Lag::default(); rows];
            Lags::solve(&mut records.collect::<Vec<_>>(), |place, lag| expect[place] = lag).unwrap();
            let results = Results::of::<Lags>(&chunks).unwrap();
            assert!(results.at(0..rows) == expect, "{rows} rows");
        };
        check(0, 10);
        check(1_000, 300);
        // Several parts.
        check(7 * RECORDS_A_PART, 10_000);
    }
}
