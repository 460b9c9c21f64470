//! Requests by the rules of a job, and those that are not measured.

use std::sync::atomic::AtomicBool;

use machine::Clock;
use measure::random::mix;

use crate::job::{Job, ReadWriteMix};
use crate::latency_recorder::LatencyRecorder;
use crate::pattern::{Extent, Op};
use crate::plan::WorkerAssignment;
use crate::worker::{ArrivalRate, Failure, IoEngine, LiveCounters, Rules, Worker, WriteContent};

const SECOND: f64 = 1e9;

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "nanoseconds of a run")]
pub(super) fn nanos(seconds: f64) -> u64 {
    (seconds * SECOND) as u64
}

pub(super) fn rules(job: &Job, index: usize, assignment: &WorkerAssignment) -> Rules {
    let content = match job.verify {
        Some(checksum) => WriteContent::Checksummed(checksum),
        None if job.refill => WriteContent::Refilled,
        None => WriteContent::Stamped,
    };
    // Workers of one rate take turns rather than arrive together.
    let delay = |iops: u32| 1_000_000_000 / u64::from(iops) * index as u64 / u64::from(job.workers.max(1));
    Rules {
        queue: job.queue,
        rate: job.rate.map(|iops| ArrivalRate { iops, delay: delay(iops) }),
        ramp: nanos(job.timing.ramp),
        runtime: job.timing.runtime.map(nanos),
        content,
        check: job.verify.filter(|_| job.rw == ReadWriteMix::Read),
        seed: seed(job, &assignment.extents, index as u64),
    }
}

fn seed(job: &Job, extents: &[Extent], index: u64) -> u64 {
    mix(job.seed ^ mix(index ^ extents.len() as u64))
}

/// Issues requests that are not measured; how many.
pub(crate) fn send_unmeasured(
    ring: &mut impl IoEngine,
    rules: Rules,
    next: &mut impl FnMut() -> Option<Op>,
) -> Result<u64, Failure> {
    let mut recorder = LatencyRecorder::new(Clock::now(), false);
    Worker::new(ring, rules).run(next, &mut recorder, &LiveCounters::default(), &AtomicBool::new(false))
}
