//! The reference's output as a Parquet file: what the verifier is tested with, and what other engines can be compared with.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, RecordBatch,
    UInt8Array,
};
use arrow_schema::{Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::{RowChoice, Source, transform};
use crate::cells::Cells;
use crate::dataset::Dataset;
use crate::error::Error;
use crate::parquet_file::arrow_type;
use crate::schema::{Column, Kind, ROW_GROUP_ROWS, TRANSFORMS, output_columns};

/// Computes the ten transformations of the data set `input` with the reference, and writes them to the file `output`.
///
/// All of it is held in memory, about 2 GB for one logical gigabyte.
///
/// # Errors
/// The input cannot be read, or the output cannot be written.
pub fn save(input: &Path, output: &Path) -> Result<(), Error> {
    let dataset = Dataset::open(input)?;
    dataset.require_rows()?;
    dataset.require_row_ids()?;
    let source = Source::new(&dataset, RowChoice::All)?;
    let mut columns = vec![Cells::Int(source.ints("row_id")?)];
    for index in 0..TRANSFORMS.len() {
        columns.append(&mut transform(index, &source)?);
    }
    let file = File::create(output).map_err(|e| Error::io("cannot create", output, e))?;
    write(file, &columns).map_err(|e| Error::io("cannot write", output, std::io::Error::other(e)))
}

fn write(file: File, columns: &[Cells]) -> Result<(), ParquetError> {
    let fields: Vec<Field> = output_columns().map(|c| Field::new(c.name, arrow_type(c.kind), c.nullable)).collect();
    let arrays =
        output_columns().zip(columns).map(|(column, cells)| array(&column, cells)).collect::<Result<_, _>>()?;
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(())
}

fn array(column: &Column, cells: &Cells) -> Result<ArrayRef, ParquetError> {
    let too_large = |_| ParquetError::General(format!("a value of {} does not fit its type", column.name));
    Ok(match (column.kind, cells) {
        (Kind::Bool, Cells::Int(v)) => Arc::new(v.iter().map(|v| v.map(|v| v != 0)).collect::<BooleanArray>()),
        (Kind::I8, Cells::Int(v)) => Arc::new(Int8Array::from(narrow::<i8>(v).map_err(too_large)?)),
        (Kind::U8, Cells::Int(v)) => Arc::new(UInt8Array::from(narrow::<u8>(v).map_err(too_large)?)),
        (Kind::I16, Cells::Int(v)) => Arc::new(Int16Array::from(narrow::<i16>(v).map_err(too_large)?)),
        (Kind::I32, Cells::Int(v)) => Arc::new(Int32Array::from(narrow::<i32>(v).map_err(too_large)?)),
        (_, Cells::Int(v)) => Arc::new(Int64Array::from(v.clone())),
        (_, Cells::F32(v)) => Arc::new(Float32Array::from(v.clone())),
        (_, Cells::F64(v)) => Arc::new(Float64Array::from(v.clone())),
        (_, Cells::Text(v)) => Arc::new(v.clone()),
    })
}

fn narrow<T: TryFrom<i64>>(values: &[Option<i64>]) -> Result<Vec<Option<T>>, T::Error> {
    values.iter().map(|v| v.map(T::try_from).transpose()).collect()
}
