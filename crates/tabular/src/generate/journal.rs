//! Which files are finished: what lets a second start go on where the first one ended.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::error::Error;
use crate::hashed::sha256_of;
use crate::manifest::{FileRecord, MANIFEST, Manifest, Request};
use crate::schema::Table;

/// The name of the journal; it goes away when the manifest is written.
const JOURNAL: &str = "journal.jsonl";
/// The end of the name of a file that is being written.
pub(super) const UNFINISHED: &str = ".unfinished";

/// The journal of a folder: the request in its first line, a finished file in each other.
pub(super) struct Journal {
    folder: PathBuf,
    file: Mutex<File>,
    /// By name; as recorded, not yet compared with what is on disk.
    records: BTreeMap<String, FileRecord>,
}

impl Journal {
    /// Opens that of a folder, or begins one, and removes what an earlier start left unfinished.
    pub(super) fn open(folder: &Path, request: &Request) -> Result<Self, Error> {
        for table in Table::ALL {
            let path = folder.join(table.name());
            fs::create_dir_all(&path).map_err(|e| Error::io("cannot create", &path, e))?;
        }
        let earlier = earlier(folder, request)?;
        for table in Table::ALL {
            tidy(folder, table, earlier.is_some())?;
        }
        let records = earlier.unwrap_or_default();
        let path = folder.join(JOURNAL);
        // Written anew: a line that a kill cut off would spoil the one after it.
        let mut lines = line(request)?;
        for record in records.values() {
            lines.push_str(&line(record)?);
        }
        replace(&path, &lines)?;
        let file = File::options().append(true).open(&path).map_err(|e| Error::io("cannot write", &path, e))?;
        Ok(Self { folder: folder.to_owned(), file: Mutex::new(file), records })
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

/// What the manifest and the journal of a folder say is finished; none where there is neither.
fn earlier(folder: &Path, request: &Request) -> Result<Option<BTreeMap<String, FileRecord>>, Error> {
    let other = |found: &Request| Error::OtherData { path: folder.to_owned(), why: difference(found, request) };
    let mut records = None;
    if let Some(manifest) = Manifest::read(folder)? {
        if manifest.request != *request {
            return Err(other(&manifest.request));
        }
        records = Some(manifest.files.into_iter().map(|f| (f.name.clone(), f)).collect());
    }
    let path = folder.join(JOURNAL);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(records),
        Err(e) => return Err(Error::io("cannot read", &path, e)),
    };
    let mut lines = text.lines();
    let found = lines.next().and_then(|first| serde_json::from_str::<Request>(first).ok());
    match found {
        Some(found) if found == *request => {}
        Some(found) => return Err(other(&found)),
        None => return Err(Error::OtherData { path: folder.to_owned(), why: format!("its {JOURNAL} has no request") }),
    }
    // A line that is cut off names a file that will be made again.
    let finished = lines.filter_map(|l| serde_json::from_str::<FileRecord>(l).ok());
    records.get_or_insert_with(BTreeMap::new).extend(finished.map(|f| (f.name.clone(), f)));
    Ok(records)
}

/// What a folder was made for, where that is not what is asked for now.
fn difference(found: &Request, asked: &Request) -> String {
    let text = |r: &Request| {
        format!(
            "{} rows, seed {}, layout {:?}, codec {:?}, {} rows a group, {} of 1000 left out, format {}",
            r.rows, r.seed, r.layout, r.codec, r.row_group_rows, r.left_out, r.format
        )
    };
    format!("it was generated with {}; asked for are {}", text(found), text(asked))
}

/// Removes unfinished files of a table. Finished ones in a folder without journal and manifest are somebody else's.
fn tidy(folder: &Path, table: Table, ours: bool) -> Result<(), Error> {
    let path = folder.join(table.name());
    let entries = fs::read_dir(&path).map_err(|e| Error::io("cannot read", &path, e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Error::io("cannot read", &path, e))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(UNFINISHED) {
            fs::remove_file(entry.path()).map_err(|e| Error::io("cannot remove", &entry.path(), e))?;
        } else if name.ends_with(".parquet") && !ours {
            let why = format!("there is {}/{name}, and neither {MANIFEST} nor {JOURNAL} tells of it", table.name());
            return Err(Error::OtherData { path: folder.to_owned(), why });
        }
    }
    Ok(())
}

fn line(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map(|text| text + "\n").map_err(|e| Error::Config(e.to_string()))
}

/// Writes a small file so that it is there as a whole or not at all.
fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(UNFINISHED);
    let write = || -> io::Result<()> {
        let mut file = File::create(&unfinished)?;
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
