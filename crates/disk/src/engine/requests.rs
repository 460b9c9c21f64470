//! Requests by the rules of a job, and those that are not measured.

use std::sync::atomic::AtomicBool;

use machine::Clock;
use measure::random::mix;

use crate::arrivals::{ArrivalRate, Arrivals};
use crate::job::{Job, Rate, ReadWriteMix};
use crate::latency_recorder::LatencyRecorder;
use crate::pattern::{Extent, Op};
use crate::plan::WorkerAssignment;
use crate::regulation::LatencyBound;
use crate::worker::{Failure, IoEngine, LiveCounters, Pause, Rules, Worker, WriteContent};

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
    let delay = |rate: Rate| {
        let each = match rate {
            Rate::Requests(iops) => 1_000_000_000 / u64::from(iops),
            Rate::Bytes(bytes) => u64::from(job.largest_block()) * 1_000_000_000 / bytes,
        };
        each * index as u64 / u64::from(job.workers.max(1))
    };
    let seed = seed(job, &assignment.extents, index as u64);
    let lane = |has: bool, rate: Option<Rate>| match rate {
        _ if !has => Arrivals::Never,
        None => Arrivals::Free,
        Some(rate) => Arrivals::At(ArrivalRate { rate, poisson: job.poisson.then_some(seed), delay: delay(rate) }),
    };
    Rules {
        queue: job.queue,
        arrivals: [lane(job.rw.reads(), job.rate[0]), lane(job.rw.writes(), job.rate[1])],
        pause: job.think.map(|think| Pause { after: think.after.max(1), nanos: nanos(think.seconds) }),
        target: job.latency_target.map(|target| LatencyBound {
            nanos: nanos(target.seconds),
            window: nanos(target.window),
            percent: target.percent,
            goes_on: target.goes_on,
        }),
        ramp: nanos(job.timing.ramp),
        runtime: job.timing.runtime.map(nanos),
        content,
        compressible: job.compressible,
        check: job.verify.filter(|_| job.rw == ReadWriteMix::Read && job.read_back),
        seed,
    }
}

fn seed(job: &Job, extents: &[Extent], index: u64) -> u64 {
    mix(job.seed ^ mix(index ^ extents.len() as u64))
}

/// Issues requests that are not part of the measurement; how many, and what was recorded of them.
pub(crate) fn send_unmeasured(
    ring: &mut impl IoEngine,
    rules: Rules,
    next: &mut impl FnMut([bool; 2]) -> Option<Op>,
) -> Result<(u64, LatencyRecorder), Failure> {
    let mut recorder = LatencyRecorder::new(Clock::now(), false);
    let issued =
        Worker::new(ring, rules).run(next, &mut recorder, &LiveCounters::default(), &AtomicBool::new(false))?;
    Ok((issued, recorder))
}
