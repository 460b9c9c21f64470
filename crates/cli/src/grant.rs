//! What this process may use of the host, as `hostproof doctor` asks it.

use std::path::Path;

use inventory::doctor::{Cpus, Grant, Limit};
use machine::{CpuSet, GroupLimit};

/// What control groups and affinity leave of the host under `root`; affinity is that of this thread.
pub(crate) fn grant(root: &Path) -> Grant {
    let limit = |limit: GroupLimit| Limit { value: limit.value, command: limit.command() };
    let listed = |cpus: CpuSet| Cpus { count: cpus.len(), list: cpus.to_string() };
    Grant {
        cpus: machine::allowed().ok().map(listed),
        online: machine::online(root).map(listed),
        offline: Some(listed(machine::offline(root))),
        cpu_time: machine::cpu_time_limit(root).map(limit),
        memory: machine::memory_limit(root).map(limit),
    }
}
