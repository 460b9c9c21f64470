//! Why a load could not go on.

use std::io;

use rustix::io::Errno;

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
        source: io::Error,
    },
}

impl Error {
    /// Whether a drive answered with an error of its own: those that the block layer gives for one, those of file systems whose
    /// own sums do not fit, and files that have become shorter.
    #[must_use]
    pub fn is_of_the_drive(&self) -> bool {
        const DRIVE: [Errno; 7] =
            [Errno::IO, Errno::NODATA, Errno::REMOTEIO, Errno::NOLINK, Errno::ILSEQ, Errno::TIMEDOUT, Errno::UCLEAN];
        match self {
            Error::Io { source, .. } => {
                source.kind() == io::ErrorKind::UnexpectedEof
                    || DRIVE.iter().any(|errno| source.raw_os_error() == Some(errno.raw_os_error()))
            }
            Error::Machine(_) | Error::Dense(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_a_drive_and_others() {
        let check = |source: io::Error, expect: bool| {
            let error = Error::Io { doing: "reading", place: "a file".to_owned(), source };
            assert_eq!(error.is_of_the_drive(), expect, "{error}");
        };
        check(Errno::IO.into(), true);
        check(Errno::NODATA.into(), true);
        check(Errno::UCLEAN.into(), true);
        check(io::ErrorKind::UnexpectedEof.into(), true);
        check(Errno::NOSPC.into(), false);
        check(Errno::ACCESS.into(), false);
    }
}
