//! Columns of row groups, decoded by Polars' own Parquet code. What it has above that (`polars-io`) reads clouds, CSV and Python's
//! files as well, and would be a tenth of the time that the worker takes to build.

use std::io::Cursor;
use std::ops::Range;

use polars_buffer::Buffer;
use polars_core::prelude::*;
use polars_parquet::read::{
    BasicDecompressor, FileMetadata, Filter, PageReader, RowGroupMetadata, column_iter_to_arrays, infer_schema,
};

/// Some columns of some row groups of a file, each in one part, from the bytes of the file.
pub(super) fn columns(
    bytes: &Buffer<u8>,
    footer: &FileMetadata,
    groups: Range<usize>,
    names: &[&str],
) -> PolarsResult<DataFrame> {
    let groups = &footer.row_groups[groups];
    let rows = groups.iter().map(RowGroupMetadata::num_rows).sum();
    let schema = infer_schema(footer)?;
    let column = |name: &&str| {
        let field = schema.get(name).ok_or_else(|| polars_err!(ColumnNotFound: "{name}"))?;
        let mut parts = groups.iter().map(|group| part(bytes, group, field));
        let mut whole = parts
            .next()
            .unwrap_or_else(|| Ok(Series::new_empty(field.name.clone(), &DataType::from_arrow_field(field))))?;
        for part in parts {
            whole.append(&part?)?;
        }
        Ok(whole.rechunk().into_column())
    };
    DataFrame::new(rows, names.iter().map(column).collect::<PolarsResult<Vec<Column>>>()?)
}

/// A column of one row group.
fn part(bytes: &Buffer<u8>, group: &RowGroupMetadata, field: &ArrowField) -> PolarsResult<Series> {
    let chunks = group.columns_under_root_iter(&field.name);
    let chunks = chunks.ok_or_else(|| polars_err!(ColumnNotFound: "{}", field.name))?;
    let (pages, types) = chunks
        .map(|chunk| {
            let range = chunk.byte_range();
            // That they lie in the file was seen when its pages were looked at.
            let there = bytes.clone().sliced(place(range.start)..place(range.end));
            let pages = PageReader::new(Cursor::new(there), chunk, Vec::new(), usize::MAX);
            (BasicDecompressor::new(pages, Vec::new()), &chunk.descriptor().descriptor.primitive_type)
        })
        .unzip();
    let all = Some(Filter::new_ranged(0, group.num_rows()));
    let (arrays, _) = column_iter_to_arrays(pages, types, field.clone(), all)?;
    Series::try_from((field, arrays))
}

/// Bytes of a column of a row group in the file.
pub(super) fn bytes(group: &RowGroupMetadata, name: &str) -> u64 {
    let size = |range: Range<u64>| range.end - range.start;
    group.columns_under_root_iter(name).map_or(0, |chunks| chunks.map(|chunk| size(chunk.byte_range())).sum())
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
