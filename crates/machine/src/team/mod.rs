//! A team of threads, each pinned to a CPU of its own for its whole life.
//!
//! Starting threads while the clock runs would measure the scheduler. A team is started once; its workers sleep
//! between jobs, and spin at barriers within one. The calling thread sleeps while a job runs: it has no CPU of its own.

mod barrier;
mod worker_threads;

use std::any::Any;
use std::cell::Cell;
use std::marker::PhantomData;
use std::panic;
use std::sync::Mutex;
use std::sync::atomic::{Ordering, compiler_fence};

use measure::Interval;

use crate::affinity;
use crate::{Clock, Error, Worker};
use barrier::SpinBarrier;
use worker_threads::WorkerThreads;

/// Threads that are pinned to the CPUs of their [`Worker`]s.
///
/// It is not `Sync`, so that a job cannot give the team another job and wait for itself.
pub struct Team {
    workers: Vec<Worker>,
    barrier: SpinBarrier,
    threads: WorkerThreads,
    not_sync: PhantomData<Cell<()>>,
}

/// A worker during a job.
pub struct Member<'a> {
    /// Its place in the team, from 0.
    pub index: usize,
    /// Where it runs.
    pub worker: &'a Worker,
    barrier: &'a SpinBarrier,
    sense: Cell<bool>,
}

/// When the workers did a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// Seconds from the earliest start to the latest end.
    pub elapsed: f64,
    /// Start and end of each worker, in nanoseconds of [`Clock::now`].
    pub spans: Vec<(u64, u64)>,
    /// How often the kernel moved a worker to another CPU meanwhile; `None` where it does not tell.
    pub migrations: Option<u64>,
}

impl Team {
    /// Starts a thread for each worker, pins it, and verifies the pinning.
    pub fn start(workers: &[Worker]) -> Result<Team, Error> {
        if workers.is_empty() {
            return Err(Error::Placement("a team needs a worker".into()));
        }
        let cpus: Vec<u32> = workers.iter().map(|worker| worker.cpu).collect();
        let threads = WorkerThreads::start(&cpus)?;
        Ok(Team { workers: workers.to_vec(), barrier: SpinBarrier::new(workers.len()), threads, not_sync: PhantomData })
    }

    /// Where the members run, in their order.
    #[must_use]
    pub fn workers(&self) -> &[Worker] {
        &self.workers
    }

    /// Asks the kernel (`sched_getaffinity`) whether every worker may still run on its CPU only.
    ///
    /// A second look after the measurement: other programs may change the mask of a running thread.
    pub fn verify(&self) -> Result<(), Error> {
        let mut masks: Vec<Result<(), Error>> = self.workers.iter().map(|_| Ok(())).collect();
        self.each(&mut masks, |member, mask| *mask = affinity::verify(member.worker.cpu));
        masks.into_iter().collect()
    }

    /// Lets each worker do `f` with the item of its index, and returns when all are done.
    ///
    /// # Panics
    ///
    /// If there is not one item for each worker. If `f` panics in a worker, the others are released from their
    /// barriers, and the panic goes on here when all have ended; the team stays usable.
    pub fn each<T: Send>(&self, items: &mut [T], f: impl Fn(&Member<'_>, &mut T) + Sync) {
        assert_eq!(items.len(), self.workers.len(), "a team needs one item for each worker");
        // Each lock is taken once, by one thread: it only turns the shared slice into exclusive items.
        let items: Vec<Mutex<&mut T>> = items.iter_mut().map(Mutex::new).collect();
        let (barrier, workers) = (&self.barrier, &self.workers);
        barrier.reset();
        let panics = self.threads.run(&|index| {
            let _leave = Leave(barrier);
            let member = Member { index, worker: &workers[index], barrier, sense: Cell::new(false) };
            let mut item = items[index].lock().expect("no other thread takes this lock");
            f(&member, &mut item);
        });
        propagate(panics);
    }

    /// Lets each worker do `f` as [`Team::each`] does, between two barriers and two stamps of the clock.
    ///
    /// What is still on its way when `f` returns is not timed: a kernel with non-temporal stores ends with a fence.
    ///
    /// # Panics
    ///
    /// As [`Team::each`].
    pub fn timed<T: Send>(&self, items: &mut [T], f: impl Fn(&Member<'_>, &mut T) + Sync) -> Timing {
        let mut timed: Vec<(&mut T, Stamps)> = items.iter_mut().map(|item| (item, Stamps::default())).collect();
        self.each(&mut timed, |member, (item, stamps)| {
            let before = affinity::migrations();
            member.barrier();
            stamps.start = Clock::now();
            compiler_fence(Ordering::SeqCst);
            f(member, item);
            compiler_fence(Ordering::SeqCst);
            stamps.end = Clock::now();
            member.barrier();
            stamps.migrations = before.and_then(|before| Some(affinity::migrations()?.saturating_sub(before)));
        });
        Timing::of(timed.iter().map(|(_, stamps)| stamps))
    }
}

/// What one worker noted of a timed job.
#[derive(Default)]
struct Stamps {
    start: u64,
    end: u64,
    migrations: Option<u64>,
}

impl Timing {
    /// From the earliest start to the latest end: when the sample was taken that is computed from this.
    #[must_use]
    pub fn interval(&self) -> Interval {
        let spans = self.spans.iter().map(|&(start, end)| Interval::new(start, end));
        Interval::hull_of(spans).unwrap_or(Interval::new(0, 0))
    }

    /// The same of some workers only, by their places in the team.
    ///
    /// # Panics
    ///
    /// If the team has fewer workers.
    #[must_use]
    pub fn interval_of(&self, members: &[usize]) -> Interval {
        let spans = members.iter().map(|&place| self.spans[place]).map(|(start, end)| Interval::new(start, end));
        Interval::hull_of(spans).unwrap_or(Interval::new(0, 0))
    }

    fn of<'a>(stamps: impl Iterator<Item = &'a Stamps> + Clone) -> Timing {
        let first = stamps.clone().map(|s| s.start).min().unwrap_or(0);
        let last = stamps.clone().map(|s| s.end).max().unwrap_or(0);
        Timing {
            elapsed: Clock::seconds(first, last),
            spans: stamps.clone().map(|s| (s.start, s.end)).collect(),
            migrations: stamps.map(|s| s.migrations).sum(),
        }
    }
}

impl Member<'_> {
    /// Waits, spinning, until every worker of the team has come here.
    ///
    /// # Panics
    ///
    /// If another worker ended its job, by a panic or by returning, without coming here: it unwinds this worker
    /// instead of waiting for ever.
    pub fn barrier(&self) {
        let sense = !self.sense.get();
        self.sense.set(sense);
        if let Err(abandoned) = self.barrier.wait(sense) {
            // Without the panic hook: the message of the worker that caused it is the one to read.
            panic::resume_unwind(Box::new(abandoned));
        }
    }
}

/// Tells the barrier that a worker's job has ended, however it ended.
struct Leave<'a>(&'a SpinBarrier);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// Goes on with the panic that a job began, if one did.
fn propagate(panics: Vec<Box<dyn Any + Send>>) {
    let mut abandoned = false;
    for payload in panics {
        if payload.is::<barrier::Abandoned>() {
            abandoned = true;
        } else {
            panic::resume_unwind(payload);
        }
    }
    assert!(!abandoned, "a worker ended its job without coming to the barrier at which others wait");
}

#[cfg(test)]
mod tests;
