//! What the engine itself costs: its loop over requests that the kernel answers at once and without doing anything.

use crate::Error;
use crate::arrivals::Arrivals;
use crate::engine::{describe, send_unmeasured};
use crate::job::{Access, IoFlags, Job, JobTarget, Memory, Queue};
use crate::pattern::{Extent, Op, Pattern};
use crate::plan::WorkerAssignment;
use crate::ring::Ring;
use crate::worker::{Completion, IoEngine, Rules, Wait, WriteContent};

const BLOCK: u32 = 4096;
/// Bytes that the offsets are drawn from; there is no file of this size.
const REGION: u64 = 1 << 30;

/// A ring whose requests do nothing. The rest is the engine as it is: pattern, stamps, histograms, batches.
pub struct Nops {
    ring: Ring,
    lens: Vec<u32>,
}

impl Nops {
    /// A ring for this many requests at a time.
    pub fn open(depth: u32) -> Result<Nops, Error> {
        let flags = IoFlags { direct: false, fixed_files: false, fixed_buffers: false, iopoll: false, sqpoll: false };
        Ok(Nops { ring: Ring::open(Vec::new(), depth, BLOCK, flags, &Memory::Local)?, lens: vec![0; depth as usize] })
    }

    /// Sends `count` of them in the pattern of random reads of 4 KiB, as deep as the ring is; how many were sent.
    pub fn send(&mut self, count: u64) -> Result<u64, Error> {
        let mut job = Job::new("nop", JobTarget::Paths(Vec::new()));
        (job.access, job.random_map) = (Access::Random, false);
        let depth = u32::try_from(self.lens.len()).unwrap_or(u32::MAX);
        let queue = Queue::deep(depth);
        let rules = Rules {
            queue,
            arrivals: [Arrivals::Free; 2],
            pause: None,
            target: None,
            ramp: 0,
            runtime: None,
            content: WriteContent::Stamped,
            compressible: 0,
            check: None,
            seed: 0,
        };
        let amount = count.saturating_mul(u64::from(BLOCK));
        let mut pattern = Pattern::new(&job, &[Extent { start: 0, len: REGION }], 0, amount);
        send_unmeasured(self, rules, &mut |_| pattern.next())
            .map(|(issued, _)| issued)
            .map_err(|failure| describe(failure, &WorkerAssignment::default(), 0))
    }
}

impl IoEngine for Nops {
    fn stamp(&self) -> u64 {
        self.ring.stamp()
    }

    fn meter(&self) -> u64 {
        self.ring.meter()
    }

    fn buffer(&mut self, slot: u32) -> &mut [u8] {
        self.ring.buffer(slot)
    }

    fn push(&mut self, slot: u32, op: &Op) {
        self.lens[slot as usize] = op.len;
        self.ring.push_nop(slot);
    }

    fn submit(&mut self) -> Result<(), Error> {
        self.ring.submit()
    }

    fn wait(&mut self, wait: Wait) -> Result<(), Error> {
        self.ring.wait(wait)
    }

    fn reap(&mut self, done: &mut Vec<Completion>) {
        self.ring.reap(done);
        for completion in done {
            // The kernel answers 0 to a request that does nothing; a read answers its length.
            completion.result += self.lens[completion.slot as usize].cast_signed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_answered() {
        if let Err(error) = crate::available() {
            return println!("nothing is sent: {error}");
        }
        for depth in [1, 3, 32] {
            let mut nops = Nops::open(depth).unwrap();
            assert_eq!((nops.send(1000).unwrap(), nops.send(0).unwrap(), nops.send(1).unwrap()), (1000, 0, 1));
        }
    }
}
