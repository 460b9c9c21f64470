//! What this host is: every fact with the source that it was read from, or why it could not be read.
//!
//! A probe never fails and never ends the run. All paths lie under a root, so that a fixture tree is read like the
//! live host; only with the root `/` are instructions, system calls, devices and tools asked as well.

mod cpu;
mod system;
mod tree;

use std::path::Path;

use measure::Facts;

use tree::Tree;

pub use tree::Lack;

/// The facts of the host under `root`; `/` is the live one.
#[must_use]
pub fn inspect(root: &Path) -> Facts {
    let tree = Tree::new(root);
    let mut facts = Facts::default();
    cpu::probe(&tree, &mut facts);
    system::probe(&tree, &mut facts);
    facts
}
