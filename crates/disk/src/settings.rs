//! What holds for all jobs of a run.

use std::path::PathBuf;

use crate::safety::Rights;

/// Where things are and what may be done to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What the user allowed.
    pub rights: Rights,
    /// Where `/proc` and `/sys` are found: `/` but in tests.
    pub root: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { rights: Rights::default(), root: PathBuf::from("/") }
    }
}
