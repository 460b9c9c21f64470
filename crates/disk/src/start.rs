//! Where workers wait for each other: a barrier that can be given up, so that nobody waits for one who will never come.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A barrier for one use.
#[derive(Debug)]
pub(crate) struct Start {
    /// How many are still to come.
    missing: Mutex<usize>,
    open: Condvar,
}

impl Start {
    pub(crate) fn of(workers: usize) -> Self {
        Start { missing: Mutex::new(workers), open: Condvar::new() }
    }

    /// Waits until all are here, or until somebody gives up.
    pub(crate) fn wait(&self) {
        let mut missing = self.missing();
        *missing = missing.saturating_sub(1);
        if *missing == 0 {
            self.open.notify_all();
        }
        while *missing > 0 {
            missing = self.open.wait(missing).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets all go who wait, and who come later.
    pub(crate) fn give_up(&self) {
        *self.missing() = 0;
        self.open.notify_all();
    }

    fn missing(&self) -> MutexGuard<'_, usize> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does something when this thread panics while it is held.
pub(crate) struct OnPanic<F: Fn()>(pub(crate) F);

impl<F: Fn()> Drop for OnPanic<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.0)();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn nobody_goes_before_the_last_is_here() {
        let (start, here) = (Start::of(8), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    here.fetch_add(1, Ordering::SeqCst);
                    start.wait();
                    assert_eq!(here.load(Ordering::SeqCst), 8);
                });
            }
        });
    }
}
