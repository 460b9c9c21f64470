//! What this process may use of the host, as `hostproof doctor` asks it.

use std::path::Path;

use inventory::doctor::{Cpus, Grant, Limit};
use machine::GroupLimit;

/// What control groups and affinity leave of the host under `root`; affinity is that of this thread.
pub(crate) fn grant(root: &Path) -> Grant {
    let limit = |limit: GroupLimit| Limit { value: limit.value, command: limit.command() };
    Grant {
        cpus: machine::allowed().ok().map(|cpus| Cpus { count: cpus.len(), list: cpus.to_string() }),
        cpu_time: machine::cpu_time_limit(root).map(limit),
        memory: machine::memory_limit(root).map(limit),
    }
}
