//! What people say about runs: tags, and which runs are a host's baseline. The records themselves stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::journal::Journal;

const FILE: &str = "marks.jsonl";

/// The marks of a store.
#[derive(Clone, Debug)]
pub struct Marks {
    journal: Journal,
}

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// A run gets a tag.
    Tag {
        /// Its id.
        run: String,
        /// The tag.
        tag: String,
    },
    /// A run loses a tag.
    Untag {
        /// Its id.
        run: String,
        /// The tag.
        tag: String,
    },
    /// A host's baseline is set, instead of the one before.
    Baseline {
        /// The host.
        host: String,
        /// Ids of the runs that are it; none takes it away.
        runs: Vec<String>,
        /// When, in RFC 3339.
        at: String,
    },
}

/// All marks together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    /// Tags by run.
    pub tags: BTreeMap<String, BTreeSet<String>>,
    /// The baseline of each host: ids of its runs, and when it was set.
    pub baselines: BTreeMap<String, (Vec<String>, String)>,
}

impl Marks {
    /// The marks of the store at `root`.
    #[must_use]
    pub fn at(root: &Path) -> Marks {
        Marks { journal: Journal::at(&root.join(FILE)) }
    }

    /// Adds a mark.
    pub fn add(&self, mark: &Mark) -> Result<(), Error> {
        self.journal.append(mark)
    }

    /// Reads all marks.
    pub fn read(&self) -> Result<Marked, Error> {
        let mut marked = Marked::default();
        for mark in self.journal.read()? {
            match mark {
                Mark::Tag { run, tag } => {
                    marked.tags.entry(run).or_default().insert(tag);
                }
                Mark::Untag { run, tag } => {
                    marked.tags.entry(run).or_default().remove(&tag);
                }
                Mark::Baseline { host, runs, .. } if runs.is_empty() => {
                    marked.baselines.remove(&host);
                }
                Mark::Baseline { host, runs, at } => {
                    marked.baselines.insert(host, (runs, at));
                }
            }
        }
        Ok(marked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts() {
        let dir = tempfile::tempdir().unwrap();
        let marks = Marks::at(dir.path());
        let tag = |run: &str, tag: &str| Mark::Tag { run: run.into(), tag: tag.into() };
        let baseline = |runs: &[&str], at: &str| Mark::Baseline {
            host: "h".into(),
            runs: runs.iter().map(|run| (*run).to_owned()).collect(),
            at: at.into(),
        };
        for mark in [tag("1", "good"), tag("1", "slow"), Mark::Untag { run: "1".into(), tag: "slow".into() }] {
            marks.add(&mark).unwrap();
        }
        marks.add(&baseline(&["1", "2"], "monday")).unwrap();
        marks.add(&baseline(&["3"], "tuesday")).unwrap();
        let marked = marks.read().unwrap();
        assert_eq!(marked.tags["1"], BTreeSet::from(["good".to_owned()]));
        assert_eq!(marked.baselines["h"], (vec!["3".to_owned()], "tuesday".to_owned()));
        marks.add(&baseline(&[], "wednesday")).unwrap();
        assert!(marks.read().unwrap().baselines.is_empty());
    }
}
