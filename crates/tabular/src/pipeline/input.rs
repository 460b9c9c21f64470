//! Input files: read as bytes, then decoded by Polars, one row group at a time.

use std::fs::{self, File};
use std::io::Cursor;
use std::path::Path;

use polars::io::mmap::MmapBytesReader;
use polars::prelude::*;
use polars_core::runtime::RAYON;
use rayon::prelude::*;
use rustix::fs::{Advice, fadvise};

use super::chunk::Chunk;
use crate::parquet_file::guarded;
use crate::schema::{self, Kind, ROW_GROUP_ROWS, Table};
use crate::{Dataset, Error, ParquetFile};

/// Asks the kernel to drop the events from its cache, so that they are read from the disk.
pub(crate) fn make_cold(data: &Dataset) -> Result<(), Error> {
    for file in data.files(Table::Events) {
        let trouble = |error: std::io::Error| Error::io("cannot drop from the page cache", file.path(), error);
        let open = File::open(file.path()).map_err(trouble)?;
        // Only clean pages can be dropped.
        open.sync_all().map_err(trouble)?;
        fadvise(&open, 0, None, Advice::DontNeed).map_err(|error| trouble(error.into()))?;
    }
    Ok(())
}

/// Where each row group of a file begins, and its rows.
pub(crate) fn pieces(path: &Path, reader: impl MmapBytesReader) -> Result<Vec<(usize, usize)>, Error> {
    read_with(path, || {
        let mut reader = ParquetReader::new(reader);
        let mut pieces = Vec::new();
        let mut start = 0;
        for group in &reader.get_metadata()?.row_groups {
            pieces.push((start, group.num_rows()));
            start += group.num_rows();
        }
        Ok(pieces)
    })
}

/// The bytes of all files of `events`.
pub(crate) fn read(data: &Dataset) -> Result<(Vec<Vec<u8>>, u64), Error> {
    let one = |file: &ParquetFile| fs::read(file.path()).map_err(|error| Error::io("cannot read", file.path(), error));
    let files = data.files(Table::Events);
    let read: Vec<Vec<u8>> = RAYON.install(|| files.par_iter().map(one).collect::<Result<_, _>>())?;
    let bytes = read.iter().map(|bytes| bytes.len() as u64).sum();
    Ok((read, bytes))
}

/// All columns of all rows, in chunks, and their bytes in memory.
pub(crate) fn decode(data: &Dataset, read: &[Vec<u8>]) -> Result<(Vec<Chunk>, u64), Error> {
    let names: Vec<&str> = Table::Events.columns().iter().map(|column| column.name).collect();
    let mut tasks = Vec::new();
    for (file, bytes) in data.files(Table::Events).iter().zip(read) {
        tasks.extend(pieces(file.path(), Cursor::new(bytes))?.into_iter().map(|piece| (file.path(), bytes, piece)));
    }
    let one = |&(path, bytes, piece): &(&Path, &Vec<u8>, (usize, usize))| {
        let frame = decode_piece(path, Cursor::new(bytes), piece, Table::Events, &names)?;
        Ok((frame.estimated_size() as u64, split(&frame)))
    };
    let decoded: Vec<(u64, Vec<DataFrame>)> =
        RAYON.install(|| tasks.par_iter().map(one).collect::<Result<_, Error>>())?;
    let size = decoded.iter().map(|(size, _)| size).sum();
    let mut start = 0;
    let chunks = decoded.into_iter().flat_map(|(_, frames)| frames).map(|frame| {
        let chunk = Chunk { frame, start };
        start += chunk.frame.height();
        chunk
    });
    Ok((chunks.collect(), size))
}

/// Some columns of one row group, as numbers and texts, each in one piece.
pub(crate) fn decode_piece(
    path: &Path,
    reader: impl MmapBytesReader,
    (start, rows): (usize, usize),
    table: Table,
    names: &[&str],
) -> Result<DataFrame, Error> {
    let mut frame = read_with(path, || {
        ParquetReader::new(reader)
            .with_slice(Some((start, rows)))
            .with_columns(Some(names.iter().map(|&name| name.to_owned()).collect()))
            .read_parallel(ParallelStrategy::None)
            .set_rechunk(true)
            .finish()
    })?;
    for column in table.columns().iter().filter(|column| names.contains(&column.name)) {
        let values = frame.column(column.name)?.as_materialized_series();
        if !column.nullable && values.null_count() > 0 {
            let why = format!("{} nulls, where there may be none", values.null_count());
            return Err(Error::Content { path: path.to_owned(), column: column.name, why });
        }
    }
    make_physical(&mut frame, table)?;
    Ok(frame)
}

/// Turns dates and times into numbers.
pub(crate) fn make_physical(frame: &mut DataFrame, table: Table) -> PolarsResult<()> {
    let times = table.columns().iter().filter(|column| matches!(column.kind, Kind::Date | Kind::Timestamp));
    for column in times {
        if let Ok(values) = frame.column(column.name) {
            let numbers = values.as_materialized_series().to_physical_repr().into_owned();
            frame.with_column(numbers.into_column())?;
        }
    }
    Ok(())
}

/// Pieces of at most a row group of ours: others write larger ones.
fn split(frame: &DataFrame) -> Vec<DataFrame> {
    let starts = (0..frame.height()).step_by(ROW_GROUP_ROWS);
    starts.map(|start| frame.slice(start as i64, ROW_GROUP_ROWS)).collect()
}

/// Two columns of a dimension table, of all its files.
pub(crate) fn dimension(data: &Dataset, table: Table, names: [&str; 2]) -> Result<DataFrame, Error> {
    let mut whole: Option<DataFrame> = None;
    for file in data.files(table) {
        let bytes = fs::read(file.path()).map_err(|error| Error::io("cannot read", file.path(), error))?;
        let frame = decode_piece(file.path(), Cursor::new(&bytes), (0, usize::MAX), table, &names)?;
        whole = Some(match whole {
            None => frame,
            Some(whole) => whole.vstack(&frame)?,
        });
    }
    let mut whole = whole.unwrap_or_default();
    whole.rechunk_mut();
    Ok(whole)
}

/// Runs Polars' reader on a file.
fn read_with<T>(path: &Path, work: impl FnOnce() -> PolarsResult<T>) -> Result<T, Error> {
    guarded(work).map_err(|why| Error::Damaged { path: path.to_owned(), column: None, why })
}

/// The names of the output's columns, in order.
pub(crate) fn output_names() -> Vec<&'static str> {
    schema::output_columns().map(|column| column.name).collect()
}
