//! Which files are finished: what lets a second start go on where the first one ended.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::survey::{JOURNAL, LOCK, Surveyed, UNFINISHED, survey};
use crate::claim::Lock;
use crate::error::Error;
use crate::hashed::sha256_of;
use crate::manifest::{FileRecord, MANIFEST, Manifest, Request};
use crate::schema::Table;

/// The journal of a folder: the request in its first line, a finished file in each other.
pub(super) struct Journal {
    folder: PathBuf,
    file: Mutex<File>,
    /// By name; as recorded, not yet compared with what is on disk.
    records: BTreeMap<String, FileRecord>,
    /// Held until the data set is whole, or the attempt ends.
    _lock: Lock,
}

impl Journal {
    /// Opens that of a folder, or begins one, and removes what an earlier start left unfinished of the files `names`.
    pub(super) fn open(folder: &Path, request: &Request, names: &BTreeSet<String>) -> Result<Self, Error> {
        // Before anything is made: the folder may be somebody else's.
        survey(folder, request, names)?;
        fs::create_dir_all(folder).map_err(|e| Error::io("cannot create", folder, e))?;
        let lock = Lock::take(folder.join(LOCK), folder)?;
        // Again, because another process may have worked there until the lock was held.
        let Surveyed { records, unfinished } = survey(folder, request, names)?;
        for path in unfinished {
            fs::remove_file(&path).map_err(|e| Error::io("cannot remove", &path, e))?;
        }
        let path = folder.join(JOURNAL);
        // Written anew: a line that a kill cut off would spoil the one after it.
        let mut lines = line(request)?;
        for record in records.values() {
            lines.push_str(&line(record)?);
        }
        replace(&path, &lines)?;
        for table in Table::ALL {
            let path = folder.join(table.name());
            fs::create_dir_all(&path).map_err(|e| Error::io("cannot create", &path, e))?;
        }
        let file = File::options().append(true).open(&path).map_err(|e| Error::io("cannot write", &path, e))?;
        Ok(Self { folder: folder.to_owned(), file: Mutex::new(file), records, _lock: lock })
    }

    /// The record of a file that is there and has the digest that it was recorded with.
    pub(super) fn finished(&self, name: &str) -> Result<Option<FileRecord>, Error> {
        let Some(record) = self.records.get(name) else { return Ok(None) };
        let path = self.folder.join(name);
        match sha256_of(&path) {
            Ok(found) => Ok((found == record.sha256).then(|| record.clone())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io("cannot read", &path, e)),
        }
    }

    /// Notes a file that now lies under its final name.
    pub(super) fn add(&self, record: &FileRecord) -> Result<(), Error> {
        let line = line(record)?;
        // A poisoned lock means that another thread panicked between two whole lines.
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.write_all(line.as_bytes()).map_err(|e| Error::io("cannot write", &self.folder.join(JOURNAL), e))
    }

    /// Writes the manifest and removes the journal.
    pub(super) fn close(self, manifest: &Manifest) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(manifest).map_err(|e| Error::Config(e.to_string()))?;
        replace(&self.folder.join(MANIFEST), &(text + "\n"))?;
        let path = self.folder.join(JOURNAL);
        fs::remove_file(&path).map_err(|e| Error::io("cannot remove", &path, e))
    }
}

fn line(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map(|text| text + "\n").map_err(|e| Error::Config(e.to_string()))
}

/// Writes a small file so that it is there as a whole or not at all.
fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(UNFINISHED);
    let write = || -> io::Result<()> {
        let mut file = File::create_new(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        fs::rename(&unfinished, path)
    };
    write().map_err(|e| {
        // What is left of it says nothing; that it cannot be removed says less than why it could not be written.
        let _ = fs::remove_file(&unfinished);
        Error::io("cannot write", path, e)
    })
}
