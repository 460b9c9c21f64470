//! The generator: seeded data of the workload's schema as Parquet files.
//!
//! Each value is a function of (seed, column, row) in whole numbers, so any file can be made on any thread, in any order,
//! and comes out the same to the byte.

mod columns;
mod counter;
mod file;
mod journal;
mod permutation;
mod plan;
mod population;
mod survey;
mod text;
mod zipf;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use crate::error::Error;
use crate::manifest::{Codec, FORMAT, FileRecord, Layout, Manifest, Request};
use crate::schema::{MAX_ROWS, ROW_GROUP_ROWS, ROWS_A_GIGABYTE};
use columns::Recipe;
use journal::Journal;
pub use population::bucket_of;

/// What to generate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Events; 2,500,000 are one logical gigabyte.
    pub rows: u64,
    /// The seed of all random numbers.
    pub seed: u64,
    /// Order of the events.
    pub layout: Layout,
    /// Compression of the files.
    pub codec: Codec,
    /// The folder to write to.
    pub out: PathBuf,
    /// Threads; 0 for as many as there are processors.
    pub threads: usize,
    /// Of 1,000 users and items, how many are missing from the dimension tables; 0 unless unknown ones are wanted.
    pub left_out: u32,
    /// Rows in a row group; less than [`ROW_GROUP_ROWS`] only where small data should have many files.
    pub row_group_rows: usize,
}

impl Config {
    /// So many events in arrival order, as one normally wants them.
    #[must_use]
    pub fn new(rows: u64, out: PathBuf) -> Self {
        Self {
            rows,
            seed: 1,
            layout: Layout::Arrival,
            codec: Codec::Zstd,
            out,
            threads: 0,
            left_out: 0,
            row_group_rows: ROW_GROUP_ROWS,
        }
    }

    /// A few thousand events in several files and row groups, for tests: with unknown users and items.
    #[must_use]
    pub fn smoke(out: PathBuf) -> Self {
        Self { left_out: 20, row_group_rows: 300, ..Self::new(10_000, out) }
    }

    /// The events that fill so many bytes in memory, to the nearest thousandth of a gigabyte or better.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "less than the bytes")]
    pub fn rows_of(bytes: u64) -> u64 {
        (u128::from(bytes) * u128::from(ROWS_A_GIGABYTE) / 1_000_000_000) as u64
    }

    fn request(&self) -> Request {
        Request {
            format: FORMAT,
            rows: self.rows,
            seed: self.seed,
            layout: self.layout,
            codec: self.codec,
            row_group_rows: self.row_group_rows,
            left_out: self.left_out,
        }
    }

    fn recipe(&self) -> Result<Recipe, Error> {
        let rows = u32::try_from(self.rows).ok().filter(|&rows| rows > 0);
        let rows =
            rows.ok_or_else(|| Error::Config(format!("{} rows; from 1 to {MAX_ROWS} are possible", self.rows)))?;
        if self.left_out > 1000 {
            return Err(Error::Config(format!("{} of 1000 users and items left out", self.left_out)));
        }
        if self.row_group_rows == 0 {
            return Err(Error::Config("a row group of 0 rows".to_owned()));
        }
        Ok(Recipe::new(self.seed, rows, self.left_out))
    }

    fn pool(&self) -> Result<rayon::ThreadPool, Error> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads).build();
        pool.map_err(|e| Error::Config(format!("{} threads cannot be started: {e}", self.threads)))
    }
}

/// How far the generator is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Rows of all tables that are written, or were found written.
    pub done: u64,
    /// Rows of all tables.
    pub rows: u64,
}

/// Writes the data set. Files that an earlier start finished, and that still have their digest, are kept.
///
/// # Errors
/// The folder holds something else, cannot be written to, or is full. Whatever is under a final name is whole.
pub fn generate(config: &Config, progress: &(dyn Fn(Progress) + Sync)) -> Result<Manifest, Error> {
    let request = config.request();
    config.pool()?.install(|| {
        let recipe = config.recipe()?;
        let plan = plan::files(&recipe, &request);
        let names = plan.iter().map(|file| file.name.clone()).collect();
        let journal = Journal::open(&config.out, &request, &names)?;
        let rows: u64 = plan.iter().map(|file| file.rows(&recipe)).sum();
        let done = AtomicU64::new(0);
        let advance = |more: u64| progress(Progress { done: done.fetch_add(more, Ordering::Relaxed) + more, rows });
        let make = |planned: &plan::Planned| -> Result<FileRecord, Error> {
            if let Some(record) = journal.finished(&planned.name)? {
                advance(record.rows);
                return Ok(record);
            }
            let record = file::write(&config.out, planned, &recipe, &request, &advance)?;
            journal.add(&record)?;
            Ok(record)
        };
        let files = plan.par_iter().map(make).collect::<Result<Vec<_>, _>>()?;
        let manifest = Manifest::new(request.clone(), files);
        journal.close(&manifest)?;
        Ok(manifest)
    })
}

/// The manifest that [`generate`] would write, with the digests of all columns but without files.
///
/// # Errors
/// As [`generate`] for a request that does not fit together.
pub fn digests(config: &Config) -> Result<Manifest, Error> {
    let request = config.request();
    config.pool()?.install(|| {
        let recipe = config.recipe()?;
        let plan = plan::files(&recipe, &request);
        let files = plan.par_iter().map(|planned| file::digest(planned, &recipe, &request));
        Ok(Manifest::new(request.clone(), files.collect::<Result<Vec<_>, _>>()?))
    })
}
