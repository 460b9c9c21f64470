//! The Parquet files that an engine saved.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use arrow_schema::DataType;
use rayon::prelude::*;

use crate::bits::Bits;
use crate::claim::MARK;
use crate::digest::{self, Digest};
use crate::error::Error;
use crate::finding::Fault;
use crate::parquet_file::ParquetFile;
use crate::schema::{Column, Kind, MAX_ROWS, output_columns};

/// An output with the columns that it should have, of types that can hold their values.
pub(super) struct Output {
    files: Vec<ParquetFile>,
}

impl Output {
    /// The file at a path, or all Parquet files in and below the folder at it.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let mut paths = Vec::new();
        collect(path, &mut Vec::new(), &mut paths)?;
        paths.sort();
        if paths.is_empty() {
            return Err(Error::NoFiles { path: path.to_owned(), expected: "`*.parquet` in it or below".to_owned() });
        }
        let files = paths.into_iter().map(|path| ParquetFile::open(path).and_then(with_columns));
        let output = Self { files: files.collect::<Result<_, _>>()? };
        if output.rows() > MAX_ROWS {
            let why = format!("{} rows; up to 2³² − 1 can be worked on", output.rows());
            return Err(Error::OtherData { path: path.to_owned(), why });
        }
        Ok(output)
    }

    pub(super) fn rows(&self) -> u64 {
        self.files.iter().map(ParquetFile::rows).fold(0, u64::saturating_add)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(ParquetFile::bytes).sum()
    }

    /// Decodes some columns of all files.
    pub(super) fn read(
        &self,
        names: &[&'static str],
        mut each: impl FnMut(&[crate::cells::Cells]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.files.iter().try_for_each(|file| file.read(names, &mut each))
    }

    /// The digest of each of some columns, of which the first is that of the row ids. Files are read at the same time.
    pub(super) fn digests(&self, names: &[&'static str]) -> Result<Vec<Digest>, Error> {
        let of_file = |file: &ParquetFile| -> Result<Vec<Digest>, Error> {
            let mut sums = vec![Digest::default(); names.len()];
            file.read(names, |cells| {
                // That ids are there, and what a row without one is, others say.
                let row_ids: Vec<i64> = (0..cells[0].len()).map(|at| cells[0].int(at).unwrap_or(-1)).collect();
                for ((sum, name), cells) in sums.iter_mut().zip(names).zip(cells) {
                    *sum += digest::of_cells(name, &row_ids, cells);
                }
                Ok(())
            })?;
            Ok(sums)
        };
        let add = |mut sums: Vec<Digest>, others: Vec<Digest>| {
            sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
            sums
        };
        let files = self.files.par_iter().with_max_len(1).map(of_file);
        files.try_reduce(|| vec![Digest::default(); names.len()], |one, other| Ok(add(one, other)))
    }

    /// Sees that each of the row ids `0..rows` is there once.
    pub(super) fn require_row_ids(&self, rows: u64) -> Result<(), Error> {
        let mut met = Bits::new(rows);
        let (mut twice, mut beyond, mut nulls) = (Odd::default(), Odd::default(), 0_u64);
        self.read(&["row_id"], |cells| {
            for at in 0..cells[0].len() {
                match cells[0].int(at).map(|id| (id, met.insert(id))) {
                    Some((_, Some(true))) => {}
                    Some((id, Some(false))) => twice.add(id),
                    Some((id, None)) => beyond.add(id),
                    None => nulls += 1,
                }
            }
            Ok(())
        })?;
        let mut faults = Vec::new();
        if let Some(first) = met.first_missing() {
            let missing = rows - met.count();
            faults.push(format!("{missing} of {rows} rows are missing, the first is row {first}"));
        }
        if let Some(first) = twice.first {
            faults.push(format!("{} rows are there again, the first is row {first}", twice.count));
        }
        if let Some(first) = beyond.first {
            faults.push(format!("{} row ids are not in 0..{rows}, the first is {first}", beyond.count));
        }
        if nulls > 0 {
            faults.push(format!("{nulls} are null"));
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(Error::Rejected(vec![Fault { column: "row_id".to_owned(), what: faults.join("; ") }]))
    }
}

/// Row ids that should not be there.
#[derive(Debug, Default)]
struct Odd {
    count: u64,
    first: Option<i64>,
}

impl Odd {
    fn add(&mut self, id: i64) {
        self.count += 1;
        self.first.get_or_insert(id);
    }
}

/// Adds the Parquet files in and below a path; `above` are the folders that it lies in.
fn collect(path: &Path, above: &mut Vec<(u64, u64)>, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let refused = |e| Error::io("cannot read", path, e);
    let metadata = std::fs::metadata(path).map_err(refused)?;
    if !metadata.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let id = (metadata.dev(), metadata.ino());
    if above.contains(&id) {
        let why = "it leads back to a folder that it lies in".to_owned();
        return Err(Error::OtherData { path: path.to_owned(), why });
    }
    above.push(id);
    for entry in std::fs::read_dir(path).map_err(refused)? {
        let entry = entry.map_err(refused)?;
        let inner = entry.path();
        let is_result = inner.extension().is_some_and(|e| e == "parquet") && entry.file_name() != MARK;
        if is_result || inner.is_dir() {
            collect(&inner, above, files)?;
        }
    }
    above.pop();
    Ok(())
}

/// The file, if it has the columns of the output and no others.
fn with_columns(file: ParquetFile) -> Result<ParquetFile, Error> {
    for column in output_columns() {
        let expected = format!("{}{}", column.kind, equivalents(column.kind));
        file.expect(&column, |found| holds(column.kind, found), &expected)?;
    }
    let unknown = file.columns().find(|name| output_columns().all(|c: Column| c.name != *name));
    let Some(unknown) = unknown.map(str::to_owned) else { return file.with_pages(output_columns()) };
    let what = format!("it is no column of the output, and {} has it", file.path().display());
    Err(Error::Rejected(vec![Fault { column: unknown, what }]))
}

/// Whether a type holds all values of a kind as what they are.
fn holds(kind: Kind, found: &DataType) -> bool {
    match kind {
        Kind::I8 | Kind::U8 | Kind::I16 | Kind::I32 | Kind::I64 => found.is_integer(),
        Kind::F32 => matches!(found, DataType::Float32 | DataType::Float64),
        Kind::F64 => *found == DataType::Float64,
        Kind::Bool => *found == DataType::Boolean,
        Kind::Text => *found == DataType::Utf8,
        Kind::Date | Kind::Timestamp => false,
    }
}

fn equivalents(kind: Kind) -> &'static str {
    match kind {
        Kind::I8 | Kind::U8 | Kind::I16 | Kind::I32 | Kind::I64 => " or another whole number",
        Kind::F32 => " or double",
        _ => "",
    }
}
