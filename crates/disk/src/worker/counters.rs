//! What a worker has done so far: completed requests, and attempts at one.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::pattern::{Action, Op};

/// What a worker has completed since it started, ramp included, for others to read while it runs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct LiveCounters {
    operations: AtomicU64,
    /// Bytes by direction.
    moved: [AtomicU64; 2],
}

/// What a worker has completed by some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Completed {
    pub(crate) operations: u64,
    /// Bytes by direction.
    pub(crate) moved: [u64; 2],
}

impl LiveCounters {
    pub(crate) fn now(&self) -> Completed {
        let [read, written] = &self.moved;
        Completed {
            operations: self.operations.load(Ordering::Relaxed),
            moved: [read.load(Ordering::Relaxed), written.load(Ordering::Relaxed)],
        }
    }

    pub(crate) fn show(&self, completed: Completed) {
        self.operations.store(completed.operations, Ordering::Relaxed);
        for (shown, bytes) in self.moved.iter().zip(completed.moved) {
            shown.store(bytes, Ordering::Relaxed);
        }
    }
}

impl Completed {
    #[inline]
    pub(super) fn count(&mut self, op: &Op) {
        if let Action::Transfer(direction) = op.action {
            self.operations += 1;
            self.moved[direction as usize] += u64::from(op.len);
        }
    }
}

/// How often a request was submitted, and for how many nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retries {
    pub(crate) count: u32,
    pub(crate) nanos: u64,
}

impl Retries {
    /// A request that the kernel has no room for is submitted again until either is reached; a shortage passes long before.
    const MOST: Retries = Retries { count: 1_000_000, nanos: 10_000_000_000 };

    pub(super) fn are_exhausted(self) -> bool {
        self.count >= Retries::MOST.count || self.nanos >= Retries::MOST.nanos
    }
}
