//! Pinned threads that sleep until they are given a job.
#![allow(unsafe_code)] // A job borrows from the caller's stack, and the threads outlive the call.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use crate::Error;
use crate::affinity;

/// A job: what the thread of this index does.
type Job<'a> = &'a (dyn Fn(usize) + Sync + 'a);

/// The threads, and what they are told.
pub(super) struct WorkerThreads {
    threads: Vec<JoinHandle<()>>,
    mailbox: Arc<Mailbox>,
}

/// Where jobs are given and ends are reported.
struct Mailbox {
    state: Mutex<State>,
    /// A job was given, or the threads are to end.
    given: Condvar,
    /// The last thread ended its job.
    done: Condvar,
}

struct State {
    job: Option<Job<'static>>,
    /// Counts jobs, so that no thread does one twice.
    number: u64,
    /// Threads that have yet to end the job, or to report that they started.
    busy: usize,
    panics: Vec<Box<dyn Any + Send>>,
    failed: Option<Error>,
    shutting_down: bool,
}

impl WorkerThreads {
    /// Starts and pins a thread for each CPU.
    pub(super) fn start(cpus: &[u32]) -> Result<WorkerThreads, Error> {
        let state = State { job: None, number: 0, busy: 0, panics: Vec::new(), failed: None, shutting_down: false };
        let mailbox = Arc::new(Mailbox { state: Mutex::new(state), given: Condvar::new(), done: Condvar::new() });
        let mut threads = WorkerThreads { threads: Vec::with_capacity(cpus.len()), mailbox };
        for (index, &cpu) in cpus.iter().enumerate() {
            threads.mailbox.lock().busy += 1;
            let mailbox = Arc::clone(&threads.mailbox);
            let thread = thread::Builder::new().name(format!("cpu{cpu}")).spawn(move || work(&mailbox, index, cpu));
            let thread = thread.map_err(|error| Error::Worker { cpu, what: "started", why: error.to_string() })?;
            threads.threads.push(thread);
        }
        let failed = threads.mailbox.idle().failed.take();
        failed.map_or(Ok(threads), Err)
    }

    /// Lets every thread do the job with its index, and returns, when all have ended, the panics.
    pub(super) fn run(&self, job: Job<'_>) -> Vec<Box<dyn Any + Send>> {
        // SAFETY: only the lifetime changes, so the job must not be used after this function. Each thread calls it
        // once, before it reports its end, and the wait below ends, and the job is removed, only when all have
        // reported. Nothing between here and there unwinds: locks and waits pass over poison.
        let job = unsafe { std::mem::transmute::<Job<'_>, Job<'static>>(job) };
        let mut state = self.mailbox.lock();
        state.job = Some(job);
        state.number += 1;
        state.busy = self.threads.len();
        drop(state);
        self.mailbox.given.notify_all();
        let mut state = self.mailbox.idle();
        state.job = None;
        std::mem::take(&mut state.panics)
    }
}

impl Drop for WorkerThreads {
    fn drop(&mut self) {
        self.mailbox.lock().shutting_down = true;
        self.mailbox.given.notify_all();
        for thread in self.threads.drain(..) {
            // A job's panic was caught, so a thread ends well.
            let _ = thread.join();
        }
    }
}

impl Mailbox {
    /// The state; a poisoned lock is passed over, as no thread panics while it holds it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Waits until no thread is busy.
    fn idle(&self) -> MutexGuard<'_, State> {
        let state = self.lock();
        self.done.wait_while(state, |state| state.busy > 0).unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Reports that a thread has ended what it did.
    fn end(&self, note: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        note(&mut state);
        state.busy -= 1;
        if state.busy == 0 {
            self.done.notify_all();
        }
    }

    /// Waits for the job after that of `number`; `None` when the threads are to end.
    fn next(&self, number: u64) -> Option<(Job<'static>, u64)> {
        let state = self.lock();
        let state = self
            .given
            .wait_while(state, |state| !state.shutting_down && state.number == number)
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if state.shutting_down { None } else { state.job.map(|job| (job, state.number)) }
    }
}

/// The life of a thread.
fn work(mailbox: &Mailbox, index: usize, cpu: u32) {
    let pinned = affinity::pin(cpu);
    mailbox.end(|state| {
        if let Err(error) = pinned {
            state.failed.get_or_insert(error);
        }
    });
    let mut number = 0;
    while let Some((job, next)) = mailbox.next(number) {
        number = next;
        let result = panic::catch_unwind(AssertUnwindSafe(|| job(index)));
        mailbox.end(|state| state.panics.extend(result.err()));
    }
}
