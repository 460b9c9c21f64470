//! Reading back what a job wrote.

use super::failure::describe;
use super::requests::send_unmeasured;
use crate::Error;
use crate::job::Queue;
use crate::pattern::Replay;
use crate::plan::WorkerAssignment;
use crate::ring::Ring;
use crate::worker::{Rules, WriteContent};

/// Reads back what was written and checks it; how many blocks were.
pub(super) fn verify(
    ring: &mut Ring,
    rules: Rules,
    mut replay: Replay,
    assignment: &WorkerAssignment,
) -> Result<u64, Error> {
    let WriteContent::Checksummed(checksum) = rules.content else { return Ok(0) };
    let reading = Rules {
        queue: Queue::deep(rules.queue.depth),
        rate: None,
        ramp: 0,
        runtime: None,
        check: Some(checksum),
        ..rules
    };
    send_unmeasured(ring, reading, &mut || replay.next()).map_err(|failure| describe(failure, assignment, 0))
}
