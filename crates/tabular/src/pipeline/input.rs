//! Input files: read as bytes, then decoded by Polars, one piece of a file at a time, and held against the schema.

use std::fs::File;
use std::hint::black_box;

use machine::memory_available;
use polars_buffer::Buffer;
use polars_core::prelude::*;
use polars_core::runtime::RAYON;
use polars_utils::mmap::MMapSemaphore;
use rayon::prelude::*;
use rustix::fs::{Advice, fadvise};
use serde::{Deserialize, Serialize};

use super::chunk::{self, Chunk};
use super::decode;
use crate::panics::guarded;
use crate::schema::{self, Kind, ROW_GROUP_ROWS, Table};
use crate::transforms::columns::numbers;
use crate::transforms::lookup::Twice;
use crate::{Dataset, Error, ParquetFile, content};

/// Most row groups that are decoded together: of small ones each costs the more, and threads share them.
const MOST_GROUPS_A_PIECE: usize = 1_024;
/// The smallest page of memory.
const PAGE: usize = 4096;
/// Bytes of memory that a row of the events takes while it is decoded.
const DECODED_BYTES_A_ROW: u64 = 500;

/// Asks the kernel to drop the events from its cache, so that they are read from the disk.
pub(crate) fn make_cold(data: &Dataset) -> Result<(), Error> {
    for file in data.files(Table::Events) {
        let trouble = |error: std::io::Error| Error::io("cannot drop from the page cache", file.path(), error);
        let open = file.reopen()?;
        // Only clean pages can be dropped.
        open.sync_all().map_err(trouble)?;
        fadvise(&open, 0, None, Advice::DontNeed).map_err(|error| trouble(error.into()))?;
    }
    Ok(())
}

/// Where a piece lies in the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cut {
    /// Which file of the events it is in.
    pub(crate) file: usize,
    first_group: usize,
    groups: usize,
    first_row: usize,
    pub(crate) rows: usize,
    /// The place of its first row among all.
    pub(crate) start: usize,
}

/// Rows of a file that are decoded together: a row group, or small ones that follow one another.
#[derive(Clone, Copy)]
pub(crate) struct Piece<'a> {
    pub(crate) file: &'a ParquetFile,
    first_group: usize,
    groups: usize,
    /// Its first row in the file.
    pub(crate) first_row: usize,
    pub(crate) rows: usize,
    /// The place of its first row among all.
    pub(crate) start: usize,
}

impl<'a> Piece<'a> {
    /// All of a file.
    fn whole(file: &'a ParquetFile) -> Piece<'a> {
        let groups = file.group_rows();
        Piece { file, first_group: 0, groups: groups.len(), first_row: 0, rows: groups.iter().sum(), start: 0 }
    }

    /// Where it lies, seen from all files.
    pub(crate) fn cut(&self, files: &[ParquetFile]) -> Cut {
        let Piece { file, first_group, groups, first_row, rows, start } = *self;
        let file = files.iter().position(|other| std::ptr::eq(other, file)).unwrap_or(files.len());
        Cut { file, first_group, groups, first_row, rows, start }
    }

    /// The piece that lies there in a file.
    pub(crate) fn of(file: &'a ParquetFile, cut: Cut) -> Piece<'a> {
        let Cut { first_group, groups, first_row, rows, start, .. } = cut;
        Piece { file, first_group, groups, first_row, rows, start }
    }

    /// Bytes of some columns in the file.
    pub(crate) fn bytes(&self, names: &[&str]) -> u64 {
        let Some(footer) = self.file.polars() else { return 0 };
        let of_group = |group| names.iter().map(|name| decode::bytes(group, name)).sum::<u64>();
        footer.row_groups[self.first_group..self.first_group + self.groups].iter().map(of_group).sum()
    }

    /// Reads some columns of the events.
    pub(crate) fn read(&self, names: &[&str]) -> Result<Chunk, Error> {
        Ok(Chunk { frame: self.decode(Table::Events, names, None)?, start: self.start })
    }

    /// Some columns as numbers and texts, each in one part, with nothing in them that the schema rules out; from the bytes of
    /// the file, where they are in memory.
    fn decode(&self, table: Table, names: &[&str], bytes: Option<&Buffer<u8>>) -> Result<DataFrame, Error> {
        let mut frame = match self.raw(names, bytes)? {
            Ok(frame) => frame,
            Err(why) => {
                // One at a time, for the one that is to blame.
                let fails = |name: &&&str| matches!(self.raw(&[**name], bytes), Ok(Err(_)));
                let column = names.iter().find(fails).map(|&name| name.to_owned());
                return Err(Error::Damaged { path: self.file.path().to_owned(), column, why });
            }
        };
        make_physical(&mut frame, table)?;
        self.check(&mut frame, table)?;
        Ok(frame)
    }

    /// Decodes some columns; else what the decoder says.
    fn raw(&self, names: &[&str], bytes: Option<&Buffer<u8>>) -> Result<Result<DataFrame, String>, Error> {
        let mapped = match bytes {
            Some(bytes) => bytes.clone(),
            None => map(&self.file.reopen()?)?,
        };
        let Some(footer) = self.file.polars() else { return Ok(Err("its pages were not looked at".to_owned())) };
        let groups = self.first_group..self.first_group + self.groups;
        let decoded = guarded(|| decode::columns(&mapped, footer, groups, names));
        let whole = |frame: &DataFrame| frame.height() == self.rows;
        Ok(decoded.and_then(|frame| if whole(&frame) { Ok(frame) } else { Err("rows are missing".to_owned()) }))
    }

    /// Sees that columns have their types, and hold nothing that the schema rules out.
    fn check(&self, frame: &mut DataFrame, table: Table) -> Result<(), Error> {
        for column in table.columns() {
            let Some(index) = frame.get_column_index(column.name) else { continue };
            let path = || self.file.path().to_owned();
            let values = frame.columns()[index].as_materialized_series();
            if *values.dtype() != physical(column.kind) {
                let (found, expected) = (values.dtype().to_string(), column.kind.to_string());
                return Err(Error::WrongType { path: path(), column: column.name, found, expected });
            }
            if let Some((at, why)) = wrong(values, column, frame)? {
                return Err(Error::Content { path: path(), column: column.name, why: why(self.first_row + at) });
            }
        }
        Ok(())
    }
}

/// What is said of a row of a file.
type Why = Box<dyn Fn(usize) -> String>;

/// The first value of a column that the schema rules out, and why.
fn wrong(values: &Series, column: &schema::Column, frame: &DataFrame) -> PolarsResult<Option<(usize, Why)>> {
    if !column.nullable && values.null_count() > 0 {
        let at = values.is_null().iter().position(|null| null == Some(true));
        return Ok(at.map(|at| (at, Box::new(content::null) as Why)));
    }
    if column.kind == Kind::F64 {
        let values = numbers::<Float64Type>(frame, column.name)?;
        // One that is null is not looked at, whatever lies there: only seldom does it matter.
        if values.values.iter().fold(true, |finite, x| finite & x.is_finite()) {
            return Ok(None);
        }
        let there = |at: usize| values.present.is_none_or(|present| present.get_bit(at));
        let at = (0..values.values.len()).find(|&at| there(at) && !values.values[at].is_finite());
        let why = |value: f64| Box::new(move |row: usize| content::not_finite(row, value)) as Why;
        return Ok(at.map(|at| (at, why(values.values[at]))));
    }
    let Some(range) = content::range(column.name) else { return Ok(None) };
    let numbers = values.cast(&DataType::Int64)?;
    let outside = |value: &i64| *value < range.0 || *value > range.1;
    let found = numbers.i64()?.iter().enumerate().find_map(|(at, value)| Some((at, value.filter(outside)?)));
    Ok(found.map(|(at, value)| (at, Box::new(move |row: usize| content::outside(row, value, range)) as Why)))
}

/// The type of a column of which dates and times became numbers.
pub(crate) fn physical(kind: Kind) -> DataType {
    match kind {
        Kind::Bool => DataType::Boolean,
        Kind::I8 => DataType::Int8,
        Kind::U8 => DataType::UInt8,
        Kind::I16 => DataType::Int16,
        Kind::I32 | Kind::Date => DataType::Int32,
        Kind::I64 | Kind::Timestamp => DataType::Int64,
        Kind::F32 => DataType::Float32,
        Kind::F64 => DataType::Float64,
        Kind::Text => DataType::String,
    }
}

/// The events in pieces, in order: row groups, and where they are small some together, up to the rows of one of ours.
pub(crate) fn pieces(data: &Dataset) -> Result<Vec<Piece<'_>>, Error> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut start = 0;
    for file in data.files(Table::Events) {
        let mut first_row = 0;
        for (group, rows) in file.group_rows().into_iter().enumerate() {
            let joins = |last: &&mut Piece| {
                group > 0 && last.rows + rows <= ROW_GROUP_ROWS && last.groups < MOST_GROUPS_A_PIECE
            };
            match pieces.last_mut().filter(joins) {
                Some(last) => (last.groups, last.rows) = (last.groups + 1, last.rows + rows),
                None => pieces.push(Piece { file, first_group: group, groups: 1, first_row, rows, start }),
            }
            (first_row, start) = (first_row + rows, start + rows);
        }
    }
    pieces.retain(|piece| piece.rows > 0);
    let largest = pieces.iter().max_by_key(|piece| piece.rows).filter(|piece| piece.rows > ROW_GROUP_ROWS);
    if let Some(piece) = largest {
        let (needed, available) = (piece.rows as u64 * DECODED_BYTES_A_ROW, memory_available());
        if needed > available {
            let what = format!("a row group of {} rows in {}", piece.rows, piece.file.path().display());
            return Err(Error::TooLittleMemory { what, needed, available, remedy: "write it in smaller ones" });
        }
    }
    Ok(pieces)
}

/// The bytes of all files of `events`, each of which was there when this returns. They stay where the kernel read them to: a
/// copy would take as much memory again, and the kernel would clear that first.
pub(crate) fn read(data: &Dataset) -> Result<(Vec<Buffer<u8>>, u64), Error> {
    let one = |file: &ParquetFile| {
        let open = file.reopen()?;
        let trouble = |error: std::io::Error| Error::io("cannot read", file.path(), error);
        // All of it is asked for at once, so that the drives have something to do.
        fadvise(&open, 0, None, Advice::WillNeed).map_err(|error| trouble(error.into()))?;
        let bytes = map(&open)?;
        black_box(bytes.iter().step_by(PAGE).fold(0, |sum: u8, byte| sum.wrapping_add(*byte)));
        Ok(bytes)
    };
    let files = data.files(Table::Events);
    let read: Vec<_> = RAYON.install(|| files.par_iter().map(one).collect::<Result<_, Error>>())?;
    let bytes = read.iter().map(|bytes| bytes.len() as u64).sum();
    Ok((read, bytes))
}

/// The bytes of a file where the kernel keeps them.
fn map(file: &File) -> PolarsResult<Buffer<u8>> {
    Ok(Buffer::from_owner(MMapSemaphore::new_from_file(file)?))
}

/// All columns of all rows, in chunks, and their bytes in memory.
pub(crate) fn decode(data: &Dataset, read: &[Buffer<u8>]) -> Result<(Vec<Chunk>, u64), Error> {
    let names: Vec<&str> = Table::Events.columns().iter().map(|column| column.name).collect();
    let pieces = pieces(data)?;
    let files = data.files(Table::Events);
    let bytes_of = |piece: &Piece| {
        let file = files.iter().position(|file| std::ptr::eq(file, piece.file));
        file.and_then(|file| read.get(file))
    };
    let tasks: Vec<(&Piece, Option<&Buffer<u8>>)> = pieces.iter().map(|piece| (piece, bytes_of(piece))).collect();
    let one = |&(piece, bytes): &(&Piece, Option<&Buffer<u8>>)| {
        let frame = piece.decode(Table::Events, &names, bytes)?;
        Ok((chunk::bytes(frame.columns()), split(&frame, piece.start)))
    };
    let decoded: Vec<(u64, Vec<Chunk>)> = RAYON.install(|| tasks.par_iter().map(one).collect::<Result<_, Error>>())?;
    let size = decoded.iter().map(|(size, _)| size).sum();
    Ok((decoded.into_iter().flat_map(|(_, chunks)| chunks).collect(), size))
}

/// Turns what is kept as numbers into numbers, such as dates and times, and categories into texts.
pub(crate) fn make_physical(frame: &mut DataFrame, table: Table) -> PolarsResult<()> {
    for column in table.columns() {
        let Some(index) = frame.get_column_index(column.name) else { continue };
        let values = frame.columns()[index].as_materialized_series();
        if *values.dtype() != physical(column.kind) {
            let plain = match column.kind {
                Kind::Text => values.strict_cast(&DataType::String)?,
                _ => values.to_physical_repr().into_owned(),
            };
            frame.replace_column(index, plain.into_column())?;
        }
    }
    Ok(())
}

/// Pieces of at most a row group of ours: others write larger ones.
fn split(frame: &DataFrame, start: usize) -> Vec<Chunk> {
    let firsts = (0..frame.height()).step_by(ROW_GROUP_ROWS);
    firsts.map(|first| Chunk { frame: frame.slice(first as i64, ROW_GROUP_ROWS), start: start + first }).collect()
}

/// Two columns of a dimension table, the key first, file by file; `add` says which key it has met before.
pub(crate) fn dimension(
    files: &[ParquetFile],
    table: Table,
    [key, value]: [&'static str; 2],
    mut add: impl FnMut(&DataFrame) -> PolarsResult<Option<Twice>>,
) -> Result<(), Error> {
    for file in files {
        let part = Piece::whole(file).decode(table, &[key, value], None)?;
        if let Some(Twice { row, key: id }) = add(&part)? {
            let why = content::twice(row, id.into());
            return Err(Error::Content { path: file.path().to_owned(), column: key, why });
        }
    }
    Ok(())
}

/// The names of the output's columns, in order.
pub(crate) fn output_names() -> Vec<&'static str> {
    schema::output_columns().map(|column| column.name).collect()
}
