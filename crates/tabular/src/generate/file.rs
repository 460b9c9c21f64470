//! One Parquet file of the data set.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::{Field, Schema, SchemaRef};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;

use super::columns::Recipe;
use super::plan::Planned;
use super::survey::UNFINISHED;
use crate::cells::Cells;
use crate::digest::{self, Digest};
use crate::error::Error;
use crate::hashed::Hashed;
use crate::manifest::{Codec, FileRecord, Request};
use crate::parquet_file::arrow_type;
use crate::schema::{Column, Kind, Table};

/// Columns with few values, which a dictionary makes smaller. For the others it would be built and given up.
const DICTIONARIES: [&str; 9] = ["qty", "country", "device", "c1", "c2", "f2", "label", "segment", "category"];

/// Writes a file under another name, and renames it when all of it is on the disk.
pub(super) fn write(
    folder: &Path,
    planned: &Planned,
    recipe: &Recipe,
    request: &Request,
    advance: &(dyn Fn(u64) + Sync),
) -> Result<FileRecord, Error> {
    let path = folder.join(&planned.name);
    let unfinished = folder.join(format!("{}{UNFINISHED}", planned.name));
    let made = File::create_new(&unfinished).map_err(|e| Error::io("cannot create", &unfinished, e)).and_then(|file| {
        let mut out = Hashed::new(file);
        let sums = encode(&mut out, planned, recipe, request, advance).map_err(|e| refused(&path, e))?;
        out.inner.sync_data().map_err(|e| Error::io("cannot write", &path, e))?;
        fs::rename(&unfinished, &path).map_err(|e| Error::io("cannot rename to", &path, e))?;
        Ok(record(planned, sums, out.bytes, out.sha256()))
    });
    made.inspect_err(|_| {
        // The first error is what counts, and the next start removes the file too.
        let _ = fs::remove_file(&unfinished);
    })
}

/// What [`write`] would record, but for the size and the hash of the file.
pub(super) fn digest(planned: &Planned, recipe: &Recipe, request: &Request) -> Result<FileRecord, Error> {
    let numbers = planned.row_numbers(recipe);
    let groups = numbers.par_chunks(request.row_group_rows).map(|rows| {
        let mut sums = Sums::new(planned.table);
        sums.rows = rows.len() as u64;
        for (at, column) in planned.table.columns().iter().enumerate() {
            let array = values(recipe, planned.table, column, rows)?;
            sums.add(at, column, rows, &array)?;
        }
        Ok(sums)
    });
    let groups = groups.collect::<Result<Vec<_>, ParquetError>>().map_err(|e| Error::Config(e.to_string()))?;
    Ok(record(planned, Sums::total(planned.table, groups), 0, String::new()))
}

fn record(planned: &Planned, sums: Sums, bytes: u64, sha256: String) -> FileRecord {
    FileRecord {
        table: planned.table,
        name: planned.name.clone(),
        rows: sums.rows,
        bytes,
        logical_bytes: sums.logical_bits.div_ceil(8),
        sha256,
        columns: sums.digests,
    }
}

/// An error of the Parquet writer, which hands on those of the operating system.
fn refused(path: &Path, error: ParquetError) -> Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(io) => Error::io("cannot write", path, *io),
            Err(other) => Error::Io { what: "cannot write", path: path.to_owned(), why: io::Error::other(other) },
        },
        other => Error::Io { what: "cannot write", path: path.to_owned(), why: io::Error::other(other) },
    }
}

/// Encodes the row groups, in parallel where threads are free, and writes them in order.
fn encode<W: Write + Send>(
    out: &mut Hashed<W>,
    planned: &Planned,
    recipe: &Recipe,
    request: &Request,
    advance: &(dyn Fn(u64) + Sync),
) -> Result<Sums, ParquetError> {
    let table = planned.table;
    let schema = arrow_schema(table);
    let parquet_schema = ArrowSchemaConverter::new().convert(&schema)?;
    let mut writer = SerializedFileWriter::new(out, parquet_schema.root_schema_ptr(), Arc::new(properties(request)?))?;
    let factory = ArrowRowGroupWriterFactory::new(&writer, Arc::clone(&schema));
    let numbers = planned.row_numbers(recipe);
    let groups: Vec<&[u64]> = numbers.chunks(request.row_group_rows).collect();
    let encoded = groups.par_iter().enumerate().map(|(index, rows)| {
        let group = encode_group(&factory, index, &schema, table, recipe, rows)?;
        advance(rows.len() as u64);
        Ok(group)
    });
    let mut sums = Vec::new();
    for (chunks, group_sums) in encoded.collect::<Result<Vec<_>, ParquetError>>()? {
        let mut group = writer.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close()?;
        sums.push(group_sums);
    }
    writer.finish()?;
    Ok(Sums::total(table, sums))
}

fn encode_group(
    factory: &ArrowRowGroupWriterFactory,
    index: usize,
    schema: &Schema,
    table: Table,
    recipe: &Recipe,
    rows: &[u64],
) -> Result<(Vec<ArrowColumnChunk>, Sums), ParquetError> {
    let mut sums = Sums::new(table);
    sums.rows = rows.len() as u64;
    let mut chunks = Vec::with_capacity(schema.fields().len());
    let writers = factory.create_column_writers(index)?;
    for (at, ((column, field), mut writer)) in table.columns().iter().zip(schema.fields()).zip(writers).enumerate() {
        let array = values(recipe, table, column, rows)?;
        sums.add(at, column, rows, &array)?;
        for leaf in compute_leaves(field, &array)? {
            writer.write(&leaf)?;
        }
        chunks.push(writer.close()?);
    }
    Ok((chunks, sums))
}

fn values(recipe: &Recipe, table: Table, column: &Column, rows: &[u64]) -> Result<ArrayRef, ParquetError> {
    let values = match table {
        Table::Events => recipe.events(column.name, rows),
        Table::Users | Table::Items => recipe.dimension(column.name, rows),
    };
    values.ok_or_else(|| ParquetError::General(format!("no rule makes the column {}", column.name)))
}

fn arrow_schema(table: Table) -> SchemaRef {
    let field = |c: &Column| Field::new(c.name, arrow_type(c.kind), c.nullable);
    Arc::new(Schema::new(table.columns().iter().map(field).collect::<Vec<_>>()))
}

fn properties(request: &Request) -> Result<WriterProperties, ParquetError> {
    let compression = match request.codec {
        Codec::Zstd => Compression::ZSTD(ZstdLevel::try_new(1)?),
        Codec::Lz4 => Compression::LZ4_RAW,
        Codec::None => Compression::UNCOMPRESSED,
    };
    let mut properties = WriterProperties::builder()
        .set_compression(compression)
        .set_created_by("hostproof".to_owned())
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_dictionary_enabled(false);
    for name in DICTIONARIES {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(name), true);
    }
    Ok(properties.build())
}

/// What is counted about the rows of a row group or a file.
#[derive(Debug)]
struct Sums {
    rows: u64,
    logical_bits: u64,
    digests: Vec<Digest>,
}

impl Sums {
    fn new(table: Table) -> Self {
        Self { rows: 0, logical_bits: 0, digests: vec![Digest::default(); table.columns().len()] }
    }

    fn total(table: Table, parts: Vec<Self>) -> Self {
        let mut total = Self::new(table);
        for part in parts {
            total.rows += part.rows;
            total.logical_bits += part.logical_bits;
            total.digests.iter_mut().zip(part.digests).for_each(|(sum, digest)| *sum += digest);
        }
        total
    }

    fn add(&mut self, at: usize, column: &Column, rows: &[u64], array: &ArrayRef) -> Result<(), ParquetError> {
        let cells = Cells::of(array).map_err(ParquetError::General)?;
        let rows: Vec<i64> = rows.iter().map(|&row| row.cast_signed()).collect();
        self.digests[at] = digest::of_cells(column.name, &rows, &cells);
        self.logical_bits += logical_bits(column, &cells);
        Ok(())
    }
}

/// The size of values in memory, as Arrow with string views: 16 bytes a string and its bytes beyond 12.
fn logical_bits(column: &Column, cells: &Cells) -> u64 {
    let each = match column.kind {
        Kind::Bool => 1,
        Kind::I8 | Kind::U8 => 8,
        Kind::I16 => 16,
        Kind::I32 | Kind::F32 | Kind::Date => 32,
        Kind::I64 | Kind::F64 | Kind::Timestamp => 64,
        Kind::Text => 128,
    };
    let outside = match cells {
        Cells::Text(v) => v.iter().flatten().map(str::len).filter(|&len| len > 12).sum::<usize>() as u64 * 8,
        _ => 0,
    };
    cells.len() as u64 * (each + u64::from(column.nullable)) + outside
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{Config, plan};

    /// A file system with so many bytes free.
    struct Small(usize);

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let fits = bytes.len().min(self.0);
            self.0 -= fits;
            Ok(fits)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_file_system_is_told_apart_from_other_refusals() {
        let config = Config::smoke("unused".into());
        let recipe = Recipe::new(config.seed, 10_000, 0);
        let planned = &plan::files(&recipe, &config.request())[0];
        for room in [0, 3, 5000, 100_000] {
            let mut out = Hashed::new(Small(room));
            let error = encode(&mut out, planned, &recipe, &config.request(), &|_| ()).expect_err("it cannot fit");
            let error = refused(Path::new("events/part-00000.parquet"), error);
            assert!(matches!(error, Error::Full { .. }), "{room}: {error}");
        }
    }
}
