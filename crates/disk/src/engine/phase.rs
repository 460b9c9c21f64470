//! Jobs that run together: a thread for each worker, and what the threads share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use machine::{Clock, CpuSet};

use super::failure::describe;
use super::requests::{nanos, rules};
use super::setup::{neighbours, prepare};
use super::verification::verify;
use super::watch::{LiveRates, PhaseObservation, Signal, Watch};
use crate::Error;
use crate::job::{Ends, FlowShare};
use crate::latency_recorder::LatencyRecorder;
use crate::pattern::{Pattern, Replay};
use crate::plan::{PlannedJob, WorkerAssignment};
use crate::regulation::Flow;
use crate::results::WorkerReport;
use crate::settings::Settings;
use crate::start::{OnPanic, Start};
use crate::usage::Usage;
use crate::worker::{LiveCounters, Worker};

/// Seconds after which a job that waits looks whether it is to end.
const LOOK: f64 = 0.05;

/// What the workers of a phase share.
pub(super) struct Phase {
    start: Start,
    epoch: OnceLock<u64>,
    failed: AtomicBool,
    stops: Vec<AtomicBool>,
    counters: Vec<LiveCounters>,
    /// The CPUs that each worker may run on; `None` is every CPU.
    affinities: Vec<Option<CpuSet>>,
    /// The flows that jobs share, by their numbers.
    flows: BTreeMap<u32, Flow>,
    /// Workers of each job that are not done.
    running: Mutex<Vec<usize>>,
    one_is_done: Condvar,
    /// Whether a job that is done ends those that are still to come, too.
    ends_all: AtomicBool,
}

/// Which worker it is.
#[derive(Clone, Copy)]
struct Seat {
    /// Number of its job in the phase.
    job: usize,
    /// Its own number in the job.
    index: usize,
    /// Its own number in the phase.
    at: usize,
}

impl Phase {
    pub(super) fn new(planned: &[PlannedJob<'_>]) -> Self {
        let affinities: Vec<_> =
            planned.iter().flat_map(|job| &job.assignments).map(|assignment| assignment.io_wq_cpus.clone()).collect();
        let workers = affinities.len();
        let mut flows = BTreeMap::<u32, Flow>::new();
        for planned in planned {
            if let Some(share) = planned.job.flow {
                flows.entry(share.id).or_default().add(planned.assignments.len() as u64, share.weight);
            }
        }
        Phase {
            start: Start::of(workers),
            epoch: OnceLock::new(),
            failed: AtomicBool::new(false),
            stops: planned.iter().map(|_| AtomicBool::new(false)).collect(),
            counters: (0..workers).map(|_| LiveCounters::default()).collect(),
            affinities,
            flows,
            running: Mutex::new(planned.iter().map(|job| job.assignments.len()).collect()),
            one_is_done: Condvar::new(),
            ends_all: AtomicBool::new(false),
        }
    }

    /// Whether the jobs of later phases are not to run.
    pub(super) fn ends_all(&self) -> bool {
        self.ends_all.load(Ordering::Relaxed)
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
            let mut trouble = None;
            for (number, job) in planned.iter().enumerate() {
                for (index, assignment) in job.assignments.iter().enumerate() {
                    let (send, seat) = (send.clone(), Seat { job: number, index, at: threads.len() });
                    let body = move || {
                        let _guard = self.guard();
                        let report = self.work(planned, assignment, seat, &send);
                        if report.is_err() {
                            self.fail();
                        }
                        self.leave(planned, seat);
                        tell(&send, Signal::Ended);
                        report
                    };
                    match std::thread::Builder::new().spawn_scoped(scope, body) {
                        Ok(thread) => threads.push(thread),
                        Err(error) => {
                            // Those that are there do not wait for one that never comes.
                            self.fail();
                            self.start.give_up();
                            trouble = Some(Error::Thread(error));
                        }
                    }
                }
            }
            drop(send);
            let watched = watch.run(&receive, emit);
            let reports = threads.into_iter().map(|thread| match thread.join() {
                Ok(report) => report,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            let reports = reports.collect::<Result<Vec<WorkerReport>, Error>>();
            trouble.map_or(Ok(()), Err)?;
            Ok((watched, reports?))
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

    /// What a worker does at its end: those that wait for its job may start, and those that end with it end.
    fn leave(&self, planned: &[PlannedJob<'_>], seat: Seat) {
        let PlannedJob { job, group, .. } = &planned[seat.job];
        for (other, stop) in planned.iter().zip(&self.stops) {
            let ends = match job.ends {
                None => false,
                Some(Ends::Group) => other.group == *group,
                Some(Ends::Phase | Ends::All) => true,
            };
            if ends {
                stop.store(true, Ordering::Relaxed);
            }
        }
        if job.ends == Some(Ends::All) {
            self.ends_all.store(true, Ordering::Relaxed);
        }
        self.running()[seat.job] -= 1;
        self.one_is_done.notify_all();
    }

    /// Waits until a job may begin: the one that it waits for is done, and its delay is over.
    fn hold(&self, planned: &[PlannedJob<'_>], seat: Seat) {
        let job = planned[seat.job].job;
        let begin = Clock::now();
        let named = |other: &PlannedJob<'_>| Some(&other.job.name) == job.wait_for.as_ref();
        let other = planned[..seat.job].iter().rposition(named);
        let stop = &self.stops[seat.job];
        let mut running = self.running();
        while !stop.load(Ordering::Relaxed) {
            let waits = other.is_some_and(|other| running[other] > 0);
            let left = job.timing.delay - Clock::seconds(begin, Clock::now());
            if !waits && left <= 0.0 {
                return;
            }
            let most = if waits { LOOK } else { LOOK.min(left) };
            let waited = self.one_is_done.wait_timeout(running, Duration::from_secs_f64(most));
            running = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn running(&self) -> MutexGuard<'_, Vec<usize>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of one worker thread.
    fn work(
        &self,
        planned: &[PlannedJob<'_>],
        assignment: &WorkerAssignment,
        seat: Seat,
        send: &Sender<Signal>,
    ) -> Result<WorkerReport, Error> {
        let Seat { job: number, index, at } = seat;
        let (job, stop) = (planned[number].job, &self.stops[number]);
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
        self.hold(planned, seat);
        let mut recorder = LatencyRecorder::new(epoch, job.rate.iter().any(Option::is_some));
        let rules = rules(job, index, assignment);
        let pattern = || Pattern::new(job, &assignment.extents, index as u64, assignment.amount);
        let mut source = pattern();
        let before = Usage::now();
        let member = |share: FlowShare| Some(self.flows.get(&share.id)?.member(share.weight, nanos(share.sleep)));
        let mut worker = Worker::new(&mut ring, rules).in_flow(job.flow.and_then(member));
        let issued = worker.run(&mut |due| source.next_due(due), &mut recorder, &self.counters[at], stop);
        drop(worker);
        let issued = issued.map_err(|failure| describe(failure, assignment, recorder.bytes()))?;
        tell(send, Signal::Measured(number));
        let usage = Usage::now().since(&before);
        let granted = ring.granted.clone();
        let mut report = WorkerReport { recorder, usage, granted, cpus, verified: 0, read_back: None };
        if job.syncs.at_end {
            assignment.files.iter().zip(&assignment.paths).try_for_each(|(file, path)| {
                file.sync_all().map_err(|source| Error::File { path: path.clone(), what: "synced", source })
            })?;
        }
        if !job.read_back || job.verify.is_none() {
            return Ok(report);
        }
        if !job.rw.writes() {
            report.verified = issued;
        } else if !self.failed.load(Ordering::Relaxed)
            && let Some((blocks, recorder)) = verify(&mut ring, rules, Replay::new(pattern(), issued), assignment)?
        {
            (report.verified, report.read_back) = (blocks, Some(recorder));
        }
        Ok(report)
    }
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
        let job = crate::job::Job::new("test", crate::job::JobTarget::Paths(Vec::new()));
        let assignment = || WorkerAssignment::default();
        let planned = PlannedJob {
            job: &job,
            assignments: vec![assignment(), assignment(), assignment()],
            opened: Vec::new(),
            volume: crate::Volume::default(),
            notes: Vec::new(),
            group: 0,
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
