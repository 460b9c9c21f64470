//! That what the workers of a phase take fits the memory.

use machine::memory_available;
use measure::binary_bytes;

use super::PlannedJob;
use crate::Error;
use crate::job::{Access, Amount, Job};
use crate::ring::buffer_bytes;

/// What a worker takes beside its buffers: its stack, its records of latencies, and the huge page that its buffers begin.
const WORKER_BYTES: u64 = 2 << 20;

/// Bytes of memory that a job's workers take.
fn memory_of(job: &Job) -> u64 {
    let buffers = buffer_bytes(job.queue.depth, job.largest_block()) as u64;
    let map = match job.size {
        Some(Amount::Bytes(size)) => map_bytes(job, size),
        _ => 0,
    };
    u64::from(job.workers).saturating_mul(WORKER_BYTES.saturating_add(buffers).saturating_add(map))
}

/// Bytes of a worker's map of a region: a bit for each block, where a request may take several.
fn map_bytes(job: &Job, region: u64) -> u64 {
    let mapped = job.access == Access::Random && job.has_random_map() && job.has_several_sizes();
    if mapped { region / u64::from(job.smallest_block().max(1)) / 8 } else { 0 }
}

/// That all workers of a phase fit the memory.
pub(crate) fn check_memory(jobs: &[&Job]) -> Result<(), Error> {
    let needed = jobs.iter().fold(0_u64, |sum, job| sum.saturating_add(memory_of(job)));
    let available = memory_available();
    if needed <= available / 2 {
        return Ok(());
    }
    let names: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
    let workers: u64 = jobs.iter().map(|job| u64::from(job.workers)).sum();
    let why = format!(
        "its {workers} workers would take {} of memory (their buffers, and 2 MiB each) and at most half of the {} that \
         are available is used: ask for a smaller iodepth, bs or numjobs",
        binary_bytes(needed as f64),
        binary_bytes(available as f64)
    );
    Err(Error::Plan { job: names.join(", "), why })
}

/// That the maps of regions which no job states, as of whole devices, fit the memory, too: those of all jobs that run together.
pub(crate) fn check_maps(planned: &[PlannedJob<'_>]) -> Result<(), Error> {
    let of_job = |planned: &PlannedJob<'_>| {
        let extents = planned.assignments.iter().flat_map(|worker| &worker.extents);
        extents.map(|extent| map_bytes(planned.job, extent.len)).fold(0, u64::saturating_add)
    };
    let needed = planned.iter().map(of_job).fold(0, u64::saturating_add);
    if needed <= memory_available() / 2 {
        return Ok(());
    }
    let names: Vec<&str> = planned.iter().map(|planned| planned.job.name.as_str()).collect();
    let why = format!(
        "its workers would take {} of memory to know which blocks were taken: ask for a larger bs, for one size, or add \
         norandommap",
        binary_bytes(needed as f64)
    );
    Err(Error::Plan { job: names.join(", "), why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Blocks, JobTarget};
    use crate::pattern::Extent;
    use crate::plan::WorkerAssignment;
    use crate::volume::Volume;

    #[test]
    fn random_requests_of_several_sizes_need_a_map() {
        let check = |change: fn(&mut Job), expect: u64| {
            let mut job = Job::new("test", JobTarget::Paths(Vec::new()));
            (job.access, job.blocks) = (Access::Random, [Blocks { min: 4096, max: 65536 }; 2]);
            change(&mut job);
            assert_eq!(map_bytes(&job, 1 << 40), expect);
        };
        check(|_| {}, 1 << 25);
        check(|job| job.random_map = false, 0);
        check(|job| job.blocks = [Blocks::of(4096); 2], 0);
        check(|job| job.access = Access::Sequential, 0);
    }

    #[test]
    fn maps_of_all_jobs_of_a_phase_fit_the_memory() {
        let check = |jobs: usize, percent_of_memory: u64, expect: Option<&str>| {
            let mut job = Job::new("a", JobTarget::Paths(Vec::new()));
            (job.access, job.blocks) = (Access::Random, [Blocks { min: 512, max: 65536 }; 2]);
            // A bit for each block.
            let len = memory_available() / 100 * percent_of_memory * 8 * 512;
            let planned = || PlannedJob {
                job: &job,
                assignments: vec![WorkerAssignment {
                    extents: vec![Extent { start: 0, len }],
                    ..WorkerAssignment::default()
                }],
                opened: Vec::new(),
                volume: Volume::default(),
                notes: Vec::new(),
                group: 0,
            };
            let planned: Vec<PlannedJob<'_>> = (0..jobs).map(|_| planned()).collect();
            let told = check_maps(&planned).map_err(|error| error.to_string());
            match expect {
                None => assert_eq!(told, Ok(())),
                Some(words) => assert!(told.as_ref().is_err_and(|told| told.contains(words)), "{told:?}"),
            }
        };
        check(1, 30, None);
        check(2, 30, Some("of memory to know which blocks were taken"));
        check(0, 30, None);
        check(1, 90, Some("norandommap"));
    }
}
