//! The specifications that are built into the binary.

use std::sync::LazyLock;

use crate::{System, parse};

/// A built-in specification file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Name of the file.
    pub file: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// The built-in files.
pub const SOURCES: [Source; 2] = [
    Source { file: "py-hpc-2024-q3.toml", text: include_str!("../specs/py-hpc-2024-q3.toml") },
    Source { file: "hosted-servers.toml", text: include_str!("../specs/hosted-servers.toml") },
];

/// The systems, and beside each its file.
static SYSTEMS: LazyLock<(Vec<System>, Vec<Source>)> = LazyLock::new(|| {
    let read = |source: &Source| {
        let systems = parse(source.text, source.file).expect("the built-in files are read in the tests");
        systems.into_iter().map(|system| (system, *source)).collect::<Vec<_>>()
    };
    SOURCES.iter().flat_map(read).unzip()
});

/// The built-in systems, in the order of the documents.
#[must_use]
pub fn builtin() -> &'static [System] {
    &SYSTEMS.0
}

/// The built-in system with this id; upper and lower case are the same.
#[must_use]
pub fn find(id: &str) -> Option<&'static System> {
    builtin().iter().find(|system| system.id.eq_ignore_ascii_case(id))
}

/// The file of the built-in system with this id, so that a record can carry its text.
#[must_use]
pub fn source(id: &str) -> Option<Source> {
    let index = builtin().iter().position(|system| system.id.eq_ignore_ascii_case(id))?;
    SYSTEMS.1.get(index).copied()
}
