//! Records of the kind "imported": what another tool's file says, kept beside the runs of its host and never taken for one.
//!
//! Such a record lies in a file of another name (`imported.json`), so that nothing that looks for runs finds it, and its first
//! bytes say what it is, so that whoever is given it in place of a run refuses it.

use std::fs;
use std::path::{Path, PathBuf};

use import::Import;
use pipe::to_line;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Error, Store};

const FILE: &str = "imported.json";
/// The format that is written.
const SCHEMA: u32 = 1;
/// What every such record begins with.
const MARK: &[u8] = br#"{"kind":"imported","#;

/// What a file of another tool says, kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Imported {
    kind: Kind,
    schema: u32,
    /// Unique and sortable, as a run's.
    pub id: String,
    /// The host that it is said to be of.
    pub host: String,
    /// Whether somebody said so: of most tools the file does not tell.
    pub host_was_named: bool,
    /// The file's name.
    pub file: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// What was read from it.
    pub import: Import,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Imported,
}

impl Imported {
    /// What was read from the bytes of a file. The host is the one that somebody named, or else the one where it is read.
    #[must_use]
    pub fn new(import: Import, file: &str, bytes: &[u8], (host, host_was_named): (&str, bool)) -> Imported {
        let sha256 = hex::encode(Sha256::digest(bytes));
        let file = file.to_owned();
        Imported {
            kind: Kind::Imported,
            schema: SCHEMA,
            id: String::new(),
            host: host.to_owned(),
            host_was_named,
            file,
            sha256,
            import,
        }
    }

    /// Puts it into a store, where it gets its id; the path is that of the record.
    pub fn keep(&mut self, store: &Store) -> Result<PathBuf, Error> {
        let (id, folder) = store.new_run(&self.host);
        self.id = id;
        let path = folder.join(FILE);
        crate::writer::put_in_place(&path, to_line(self).as_bytes())?;
        Ok(path)
    }

    /// Reads one.
    pub fn read(path: &Path) -> Result<Imported, Error> {
        let bytes = crate::input::read(path)?;
        let fail = |what: String| Error::RecordLine { path: path.to_owned(), line: 1, what };
        if !is_imported(&bytes) {
            return Err(fail("this is no imported record; `hostproof import` makes one of a vendor's file".to_owned()));
        }
        let imported: Imported = serde_json::from_slice(&bytes).map_err(|error| fail(error.to_string()))?;
        if imported.schema != SCHEMA {
            return Err(Error::Schema { path: path.to_owned(), found: imported.schema });
        }
        Ok(imported)
    }

    /// The imported record that a text means: a path, or the beginning of its id in a store.
    pub fn find(store: &Store, text: &str) -> Result<PathBuf, Error> {
        let path = Path::new(text);
        if path.is_file() {
            return Ok(path.to_owned());
        }
        let fitting: Vec<(String, PathBuf)> =
            Imported::list(store).into_iter().filter(|(id, _)| !text.is_empty() && id.starts_with(text)).collect();
        match fitting.as_slice() {
            [] => Err(Error::NotImported { text: text.to_owned(), root: store.root().to_owned() }),
            [(_, only)] => Ok(only.clone()),
            many => {
                Err(Error::Ambiguous { text: text.to_owned(), ids: many.iter().map(|(id, _)| id.clone()).collect() })
            }
        }
    }

    /// The imported records of a store, in the order of their ids: id and file.
    #[must_use]
    pub fn list(store: &Store) -> Vec<(String, PathBuf)> {
        let folders = |path: &Path| -> Vec<PathBuf> {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
        };
        let hosts = folders(&store.root().join("hosts"));
        let found = hosts.iter().flat_map(|host| folders(host)).filter_map(|folder| {
            let id = folder.file_name()?.to_str()?.to_owned();
            let path = folder.join(FILE);
            path.is_file().then_some((id, path))
        });
        let mut found: Vec<_> = found.collect();
        found.sort();
        found
    }
}

/// Whether bytes are those of an imported record.
pub(crate) fn is_imported(bytes: &[u8]) -> bool {
    bytes.starts_with(MARK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::{run, write_all};

    const LOG: &str = include_str!("../../import/tests/logs/hpl.txt");

    fn imported() -> Imported {
        Imported::new(import::read(LOG, None).unwrap(), "hpl.txt", LOG.as_bytes(), ("node7", true))
    }

    #[test]
    fn an_imported_record_is_kept_and_never_taken_for_a_run() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        write_all(&store.place("node7", "20260701T000000Z-0001"), &run());
        let mut record = imported();
        let path = record.keep(&store).unwrap();
        assert_eq!(Imported::read(&path).unwrap(), record);
        assert_eq!(Imported::find(&store, &record.id[..12]).unwrap(), path);
        assert_eq!(Imported::find(&store, path.to_str().unwrap()).unwrap(), path);
        // Nothing that looks for runs finds it.
        assert_eq!(store.list().unwrap().len(), 1);
        assert_eq!(store.find("latest").unwrap(), store.place("node7", "20260701T000000Z-0001"));
        assert!(store.find(&record.id).is_err());
        let verified = crate::Chain::at(dir.path()).verify(&store.list().unwrap()).unwrap();
        assert_eq!(verified.faults.len(), 0);
        // Who is given its path refuses it.
        for refused in [crate::read(&path).unwrap_err(), crate::head(&path).unwrap_err()] {
            assert!(refused.to_string().contains("is an imported record"), "{refused}");
        }
    }

    #[test]
    fn what_is_no_imported_record_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        let path = store.place("node7", "20260701T000000Z-0001");
        write_all(&path, &run());
        let check = |found: Error, words: &str| assert!(found.to_string().contains(words), "{found}");
        check(Imported::read(&path).unwrap_err(), "this is no imported record");
        check(Imported::find(&store, "20260701").unwrap_err(), "`20260701` is no imported record");
        let later = dir.path().join("later.json");
        let mut record = imported();
        record.schema = 9;
        fs::write(&later, serde_json::to_vec(&record).unwrap()).unwrap();
        check(Imported::read(&later).unwrap_err(), "schema 9");
        fs::write(&later, "{\"kind\":\"imported\",\"schema\":").unwrap();
        check(Imported::read(&later).unwrap_err(), "line 1: EOF");
    }
}
