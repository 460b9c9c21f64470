//! What a Parquet file says of its own sizes, held against the bytes that are there before anything is allocated by it.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use polars_parquet_format::PageHeader;
use polars_parquet_format::thrift::protocol::TCompactInputProtocol;

/// Most bytes that a compressed page may have for each byte of it, and some that headers of formats hide: what the best case
/// of each format gives. Zstandard has blocks of 128 KiB of one byte in 4.
const LZ: usize = 256;
const GZIP: usize = 1_100;
const ANY: usize = 32_768;
const SLACK: usize = 1_024;
/// Most bytes of a page, its header with it: sizes are whole numbers of 32 bits.
const PAGE: u64 = i32::MAX as u64;

/// What is wrong, and in which column where a single one is to blame.
pub(crate) type Flaw = (Option<String>, String);

/// Sees that the rows that a footer tells of are as many everywhere, and that the pages of some columns are where it says.
pub(crate) fn check(file: &File, bytes: u64, footer: &ParquetMetaData, names: &[&str]) -> Result<(), Flaw> {
    let all = footer.file_metadata().num_rows();
    let mut rows = 0_i64;
    let mut reader = BufReader::new(file);
    for group in footer.row_groups() {
        if group.num_rows() < 0 {
            return Err((None, format!("a row group of {} rows", group.num_rows())));
        }
        rows = rows.saturating_add(group.num_rows());
        for chunk in group.columns() {
            let [name] = chunk.column_path().parts() else { continue };
            if names.contains(&name.as_str()) {
                let flaw = |why: String| (Some(name.clone()), why);
                let range = range(chunk, bytes).map_err(flaw)?;
                if chunk.num_values() != group.num_rows() {
                    return Err(flaw(format!("{} values for {} rows", chunk.num_values(), group.num_rows())));
                }
                pages(&mut reader, chunk, range).map_err(flaw)?;
            }
        }
    }
    if rows == all { Ok(()) } else { Err((None, format!("{all} rows, and {rows} in its row groups"))) }
}

/// Where the pages of a column begin and end.
fn range(chunk: &ColumnChunkMetaData, bytes: u64) -> Result<(u64, u64), String> {
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    let length = chunk.compressed_size();
    let range = u64::try_from(start).ok().zip(u64::try_from(length).ok());
    let end = range.and_then(|(start, length)| start.checked_add(length)).filter(|&end| end <= bytes);
    let outside = || format!("{length} bytes from byte {start} on, and the file has {bytes}");
    range.zip(end).map(|((start, _), end)| (start, end)).ok_or_else(outside)
}

/// Sees that the pages of a column have the sizes and the number of values that are told of them.
fn pages(reader: &mut BufReader<&File>, chunk: &ColumnChunkMetaData, (start, end): (u64, u64)) -> Result<(), String> {
    let mut at = start;
    let mut values = 0_i64;
    seek(reader, at)?;
    while values < chunk.num_values() {
        if at >= end {
            return Err(format!("{values} of {} values are there", chunk.num_values()));
        }
        let left = (end - at).min(PAGE);
        let mut counted = reader.by_ref().take(left);
        let mut protocol = TCompactInputProtocol::new(&mut counted, usize::try_from(left).unwrap_or(usize::MAX));
        let header = PageHeader::read_from_in_protocol(&mut protocol).map_err(|error| error.to_string())?;
        let body = at + (left - counted.limit());
        let size = u64::try_from(header.compressed_page_size).ok().filter(|&size| size <= end - body);
        let Some(size) = size else {
            return Err(format!("a page of {} bytes at byte {body}", header.compressed_page_size));
        };
        values += contents(&header, chunk.compression())?;
        at = body + size;
        reader.seek_relative(size.cast_signed()).map_err(|error| error.to_string())?;
    }
    let more = || format!("{values} values in its pages, {} expected", chunk.num_values());
    if values == chunk.num_values() { Ok(()) } else { Err(more()) }
}

fn seek(reader: &mut BufReader<&File>, at: u64) -> Result<(), String> {
    reader.seek(SeekFrom::Start(at)).map(|_| ()).map_err(|error| error.to_string())
}

/// How many values a page adds to its column.
fn contents(header: &PageHeader, compression: Compression) -> Result<i64, String> {
    let size = |bytes: i32| usize::try_from(bytes).map_err(|_| format!("a page of {bytes} bytes"));
    let (compressed, whole) = (size(header.compressed_page_size)?, size(header.uncompressed_page_size)?);
    if whole > most(compression, compressed) {
        return Err(format!("a page of {whole} bytes in {compressed}"));
    }
    if let Some(dictionary) = &header.dictionary_page_header {
        let entries = usize::try_from(dictionary.num_values).ok().filter(|&entries| entries <= whole);
        return entries.map(|_| 0).ok_or_else(|| format!("{} values in {whole} bytes", dictionary.num_values));
    }
    let plain = header.data_page_header.as_ref().map(|page| page.num_values);
    let count = plain.or_else(|| header.data_page_header_v2.as_ref().map(|page| page.num_values));
    let count = count.ok_or("a page that is neither of data nor of a dictionary")?;
    if count < 0 { Err(format!("a page of {count} values")) } else { Ok(i64::from(count)) }
}

/// Most bytes that come of some compressed ones.
fn most(compression: Compression, compressed: usize) -> usize {
    let times = match compression {
        Compression::UNCOMPRESSED => return compressed,
        Compression::SNAPPY | Compression::LZ4 | Compression::LZ4_RAW | Compression::LZO => LZ,
        Compression::GZIP(_) => GZIP,
        Compression::ZSTD(_) | Compression::BROTLI(_) => ANY,
    };
    compressed.saturating_mul(times).saturating_add(SLACK)
}
