//! A row group of the result as pages of Parquet: each column in the encoding that costs least in time and is not much larger
//! than what Polars would choose (measured column by column; METHODOLOGY tells the figures). What costs is mostly Zstandard:
//! whole numbers are packed before it, and numbers with a fraction are split into streams of like bytes.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::File;

use polars_arrow::array::{Array, PrimitiveArray};
use polars_arrow::datatypes::{ArrowDataType, ArrowSchema};
use polars_arrow::types::NativeType;
use polars_core::prelude::*;
use polars_core::runtime::RAYON;
use polars_parquet::parquet::CowBuffer;
use polars_parquet::parquet::compression::Compression;
use polars_parquet::parquet::metadata::Descriptor;
use polars_parquet::parquet::page::{CompressedDictPage, DataPageHeader, DataPageHeaderV1};
use polars_parquet::parquet::schema::types::PrimitiveType;
use polars_parquet::parquet::statistics::PrimitiveStatistics;
use polars_parquet::parquet::types::NativeType as Plain;
use polars_parquet::write::{
    CompressedDataPage, CompressedPage, CompressionOptions, DynIter, DynStreamingIterator, Encoding,
    FallibleStreamingIterator, FileWriter, Page, ParquetType, StatisticsOptions, Version, WriteOptions, ZstdLevel,
    array_to_columns, to_parquet_type, write_def_levels,
};
use rayon::prelude::*;
use zstd::bulk::Compressor;
use zstd::zstd_safe::compress_bound;

use super::direct::Direct;
use super::streams::Split;
use crate::schema::ROW_GROUP_ROWS;
use crate::transforms::columns::extremes;

/// Columns of few values, of which Zstandard makes less while their bytes stay together.
const REPEATING: [&str; 3] = ["f2_z", "f2_mm", "item_prev_qty_mean"];
/// Zstandard's level: what every engine is asked for.
const LEVEL: i32 = 1;

thread_local! {
    /// A compressor for all pages of a thread, since a new one clears its tables.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    /// A page before it is compressed.
    static STREAMS: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Zstandard, and the statistics of each page: what every engine is asked for.
fn options() -> PolarsResult<WriteOptions> {
    Ok(WriteOptions {
        statistics: StatisticsOptions::default(),
        version: Version::V1,
        compression: CompressionOptions::Zstd(Some(ZstdLevel::try_new(LEVEL)?)),
        data_page_size: None,
    })
}

/// A file of row groups.
pub(crate) struct Writer<'a> {
    file: FileWriter<Direct<'a>>,
    fields: Vec<ParquetType>,
    options: WriteOptions,
}

impl<'a> Writer<'a> {
    /// Begins a file of frames with this schema.
    pub(crate) fn new(file: &'a File, schema: &Schema) -> PolarsResult<Writer<'a>> {
        let schema: ArrowSchema = schema.to_arrow(CompatLevel::newest());
        let fields = schema.iter_values().map(to_parquet_type).collect::<PolarsResult<_>>()?;
        let options = options()?;
        Ok(Writer { file: FileWriter::try_new(Direct::new(file), schema, options)?, fields, options })
    }

    /// Writes a row group, where there are rows.
    pub(crate) fn write(&mut self, frame: &DataFrame) -> PolarsResult<()> {
        if frame.height() == 0 {
            return Ok(());
        }
        let columns = self.compressed(frame)?.into_iter();
        let columns = columns.map(|pages| Ok(DynStreamingIterator::new(pages)));
        self.file.write(frame.height() as u64, DynIter::new(columns))
    }

    /// The pages of all columns. Who is no thread of the pool has all of them at work; one of them has its own row group, and
    /// would begin another one while it waits.
    fn compressed(&self, frame: &DataFrame) -> PolarsResult<Vec<CompressedPages>> {
        let options = self.options;
        let one = |(column, kind): (&Column, &ParquetType)| {
            let values = column.as_materialized_series().rechunk();
            let array = values.to_arrow(0, CompatLevel::newest());
            let pages = pages(values.name(), array.as_ref(), kind, options)?;
            Ok(CompressedPages { now: None, next: pages.into_iter() })
        };
        let (columns, kinds) = (frame.columns(), self.fields.as_slice());
        if rayon::current_thread_index().is_some() {
            return columns.iter().zip(kinds).map(one).collect();
        }
        RAYON.install(|| columns.par_iter().zip(kinds).with_max_len(1).map(one).collect())
    }

    /// Writes the footer; the bytes of the file.
    pub(crate) fn finish(mut self) -> PolarsResult<u64> {
        self.file.end(None)
    }
}

/// The pages of one column as the file takes them: one after another.
struct CompressedPages {
    now: Option<CompressedPage>,
    next: std::vec::IntoIter<CompressedPage>,
}

impl FallibleStreamingIterator for CompressedPages {
    type Item = CompressedPage;
    type Error = PolarsError;

    fn advance(&mut self) -> PolarsResult<()> {
        self.now = self.next.next();
        Ok(())
    }

    fn get(&self) -> Option<&CompressedPage> {
        self.now.as_ref()
    }
}

/// A page by Zstandard.
fn compress(page: Page) -> std::io::Result<CompressedPage> {
    let (data, size) = match &page {
        Page::Data(page) => (page.buffer(), page.buffer().len()),
        Page::Dict(page) => (&*page.buffer, page.buffer.len()),
    };
    let bytes = CowBuffer::Owned(zstandard(data)?);
    Ok(match page {
        Page::Data(page) => {
            let (rows, header) = (page.num_rows.unwrap_or_default(), page.header().clone());
            CompressedPage::Data(CompressedDataPage::new(header, bytes, Compression::Zstd, size, page.descriptor, rows))
        }
        Page::Dict(page) => CompressedPage::Dict(CompressedDictPage::new(
            bytes,
            Compression::Zstd,
            size,
            page.num_values,
            page.is_sorted,
        )),
    })
}

fn zstandard(data: &[u8]) -> std::io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(kept) => kept,
            none => none.insert(Compressor::new(LEVEL)?),
        };
        let mut written = Vec::with_capacity(compress_bound(data.len()));
        compressor.compress_to_buffer(data, &mut written)?;
        // Pages are kept until their row group is written: copied are those that leave more than half of their room empty.
        if written.len() < written.capacity() / 2 {
            written.shrink_to_fit();
        }
        Ok(written)
    })
}

/// The pages of one column.
fn pages(
    name: &str,
    array: &dyn Array,
    kind: &ParquetType,
    options: WriteOptions,
) -> PolarsResult<Vec<CompressedPage>> {
    let encoding = encoding(name, array.dtype());
    if let (ParquetType::PrimitiveType(kind), Encoding::ByteStreamSplit) = (kind, encoding) {
        let any = array.as_any();
        let page = match any.downcast_ref::<PrimitiveArray<f64>>() {
            Some(array) => Some(page(array, kind)?),
            None => match any.downcast_ref::<PrimitiveArray<f32>>() {
                Some(array) => Some(page(array, kind)?),
                None => None,
            },
        };
        if let Some(page) = page {
            return Ok(vec![page]);
        }
    }
    let mut leaves = array_to_columns(array.to_boxed(), kind.clone(), options, &[encoding])?;
    let pages = leaves.pop().ok_or_else(|| polars_err!(ComputeError: "column `{name}` has no pages"))?;
    pages.map(|page| Ok(compress(page?)?)).collect()
}

fn encoding(name: &str, kind: &ArrowDataType) -> Encoding {
    match kind {
        ArrowDataType::Float32 | ArrowDataType::Float64 if REPEATING.contains(&name) => Encoding::Plain,
        ArrowDataType::Float32 | ArrowDataType::Float64 => Encoding::ByteStreamSplit,
        ArrowDataType::Int16 | ArrowDataType::Int32 | ArrowDataType::Int64 => Encoding::DeltaBinaryPacked,
        // Tried, and left again where values do not repeat.
        _ => Encoding::RleDictionary,
    }
}

/// One page of all values, as streams of bytes.
fn page<T: NativeType + Plain + PartialOrd + Split>(
    array: &PrimitiveArray<T>,
    kind: &PrimitiveType,
) -> PolarsResult<CompressedPage> {
    let nulls = array.null_count();
    let present = array.validity().filter(|_| nulls > 0);
    let known: Cow<[T]> = match present {
        Some(_) => array.non_null_values_iter().collect(),
        None => Cow::Borrowed(array.values().as_slice()),
    };
    let (min_value, max_value) = extremes(&known).unzip();
    let statistics = PrimitiveStatistics {
        primitive_type: kind.clone(),
        null_count: Some(nulls as i64),
        distinct_count: None,
        min_value,
        max_value,
    };
    let header = DataPageHeader::V1(DataPageHeaderV1 {
        num_values: i32::try_from(array.len()).map_err(|_| polars_err!(ComputeError: "a row group is too large"))?,
        encoding: Encoding::ByteStreamSplit.into(),
        definition_level_encoding: Encoding::Rle.into(),
        repetition_level_encoding: Encoding::Rle.into(),
        statistics: Some(statistics.serialize()),
    });
    let descriptor = Descriptor { primitive_type: kind.clone(), max_def_level: 0, max_rep_level: 0 };
    let mut levels = Vec::new();
    write_def_levels(&mut levels, true, present, array.len(), Version::V1)?;
    let size = levels.len() + size_of_val(&*known);
    let compressed = STREAMS.with_borrow_mut(|kept| {
        if kept.len() < size {
            kept.resize(size, 0);
        }
        let (of_levels, streams) = kept[..size].split_at_mut(levels.len());
        of_levels.copy_from_slice(&levels);
        T::split(&known, streams);
        let compressed = zstandard(&kept[..size]);
        // Others may write larger row groups than this program: memory for those is not kept.
        if array.len() > ROW_GROUP_ROWS {
            *kept = Vec::new();
        }
        compressed
    });
    let bytes = CowBuffer::Owned(compressed?);
    let page = CompressedDataPage::new(header, bytes, Compression::Zstd, size, descriptor, array.len());
    Ok(CompressedPage::Data(page))
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use polars::prelude::{ParquetReader, SerReader};
    use proptest::prelude::*;

    /// A frame written as one row group, and read again by Polars; the file as another library sees it.
    fn written(frame: &DataFrame) -> (DataFrame, SerializedFileReader<File>) {
        let file = tempfile::tempfile().unwrap();
        let mut writer = Writer::new(&file, frame.schema()).unwrap();
        writer.write(frame).unwrap();
        writer.write(&frame.clear()).unwrap();
        let bytes = writer.finish().unwrap();
        assert_eq!(bytes, file.metadata().unwrap().len());
        let read = ParquetReader::new(file.try_clone().unwrap()).finish().unwrap();
        (read, SerializedFileReader::new(file).unwrap())
    }

    fn frame(columns: Vec<Column>) -> DataFrame {
        DataFrame::new_infer_height(columns).unwrap()
    }

    #[test]
    fn a_column_has_its_encoding_and_its_statistics() {
        let wave = |at: i32| f64::from(at).sin() * 1e3;
        let columns = frame(vec![
            Column::new("f1_z".into(), (0..999).map(wave).collect::<Vec<_>>()),
            Column::new("price_ratio".into(), (0..999).map(|at| (at % 3 > 0).then(|| wave(at))).collect::<Vec<_>>()),
            Column::new("f2_z".into(), (0..999).map(|at| wave(at % 5)).collect::<Vec<_>>()),
            Column::new("i1_log".into(), (0..999).map(|at| wave(at) as f32).collect::<Vec<_>>()),
            Column::new("row_id".into(), (0..999).collect::<Vec<i64>>()),
            Column::new("ua_family".into(), (0..999).map(|at| ["edge", "other"][at % 2]).collect::<Vec<_>>()),
        ]);
        let (read, seen) = written(&columns);
        assert!(read.equals_missing(&columns), "{read:?}");
        let group = seen.metadata().row_group(0);
        assert_eq!(seen.metadata().num_row_groups(), 1, "no rows are no row group");
        let check = |column: usize, encoding: &str, nulls: u64, extremes: Option<(f64, f64)>| {
            let chunk = group.column(column);
            let found: Vec<String> = chunk.encodings().map(|encoding| encoding.to_string()).collect();
            assert!(found.iter().any(|found| found == encoding), "{column}: {found:?}");
            let statistics = chunk.statistics().unwrap();
            assert_eq!(statistics.null_count_opt(), Some(nulls), "{column}");
            if let Some((min, max)) = extremes {
                let expect = [min, max].map(|x| x.to_le_bytes().to_vec());
                let found =
                    [statistics.min_bytes_opt(), statistics.max_bytes_opt()].map(|bytes| bytes.unwrap().to_vec());
                assert_eq!(found, expect, "{column}");
            }
        };
        let extremes = |name: &str| {
            let column = columns.column(name).unwrap().f64().unwrap();
            column.min().zip(column.max())
        };
        check(0, "BYTE_STREAM_SPLIT", 0, extremes("f1_z"));
        check(1, "BYTE_STREAM_SPLIT", 333, extremes("price_ratio"));
        check(2, "PLAIN", 0, None);
        check(3, "BYTE_STREAM_SPLIT", 0, None);
        check(4, "DELTA_BINARY_PACKED", 0, None);
        check(5, "RLE_DICTIONARY", 0, None);
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read(
            floats in prop::collection::vec(prop::option::of(-1e300..1e300_f64), 0..300),
            whole in prop::collection::vec(prop::option::of(prop::num::i64::ANY), 300),
            words in prop::collection::vec(prop::option::of("[a-c]{0,20}"), 300),
        ) {
            let rows = floats.len();
            let columns = frame(vec![
                Column::new("f1_z".into(), &floats),
                Column::new("i1_log".into(), floats.iter().map(|x| x.map(|x| x as f32)).collect::<Vec<_>>()),
                Column::new("dt_prev_us".into(), &whole[..rows]),
                Column::new("x_c1_c2".into(), whole[..rows].iter().map(|x| x.map(|x| x as i32)).collect::<Vec<_>>()),
                Column::new("url_depth".into(), whole[..rows].iter().map(|x| x.map(|x| x as i16)).collect::<Vec<_>>()),
                Column::new("url_host".into(), &words[..rows]),
                Column::new("is_weekend".into(), whole[..rows].iter().map(|x| x.map(|x| x > 0)).collect::<Vec<_>>()),
            ]);
            let (read, _) = written(&columns);
            prop_assert!(read.equals_missing(&columns), "{read:?}\n{columns:?}");
        }
    }
}
