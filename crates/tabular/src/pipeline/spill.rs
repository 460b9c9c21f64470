//! Records on disk: files that records are added to by all threads, and that are read whole, one at a time.

use std::fs::{self, File};
use std::io::Write;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::Error;
use crate::transforms::keyed::Words;

const WORD: usize = size_of::<i64>();

/// Files of records.
pub(crate) struct Spill<R> {
    files: Vec<(PathBuf, Mutex<File>)>,
    records: PhantomData<R>,
}

impl<R: Words> Spill<R> {
    /// Makes the files `name-0` … in a folder.
    pub(crate) fn create(folder: &Path, name: &str, count: usize) -> Result<Spill<R>, Error> {
        let create = |index: usize| {
            let path = folder.join(format!("{name}-{index}"));
            let file = File::create_new(&path).map_err(|error| Error::io("cannot write", &path, error))?;
            Ok((path, Mutex::new(file)))
        };
        Ok(Spill { files: (0..count).map(create).collect::<Result<_, Error>>()?, records: PhantomData })
    }

    /// How many files there are.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// Adds records to a file.
    pub(crate) fn add(&self, index: usize, records: &[R]) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(records.len() * R::WORDS * WORD);
        for record in records {
            record.put(|_, word| bytes.extend_from_slice(&word.to_le_bytes()));
        }
        let (path, file) = &self.files[index];
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&bytes).map_err(|error| Error::io("cannot write", path, error))
    }

    /// The records of a file, which is removed.
    pub(crate) fn take(&self, index: usize) -> Result<Vec<R>, Error> {
        let (path, _) = &self.files[index];
        let trouble = |error| Error::io("cannot read", path, error);
        let bytes = fs::read(path).map_err(trouble)?;
        fs::remove_file(path).map_err(trouble)?;
        let (words, _) = bytes.as_chunks::<WORD>();
        let record = |words: &[[u8; WORD]]| R::get(|number| i64::from_le_bytes(words[number]));
        Ok(words.chunks_exact(R::WORDS).map(record).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::keyed::words;

    words! {
        Point { x, y, z }
    }

    #[test]
    fn records_come_back_in_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let spill = Spill::<Point>::create(folder.path(), "some", 2).unwrap();
        let point = |x, y, z| Point { x, y, z };
        spill.add(1, &[point(1, -2, i64::MAX), point(4, 5, 6)]).unwrap();
        spill.add(1, &[point(7, 8, 9)]).unwrap();
        spill.add(0, &[]).unwrap();
        assert_eq!(spill.take(1).unwrap(), [point(1, -2, i64::MAX), point(4, 5, 6), point(7, 8, 9)]);
        assert_eq!(spill.take(0).unwrap(), []);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
