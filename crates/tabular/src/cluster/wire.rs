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
    },
    /// Enough workers are there: the tasks are handed over.
    Ready,
    /// A worker began a task.
    Started { task: String, worker: String, at: f64 },
    /// The process of a task was killed; it is tried again.
    Killed { task: String, worker: String, at: f64, reason: String },
    /// A task was done.
    Ended { task: String, worker: String, at: f64, figures: Figures },
    /// A worker is gone; what it did is done by others.
    Lost { worker: String, at: f64 },
    /// The run has failed.
    Failed { reason: String, task: Option<String>, worker: Option<String> },
    /// All tasks have ended.
    Done,
}
