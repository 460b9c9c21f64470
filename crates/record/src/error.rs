//! Why a record could not be written, read or found.

use std::io;
use std::path::PathBuf;

use crate::SCHEMA;

impl Error {
    /// Whether it is only that this process may not write there, as on read-only media or in the store of another user.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        let Error::Io { source, .. } = self else { return false };
        matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
    }
}

/// An error of the record or the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// There is a record already; records are never overwritten.
    #[error("{} is there already, and a record is never overwritten: choose another folder", .0.display())]
    Exists(PathBuf),
    /// A record is another than the one that was noted.
    #[error("{} is not the record that came: it was changed since, and `hostproof store verify` tells of what else was", .0.display())]
    Altered(PathBuf),
    /// A line of a record is not what it should be.
    #[error("{}, line {line}: {what}", path.display())]
    RecordLine {
        /// The record.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// The record has another schema than this program.
    #[error(
        "{} has schema {found}, and this hostproof reads schemas up to {SCHEMA}: use the hostproof that wrote it",
        path.display()
    )]
    Schema {
        /// The record.
        path: PathBuf,
        /// Its schema.
        found: u32,
    },
    /// An imported record stands where a run is wanted.
    #[error(
        "{} is an imported record: figures of another tool, which were not measured by this suite and decide nothing; give it to \
         `hostproof judge RUN --with`",
        .0.display()
    )]
    IsImported(PathBuf),
    /// No imported record fits.
    #[error("`{text}` is no imported record: expected the file or the beginning of its id in {}; `hostproof import FILE` makes one", root.display())]
    NotImported {
        /// What was asked for.
        text: String,
        /// The store.
        root: PathBuf,
    },
    /// Nothing in the store fits.
    #[error(
        "`{text}` is no run: expected a run.jsonl, a folder with one, `latest`, or the beginning of a run id \
         in {} ({runs} runs){}",
        root.display(),
        meant.as_ref().map_or_else(String::new, |meant| format!("; did you mean {meant}?"))
    )]
    NotFound {
        /// What was asked for.
        text: String,
        /// The store.
        root: PathBuf,
        /// How many runs it has.
        runs: usize,
        /// What was probably meant.
        meant: Option<String>,
    },
    /// A selection of runs is not written as one.
    #[error(
        "`{text}` selects no runs: {what}; expected run ids, dates (2026-07-01, 2026-07-01..2026-07-05) or key=value, \
         separated by commas"
    )]
    Selector {
        /// The term.
        text: String,
        /// What is wrong with it.
        what: String,
    },
    /// The index failed; it holds nothing that the records do not.
    #[error("the index {} failed: {source}; delete it, it is built again from the records", path.display())]
    Index {
        /// Its file.
        path: PathBuf,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
    /// A file that should hold one run does not.
    #[error("{} holds no run: {what}", path.display())]
    Bundle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A dossier is not as it was sealed.
    #[error("the dossier is not whole: {0}")]
    Dossier(String),
    /// A key of a signature cannot be used.
    #[error("{} is not an Ed25519 {kind} key (PEM); create one with `{make}`", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Which of the two it should be.
        kind: &'static str,
        /// The command that writes one.
        make: &'static str,
    },
    /// A campaign is asked for what it cannot do now.
    #[error("{0}")]
    Campaign(String),
    /// More than one run in the store fits.
    #[error("`{text}` is ambiguous ({} runs, such as {} and {}): use a longer prefix", ids.len(), ids[0], ids[1])]
    Ambiguous {
        /// What was asked for.
        text: String,
        /// The ids that fit, at least two.
        ids: Vec<String>,
    },
}
