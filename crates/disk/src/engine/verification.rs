//! Reading back what a job wrote.

use super::failure::describe;
use super::requests::send_unmeasured;
use crate::Error;
use crate::arrivals::Arrivals;
use crate::job::Queue;
use crate::latency_recorder::LatencyRecorder;
use crate::pattern::Replay;
use crate::plan::WorkerAssignment;
use crate::ring::Ring;
use crate::worker::{Rules, WriteContent};

/// Reads back what was written and checks it; how many blocks were, and the record of these reads.
pub(super) fn verify(
    ring: &mut Ring,
    rules: Rules,
    mut replay: Replay,
    assignment: &WorkerAssignment,
) -> Result<Option<(u64, LatencyRecorder)>, Error> {
    let WriteContent::Checksummed(checksum) = rules.content else { return Ok(None) };
    let reading = Rules {
        queue: Queue::deep(rules.queue.depth),
        arrivals: [Arrivals::Free; 2],
        pause: None,
        target: None,
        ramp: 0,
        runtime: None,
        check: Some(checksum),
        ..rules
    };
    let read = send_unmeasured(ring, reading, &mut |_| replay.next());
    read.map(Some).map_err(|failure| describe(failure, assignment, 0))
}
