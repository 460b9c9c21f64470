//! What the program that measures asks of a worker, and the plan that it gets back.

use std::collections::BTreeMap;
use std::path::PathBuf;

use measure::{Isa, Needs, Profile, Solver, Workload};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the parent asks, on stdin.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// Which workload.
    pub workload: Workload,
    /// The parent, so that a worker that was orphaned before it could ask for its signal notices.
    pub parent: u32,
    /// What to do.
    pub task: Task,
}

/// What a worker is asked to do.
#[derive(Debug, Serialize, Deserialize)]
pub enum Task {
    /// Size the workload for this host, and say what it needs.
    Plan {
        /// How thorough the run is.
        profile: Profile,
        /// What the user chose.
        choices: Choices,
    },
    /// Run it as planned.
    Run(Value),
}

/// What the user chose that concerns workloads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Choices {
    /// The instruction set to use instead of the best one.
    pub isa: Option<Isa>,
    /// What solves systems of equations instead of this suite's own engine.
    pub engine: Option<Solver>,
    /// The folder of test files.
    pub scratch: PathBuf,
    /// The p99 in seconds that the specification wants a case of the disk workload to keep, by the case's name.
    pub disk_p99: BTreeMap<String, f64>,
    /// A Python environment with pandas, which the feature workload measures beside its own engine.
    #[serde(default)]
    pub pandas: Option<PathBuf>,
    /// Workers of Dask, on which the feature workload is measured too.
    #[serde(default)]
    pub cluster: Option<ClusterChoice>,
}

/// On which workers of Dask, and with what, the feature workload is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterChoice {
    /// `local:WORKERS`, or the address of a scheduler; only the feature workload's worker reads it.
    pub cluster: String,
    /// The input, at a path that all workers see.
    pub data: PathBuf,
    /// Numbers of workers that are measured; 1, 2, 4 … where none are named.
    #[serde(default)]
    pub workers: Vec<usize>,
    /// A Python with Dask for the driver, where it is not the one with pinned versions.
    #[serde(default)]
    pub python: Option<PathBuf>,
    /// Where workers have the program of the feature workload, where it is not at the path that it has here.
    #[serde(default)]
    pub program: Option<PathBuf>,
}

/// A workload sized for this host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// The workload's own configuration; only its worker reads it.
    pub config: Value,
    /// What it takes.
    #[serde(flatten)]
    pub needs: Needs,
    /// The room that it takes in a folder that the user named for a part of it, beside the room for test files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<Room>,
}

/// Room on the file system of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// The folder.
    pub folder: PathBuf,
    /// Bytes.
    pub bytes: u64,
}

impl Planned {
    /// A workload with its configuration, and what it needs.
    ///
    /// # Errors
    ///
    /// Where the configuration cannot be written as JSON.
    pub fn new(config: &impl Serialize, needs: Needs) -> serde_json::Result<Planned> {
        Ok(Planned { config: serde_json::to_value(config)?, needs, shared: None })
    }

    /// The same with room in a folder that the user named.
    #[must_use]
    pub fn with_shared(self, shared: Option<Room>) -> Planned {
        Planned { shared, ..self }
    }
}
