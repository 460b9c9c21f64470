//! A run as one file, to carry it from one store to another.
//!
//! The first line says what follows, with its SHA-256; the rest is the record, byte for byte.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use measure::Run;
use pipe::{from_line, to_line};
use serde::{Deserialize, Serialize};

use crate::chain::sha256;
use crate::selector::is_id;
use crate::store::file_name;
use crate::writer::put_in_place;
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
    let text = pack(record)?;
    // No link is followed, wherever it leads.
    let mut new = match fs::File::create_new(file) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Err(Error::Exists(file.to_owned())),
        new => new.map_err(fail("create", file))?,
    };
    let written = new.write_all(&text).and_then(|()| new.sync_all()).map_err(fail("write", file));
    written.inspect_err(|_| {
        // Half a bundle is none; the first error is the one to tell.
        let _ = fs::remove_file(file);
    })
}

/// A run as the bytes of a bundle.
pub fn pack(record: &Entry) -> Result<Vec<u8>, Error> {
    let bytes = fs::read(&record.path).map_err(fail("read", &record.path))?;
    let header = Header {
        hostproof_bundle: BUNDLE,
        host: record.host.clone(),
        id: record.id.clone(),
        bytes: bytes.len(),
        sha256: sha256(&bytes),
    };
    Ok([to_line(&header).as_bytes(), &bytes].concat())
}

/// Takes a run from a bundle, or a plain `run.jsonl`, into a store; gives its record. A run that the store has already
/// is refused.
pub fn import(store: &Store, file: &Path) -> Result<PathBuf, Error> {
    let all = crate::input::read(file)?;
    let (run, record) = read(&all, file)?;
    let path = store.place(run.name(), &run.id);
    let (host, id) = (file_name(run.name()), file_name(&run.id));
    if let Some(there) = store.list()?.into_iter().find(|entry| entry.host == host && entry.id == id) {
        return Err(Error::Exists(there.path));
    }
    put_in_place(&path, record)?;
    Ok(path)
}

/// The run in the bytes of a bundle or of a record, with the bytes of the record; `file` is for the messages only.
pub fn read<'a>(all: &'a [u8], file: &Path) -> Result<(Run, &'a [u8]), Error> {
    let record = unpack(all, file)?;
    let run = parse(record, file)?;
    if !is_id(&run.id) || file_name(&run.id) != run.id {
        let what = format!("its id `{}` is none that a run can have in a store: it means something else there", run.id);
        return Err(Error::Bundle { path: file.to_owned(), what });
    }
    Ok((run, record))
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
    fn virtual_nodes_of_one_host_are_nodes_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(&dir.path().join("there"));
        let nodes = [None, Some("n01"), Some("n02")];
        for (number, node) in nodes.into_iter().enumerate() {
            let file = dir.path().join(format!("{number}.jsonl"));
            write_all(
                &file,
                &measure::Run { id: format!("20260701T12000{number}Z-0001"), node: node.map(str::to_owned), ..run() },
            );
            let path = import(&store, &file).unwrap();
            let read = crate::read(&path).unwrap();
            assert_eq!((read.host.as_str(), read.node.as_deref()), ("node-1", node));
        }
        let index = crate::Index::open(&store).unwrap();
        let (runs, annotated) = (index.runs().unwrap(), index.annotations().unwrap());
        let hosts: Vec<&str> = runs.iter().map(|run| run.digest.host.as_str()).collect();
        assert_eq!(hosts, ["node-1", "n01", "n02"]);
        let selector: crate::Selector = "latest,host=n01".parse().unwrap();
        assert_eq!(selector.select(&runs, &annotated), [&runs[1]]);
    }

    #[test]
    fn a_bundle_takes_no_place_that_means_something_else() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(&dir.path().join("there"));
        let check = |host: &str, id: &str, expect: Result<&str, &str>| {
            let file = dir.path().join("run.jsonl");
            let _ = fs::remove_file(&file);
            write_all(&file, &measure::Run { host: host.to_owned(), id: id.to_owned(), ..run() });
            match (import(&store, &file).map_err(|error| error.to_string()), expect) {
                (Ok(path), Ok(place)) => assert_eq!(path, store.root().join(place).join("run.jsonl")),
                (Err(error), Err(words)) => assert!(error.contains(words), "{error}"),
                other => panic!("{host} {id}: {other:?}"),
            }
        };
        check("chain.jsonl", "20260701T120000Z-0001", Ok("hosts/chain.jsonl/20260701T120000Z-0001"));
        check("chain.jsonl", "20260701T120000Z-0001", Err("is there already"));
        for id in ["latest", "baseline", "2026-07-01", "2026-07-01..2026-07-02", "", "../../x", "host=a", "a,b", "a\nb"]
        {
            check("node-1", id, Err("means something else"));
        }
        // A run of an earlier version's layout is not taken in twice.
        let old = store.root().join("node-2/20260701T120000Z-0001/run.jsonl");
        write_all(&old, &run());
        check("node-2", "20260701T120000Z-0001", Err("is there already"));
    }

    #[test]
    fn a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(&dir.path().join("here"));
        write_all(&store.place("h", "1"), &run());
        let (link, aim) = (dir.path().join("run.bundle"), dir.path().join("aim"));
        std::os::unix::fs::symlink(&aim, &link).unwrap();
        assert!(matches!(export(&store.list().unwrap()[0], &link), Err(Error::Exists(_))));
        assert!(!aim.exists());
    }

    /// 10^4 mutations. None may panic, none takes a second, and none is taken for the run that it was.
    #[test]
    fn mutated_bundles_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        write_all(&store.place("h", "1"), &run());
        let sound = pack(&store.list().unwrap()[0]).unwrap();
        let expect = format!("{:?}", read(&sound, Path::new("b")).unwrap().0);
        let mut random = measure::random::SplitMix64::new(8);
        let mut pick = |end: usize| usize::try_from(random.below(end as u64)).unwrap();
        for _ in 0..10_000 {
            let mut bytes = sound.clone();
            // As often in the first line as behind it.
            let end = if pick(2) == 0 { 200 } else { bytes.len() };
            let (at, to) = (pick(end), pick(end));
            match pick(4) {
                0 => bytes[at] ^= 1 << pick(8),
                1 => drop(bytes.drain(at.min(to)..=at.max(to))),
                2 => bytes.truncate(at),
                _ => bytes.insert(at, b"\n\"{}[],:0-e\xff"[pick(12)]),
            }
            let before = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            // A space between the words of the first line changes nothing; the host and id in it are for people.
            if let Ok((run, _)) = read(&bytes, Path::new("b")) {
                assert_eq!(format!("{run:?}"), expect, "{:?}", String::from_utf8_lossy(&bytes[..200]));
            }
            let took = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime) - before;
            assert!(took.tv_sec < 1);
        }
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
