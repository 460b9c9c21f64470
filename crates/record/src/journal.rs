//! An append-only file of JSON lines, for what people decide about records: tags, baselines, campaigns.
//!
//! An entry is written by one call and synced before `append` returns. A power cut loses at most the entry that was being
//! written: a last line without its end is left out by the reader, and cut off by the next writer.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use pipe::{from_line, to_line};
use rustix::fs::{FlockOperation, flock};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// A journal, which need not be there yet.
#[derive(Clone, Debug)]
pub struct Journal {
    path: PathBuf,
}

impl Journal {
    /// The journal in this file.
    #[must_use]
    pub fn at(path: &Path) -> Journal {
        Journal { path: path.to_owned() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All whole entries; none of a journal that is not there.
    pub fn read<T: DeserializeOwned>(&self) -> Result<Vec<T>, Error> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        let bytes = fs::read(&self.path).map_err(self.fail("read"))?;
        self.parse(&bytes)
    }

    /// Adds an entry. It is on the disk when this returns.
    pub fn append<T: Serialize>(&self, entry: &T) -> Result<(), Error> {
        self.update::<serde::de::IgnoredAny, &T>(|_| Ok(vec![entry])).map(|_| ())
    }

    /// Adds the entries that `next` makes from the ones that are there, with the journal locked against other writers;
    /// gives how many it added.
    pub(crate) fn update<R: DeserializeOwned, T: Serialize>(
        &self,
        next: impl FnOnce(Vec<R>) -> Result<Vec<T>, Error>,
    ) -> Result<usize, Error> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(self.fail("create the folder of"))?;
        let is_new = !self.path.exists();
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).open(&self.path).map_err(self.fail("open"))?;
        flock(&file, FlockOperation::LockExclusive).map_err(|errno| self.fail("lock")(errno.into()))?;
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes)).map_err(self.fail("read"))?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let entries = next(self.parse(&bytes[..whole])?)?;
        let text: String = entries.iter().map(to_line).collect();
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(self.fail("cut the end of"))?;
        }
        if let Err(source) = file.write_all(text.as_bytes()) {
            // Half an entry would damage the next one; the first error is the one to tell.
            let _ = file.set_len(whole as u64);
            return Err(self.fail("write to")(source));
        }
        file.sync_data().map_err(self.fail("sync"))?;
        if is_new {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(self.fail("sync the folder of"))?;
        }
        Ok(entries.len())
    }

    fn parse<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<Vec<T>, Error> {
        let whole = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.last() == Some(&b'\n'));
        whole
            .enumerate()
            .map(|(index, line)| {
                from_line(line).map_err(|what| Error::RecordLine { path: self.path.clone(), line: index + 1, what })
            })
            .collect()
    }

    fn fail(&self, doing: &'static str) -> impl Fn(std::io::Error) -> Error + use<> {
        let path = self.path.clone();
        move |source| Error::Io { doing, path: path.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_that_was_cut_anywhere_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let whole = Journal::at(&dir.path().join("whole.jsonl"));
        let entries = ["first", "second, with \"quotes\" and ü", "third"];
        assert_eq!(whole.read::<String>().unwrap(), Vec::<String>::new());
        for entry in entries {
            whole.append(&entry).unwrap();
        }
        assert_eq!(whole.read::<String>().unwrap(), entries);
        let bytes = fs::read(whole.path()).unwrap();
        for end in 0..=bytes.len() {
            let cut = Journal::at(&dir.path().join("cut.jsonl"));
            fs::write(cut.path(), &bytes[..end]).unwrap();
            let left = cut.read::<String>().unwrap();
            assert!(entries.starts_with(&left.iter().map(String::as_str).collect::<Vec<_>>()), "{end}: {left:?}");
            cut.append(&"next").unwrap();
            let after = cut.read::<String>().unwrap();
            assert_eq!((after.len(), after.last().map(String::as_str)), (left.len() + 1, Some("next")), "{end}");
        }
    }

    #[test]
    fn a_damaged_entry_is_named_by_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::at(&dir.path().join("j.jsonl"));
        fs::write(journal.path(), "\"a\"\n{\n\"b\"\n").unwrap();
        let error = journal.read::<String>().unwrap_err().to_string();
        assert!(error.contains("j.jsonl, line 2"), "{error}");
    }
}
