//! Jobs that run together: a thread for each worker, and what the threads share.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};

use machine::{Clock, CpuSet};

use super::failure::describe;
use super::requests::rules;
use super::setup::{neighbours, prepare};
use super::verification::verify;
use super::watch::{LiveRates, PhaseObservation, Signal, Watch};
use crate::Error;
use crate::job::Job;
use crate::latency_recorder::LatencyRecorder;
use crate::pattern::{Pattern, Replay};
use crate::plan::{PlannedJob, WorkerAssignment};
use crate::results::WorkerReport;
use crate::settings::Settings;
use crate::start::{OnPanic, Start};
use crate::usage::Usage;
use crate::worker::{LiveCounters, Worker};

/// What the workers of a phase share.
pub(super) struct Phase {
    start: Start,
    epoch: OnceLock<u64>,
    failed: AtomicBool,
    stops: Vec<AtomicBool>,
    counters: Vec<LiveCounters>,
    /// The CPUs that each worker may run on; `None` is every CPU.
    affinities: Vec<Option<CpuSet>>,
}

impl Phase {
    pub(super) fn new(planned: &[PlannedJob<'_>]) -> Self {
        let affinities: Vec<_> =
            planned.iter().flat_map(|job| &job.assignments).map(|assignment| assignment.io_wq_cpus.clone()).collect();
        let workers = affinities.len();
        Phase {
            start: Start::of(workers),
            epoch: OnceLock::new(),
            failed: AtomicBool::new(false),
            stops: planned.iter().map(|_| AtomicBool::new(false)).collect(),
            counters: (0..workers).map(|_| LiveCounters::default()).collect(),
            affinities,
        }
    }

    /// Starts a thread for each worker and watches them; the reports are in the order of jobs and workers.
    pub(super) fn run(
        &self,
        planned: &[PlannedJob<'_>],
        settings: &Settings,
        emit: &mut dyn FnMut(LiveRates),
    ) -> Result<(PhaseObservation, Vec<WorkerReport>), Error> {
        std::thread::scope(|scope| {
            let (send, receive) = channel();
            let watch = Watch::new(planned, &self.counters, &self.stops, &settings.root);
            let mut threads = Vec::new();
            for (number, job) in planned.iter().enumerate() {
                for (index, assignment) in job.assignments.iter().enumerate() {
                    let (send, at) = (send.clone(), threads.len());
                    threads.push(scope.spawn(move || {
                        let _guard = self.guard();
                        let report = self.work(job.job, assignment, Which { job: number, index, at }, &send);
                        if report.is_err() {
                            self.fail();
                        }
                        tell(&send, Signal::Ended);
                        report
                    }));
                }
            }
            drop(send);
            let watched = watch.run(&receive, emit);
            let reports = threads.into_iter().map(|thread| match thread.join() {
                Ok(report) => report,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            Ok((watched, reports.collect::<Result<Vec<WorkerReport>, Error>>()?))
        })
    }

    /// Held by a worker's thread: if it panics, the others neither wait for it nor go on.
    fn guard(&self) -> impl Drop + '_ {
        OnPanic(|| {
            self.fail();
            self.start.give_up();
        })
    }

    fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
        self.stops.iter().for_each(|stop| stop.store(true, Ordering::Relaxed));
    }

    /// The life of one worker thread.
    fn work(
        &self,
        job: &Job,
        assignment: &WorkerAssignment,
        which: Which,
        send: &Sender<Signal>,
    ) -> Result<WorkerReport, Error> {
        let Which { job: number, index, at } = which;
        let ready = prepare(job, assignment, neighbours(&self.affinities, assignment.io_wq_cpus.as_ref()));
        if ready.is_err() {
            self.fail();
        }
        // All workers come here, those that failed too: nobody waits for ever.
        self.start.wait();
        let (mut ring, cpus) = ready?;
        let epoch = *self.epoch.get_or_init(|| {
            let now = Clock::now();
            tell(send, Signal::Started(now));
            now
        });
        let mut recorder = LatencyRecorder::new(epoch, job.rate.is_some());
        let rules = rules(job, index, assignment);
        let pattern = || Pattern::new(job, &assignment.extents, index as u64, assignment.amount);
        let mut source = pattern();
        let before = Usage::now();
        let mut worker = Worker::new(&mut ring, rules);
        let issued = worker.run(&mut || source.next(), &mut recorder, &self.counters[at], &self.stops[number]);
        let issued = issued.map_err(|failure| describe(failure, assignment, recorder.bytes()))?;
        tell(send, Signal::Measured(number));
        let usage = Usage::now().since(&before);
        let mut report = WorkerReport { recorder, usage, granted: ring.granted.clone(), cpus, verified: 0 };
        if job.syncs.at_end {
            assignment.files.iter().zip(&assignment.paths).try_for_each(|(file, path)| {
                file.sync_all().map_err(|source| Error::File { path: path.clone(), what: "synced", source })
            })?;
        }
        if job.verify.is_some() && job.rw.writes() && !self.failed.load(Ordering::Relaxed) {
            report.verified = verify(&mut ring, rules, Replay::new(pattern(), issued), assignment)?;
        } else if job.verify.is_some() {
            report.verified = issued;
        }
        Ok(report)
    }
}

/// Which worker it is.
#[derive(Clone, Copy)]
struct Which {
    /// Number of its job in the phase.
    job: usize,
    /// Its own number in the job.
    index: usize,
    /// Its own number in the phase.
    at: usize,
}

fn tell(watch: &Sender<Signal>, signal: Signal) {
    // The watcher may have gone because of a failure elsewhere.
    let _ = watch.send(signal);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_before_the_start_holds_nobody_up() {
        let job = Job::new("test", crate::job::JobTarget::Paths(Vec::new()));
        let assignment = || WorkerAssignment::default();
        let planned = PlannedJob {
            job: &job,
            assignments: vec![assignment(), assignment(), assignment()],
            opened: Vec::new(),
            volume: crate::Volume::default(),
            notes: Vec::new(),
        };
        let phase = Phase::new(&[planned]);
        std::thread::scope(|scope| {
            let waits = || {
                let _guard = phase.guard();
                phase.start.wait();
                assert!(phase.stops[0].load(Ordering::Relaxed), "nothing is sent");
            };
            let others = [scope.spawn(waits), scope.spawn(waits)];
            let panics = scope.spawn(|| {
                let _guard = phase.guard();
                panic!("planted");
            });
            assert!(panics.join().is_err());
            for other in others {
                other.join().unwrap();
            }
        });
        assert!(phase.failed.load(Ordering::Relaxed));
    }
}
