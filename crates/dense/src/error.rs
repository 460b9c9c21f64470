//! What can go wrong in this workload.

use measure::binary_bytes;

/// Why a measurement of dense compute could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host could not be controlled as planned.
    #[error(transparent)]
    Machine(#[from] machine::Error),
    /// There is not enough memory for the smallest useful problem.
    #[error(
        "{what} needs {} and {} are available: free memory, or choose a smaller order",
        binary_bytes(*needed as f64),
        binary_bytes(*available as f64)
    )]
    TooLittleMemory {
        /// What should have been measured.
        what: String,
        /// The bytes that it needs.
        needed: u64,
        /// The bytes that this process may take.
        available: u64,
    },
    /// The library that forms products is not on this host, or is not one.
    #[error("{why}: {advice}")]
    NoBlas {
        /// What the loader answered.
        why: String,
        /// How to get it.
        advice: &'static str,
    },
    /// A pivot was zero: the matrix has no LU factorisation that could solve the system.
    #[error("the matrix is singular: no pivot in column {column}")]
    Singular {
        /// The column, from 0.
        column: usize,
    },
    /// A result of the timed work was wrong.
    #[error("{0}")]
    Wrong(String),
    /// The system starts no more threads.
    #[error(
        "a thread could not be started: {0}; `ulimit -u` and the control group's `pids.max` limit how many there are"
    )]
    Thread(std::io::Error),
    /// The configuration asks for what cannot be done.
    #[error("{0}")]
    Config(String),
}

impl Error {
    /// The reason in the record of a measurement that failed.
    #[must_use]
    pub fn reason(&self) -> measure::Reason {
        use measure::Reason;
        match self {
            Error::Wrong(_) | Error::Singular { .. } => Reason::WrongResult(self.to_string()),
            Error::Thread(_) | Error::TooLittleMemory { .. } | Error::Machine(machine::Error::Memory { .. }) => {
                Reason::NoResources(self.to_string())
            }
            Error::Machine(_) | Error::NoBlas { .. } | Error::Config(_) => Reason::Failed(self.to_string()),
        }
    }
}
