//! Acceptances on many nodes: node sets, launchers, and the journal of what came of each node.
//!
//! A fleet is a folder in the store, `fleets/<id>`, with a journal that is its whole state, so that a launcher that was killed at
//! any moment goes on. What was measured is taken into the store as records; nothing here judges them.

pub mod drain;
mod drive;
mod error;
mod journal;
pub mod kubernetes;
mod nodeset;
pub mod shell;
mod slurm;
mod ssh;

pub use drive::{FleetEnd, Launcher, Limits, Look, OpenTry, Seen, drive, settle_stopped};
pub use error::Error;
pub use journal::{FleetEvent, FleetJournal, FleetPlan, NodeState, Via};
pub use nodeset::{NodeSet, sample};
pub use slurm::{NodeLine, SlurmLauncher, drain_node, node_lines, resume_node};
pub use ssh::SshLauncher;
