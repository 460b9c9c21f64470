//! What can go wrong with the control of a host.

use measure::binary_bytes;

use std::path::PathBuf;

/// Why a host, or a description of one, could not be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// hwloc could not read the topology.
    #[error("the topology of {of} could not be read: {why}")]
    Topology {
        /// `this host`, a file, or a synthetic description.
        of: String,
        /// What hwloc said, and what to do.
        why: String,
    },
    /// A file of the host or of a description could not be read.
    #[error("{path} could not be read: {source}", path = path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A list of CPUs is not one.
    #[error("`{text}` is not a list of CPUs such as 0-3,8: {why}")]
    CpuList {
        /// The text.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// No CPU or no memory to place work on.
    #[error("no worker can be placed: {0}")]
    Placement(String),
    /// A node has less memory than planned.
    #[error(
        "NUMA node {node} would hold {} and has {}: use smaller or fewer arrays, or free memory there",
        binary_bytes(*needed as f64),
        binary_bytes(*available as f64)
    )]
    NodeTooSmall {
        /// Which node.
        node: u32,
        /// The bytes that the plan puts on it.
        needed: u64,
        /// The bytes that it can give.
        available: u64,
    },
    /// A worker thread could not be started or pinned.
    #[error("the worker of CPU {cpu} could not be {what}: {why}")]
    Worker {
        /// The planned CPU.
        cpu: u32,
        /// `started`, `pinned`, `verified`.
        what: &'static str,
        /// What the system said.
        why: String,
    },
    /// Memory could not be mapped or bound.
    #[error("{} of memory could not be {what}: {why}", binary_bytes(*bytes as f64))]
    Memory {
        /// How much.
        bytes: usize,
        /// `mapped`, `bound to node 1`.
        what: String,
        /// What the system said, and what to do.
        why: String,
    },
    /// The CPU is below the floor of the build.
    #[error("this CPU lacks {0}: this program is built for x86-64-v3 (Haswell, Zen or later)")]
    Floor(String),
    /// A description of another host was given to something that runs here.
    #[error("the topology describes another host: only a plan can be made of it, nothing can run on it here")]
    NotThisHost,
}
