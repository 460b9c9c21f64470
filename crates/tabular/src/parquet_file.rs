//! A Parquet file of unknown origin: its footer, and its columns as plain values.

use std::fs::File;
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use polars_parquet::read::{FileMetadata, read_metadata};

use crate::cells::Cells;
use crate::error::Error;
use crate::panics::guarded;
use crate::schema::{Column, Kind};
use crate::{pages, regular_file};

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 65_536;

/// A file whose footer was read.
#[derive(Clone, Debug)]
pub struct ParquetFile {
    path: PathBuf,
    bytes: u64,
    metadata: ArrowReaderMetadata,
    /// The same for Polars, when it was held against the bytes that are there.
    polars: Option<Arc<FileMetadata>>,
}

impl ParquetFile {
    /// Reads the footer of a file.
    ///
    /// # Errors
    /// The file cannot be opened, or is no Parquet file.
    pub(crate) fn open(path: PathBuf) -> Result<Self, Error> {
        let file = regular_file::open(&path).map_err(|e| Error::io("cannot open", &path, e))?;
        let bytes = file.metadata().map_err(|e| Error::io("cannot read", &path, e))?.len();
        // Not the Arrow schema that a writer may have left in the footer: the types of Parquet itself, so that it does
        // not matter whether text was a view, large or a dictionary in the memory of whoever wrote it.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let footer = guarded(|| ArrowReaderMetadata::load(&file, options));
        let metadata = footer.map_err(|why| damaged(&path, None, why))?;
        Ok(Self { path, bytes, metadata, polars: None })
    }

    /// The file, if rows and pages of some columns are there as the footer says.
    ///
    /// # Errors
    /// They are not, or the file cannot be read.
    pub(crate) fn with_pages(mut self, columns: impl Iterator<Item = Column>) -> Result<Self, Error> {
        let mut file = self.reopen()?;
        let names: Vec<&str> = columns.map(|column| column.name).collect();
        let checked = pages::check(&file, self.bytes, self.metadata.metadata(), &names);
        checked.map_err(|(column, why)| damaged(&self.path, column, why))?;
        let footer = guarded(|| read_metadata(&mut file));
        self.polars = Some(Arc::new(without_notes(footer.map_err(|why| damaged(&self.path, None, why))?)));
        Ok(self)
    }

    /// The file once more.
    pub(crate) fn reopen(&self) -> Result<File, Error> {
        regular_file::open(&self.path).map_err(|e| Error::io("cannot open", &self.path, e))
    }

    /// Its footer as Polars knows it, of a file [with its pages](Self::with_pages).
    pub(crate) fn polars(&self) -> Option<&Arc<FileMetadata>> {
        self.polars.as_ref()
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size on disk.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The rows of each of its row groups.
    pub(crate) fn group_rows(&self) -> Vec<usize> {
        let groups = self.metadata.metadata().row_groups().iter();
        groups.map(|group| usize::try_from(group.num_rows()).unwrap_or(0)).collect()
    }

    /// The value of a key in its footer.
    pub(crate) fn note(&self, key: &str) -> Option<&str> {
        let pairs = self.metadata.metadata().file_metadata().key_value_metadata()?;
        pairs.iter().find(|pair| pair.key == key)?.value.as_deref()
    }

    /// Its rows, as the footer says.
    #[must_use]
    pub fn rows(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// The names of its columns.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.metadata.schema().fields().iter().map(|f| f.name().as_str())
    }

    /// Sees that a column is there and has a type that is accepted.
    pub(crate) fn expect(
        &self,
        column: &Column,
        accepts: impl FnOnce(&DataType) -> bool,
        expected: &str,
    ) -> Result<(), Error> {
        let (path, expected) = (self.path.clone(), expected.to_owned());
        let Some((_, field)) = self.metadata.schema().column_with_name(column.name) else {
            return Err(Error::MissingColumn { path, column: column.name, expected });
        };
        if accepts(field.data_type()) {
            return Ok(());
        }
        Err(Error::WrongType { path, column: column.name, found: field.data_type().to_string(), expected })
    }

    /// Decodes some columns, batch by batch, and hands each batch on with the columns in the order of `names`.
    pub(crate) fn read(
        &self,
        names: &[&'static str],
        mut each: impl FnMut(&[Cells]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for batch in self.batches(names)? {
            let batch = batch.map_err(|why| damaged(&self.path, self.blame(names), why))?;
            let cells = names.iter().map(|name| self.cells(&batch, name)).collect::<Result<Vec<_>, _>>()?;
            each(&cells)?;
        }
        Ok(())
    }

    fn batches(&self, names: &[&'static str]) -> Result<impl Iterator<Item = Result<RecordBatch, String>>, Error> {
        let file = self.reopen()?;
        let mask = ProjectionMask::columns(self.metadata.parquet_schema(), names.iter().copied());
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let reader = guarded(|| builder.with_projection(mask).with_batch_size(BATCH_ROWS).build());
        let mut reader = reader.map_err(|why| damaged(&self.path, None, why))?;
        Ok(iter::from_fn(move || guarded(|| reader.next().transpose()).transpose()))
    }

    fn cells(&self, batch: &RecordBatch, name: &'static str) -> Result<Cells, Error> {
        let content = |why: String| Error::Content { path: self.path.clone(), column: name, why };
        let array = batch.column_by_name(name).ok_or_else(|| content("it is not there".to_owned()))?;
        Cells::of(array).map_err(content)
    }

    /// The first of some columns that cannot be decoded alone.
    fn blame(&self, names: &[&'static str]) -> Option<String> {
        let fails =
            |name: &&'static str| self.batches(&[*name]).map_or(true, |mut batches| batches.any(|b| b.is_err()));
        names.iter().find(|name| fails(name)).map(|name| (*name).to_owned())
    }
}

/// The type of Arrow that is meant by a kind.
pub(crate) fn arrow_type(kind: Kind) -> DataType {
    match kind {
        Kind::Bool => DataType::Boolean,
        Kind::I8 => DataType::Int8,
        Kind::U8 => DataType::UInt8,
        Kind::I16 => DataType::Int16,
        Kind::I32 => DataType::Int32,
        Kind::I64 => DataType::Int64,
        Kind::F32 => DataType::Float32,
        Kind::F64 => DataType::Float64,
        Kind::Text => DataType::Utf8,
        Kind::Date => DataType::Date32,
        Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    }
}

/// A footer without what its writer noted beside the types of Parquet itself: the types of Arrow, for one, by which Polars
/// would read text as categories, and whole numbers as durations.
fn without_notes(footer: FileMetadata) -> FileMetadata {
    FileMetadata { key_value_metadata: None, ..footer }
}

fn damaged(path: &Path, column: Option<String>, why: String) -> Error {
    Error::Damaged { path: path.to_owned(), column, why }
}
