//! The saved result: Parquet files in a folder that gets its name when everything is on the disk.

use std::ffi::OsString;
use std::fs::{self, File};
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

use polars_core::prelude::*;
use polars_core::runtime::RAYON;
use rayon::prelude::*;
use rustix::fs::{Advice, fadvise};

use super::input::output_names;
use super::row_group::Writer;
use crate::Error;
use crate::claim::{Claim, FileSize, Finished, Origin, Temporary};
use crate::schema::ROW_GROUPS_A_FILE;

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

    /// Writes files of some row groups each at the same time; gives their bytes. What makes a row group runs on threads besides
    /// those of the pool, which encode: so the last file has all of them, too.
    pub(crate) fn write_files<F>(&self, files: Vec<F>) -> Result<u64, Error>
    where
        F: IntoIterator<Item = Result<DataFrame, Error>> + Send,
    {
        let files = Mutex::new(files.into_iter().enumerate());
        let left = || files.lock().unwrap_or_else(PoisonError::into_inner);
        let write = || {
            let mut bytes = 0;
            loop {
                let next = left().next();
                let Some((index, groups)) = next else { return Ok(bytes) };
                let written = self.write_file(index, groups.into_iter());
                // Where one file fails, nothing comes of the others.
                bytes += written.inspect_err(|_| left().by_ref().for_each(drop))?;
            }
        };
        thread::scope(|scope| {
            let others = 1..RAYON.current_num_threads();
            // Where the system starts no more threads, fewer write.
            let others: Vec<_> = others.map_while(|_| thread::Builder::new().spawn_scoped(scope, write).ok()).collect();
            let own = write();
            let ended = others.into_iter().map(|writer| writer.join().unwrap_or_else(|panic| resume_unwind(panic)));
            std::iter::once(own).chain(ended).sum()
        })
    }

    /// Writes one file of some row groups; gives its bytes.
    pub(crate) fn write_file(
        &self,
        index: usize,
        groups: impl Iterator<Item = Result<DataFrame, Error>>,
    ) -> Result<u64, Error> {
        let path = self.folder().join(part_name(index));
        let file = File::create_new(&path).map_err(|error| Error::io("cannot write", &path, error))?;
        write(&file, &path, groups)
    }

    /// Lets the folder stay where it is not finished, for a later start to go on with.
    pub(crate) fn keep(&mut self) {
        self.claim.keep();
    }

    /// Brings everything to the disk and gives the folder its name; with the bytes on the disk.
    pub(crate) fn finish(self) -> Result<(Finished, u64), Error> {
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
        Ok((self.claim.finish(self.origin, files)?, bytes))
    }
}

/// The name of a file of a result.
pub(super) fn part_name(index: usize) -> String {
    format!("part-{index:05}.parquet")
}

/// Writes row groups to a file, which errors know by a path; its bytes.
pub(super) fn write(
    file: &File,
    path: &Path,
    groups: impl Iterator<Item = Result<DataFrame, Error>>,
) -> Result<u64, Error> {
    let names = output_names();
    let mut writer = None;
    for frame in groups {
        // One order of columns, whatever order the transformations left.
        let frame = frame?.select(names.iter().copied())?;
        let writer = match &mut writer {
            Some(writer) => writer,
            none => none.insert(Writer::new(file, frame.schema())?),
        };
        writer.write(&frame).map_err(|error| trouble(path, error))?;
        // Where the page cache is written to, the disk begins now and not when everything is encoded: that is what this advice
        // does to pages that are dirty.
        fadvise(file, 0, None, Advice::DontNeed).map_err(|error| Error::io("cannot write", path, error.into()))?;
    }
    writer.map_or(Ok(0), |writer| writer.finish().map_err(|error| trouble(path, error)))
}

/// Row groups in a file of a result of so many: no more than so that every thread has a file.
pub(super) fn row_groups_a_file(all: usize) -> usize {
    all.div_ceil(RAYON.current_num_threads()).clamp(1, ROW_GROUPS_A_FILE)
}

fn trouble(path: &Path, error: PolarsError) -> Error {
    match error {
        PolarsError::IO { error, .. } => {
            Error::io("cannot write", path, std::io::Error::new(error.kind(), error.to_string()))
        }
        error => Error::from(error),
    }
}
