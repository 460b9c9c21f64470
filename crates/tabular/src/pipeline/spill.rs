//! Records on disk: files that records are added to by all threads, and that are read whole, one at a time.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::Error;

const WORD: usize = size_of::<i64>();

/// Files of records of `N` words.
pub(crate) struct Spill<const N: usize> {
    files: Vec<(PathBuf, Mutex<File>)>,
}

impl<const N: usize> Spill<N> {
    /// Makes the files `name-0` … in a folder.
    pub(crate) fn create(folder: &Path, name: &str, count: usize) -> Result<Spill<N>, Error> {
        let create = |index: usize| {
            let path = folder.join(format!("{name}-{index}"));
            let file = File::create_new(&path).map_err(|error| Error::io("cannot write", &path, error))?;
            Ok((path, Mutex::new(file)))
        };
        Ok(Spill { files: (0..count).map(create).collect::<Result<_, Error>>()? })
    }

    /// How many files there are.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// Adds records to a file.
    pub(crate) fn add(&self, index: usize, records: &[[i64; N]]) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        let bytes: Vec<u8> = records.as_flattened().iter().flat_map(|word| word.to_le_bytes()).collect();
        let (path, file) = &self.files[index];
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&bytes).map_err(|error| Error::io("cannot write", path, error))
    }

    /// The records of a file, which is removed.
    pub(crate) fn take(&self, index: usize) -> Result<Vec<[i64; N]>, Error> {
        let (path, _) = &self.files[index];
        let trouble = |error| Error::io("cannot read", path, error);
        let bytes = fs::read(path).map_err(trouble)?;
        fs::remove_file(path).map_err(trouble)?;
        let (words, _) = bytes.as_chunks::<WORD>();
        let mut words = words.iter().map(|word| i64::from_le_bytes(*word));
        let records = words.len() / N;
        Ok((0..records).map(|_| std::array::from_fn(|_| words.next().unwrap_or(0))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_in_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let spill = Spill::<3>::create(folder.path(), "some", 2).unwrap();
        spill.add(1, &[[1, -2, i64::MAX], [4, 5, 6]]).unwrap();
        spill.add(1, &[[7, 8, 9]]).unwrap();
        spill.add(0, &[]).unwrap();
        assert_eq!(spill.take(1).unwrap(), [[1, -2, i64::MAX], [4, 5, 6], [7, 8, 9]]);
        assert_eq!(spill.take(0).unwrap(), Vec::<[i64; 3]>::new());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
