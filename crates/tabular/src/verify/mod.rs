//! The verifier: whether what an engine saved is what the ten transformations give.
//!
//! Rows may come in any order and in any number of files. Every row id must be there once. Columns without fractions are
//! exact; others agree to a relative 1e-9 (double) or 1e-5 (single). Up to one logical gigabyte every value of every row is
//! compared with the reference. Beyond, samples are: single rows, all rows of some users (t08), of some items (t09), and of
//! some countries on some days (t10), so that memory stays bounded; [`Verified::checked`] says how many. What is then
//! still known of all rows is that their ids are complete, that nothing is null that must not be, and their digests.

mod column;
mod expected;
mod output;

use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::digest::Digest;
use crate::error::Error;
pub use crate::finding::Fault;
use crate::manifest::Manifest;
use crate::reference::RowChoice;
use crate::schema::{Kind, ROWS_A_GIGABYTE, TRANSFORMS, Table, output_columns};
use column::ColumnCheck;
use expected::Expected;
use output::Output;

/// How thoroughly to verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// One of how many rows, users, items and groups is compared value by value; 1 for all, 0 for as many as make about
    /// one logical gigabyte.
    pub one_of: u64,
    /// Threads; 0 for as many as there are processors. Each holds the columns of one transformation.
    pub threads: usize,
}

impl Default for Options {
    /// Everything up to one logical gigabyte, samples of about that size beyond.
    fn default() -> Self {
        Self { one_of: 0, threads: 0 }
    }
}

/// What a column of the output holds, over all rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnSummary {
    /// Its name.
    pub name: String,
    /// Rows that are null.
    pub nulls: u64,
    /// The digest of an exact column; equal outputs have equal ones, whatever the order of their rows.
    pub digest: Option<Digest>,
    /// Of a column of floats: the sum of the absolute values and the sum of the squares.
    pub moments: Option<(f64, f64)>,
}

/// An output that was found right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verified {
    /// Its rows, each id of the input once.
    pub rows: u64,
    /// Its size on disk.
    pub bytes: u64,
    /// For each transformation, how many rows were compared value by value.
    pub checked: Vec<(String, u64)>,
    /// What its columns hold.
    pub columns: Vec<ColumnSummary>,
}

impl Verified {
    /// Whether every value of every row was compared.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.checked.iter().all(|(_, rows)| *rows == self.rows)
    }
}

/// Verifies the Parquet files under `output`, a folder or a file, against the reference over the data set `input`.
///
/// `done` hears of each transformation whose columns were checked.
///
/// Types that hold the same values are accepted: any whole number for another, double for single, and every representation
/// of text that Parquet stores as a string. Floats for whole numbers are not, even where no value has a fraction: they
/// have no exact ids beyond 2⁵³ and confuse null with NaN.
///
/// # Errors
/// [`Error::Rejected`] with what is wrong, one line a column; or the reason why output or input cannot be read.
pub fn verify(
    output: &Path,
    input: &Path,
    options: &Options,
    done: &(dyn Fn(&'static str) + Sync),
) -> Result<Verified, Error> {
    let dataset = Dataset::open(input)?;
    let output = Output::open(output)?;
    let rows = dataset.rows(Table::Events);
    dataset.require_rows()?;
    if let Some(manifest) = Manifest::read(input)? {
        manifest.check_files(&dataset)?;
    }
    dataset.require_row_ids()?;
    let one_of = options.one_of_rows(rows);
    let expect = |index: usize| Expected::by_reference(&dataset, index, sample(index, one_of));
    compare(&output, rows, options, &expect, done)
}

/// Compares the Parquet files under `output` with those under `other`, which was verified or comes from another engine or
/// mode. The rules are those of [`verify`]; samples are of rows.
///
/// # Errors
/// As [`verify`].
pub fn against(
    output: &Path,
    other: &Path,
    options: &Options,
    done: &(dyn Fn(&'static str) + Sync),
) -> Result<Verified, Error> {
    let (output, other) = (Output::open(output)?, Output::open(other)?);
    let rows = other.rows();
    other.require_row_ids(rows)?;
    let one_of = options.one_of_rows(rows);
    let expect = |index: usize| Expected::by_output(&other, index, one_of);
    compare(&output, rows, options, &expect, done)
}

/// The digest of each column of an output, floats by their bits: equal outputs have equal ones, whatever the order of their
/// rows and files, and others do not. It says nothing of whether they are right.
///
/// # Errors
/// As [`verify`], where the output cannot be read.
pub fn digests(output: &Path) -> Result<Vec<(&'static str, Digest)>, Error> {
    let names: Vec<&'static str> = output_columns().map(|column| column.name).collect();
    let sums = Output::open(output)?.digests(&names)?;
    Ok(names.into_iter().zip(sums).collect())
}

impl Options {
    fn one_of_rows(&self, rows: u64) -> u64 {
        if self.one_of == 0 { rows.div_ceil(ROWS_A_GIGABYTE).max(1) } else { self.one_of }
    }
}

/// What a transformation is sampled by: all rows that one row's values depend on are in the sample with it.
fn sample(index: usize, one_of: u64) -> RowChoice {
    match TRANSFORMS[index].id {
        _ if one_of == 1 => RowChoice::All,
        "t08" => RowChoice::Users(one_of),
        "t09" => RowChoice::Items(one_of),
        "t10" => RowChoice::Groups(one_of),
        _ => RowChoice::Rows(one_of),
    }
}

fn compare(
    output: &Output,
    rows: u64,
    options: &Options,
    expect: &(dyn Fn(usize) -> Result<Expected, Error> + Sync),
    done: &(dyn Fn(&'static str) + Sync),
) -> Result<Verified, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build();
    let pool = pool.map_err(|e| Error::Config(format!("{} threads cannot be started: {e}", options.threads)))?;
    output.require_row_ids(rows)?;
    let check = |index: usize| -> Result<(u64, Vec<ColumnCheck>), Error> {
        let expected = expect(index)?;
        let columns = expected.check(output, &TRANSFORMS[index])?;
        done(TRANSFORMS[index].id);
        Ok((expected.rows(), columns))
    };
    // `with_max_len` keeps rayon from giving one thread a run of them while another is idle.
    let all = (0..TRANSFORMS.len()).into_par_iter().with_max_len(1);
    let checks = pool.install(|| all.map(check).collect::<Result<Vec<_>, _>>())?;
    let mut findings: Vec<Fault> = Vec::new();
    let mut verified = Verified { rows, bytes: output.bytes(), checked: Vec::new(), columns: Vec::new() };
    for (transform, (checked, columns)) in TRANSFORMS.iter().zip(checks) {
        verified.checked.push((transform.id.to_owned(), checked));
        for (column, check) in transform.columns.iter().zip(columns) {
            findings.extend(check.finding(column));
            verified.columns.push(summary(column.name, column.kind, &check));
        }
    }
    if findings.is_empty() { Ok(verified) } else { Err(Error::Rejected(findings)) }
}

fn summary(name: &str, kind: Kind, check: &ColumnCheck) -> ColumnSummary {
    let is_float = matches!(kind, Kind::F32 | Kind::F64);
    ColumnSummary {
        name: name.to_owned(),
        nulls: check.nulls,
        digest: (!is_float).then_some(check.digest),
        moments: is_float.then_some((check.absolute, check.squares)),
    }
}
