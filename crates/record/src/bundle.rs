//! A run as one file, to carry it from one store to another.
//!
//! The first line says what follows, with its SHA-256; the rest is the record, byte for byte.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::chain::sha256;
use crate::wire::{from_line, to_line};
use crate::{Entry, Error, Store, parse};

/// The version of the format.
const BUNDLE: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Header {
    hostproof_bundle: u32,
    host: String,
    id: String,
    bytes: usize,
    sha256: String,
}

/// Writes a run to one file, which must not be there yet.
pub fn export(record: &Entry, file: &Path) -> Result<(), Error> {
    if file.exists() {
        return Err(Error::Exists(file.to_owned()));
    }
    let bytes = fs::read(&record.path).map_err(fail("read", &record.path))?;
    let header = Header {
        hostproof_bundle: BUNDLE,
        host: record.host.clone(),
        id: record.id.clone(),
        bytes: bytes.len(),
        sha256: sha256(&bytes),
    };
    let text = [to_line(&header).as_bytes(), &bytes].concat();
    fs::write(file, text).map_err(fail("write", file))
}

/// Takes a run from a bundle, or a plain `run.jsonl`, into a store; gives its record. A run that the store has already
/// is refused.
pub fn import(store: &Store, file: &Path) -> Result<PathBuf, Error> {
    let all = fs::read(file).map_err(fail("read", file))?;
    let record = unpack(&all, file)?;
    let run = parse(record, file)?;
    let path = store.place(&run.host, &run.id);
    if path.exists() {
        return Err(Error::Exists(path));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(fail("create", folder))?;
    // Under another name first, so that neither a kill nor a power cut leaves half of a record.
    let temporary = folder.join(".import.tmp");
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(record)?;
        file.sync_all()
    });
    written.map_err(fail("write", &temporary))?;
    fs::rename(&temporary, &path).map_err(fail("rename to", &path))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(fail("sync", folder))?;
    Ok(path)
}

/// The record in a bundle, which must be what the first line says; anything else is taken for a record itself.
fn unpack<'a>(all: &'a [u8], file: &Path) -> Result<&'a [u8], Error> {
    let end = all.iter().position(|byte| *byte == b'\n').map_or(all.len(), |end| end + 1);
    let (first, record) = all.split_at(end);
    if !first.starts_with(b"{\"hostproof_bundle\"") {
        return Ok(all);
    }
    let wrong = |what: String| Error::Bundle { path: file.to_owned(), what };
    let header: Header = from_line(first).map_err(wrong)?;
    if header.hostproof_bundle != BUNDLE {
        return Err(wrong(format!(
            "it is a bundle of version {}, and this hostproof reads {BUNDLE}",
            header.hostproof_bundle
        )));
    }
    if record.len() != header.bytes {
        return Err(wrong(format!("it has {} of {} bytes", record.len(), header.bytes)));
    }
    if sha256(record) != header.sha256 {
        return Err(wrong("its contents were changed".to_owned()));
    }
    Ok(record)
}

fn fail(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Io { doing, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::{run, write_all};

    #[test]
    fn a_run_travels_unchanged_and_only_once() {
        let dir = tempfile::tempdir().unwrap();
        let (here, there) = (Store::at(&dir.path().join("here")), Store::at(&dir.path().join("there")));
        write_all(&here.place("node-1", "20260701T120000Z-0a1b"), &run());
        let entry = here.list().unwrap().remove(0);
        let file = dir.path().join("run.bundle");
        export(&entry, &file).unwrap();
        assert!(matches!(export(&entry, &file), Err(Error::Exists(_))));
        let path = import(&there, &file).unwrap();
        assert_eq!(fs::read(&path).unwrap(), fs::read(&entry.path).unwrap());
        assert!(matches!(import(&there, &file), Err(Error::Exists(_))));
        let plain = Store::at(&dir.path().join("plain"));
        assert_eq!(fs::read(import(&plain, &entry.path).unwrap()).unwrap(), fs::read(&entry.path).unwrap());
    }

    #[test]
    fn a_damaged_bundle_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(&dir.path().join("here"));
        write_all(&store.place("h", "1"), &run());
        let file = dir.path().join("run.bundle");
        export(&store.list().unwrap()[0], &file).unwrap();
        let bytes = fs::read(&file).unwrap();
        let check = |bytes: Vec<u8>, expect: &str| {
            let damaged = dir.path().join("damaged");
            fs::write(&damaged, bytes).unwrap();
            let error = import(&Store::at(&dir.path().join("there")), &damaged).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        };
        check(bytes[..bytes.len() - 9].to_vec(), "bytes");
        let mut altered = bytes.clone();
        let end = altered.len() - 20;
        altered[end] ^= 1;
        check(altered, "its contents were changed");
        check(
            b"{\"hostproof_bundle\":2,\"host\":\"h\",\"id\":\"1\",\"bytes\":0,\"sha256\":\"\"}\n".to_vec(),
            "version 2",
        );
        check(b"nonsense".to_vec(), "not the first line of a record");
        assert!(!dir.path().join("there").exists());
    }
}
