//! What is wrong with an output.

use std::fmt;

/// One fault. A column has at most one, with the first row that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which column of the output.
    pub column: String,
    /// What is wrong with it, with row, found and expected value.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column `{}`: {}", self.column, self.what)
    }
}
