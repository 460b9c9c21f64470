//! Why a load could not go on.

/// Why a load could not go on. Wrong results are none: they are told, and the load goes on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Threads or memory could not be placed.
    #[error(transparent)]
    Machine(#[from] machine::Error),
    /// There is no BLAS that can be used.
    #[error(transparent)]
    Dense(#[from] dense::Error),
    /// A file could not be read or written.
    #[error("{doing} {place} failed: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Where.
        place: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// Whether a drive answered with an error of its own.
    #[must_use]
    pub fn is_of_the_drive(&self) -> bool {
        match self {
            Error::Io { source, .. } => source.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()),
            Error::Machine(_) | Error::Dense(_) => false,
        }
    }
}
