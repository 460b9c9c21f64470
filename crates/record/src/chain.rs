//! A hash chain over the records, so that one that was altered, removed or put in between is found.
//!
//! Each link is the SHA-256 of the link before it and of what it says: which record, and the SHA-256 of its bytes. Whoever
//! notes the last link elsewhere can prove later that nothing before it was changed. Only records that have ended are
//! sealed: one that was cut may be the one that is being written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::journal::Journal;
use crate::{Entry, Error};

const FILE: &str = "chain.jsonl";

/// The chain of a store.
#[derive(Clone, Debug)]
pub struct Chain {
    journal: Journal,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Link {
    host: String,
    id: String,
    says: Says,
    /// The SHA-256 over the link before and the rest of this one.
    sha256: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Says {
    /// The record's bytes have this SHA-256.
    Sealed(String),
    /// The record was removed by choice, for this reason.
    Removed(String),
}

/// Something that is not as the chain says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The chain itself was changed at this line.
    Broken {
        /// The line, from 1.
        line: usize,
    },
    /// The record is not what was sealed.
    Altered(String),
    /// The record is gone, and nobody removed it by choice.
    Missing(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Broken { line } => {
                write!(f, "line {line} of {FILE} does not follow from the one before: it was changed")
            }
            Fault::Altered(run) => write!(f, "{run} is not the record that was sealed"),
            Fault::Missing(run) => write!(f, "{run} was sealed, and is gone"),
        }
    }
}

/// What a check of the chain found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Records that are what was sealed.
    pub sound: usize,
    /// Records that are not sealed, because they did not come to their end.
    pub open: Vec<String>,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// The last link: noted elsewhere, it proves everything before it.
    pub head: Option<String>,
}

impl Chain {
    /// The chain of the store at `root`.
    #[must_use]
    pub fn at(root: &Path) -> Chain {
        Chain { journal: Journal::at(&root.join(FILE)) }
    }

    /// Seals the records that have ended and are not sealed yet, in order; gives how many.
    pub fn seal(&self, records: &[Entry]) -> Result<usize, Error> {
        if self.unsealed(&self.journal.read()?, records).next().is_none() {
            return Ok(0);
        }
        self.journal.update(|links: Vec<Link>| {
            let mut last = links.last().map_or(String::new(), |link| link.sha256.clone());
            let mut added = Vec::new();
            for record in self.unsealed(&links, records) {
                if let Some(hash) = ended(&read(&record.path)?) {
                    let link = Link::after(&last, &record.host, &record.id, Says::Sealed(hash));
                    last.clone_from(&link.sha256);
                    added.push(link);
                }
            }
            Ok(added)
        })
    }

    /// Ids of a host's sealed records in the order of sealing.
    pub fn sealed(&self, host: &str) -> Result<Vec<String>, Error> {
        let links: Vec<Link> = self.journal.read()?;
        let of_host = links.into_iter().filter(|link| link.host == host && matches!(link.says, Says::Sealed(_)));
        Ok(of_host.map(|link| link.id).collect())
    }

    /// The SHA-256 of each sealed record, by host and id.
    pub fn hashes(&self) -> Result<HashMap<(String, String), String>, Error> {
        let links: Vec<Link> = self.journal.read()?;
        // The last word counts: a record that was removed may have come back.
        let said: HashMap<_, _> = links.into_iter().map(|link| ((link.host, link.id), link.says)).collect();
        let sealed = said.into_iter().filter_map(|(run, says)| match says {
            Says::Sealed(hash) => Some((run, hash)),
            Says::Removed(_) => None,
        });
        Ok(sealed.collect())
    }

    /// Notes that a record is removed by choice.
    pub fn removed(&self, record: &Entry, why: &str) -> Result<(), Error> {
        self.journal.update(|links: Vec<Link>| {
            let last = links.last().map_or("", |link| &link.sha256);
            Ok(vec![Link::after(last, &record.host, &record.id, Says::Removed(why.to_owned()))])
        })?;
        Ok(())
    }

    /// The place in the chain of each record that is sealed, by host and id; none of a chain that cannot be read.
    pub(crate) fn order(&self) -> HashMap<(String, String), usize> {
        let links: Vec<Link> = self.journal.read().unwrap_or_default();
        links.into_iter().enumerate().map(|(place, link)| ((link.host, link.id), place)).collect()
    }

    /// A record's place in that order; what is not sealed comes before everything.
    pub(crate) fn place_in(order: &HashMap<(String, String), usize>, record: &Entry) -> Option<usize> {
        order.get(&(record.host.clone(), record.id.clone())).copied()
    }

    /// Holds the records against the chain.
    pub fn verify(&self, records: &[Entry]) -> Result<Verified, Error> {
        let links: Vec<Link> = match self.journal.read() {
            Err(Error::RecordLine { line, .. }) => {
                return Ok(Verified { faults: vec![Fault::Broken { line }], ..Verified::default() });
            }
            links => links?,
        };
        let mut verified = Verified { head: links.last().map(|link| link.sha256.clone()), ..Verified::default() };
        let mut last = "";
        for (index, link) in links.iter().enumerate() {
            if Link::after(last, &link.host, &link.id, link.says.clone()) != *link {
                verified.faults.push(Fault::Broken { line: index + 1 });
            }
            last = &link.sha256;
        }
        let sealed: BTreeMap<(&str, &str), &Says> =
            links.iter().map(|link| ((link.host.as_str(), link.id.as_str()), &link.says)).collect();
        for record in records {
            let name = format!("{}/{}", record.host, record.id);
            match sealed.get(&(record.host.as_str(), record.id.as_str())) {
                Some(Says::Sealed(hash)) if sha256(&read(&record.path)?) == *hash => verified.sound += 1,
                Some(Says::Sealed(_) | Says::Removed(_)) => verified.faults.push(Fault::Altered(name)),
                None => verified.open.push(name),
            }
        }
        let there: BTreeSet<(&str, &str)> = records.iter().map(|r| (r.host.as_str(), r.id.as_str())).collect();
        for ((host, id), says) in sealed {
            if matches!(says, Says::Sealed(_)) && !there.contains(&(host, id)) {
                verified.faults.push(Fault::Missing(format!("{host}/{id}")));
            }
        }
        Ok(verified)
    }

    #[expect(clippy::unused_self, reason = "it belongs to the chain")]
    fn unsealed<'a>(&self, links: &[Link], records: &'a [Entry]) -> impl Iterator<Item = &'a Entry> {
        // The last word counts: a record that was removed may come back.
        let last: BTreeMap<(&str, &str), &Says> =
            links.iter().map(|link| ((link.host.as_str(), link.id.as_str()), &link.says)).collect();
        let known: BTreeSet<(String, String)> = last
            .into_iter()
            .filter(|(_, says)| matches!(says, Says::Sealed(_)))
            .map(|((host, id), _)| (host.to_owned(), id.to_owned()))
            .collect();
        records.iter().filter(move |record| !known.contains(&(record.host.clone(), record.id.clone())))
    }
}

impl Link {
    /// The link that follows `last`. Every part has its length before it, so that no two lists of parts look alike.
    fn after(last: &str, host: &str, id: &str, says: Says) -> Link {
        let (kind, what) = match &says {
            Says::Sealed(hash) => ("sealed", hash),
            Says::Removed(why) => ("removed", why),
        };
        let mut hash = Sha256::new();
        for part in [last, host, id, kind, what] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        Link { host: host.to_owned(), id: id.to_owned(), sha256: hex::encode(hash.finalize()), says }
    }
}

/// The SHA-256 of a record that has ended; `None` of one that has not.
fn ended(bytes: &[u8]) -> Option<String> {
    let lines = bytes.strip_suffix(b"\n")?;
    let last = lines.iter().rposition(|byte| *byte == b'\n').map_or(lines, |end| &lines[end + 1..]);
    last.starts_with(b"{\"run_end\"").then(|| sha256(bytes))
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Io { doing: "read", path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use crate::testdata::{run, write_all};
    use std::path::PathBuf;

    fn store(root: &Path) -> (Store, Vec<PathBuf>) {
        let paths: Vec<PathBuf> = ["1", "2", "3"].iter().map(|id| root.join("h").join(id).join("run.jsonl")).collect();
        for path in &paths {
            write_all(path, &run());
        }
        (Store::at(root), paths)
    }

    #[test]
    fn what_was_altered_removed_or_changed_in_the_chain_is_found() {
        let check = |spoil: fn(&Path, &[PathBuf]), expect: &[Fault]| {
            let dir = tempfile::tempdir().unwrap();
            let (store, paths) = store(dir.path());
            let chain = Chain::at(dir.path());
            assert_eq!(chain.seal(&store.list().unwrap()).unwrap(), 3);
            assert_eq!(chain.seal(&store.list().unwrap()).unwrap(), 0);
            spoil(dir.path(), &paths);
            let verified = chain.verify(&store.list().unwrap()).unwrap();
            assert_eq!(verified.faults, expect);
            assert!(verified.head.is_some());
        };
        check(|_, _| {}, &[]);
        check(
            |_, paths| {
                let text = fs::read_to_string(&paths[1]).unwrap().replace("1650000000000.0", "1750000000000.0");
                fs::write(&paths[1], text).unwrap();
            },
            &[Fault::Altered("h/2".into())],
        );
        check(|_, paths| fs::remove_file(&paths[0]).unwrap(), &[Fault::Missing("h/1".into())]);
        check(
            |root, _| {
                let text = fs::read_to_string(root.join(FILE)).unwrap();
                let lines: Vec<&str> = text.lines().collect();
                fs::write(root.join(FILE), format!("{}\n{}\n", lines[0], lines[2])).unwrap();
            },
            &[Fault::Broken { line: 2 }],
        );
    }

    #[test]
    fn a_line_that_is_none_is_a_fault() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = store(dir.path());
        let chain = Chain::at(dir.path());
        chain.seal(&store.list().unwrap()).unwrap();
        let text = fs::read_to_string(dir.path().join(FILE)).unwrap();
        fs::write(dir.path().join(FILE), text.replacen("{\"host\"", "{\"hose\"", 2)).unwrap();
        assert_eq!(chain.verify(&store.list().unwrap()).unwrap().faults, [Fault::Broken { line: 1 }]);
    }

    #[test]
    fn a_removal_by_choice_is_no_fault_and_a_record_that_was_cut_is_open() {
        let dir = tempfile::tempdir().unwrap();
        let (store, paths) = store(dir.path());
        let chain = Chain::at(dir.path());
        let bytes = fs::read(&paths[2]).unwrap();
        fs::write(&paths[2], &bytes[..bytes.len() - 30]).unwrap();
        let entries = store.list().unwrap();
        assert_eq!(chain.seal(&entries).unwrap(), 2);
        chain.removed(&entries[0], "a test").unwrap();
        fs::remove_file(&entries[0].path).unwrap();
        let verified = chain.verify(&store.list().unwrap()).unwrap();
        assert_eq!((verified.sound, verified.open, verified.faults), (1, vec!["h/3".to_owned()], vec![]));
    }
}
