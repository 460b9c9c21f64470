//! The saved result: Parquet files in a folder that gets its name when everything is on the disk.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::Path;

use polars::polars_utils::compression::ZstdLevel;
use polars::prelude::*;
use polars_core::runtime::RAYON;
use rayon::prelude::*;
use rustix::fs::{Advice, fadvise};

use super::chunk::Chunk;
use super::input::output_names;
use super::row_group::Writer;
use crate::Error;
use crate::claim::{Claim, FileSize, Origin, Temporary};
use crate::schema::{ROW_GROUP_ROWS, ROW_GROUPS_A_FILE};

/// An output that is being written.
pub(crate) struct Output {
    claim: Claim,
    origin: Origin,
}

impl Output {
    /// Begins an output with this origin where a claim is held.
    pub(crate) fn new(claim: Claim, origin: Origin) -> Output {
        Output { claim, origin }
    }

    /// The folder until it is complete, on the same disk: also for what must be put down for a while.
    pub(crate) fn folder(&self) -> &Path {
        self.claim.folder()
    }

    /// Writes chunks, a row group each, into files that are written at the same time. Chunks are freed on the way.
    pub(crate) fn write(&self, chunks: Vec<Chunk>) -> Result<u64, Error> {
        let threads = RAYON.current_num_threads();
        let groups = chunks.len().div_ceil(threads).clamp(1, ROW_GROUPS_A_FILE);
        let mut chunks = chunks.into_iter();
        let mut files = Vec::new();
        loop {
            let file: Vec<Chunk> = chunks.by_ref().take(groups).collect();
            if file.is_empty() {
                break;
            }
            files.push(file);
        }
        let one = |(index, chunks): (usize, Vec<Chunk>)| {
            self.write_file(index, chunks.into_iter().map(|chunk| Ok(chunk.frame)))
        };
        RAYON.install(|| files.into_par_iter().enumerate().map(one).try_reduce(|| 0, |a, b| Ok(a + b)))
    }

    /// Writes one file of some row groups; gives its bytes.
    pub(crate) fn write_file(
        &self,
        index: usize,
        groups: impl Iterator<Item = Result<DataFrame, Error>>,
    ) -> Result<u64, Error> {
        let path = self.folder().join(format!("part-{index:05}.parquet"));
        let file = File::create_new(&path).map_err(|error| Error::io("cannot write", &path, error))?;
        let names = output_names();
        let mut writer = None;
        for frame in groups {
            // One order of columns, whatever order the transformations left.
            let frame = frame?.select(names.iter().copied())?;
            let writer = match &mut writer {
                Some(writer) => writer,
                none => none.insert(Writer::new(&file, frame.schema())?),
            };
            writer.write(&frame).map_err(|error| trouble(&path, error))?;
            // The disk begins now, not when everything is encoded: that is what this advice does to pages that are dirty.
            fadvise(&file, 0, None, Advice::DontNeed)
                .map_err(|error| Error::io("cannot write", &path, error.into()))?;
        }
        writer.map_or(Ok(0), |writer| writer.finish().map_err(|error| trouble(&path, error)))
    }

    /// Brings everything to the disk and gives the folder its name; the bytes on the disk.
    pub(crate) fn finish(self) -> Result<u64, Error> {
        let folder = self.folder();
        let look = || fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<Vec<_>>>();
        let mut names = look().map_err(|error| Error::io("cannot look into", folder, error))?;
        names.retain(|name| !Temporary::is_own(name));
        names.sort();
        let sync = |name: &OsString| {
            let path = folder.join(name);
            let sync = || {
                let file = File::open(&path)?;
                file.sync_all()?;
                Ok(file.metadata()?.len())
            };
            let bytes = sync().map_err(|error| Error::io("cannot sync", &path, error))?;
            Ok(FileSize { name: name.to_string_lossy().into_owned(), bytes })
        };
        let files: Vec<FileSize> = RAYON.install(|| names.par_iter().map(sync).collect::<Result<_, Error>>())?;
        let bytes = files.iter().map(|file| file.bytes).sum();
        self.claim.finish(self.origin, files)?;
        Ok(bytes)
    }
}

/// Zstandard, level 1: what every engine is asked for.
pub(crate) fn parquet_options() -> Result<ParquetWriteOptions, Error> {
    let compression = ParquetCompression::Zstd(Some(ZstdLevel::try_new(1)?));
    Ok(ParquetWriteOptions { compression, row_group_size: Some(ROW_GROUP_ROWS), ..ParquetWriteOptions::default() })
}

fn trouble(path: &Path, error: PolarsError) -> Error {
    match error {
        PolarsError::IO { error, .. } => {
            Error::io("cannot write", path, std::io::Error::new(error.kind(), error.to_string()))
        }
        error => Error::from(error),
    }
}
