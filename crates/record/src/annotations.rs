//! What people say about runs: tags, and which runs are a host's baseline. The records themselves stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::journal::Journal;

const FILE: &str = "marks.jsonl";

/// The annotations of a store.
#[derive(Clone, Debug)]
pub struct Annotations {
    journal: Journal,
}

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Annotation {
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

/// All annotations together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotated {
    /// Tags by run.
    pub tags: BTreeMap<String, BTreeSet<String>>,
    /// The baseline of each host: ids of its runs, and when it was set.
    pub baselines: BTreeMap<String, (Vec<String>, String)>,
}

impl Annotations {
    /// The annotations of the store at `root`.
    #[must_use]
    pub fn at(root: &Path) -> Annotations {
        Annotations { journal: Journal::at(&root.join(FILE)) }
    }

    /// Adds an annotation.
    pub fn add(&self, annotation: &Annotation) -> Result<(), Error> {
        self.journal.append(annotation)
    }

    /// Reads all annotations.
    pub fn read(&self) -> Result<Annotated, Error> {
        let mut annotated = Annotated::default();
        for annotation in self.journal.read()? {
            match annotation {
                Annotation::Tag { run, tag } => {
                    annotated.tags.entry(run).or_default().insert(tag);
                }
                Annotation::Untag { run, tag } => {
                    annotated.tags.entry(run).or_default().remove(&tag);
                }
                Annotation::Baseline { host, runs, .. } if runs.is_empty() => {
                    annotated.baselines.remove(&host);
                }
                Annotation::Baseline { host, runs, at } => {
                    annotated.baselines.insert(host, (runs, at));
                }
            }
        }
        Ok(annotated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts() {
        let dir = tempfile::tempdir().unwrap();
        let annotations = Annotations::at(dir.path());
        let tag = |run: &str, tag: &str| Annotation::Tag { run: run.into(), tag: tag.into() };
        let baseline = |runs: &[&str], at: &str| Annotation::Baseline {
            host: "h".into(),
            runs: runs.iter().map(|run| (*run).to_owned()).collect(),
            at: at.into(),
        };
        for annotation in
            [tag("1", "good"), tag("1", "slow"), Annotation::Untag { run: "1".into(), tag: "slow".into() }]
        {
            annotations.add(&annotation).unwrap();
        }
        annotations.add(&baseline(&["1", "2"], "monday")).unwrap();
        annotations.add(&baseline(&["3"], "tuesday")).unwrap();
        let annotated = annotations.read().unwrap();
        assert_eq!(annotated.tags["1"], BTreeSet::from(["good".to_owned()]));
        assert_eq!(annotated.baselines["h"], (vec!["3".to_owned()], "tuesday".to_owned()));
        annotations.add(&baseline(&[], "wednesday")).unwrap();
        assert!(annotations.read().unwrap().baselines.is_empty());
    }
}
