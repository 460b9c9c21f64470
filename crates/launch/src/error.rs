//! Why a fleet could not be launched or looked at.

use std::path::{Path, PathBuf};

/// An error of a fleet.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A set of nodes is not written as one.
    #[error("`{text}` is no set of nodes: {what}; such as node[001-400] or n[1-9/2],m1!n5")]
    NodeSet {
        /// What was typed.
        text: String,
        /// What is wrong with it.
        what: String,
    },
    /// The journal or the store.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// The operating system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// A program of the launcher did not do its work.
    #[error("`{command}` {what}")]
    Command {
        /// The command.
        command: String,
        /// What it answered.
        what: String,
    },
    /// The fleet is not as it should be.
    #[error("{0}")]
    Fleet(String),
}

impl Error {
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
        let path = path.to_owned();
        move |source| Error::Io { doing, path, source }
    }
}
