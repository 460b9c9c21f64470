//! What can go wrong with the data of the workload.

use std::io;
use std::path::{Path, PathBuf};

use polars_core::error::PolarsError;

use crate::finding::Fault;
use crate::schema::Kind;

/// Why data could not be made, read, or accepted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request does not fit together.
    #[error("cannot generate this data set: {0}")]
    Config(String),
    /// The folder holds something else than what was asked for.
    #[error("{path} holds other data: {why}; name another folder, or remove this one", path = .path.display())]
    OtherData {
        /// The folder.
        path: PathBuf,
        /// What differs.
        why: String,
    },
    /// The folder cannot be that of a result.
    #[error("{path} is not taken as the output: {why}", path = .path.display())]
    Output {
        /// The folder, as it was asked for.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// Another process writes to the folder.
    #[error(
        "{path} is being written by {}: wait for it, or name another folder",
        .process.map_or_else(|| "another process".to_owned(), |process| format!("process {process}")),
        path = .path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The other process, where it is known.
        process: Option<u32>,
    },
    /// The file system is full. Nothing unfinished is left under a final name.
    #[error(
        "the file system of {path} is full; nothing unfinished has a final name: free space and start again, and what can \
         be used of this start is used", path = .path.display()
    )]
    Full {
        /// The file that did not fit.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{what} {path}: {why}", path = .path.display())]
    Io {
        /// What was tried, as in "cannot write".
        what: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the operating system says. It is part of the message, and so not told again as its source.
        why: io::Error,
    },
    /// There are no Parquet files where some should be.
    #[error("{path} has no Parquet files, {expected} expected", path = .path.display())]
    NoFiles {
        /// The folder that was searched.
        path: PathBuf,
        /// What it should have.
        expected: String,
    },
    /// A Parquet file cannot be read.
    #[error("{path} is damaged or no Parquet file{}: {why}", .column.as_ref().map_or_else(String::new, |c| format!(" (column `{c}`)")), path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The column that cannot be decoded, where a single one is to blame.
        column: Option<String>,
        /// What the reader says.
        why: String,
    },
    /// A file lacks a column.
    #[error("{path} has no column `{column}` ({expected} expected)", path = .path.display())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// The type that it should have.
        expected: String,
    },
    /// A column has a type that cannot hold its values, or that another engine would read as something else.
    #[error("{path}: column `{column}` is of type {found}, {expected} expected", path = .path.display())]
    WrongType {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// Its type in the file.
        found: String,
        /// The type that it should have.
        expected: String,
    },
    /// A column holds a value that the schema rules out.
    #[error("{path}: column `{column}`: {why}", path = .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// Which value, and why it cannot be.
        why: String,
    },
    /// A whole number of the result does not fit its type.
    #[error("column `{column}` of the result: what row_id {row} would have does not fit {kind}")]
    DoesNotFit {
        /// The column of the result.
        column: &'static str,
        /// The id of the row.
        row: i64,
        /// The type of the column.
        kind: Kind,
    },
    /// The values of a column are too large or too far apart for what is computed of all of them.
    #[error("column `{column}` of the events: the sums of its values leave what a double holds")]
    SumsLeaveDoubles {
        /// The column of the input.
        column: &'static str,
    },
    /// A folder does not fit the tasks of `bucketed`.
    #[error("{path} cannot be worked on by tasks: {why}", path = .path.display())]
    Unfit {
        /// The work folder, or that of the input.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// A plan has no task of this name.
    #[error("the plan has no task `{id}`; the last of each kind are {known}")]
    UnknownTask {
        /// The id that was asked for.
        id: String,
        /// The last ids of all kinds.
        known: String,
    },
    /// What a task reads was not written yet.
    #[error("{path} is not there: run task `{task}` first", path = .path.display())]
    PartMissing {
        /// The file.
        path: PathBuf,
        /// The task that writes it.
        task: String,
    },
    /// What a task wrote is not what is found.
    #[error(
        "{path} is damaged: {why}; remove it, then run task `{task}` again, or start again with --resume",
        path = .path.display()
    )]
    DamagedPart {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// The task that writes it.
        task: String,
    },
    /// Memory is short before anything started.
    #[error(
        "{what} needs about {:.1} GB of memory and {:.1} GB can be taken: {remedy}",
        *.needed as f64 / 1e9, *.available as f64 / 1e9
    )]
    TooLittleMemory {
        /// What needs it.
        what: String,
        /// What needs less.
        remedy: &'static str,
        /// Bytes that the run would take.
        needed: u64,
        /// Bytes that can be taken now.
        available: u64,
    },
    /// A process that was started to transform did not end well.
    #[error("the process that transforms ended with {0}")]
    Process(String),
    /// The tasks could not be done by workers of Dask.
    #[error("cluster: {0}")]
    Cluster(String),
    /// Polars refused.
    #[error("Polars failed: {0}")]
    Engine(PolarsError),
    /// An output is not what the ten transformations give.
    #[error("the output is wrong:{}", .0.iter().fold(String::new(), |lines, f| lines + &format!("\n  {f}")))]
    Rejected(Vec<Fault>),
}

impl Error {
    /// The error for a refusal of the operating system; a full file system is told apart.
    pub(crate) fn io(what: &'static str, path: &Path, why: io::Error) -> Self {
        match why.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path: path.to_owned() },
            _ => Self::Io { what, path: path.to_owned(), why },
        }
    }

    /// The error of a job, with the folder that it is about where Polars tells only what happened: of the operating
    /// system's errors and of damage it keeps the text.
    pub(crate) fn placed(self, input: &Path, output: &Path) -> Self {
        let Self::Engine(error) = &self else { return self };
        let why = error.to_string();
        if is_full(&why) {
            Self::Full { path: output.to_owned() }
        } else if why.contains("File out of specification") {
            Self::Damaged { path: input.to_owned(), column: None, why }
        } else {
            self
        }
    }
}

/// Whether Polars says that a file system is full.
fn is_full(text: &str) -> bool {
    ["No space left on device", "Disk quota exceeded"].iter().any(|full| text.contains(full))
}

// Its text is part of the message, and so not told again as its source.
impl From<PolarsError> for Error {
    fn from(error: PolarsError) -> Self {
        Self::Engine(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_polars_names_the_folder_that_it_is_about() {
        let check = |said: &'static str, expect: &str| {
            let error = Error::from(PolarsError::ComputeError(said.into())).placed(Path::new("in"), Path::new("out"));
            assert!(error.to_string().contains(expect), "{error}");
        };
        check(
            "parquet: File out of specification: underlying IO error: No space left on device (os error 28)",
            "the file system of out is full",
        );
        check("parquet: File out of specification: Data corruption detected", "in is damaged");
        check("anything else", "Polars failed: anything else");
    }
}
