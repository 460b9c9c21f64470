//! What a worker's thread does before the start: it pins itself and sets up its ring.

use machine::CpuSet;

use crate::Error;
use crate::job::Job;
use crate::plan::{WorkerAssignment, allowed};
use crate::ring::Ring;

/// How many workers may run on a CPU that one of them may run on, itself included; `None` is every CPU.
pub(super) fn neighbours(affinities: &[Option<CpuSet>], own: Option<&CpuSet>) -> usize {
    let meets = |affinity: &&Option<CpuSet>| match (affinity, own) {
        (Some(affinity), Some(own)) => affinity.intersects(own),
        _ => true,
    };
    affinities.iter().filter(meets).count()
}

/// Pins the thread, one of `workers` on its CPUs, and sets up its ring.
pub(super) fn prepare(job: &Job, assignment: &WorkerAssignment, workers: usize) -> Result<(Ring, Vec<u32>), Error> {
    let wrong = |why| Error::Plan { job: job.name.clone(), why };
    let most =
        assignment.io_wq_cpus.as_ref().map_or_else(allowed, |cpus| Ok(cpus.iter().collect())).map_err(wrong)?.len();
    let cpus = pin(assignment.cpus.as_ref()).map_err(wrong)?;
    let mut ring = Ring::open(assignment.files.clone(), job.queue.depth, job.largest_block(), job.flags, &job.memory)?;
    assignment.io_wq_cpus.iter().for_each(|cpus| ring.set_io_wq_affinity(cpus));
    ring.set_priority(job.priority);
    if workers >= most {
        ring.set_oversubscribed();
    }
    Ok((ring, cpus))
}

/// Pins the calling thread; returns the CPUs that it may run on by `sched_getaffinity`.
fn pin(cpus: Option<&CpuSet>) -> Result<Vec<u32>, String> {
    if let Some(cpus) = cpus {
        let mut set = rustix::thread::CpuSet::new();
        let most = rustix::thread::CpuSet::MAX_CPU;
        cpus.iter().filter(|&cpu| (cpu as usize) < most).for_each(|cpu| set.set(cpu as usize));
        rustix::thread::sched_setaffinity(None, &set)
            .map_err(|error| format!("its workers cannot run on the CPUs {cpus}: {error}"))?;
    }
    allowed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_on_other_cpus_are_no_neighbours() {
        let check = |affinities: &[&str], expect: &[usize]| {
            let set = |text: &&str| (!text.is_empty()).then(|| text.parse::<CpuSet>().unwrap());
            let affinities: Vec<Option<CpuSet>> = affinities.iter().map(set).collect();
            let found: Vec<usize> = affinities.iter().map(|own| neighbours(&affinities, own.as_ref())).collect();
            assert_eq!(found, expect, "{affinities:?}");
        };
        check(&[""], &[1]);
        check(&["", "", ""], &[3; 3]);
        check(&["0-3", "0-3", "4-7", "4-7", "4-7"], &[2, 2, 3, 3, 3]);
        check(&["0-3", "3-7", "7"], &[2, 3, 2]);
        check(&["0-3", "", "4-7"], &[2, 3, 2]);
    }
}
