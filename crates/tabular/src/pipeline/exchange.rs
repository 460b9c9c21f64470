//! Keyed transformations in memory: records are dealt out by key, each part is solved by one thread, and the results go
//! to the places that they belong to.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use polars::prelude::*;
use polars_core::runtime::RAYON;
use rayon::prelude::*;

use super::chunk::{Chunk, bytes, each, map, rows};
use crate::Error;
use crate::transforms::keyed::{Keyed, part};

/// Records in a part: some hundred kilobytes, which a core sorts in its cache.
const RECORDS_A_PART: usize = 16_384;
/// Most parts: each chunk has a piece of each.
const MOST_PARTS: usize = 8_192;

/// The records of a chunk by part.
pub(crate) struct Dealt<const IN: usize> {
    records: Vec<[i64; IN]>,
    bounds: Vec<u32>,
}

impl<const IN: usize> Dealt<IN> {
    /// Deals records out to `parts` parts (a power of two) by their keys.
    pub(crate) fn new(records: &[[i64; IN]], parts: usize) -> Dealt<IN> {
        let mut bounds = vec![0_u32; parts + 1];
        for record in records {
            bounds[part(record[0], parts) + 1] += 1;
        }
        for part in 0..parts {
            bounds[part + 1] += bounds[part];
        }
        let mut next = bounds.clone();
        let mut dealt = vec![[0; IN]; records.len()];
        for record in records {
            let at = &mut next[part(record[0], parts)];
            dealt[*at as usize] = *record;
            *at += 1;
        }
        Dealt { records: dealt, bounds }
    }

    pub(crate) fn part(&self, part: usize) -> &[[i64; IN]] {
        &self.records[self.bounds[part] as usize..self.bounds[part + 1] as usize]
    }
}

/// The results of all rows, at their places. Each is written once; the threads' end makes them visible.
pub(crate) struct Results<const OUT: usize>(Vec<[AtomicI64; OUT]>);

impl<const OUT: usize> Results<OUT> {
    /// Solves a keyed transformation for all chunks.
    pub(crate) fn of<const IN: usize, K: Keyed<IN, OUT>>(chunks: &[Chunk]) -> Result<Results<OUT>, Error> {
        let rows = rows(chunks);
        let parts = (rows / RECORDS_A_PART).next_power_of_two().min(MOST_PARTS);
        let dealt = map(chunks, |chunk| Ok(Dealt::new(&K::records(&chunk.frame, chunk.start)?, parts)))?;
        Ok(RAYON.install(|| {
            let zero = |_| std::array::from_fn(|_| AtomicI64::new(0));
            let results: Vec<[AtomicI64; OUT]> = (0..rows).into_par_iter().map(zero).collect();
            (0..parts).into_par_iter().for_each(|part| {
                let mut records: Vec<[i64; IN]> = dealt.iter().flat_map(|dealt| dealt.part(part)).copied().collect();
                K::solve(&mut records, |place, result| {
                    for (cell, value) in results[place].iter().zip(result) {
                        cell.store(value, Relaxed);
                    }
                });
            });
            Results(results)
        }))
    }

    /// The results at some places.
    pub(crate) fn at(&self, places: &[usize]) -> Vec<[i64; OUT]> {
        places.iter().map(|&place| self.0[place].each_ref().map(|cell| cell.load(Relaxed))).collect()
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> u64 {
        (self.0.len() * size_of::<[i64; OUT]>()) as u64
    }

    /// The results of a chunk.
    pub(crate) fn of_chunk(&self, chunk: &Chunk) -> Vec<[i64; OUT]> {
        let cells = &self.0[chunk.start..chunk.start + chunk.frame.height()];
        cells.iter().map(|cells| cells.each_ref().map(|cell| cell.load(Relaxed))).collect()
    }
}

/// Adds the columns of a keyed transformation to all chunks; gives their bytes.
pub(crate) fn add<const IN: usize, const OUT: usize, K: Keyed<IN, OUT>>(
    _: K,
    chunks: &mut [Chunk],
    no_longer: &[&str],
) -> Result<u64, Error> {
    let results = Results::of::<IN, K>(chunks)?;
    each(chunks, |chunk| {
        let columns: Vec<Column> = K::columns(&results.of_chunk(chunk));
        chunk.add(&columns)?;
        chunk.drop(no_longer)?;
        Ok(bytes(&columns))
    })
}
