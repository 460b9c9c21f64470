//! The saved result: Parquet files in a folder that gets its name when everything is on the disk.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use polars::io::parquet::write::BatchedWriter;
use polars::polars_utils::compression::ZstdLevel;
use polars::prelude::*;
use polars_core::runtime::RAYON;
use rayon::prelude::*;

use super::chunk::Chunk;
use super::input::output_names;
use crate::Error;
use crate::schema::{ROW_GROUP_ROWS, ROW_GROUPS_A_FILE};

/// An output that is being written.
pub(crate) struct Output {
    /// Its final name.
    folder: PathBuf,
    /// Its name until it is complete.
    partial: PathBuf,
}

impl Output {
    /// Begins an output. What a run that was killed left under the temporary name is removed.
    ///
    /// # Errors
    ///
    /// If the folder holds anything but an older output.
    pub(crate) fn create(folder: &Path) -> Result<Output, Error> {
        check_free(folder)?;
        let mut name = folder.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let partial = folder.with_file_name(name);
        remove(&partial)?;
        fs::create_dir_all(&partial).map_err(|error| Error::io("cannot make the folder", &partial, error))?;
        Ok(Output { folder: folder.to_owned(), partial })
    }

    /// The folder until it is complete, on the same disk: for what must be put down for a while.
    pub(crate) fn partial(&self) -> &Path {
        &self.partial
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
        let path = self.partial.join(format!("part-{index:05}.parquet"));
        let file = File::create_new(&path).map_err(|error| Error::io("cannot write", &path, error))?;
        let names = output_names();
        let mut writer = None;
        for frame in groups {
            // One order of columns, whatever order the transformations left.
            let frame = frame?.select(names.iter().copied())?;
            let writer = match &mut writer {
                Some(writer) => writer,
                none => none.insert(parquet(&file, frame.schema())?),
            };
            writer.write_batch(&frame).map_err(|error| trouble(&path, error))?;
        }
        writer.map_or(Ok(0), |writer| writer.finish().map_err(|error| trouble(&path, error)))
    }

    /// Brings everything to the disk and gives the folder its name; the bytes on the disk.
    pub(crate) fn finish(self) -> Result<u64, Error> {
        let look =
            || fs::read_dir(&self.partial)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>();
        let files = look().map_err(|error| Error::io("cannot look into", &self.partial, error))?;
        let sync = |path: &PathBuf| {
            let sync = || {
                let file = File::open(path)?;
                file.sync_all()?;
                Ok(file.metadata()?.len())
            };
            sync().map_err(|error| Error::io("cannot sync", path, error))
        };
        let bytes = RAYON.install(|| files.par_iter().map(sync).try_reduce(|| 0, |a, b| Ok(a + b)))?;
        sync_folder(&self.partial)?;
        remove(&self.folder)?;
        fs::rename(&self.partial, &self.folder).map_err(|error| Error::io("cannot rename", &self.partial, error))?;
        let parent = self.folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync_folder(parent)?;
        Ok(bytes)
    }
}

fn parquet<'a>(file: &'a File, schema: &Schema) -> Result<BatchedWriter<&'a File>, Error> {
    // The files are written side by side, a thread each.
    let writer = parquet_options()?.to_writer(file).set_parallel(false);
    Ok(writer.batched(schema)?)
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

fn sync_folder(folder: &Path) -> Result<(), Error> {
    let sync = || File::open(folder)?.sync_all();
    sync().map_err(|error| Error::io("cannot sync", folder, error))
}

fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("cannot remove", folder, error)),
        _ => Ok(()),
    }
}

/// A folder may be replaced if it is an older output of this program, and nothing else.
fn check_free(folder: &Path) -> Result<(), Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("cannot look into", folder, error)),
    };
    for entry in entries {
        let name = entry.map_err(|error| Error::io("cannot look into", folder, error))?.file_name();
        let name = name.to_string_lossy();
        let is_part = name.strip_suffix(".parquet").is_some_and(|stem| stem.bytes().any(|byte| byte.is_ascii_digit()));
        if !is_part {
            let why = format!("it has `{name}`, which is no part of an output");
            return Err(Error::OtherData { path: folder.to_owned(), why });
        }
    }
    Ok(())
}
