//! A sense-reversing spin barrier.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Spins before a waiting thread offers its CPU: about 100 µs. Workers have a CPU each, so this is for the time
/// in which the operating system runs something else on one of them.
const SPINS: u32 = 4096;

/// Two 64-byte lines: the adjacent-line prefetcher of Intel CPUs fetches pairs.
#[repr(align(128))]
struct LinePair<T>(T);

/// Lets `members` threads wait for one another again and again.
pub(super) struct SpinBarrier {
    members: usize,
    /// How many have yet to arrive.
    missing: LinePair<AtomicUsize>,
    /// Flips when all have arrived.
    sense: LinePair<AtomicBool>,
    /// Whether a member has left for good.
    left: AtomicBool,
}

/// A member left, so that the barrier that others wait at can never open.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Abandoned;

impl SpinBarrier {
    pub(super) fn new(members: usize) -> Self {
        SpinBarrier {
            members,
            missing: LinePair(AtomicUsize::new(members)),
            sense: LinePair(AtomicBool::new(false)),
            left: AtomicBool::new(false),
        }
    }

    /// Makes it new again. Only while no member is at it.
    pub(super) fn reset(&self) {
        self.missing.0.store(self.members, Ordering::Relaxed);
        self.sense.0.store(false, Ordering::Relaxed);
        self.left.store(false, Ordering::Relaxed);
    }

    /// Waits until all members have called it with the same `sense`, which turns at each barrier, from `true` on.
    pub(super) fn wait(&self, sense: bool) -> Result<(), Abandoned> {
        // AcqRel: what each did before it arrived is seen by the last, and through `sense` by all.
        if self.missing.0.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.missing.0.store(self.members, Ordering::Relaxed);
            self.sense.0.store(sense, Ordering::Release);
            return Ok(());
        }
        let mut spins = 0;
        while self.sense.0.load(Ordering::Acquire) != sense {
            // Who leaves has seen every barrier open that it passed, so a second look decides.
            if self.left.load(Ordering::Acquire) && self.sense.0.load(Ordering::Acquire) != sense {
                return Err(Abandoned);
            }
            if spins < SPINS {
                spins += 1;
                std::hint::spin_loop();
            } else {
                thread::yield_now();
            }
        }
        Ok(())
    }

    /// Says that this member will not come again.
    pub(super) fn leave(&self) {
        self.left.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_passes_before_all_arrived() {
        const MEMBERS: usize = 4;
        const ROUNDS: usize = 500;
        let barrier = SpinBarrier::new(MEMBERS);
        let arrived = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..MEMBERS {
                scope.spawn(|| {
                    let mut sense = false;
                    for round in 1..=ROUNDS {
                        arrived.fetch_add(1, Ordering::Relaxed);
                        sense = !sense;
                        barrier.wait(sense).unwrap();
                        assert!(arrived.load(Ordering::Relaxed) >= round * MEMBERS);
                    }
                    barrier.leave();
                });
            }
        });
        assert_eq!(arrived.load(Ordering::Relaxed), ROUNDS * MEMBERS);
    }

    #[test]
    fn a_member_that_leaves_releases_the_others() {
        let barrier = SpinBarrier::new(2);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| barrier.wait(true));
            barrier.leave();
            assert_eq!(waiting.join().unwrap(), Err(Abandoned));
        });
        barrier.reset();
        thread::scope(|scope| {
            let other = scope.spawn(|| barrier.wait(true));
            assert_eq!(barrier.wait(true), Ok(()));
            assert_eq!(other.join().unwrap(), Ok(()));
        });
    }
}
