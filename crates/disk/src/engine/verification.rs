//! Reading back what a job wrote.

use super::failure::describe;
use super::requests::send_unmeasured;
use crate::Error;
use crate::job::Queue;
use crate::pattern::Replay;
use crate::plan::Share;
use crate::ring::Ring;
use crate::worker::{Content, Rules};

/// Reads back what was written and checks it; how many blocks were.
pub(super) fn verify(ring: &mut Ring, rules: Rules, mut replay: Replay, share: &Share) -> Result<u64, Error> {
    let Content::Sealed(checksum) = rules.content else { return Ok(0) };
    let reading = Rules {
        queue: Queue::deep(rules.queue.depth),
        rate: None,
        ramp: 0,
        runtime: None,
        check: Some(checksum),
        ..rules
    };
    send_unmeasured(ring, reading, &mut || replay.next()).map_err(|failure| describe(failure, share, 0))
}
