//! What goes to the driver and comes from it: a request, then events, each a line of JSON.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::pipeline::tasks::Figures;

/// What the driver is asked to do.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    pub(super) cluster: Workers,
    /// The program that workers start, `hostproof-tabular`, at the same path on all hosts.
    pub(super) program: &'a Path,
    /// What it says to `--version`.
    pub(super) build: &'a str,
    /// The subcommand of it that does tasks, one after the other, with its options.
    pub(super) command: &'a [&'a str],
    /// How many of the scheduler's workers work: the first by name; all where that is not told.
    pub(super) workers: Option<usize>,
    /// The folder that all workers see.
    pub(super) work: &'a Path,
    /// Where Dask may put what it needs on this host.
    pub(super) scratch: &'a Path,
    pub(super) tasks: &'a [Handed],
    /// How often a task is tried again whose process or worker was killed.
    pub(super) retries: u32,
}

/// Who does the tasks.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Workers {
    /// A scheduler that is there, by its address.
    Scheduler(String),
    /// Workers of this host.
    Own {
        /// One process each.
        workers: Vec<Pinned>,
    },
    /// Workers that Slurm starts.
    Slurm {
        /// Nodes, with a worker for each of their NUMA nodes.
        slurm_nodes: usize,
    },
}

/// A worker of this host, and the CPUs that it keeps to.
#[derive(Debug, Serialize)]
pub(super) struct Pinned {
    /// Numbers with commas between them.
    pub(super) cpus: String,
}

/// A task, and what must have ended before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Handed {
    pub(super) id: String,
    pub(super) after: Vec<String>,
    /// Which worker alone does it, by its place among the names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) on: Option<usize>,
}

/// The host of a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// The release of its kernel.
    pub kernel: String,
    /// The model of its CPUs.
    pub cpu_model: String,
    /// Its memory in bytes.
    pub memory_bytes: u64,
    /// Its NUMA nodes.
    pub numa_nodes: usize,
}

/// A file of the shared folder that was written or read whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// Its bytes.
    pub bytes: u64,
    /// Seconds until they were on the disk, or had been read and found to be the same.
    pub seconds: f64,
    /// The file system, as the kernel of the worker's host calls it: `nfs4`, `xfs`, `tmpfs`.
    pub file_system: String,
    /// Of a file that was read: which share of some of its pages was in memory although all had been dropped; `None` where
    /// the kernel does not tell.
    pub in_memory: Option<f64>,
}

/// What the process that did a task says of that.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Said {
    /// A task of the plan.
    Task(Figures),
    /// A file that was written or read.
    Moved(Moved),
}

/// What the driver tells. Times are seconds since it handed over the tasks, by its own clock.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(super) enum Event {
    /// Its event loop turns.
    Alive,
    /// It is connected.
    Scheduler {
        address: String,
        /// The address of Dask's own page, where it has one.
        dashboard: Option<String>,
        dask: String,
        python: String,
    },
    /// The workers wait in a queue that others keep, for this reason.
    Queued { why: String },
    /// A worker was looked at, and may work.
    Worker {
        name: String,
        host: String,
        build: String,
        /// Tasks that it does at a time.
        slots: usize,
        cpus: Vec<u32>,
        facts: HostFacts,
    },
    /// Enough workers are there: the tasks are handed over.
    Ready,
    /// A worker began a task.
    Started { task: String, worker: String, at: f64 },
    /// The process of a task was killed; it is tried again.
    Killed { task: String, worker: String, at: f64, reason: String },
    /// A task was done.
    Ended { task: String, worker: String, at: f64, figures: Said },
    /// A worker is gone; what it did is done by others.
    Lost { worker: String, at: f64 },
    /// The run has failed.
    Failed { reason: String, task: Option<String>, worker: Option<String> },
    /// All tasks have ended.
    Done,
}
