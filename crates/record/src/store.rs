//! Where records lie: `<root>/hosts/<host>/<run id>/run.jsonl`.
//!
//! The hosts have a folder of their own, so that none is called like a file of the store itself. In stores of earlier versions
//! their folders lie in the root; they are read there.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use measure::likeness;

use crate::{Annotations, Chain, Error};

const FILE: &str = "run.jsonl";
const HOSTS: &str = "hosts";
/// The word for the newest run.
pub(crate) const LATEST: &str = "latest";

/// A folder of records.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// One record in the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The run's id; ids sort by the time of their start.
    pub id: String,
    /// The host's folder.
    pub host: String,
    /// The record.
    pub path: PathBuf,
}

impl Store {
    /// The store at `root`, which need not be there yet.
    #[must_use]
    pub fn at(root: &Path) -> Store {
        Store { root: root.to_owned() }
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the record of a run belongs.
    #[must_use]
    pub fn place(&self, host: &str, id: &str) -> PathBuf {
        self.root.join(HOSTS).join(file_name(host)).join(file_name(id)).join(FILE)
    }

    /// A new run's id, `20260701T120000Z-0a1b`, and its folder, which the `Writer` creates.
    #[must_use]
    pub fn new_run(&self, host: &str) -> (String, PathBuf) {
        self.new_run_at(host, Timestamp::now())
    }

    fn new_run_at(&self, host: &str, now: Timestamp) -> (String, PathBuf) {
        let host = self.root.join(HOSTS).join(file_name(host));
        loop {
            // The keys of a hasher are the randomness that the standard library has.
            let random = RandomState::new().hash_one(now.as_nanosecond()) & 0xffff;
            let id = format!("{}-{random:04x}", now.strftime("%Y%m%dT%H%M%SZ"));
            let dir = host.join(&id);
            if !dir.exists() {
                return (id, dir);
            }
        }
    }

    /// The record that `text` means: a `run.jsonl`, a folder with one, `latest`, a run id or its beginning.
    pub fn find(&self, text: &str) -> Result<PathBuf, Error> {
        // Before anything that may be called so.
        if text == LATEST {
            return self.latest();
        }
        let path = Path::new(text);
        if path.is_file() {
            return Ok(path.to_owned());
        }
        if path.join(FILE).is_file() {
            return Ok(path.join(FILE));
        }
        // A whole id is not looked for in all the store: somebody may name a thousand.
        if !text.is_empty() && file_name(text) == text {
            let whole = self.hosts()?.into_iter().map(|(_, host)| host.join(text).join(FILE));
            if let Some(path) = whole.into_iter().find(|path| path.is_file()) {
                return Ok(path);
            }
        }
        let entries = self.list()?;
        let fitting: Vec<&Entry> =
            entries.iter().filter(|entry| !text.is_empty() && entry.id.starts_with(text)).collect();
        match fitting.as_slice() {
            [] => Err(Error::NotFound {
                text: text.to_owned(),
                root: self.root.clone(),
                runs: entries.len(),
                meant: self.meant(text, &entries),
            }),
            [only] => Ok(only.path.clone()),
            many => Err(Error::Ambiguous {
                text: text.to_owned(),
                ids: many.iter().map(|entry| entry.id.clone()).collect(),
            }),
        }
    }

    /// What somebody who typed this probably meant: the run that has it as a tag, or one whose id begins almost so.
    fn meant(&self, text: &str, entries: &[Entry]) -> Option<String> {
        let tags = Annotations::at(&self.root).read().map(|annotated| annotated.tags).unwrap_or_default();
        if let Some((id, _)) = tags.iter().rev().find(|(_, tags)| tags.contains(text)) {
            return Some(format!("{id}, which has this tag"));
        }
        let beginnings = entries.iter().map(|entry| entry.id.get(..text.len()).unwrap_or(&entry.id));
        let near = likeness::alike(text, beginnings.chain((!entries.is_empty()).then_some(LATEST)))?;
        let run = entries.iter().rev().find(|entry| entry.id.starts_with(near));
        Some(run.map_or(near, |run| run.id.as_str()).to_owned())
    }

    /// The run that was sealed last: neither a clock that was wrong once nor the id of a run that came from elsewhere decides
    /// it. Where nothing is sealed, ids decide.
    fn latest(&self) -> Result<PathBuf, Error> {
        let entries = self.list()?;
        let chain = Chain::at(&self.root);
        // What ended since is sealed first. Where that is not possible, what is sealed already decides.
        let _ = chain.seal(&entries);
        let order = chain.order();
        let runs = entries.len();
        let newest = entries.into_iter().max_by_key(|entry| (Chain::place_in(&order, entry), entry.id.clone()));
        let none = || Error::NotFound { text: LATEST.to_owned(), root: self.root.clone(), runs, meant: None };
        Ok(newest.ok_or_else(none)?.path)
    }

    /// The folder of each host, with its name; in a store of an earlier version one may be there twice.
    fn hosts(&self) -> Result<Vec<(String, PathBuf)>, Error> {
        let mut hosts = folders(&self.root.join(HOSTS))?;
        hosts.extend(folders(&self.root)?);
        Ok(hosts)
    }

    /// All records, oldest first. A store that is not there is empty.
    pub fn list(&self) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        for (host, folder) in self.hosts()? {
            for (id, run) in folders(&folder)? {
                let path = run.join(FILE);
                if path.is_file() {
                    entries.push(Entry { id, host: host.clone(), path });
                }
            }
        }
        entries.sort();
        Ok(entries)
    }
}

/// The folders in a folder, with their names; none where there is no such folder.
fn folders(path: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let fail = |source| Error::Io { doing: "list", path: path.to_owned(), source };
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        // What is no text is no host and no run of ours.
        if let Ok(name) = entry.file_name().into_string()
            && entry.path().is_dir()
        {
            found.push((name, entry.path()));
        }
    }
    Ok(found)
}

/// A host's name as the name of a folder: what is not a letter, digit, `.`, `_` or `-` becomes `-`.
pub(crate) fn file_name(host: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    let name: String = host.chars().map(safe).take(64).collect();
    let name = name.trim_start_matches(['.', '-']);
    if name.is_empty() { "host".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Annotation;
    use crate::testdata::{run, write_all};
    use proptest::prelude::*;

    #[test]
    fn hosts_become_folder_names() {
        let check = |host: &str, expect: &str| assert_eq!(file_name(host), expect);
        check("node-1.example", "node-1.example");
        check("../../etc/passwd", "etc-passwd");
        check("", "host");
        check("..", "host");
        check("näh\n", "n-h-");
    }

    #[test]
    fn ids_tell_the_time_and_do_not_repeat() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        let now: Timestamp = "2026-07-01T12:34:56.789Z".parse().unwrap();
        let (first, folder) = store.new_run_at("h", now);
        assert_eq!((first.len(), &first[..17]), (21, "20260701T123456Z-"));
        assert_eq!(folder, dir.path().join("hosts/h").join(&first));
        assert!(!folder.exists());
    }

    #[test]
    fn runs_are_found_by_what_people_type() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(&dir.path().join("results"));
        assert!(store.list().unwrap().is_empty());
        let path = |host: &str, id: &str| dir.path().join("results").join(host).join(id).join(FILE);
        for (host, id) in
            [("a", "20260701T000000Z-0001"), ("b", "20260702T000000Z-0002"), ("a", "20260702T000000Z-0003")]
        {
            write_all(&path(host, id), &run());
        }
        fs::create_dir_all(dir.path().join("results/a/20260709T000000Z-empty")).unwrap();
        let newest = path("a", "20260702T000000Z-0003");
        let check = |text: &str, expect: Result<&Path, &str>| match (store.find(text), expect) {
            (Ok(found), Ok(path)) => assert_eq!(found, path, "{text}"),
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{text}: {error}"),
            (found, expect) => panic!("{text}: {found:?}, expected {expect:?}"),
        };
        check("20260701", Ok(&path("a", "20260701T000000Z-0001")));
        check("20260702T000000Z-0003", Ok(&newest));
        check("20260702", Err("is ambiguous (2 runs"));
        check("2027", Err("is no run"));
        check("", Err("(3 runs)"));
        check("latset", Err("did you mean latest?"));
        check("20260720", Err("did you mean 20260702T000000Z-0003?"));
        check("20260701T000000Z-0010", Err("did you mean 20260701T000000Z-0001?"));
        check("no-such-run-at-all", Err("(3 runs)"));
        let tag = Annotation::Tag { run: "20260701T000000Z-0001".into(), tag: "accepted".into() };
        Annotations::at(store.root()).add(&tag).unwrap();
        check("accepted", Err("did you mean 20260701T000000Z-0001, which has this tag?"));
        check(newest.to_str().unwrap(), Ok(&newest));
        check(newest.parent().unwrap().to_str().unwrap(), Ok(&newest));
    }

    #[test]
    fn no_host_is_called_like_a_file_of_the_store() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        for (number, host) in ["marks.jsonl", "chain.jsonl", "campaigns", ".index.sqlite", "hosts"].iter().enumerate() {
            write_all(&store.place(host, &format!("2026070{number}T000000Z-0001")), &run());
        }
        // A store of an earlier version, with a host of that name.
        write_all(&dir.path().join("hosts/20260709T000000Z-0001").join(FILE), &run());
        write_all(&dir.path().join("campaigns/20260708T000000Z-0001").join(FILE), &run());
        let index = crate::Index::open(&store).unwrap();
        assert!(index.trouble().is_none());
        assert_eq!(index.runs().unwrap().len(), 7);
        let verified = Chain::at(dir.path()).verify(&store.list().unwrap()).unwrap();
        assert_eq!((verified.sound, verified.open.len(), verified.faults.len()), (7, 0, 0));
        assert!(crate::Campaign::all(&store).unwrap().is_empty());
    }

    #[test]
    fn the_latest_is_what_was_sealed_last() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        let add = |host: &str, id: &str| {
            write_all(&store.place(host, id), &run());
            store.find(LATEST).unwrap()
        };
        assert!(store.find(LATEST).unwrap_err().to_string().contains("is no run"));
        // A clock that was wrong once, a folder that somebody called so, and a run that never ended.
        assert_eq!(add("a", "20990101T000000Z-0001"), store.place("a", "20990101T000000Z-0001"));
        assert_eq!(add("b", "20260702T000000Z-0002"), store.place("b", "20260702T000000Z-0002"));
        let bytes = fs::read(store.place("b", "20260702T000000Z-0002")).unwrap();
        let cut = store.place("b", "20990909T000000Z-0003");
        fs::create_dir_all(cut.parent().unwrap()).unwrap();
        fs::write(&cut, &bytes[..bytes.len() - 30]).unwrap();
        assert_eq!(store.find(LATEST).unwrap(), store.place("b", "20260702T000000Z-0002"));
        write_all(&store.place("b", LATEST), &run());
        assert_eq!(store.find(LATEST).unwrap(), store.place("b", LATEST), "it came last");
        assert_eq!(add("a", "20260701T000000Z-0004"), store.place("a", "20260701T000000Z-0004"));
    }

    proptest! {
        #[test]
        fn a_folder_name_is_one_safe_component(host in ".{0,100}") {
            let name = file_name(&host);
            prop_assert!(!name.is_empty() && name.len() <= 64 && !name.starts_with('.') && !name.contains('/'));
        }
    }
}
