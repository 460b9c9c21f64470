//! Why memory could not be measured.

use measure::{Isa, Reason, binary_bytes};

/// Why the workload, or a part of it, could not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Threads or memory could not be placed.
    #[error(transparent)]
    Machine(#[from] machine::Error),
    /// The arrays do not fit.
    #[error(
        "stream needs {} of memory and {} are available: free memory, raise the limit of the control group, or use fewer \
         cores",
        binary_bytes(*needed as f64),
        binary_bytes(*available as f64)
    )]
    TooLittleMemory {
        /// Bytes that are needed.
        needed: u64,
        /// Bytes that may be taken.
        available: u64,
    },
    /// This CPU lacks the instruction set.
    #[error("`{}` cannot be used here; this CPU runs {available}", .asked.name())]
    Isa {
        /// What was asked for.
        asked: Isa,
        /// What there is.
        available: String,
    },
    /// A value of the configuration is out of range.
    #[error("{field} is {value}: {expected}")]
    Config {
        /// Which.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
    /// The host lacks what a part needs.
    #[error("{0}")]
    NoHardware(String),
}

impl From<&Error> for Reason {
    fn from(error: &Error) -> Reason {
        let text = error.to_string();
        match error {
            Error::TooLittleMemory { .. } | Error::Machine(machine::Error::Memory { .. }) => Reason::NoResources(text),
            Error::NoHardware(_) => Reason::NoHardware(text),
            _ => Reason::Failed(text),
        }
    }
}
