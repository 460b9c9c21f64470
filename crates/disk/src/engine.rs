//! Runs planned jobs: one thread and one ring for each worker, started together, watched once a second.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use machine::{Clock, CpuSet};

use measure::random::mix;

use crate::Error;
use crate::files::{Files, Kind, holes};
use crate::job::{Access, Blocks, Direction, Flow, Job, Memory, Queue, Ways};
use crate::log::Log;
use crate::pattern::{Action, Extent, Op, Pattern, Replay};
use crate::plan::{Planned, Settings, Share, allowed, check_memory, check_room};
use crate::results::{JobResult, Observed, Report, Results, SteadyResult, merge_devices, results_of};
use crate::ring::Ring;
use crate::start::{OnPanic, Start};
use crate::steady::Series;
use crate::usage::{Usage, helpers};
use crate::volume::{DeviceStat, arc_counters};
use crate::worker::{Content, Device, Failure, Rules, Shown, Worker};

const SECOND: f64 = 1e9;
/// Requests of the layout that are under way.
const LAYOUT_DEPTH: u32 = 8;
const LAYOUT_BLOCK: u32 = 1 << 20;

/// What is told once a second while jobs run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Live {
    /// Seconds since the jobs of this phase started.
    pub seconds: f64,
    /// Requests a second, all jobs together.
    pub iops: f64,
    /// Bytes a second.
    pub bandwidth: f64,
}

/// Runs jobs as fio does: all together, but each with `stonewall` only after those before it. `tell` hears once a second.
///
/// Nothing is written before the plan of a phase is checked, and nothing but test files without the right to.
pub fn run_jobs(jobs: &[Job], settings: &Settings, tell: &mut dyn FnMut(Live)) -> Result<Results, Error> {
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let begin = Clock::now();
    let mut session = Session::new(settings);
    let mut rest: Vec<&Job> = jobs.iter().collect();
    while !rest.is_empty() {
        let end = rest.iter().skip(1).position(|job| job.stonewall).map_or(rest.len(), |after| after + 1);
        let later = rest.split_off(end);
        session.phase(&rest, tell)?;
        rest = later;
    }
    Ok(Results { started, seconds: Clock::seconds(begin, Clock::now()), jobs: session.done, devices: session.devices })
}

/// Phases one after the other; the test files of one are there for the next.
pub(crate) struct Session<'a> {
    settings: &'a Settings,
    files: Files,
    group: u32,
    pub(crate) done: Vec<JobResult>,
    devices: Vec<DeviceStat>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(settings: &'a Settings) -> Self {
        Session { settings, files: Files::new(settings), group: 0, done: Vec::new(), devices: Vec::new() }
    }

    /// Runs jobs together.
    pub(crate) fn phase(&mut self, jobs: &[&Job], tell: &mut dyn FnMut(Live)) -> Result<(), Error> {
        check_memory(jobs)?;
        check_room(jobs, &mut self.files)?;
        let plan = |job| Planned::new(job, &mut self.files, self.settings);
        let planned = jobs.iter().copied().map(plan).collect::<Result<Vec<_>, _>>()?;
        planned.iter().try_for_each(lay_out)?;
        let counters = || planned.iter().map(|job| job.volume.counters(&self.settings.root)).collect::<Vec<_>>();
        let (before, arc) = (counters(), arc_counters(&self.settings.root));
        let (watched, reports) = Phase::new(&planned).run(&planned, self.settings, tell)?;
        let arc = arc.zip(arc_counters(&self.settings.root)).map(|((h, m), (hits, misses))| (hits - h, misses - m));
        let mut reports = reports.into_iter();
        for (((job, before), after), steady) in planned.iter().zip(before).zip(counters()).zip(watched.steady) {
            let devices: Vec<DeviceStat> =
                after.iter().zip(&before).map(|(after, before)| after.since(before)).collect();
            let mine: Vec<Report> = reports.by_ref().take(job.shares.len()).collect();
            merge_devices(&mut self.devices, &devices);
            let arc = arc.filter(|_| job.volume.zfs.is_some());
            let seen = Observed { group: self.group, devices, helpers: watched.helpers, arc, steady };
            self.done.extend(results_of(job, &mine, &seen));
        }
        self.group += 1;
        Ok(())
    }
}

fn announce(done: &Sender<()>) {
    // The watcher may have gone because of a failure elsewhere.
    let _ = done.send(());
}

struct Watched {
    helpers: usize,
    steady: Vec<Option<SteadyResult>>,
}

/// What the workers of a phase share.
struct Phase {
    start: Start,
    epoch: OnceLock<u64>,
    failed: AtomicBool,
    stops: Vec<AtomicBool>,
    shown: Vec<Shown>,
    /// Where each worker may be; `None` is everywhere.
    places: Vec<Option<CpuSet>>,
}

impl Phase {
    fn new(planned: &[Planned<'_>]) -> Self {
        let places: Vec<_> = planned.iter().flat_map(|job| &job.shares).map(|share| share.helpers.clone()).collect();
        let workers = places.len();
        Phase {
            start: Start::of(workers),
            epoch: OnceLock::new(),
            failed: AtomicBool::new(false),
            stops: planned.iter().map(|_| AtomicBool::new(false)).collect(),
            shown: (0..workers).map(|_| Shown::default()).collect(),
            places,
        }
    }

    /// Starts a thread for each worker and watches them; the reports are in the order of jobs and workers.
    fn run(
        &self,
        planned: &[Planned<'_>],
        settings: &Settings,
        tell: &mut dyn FnMut(Live),
    ) -> Result<(Watched, Vec<Report>), Error> {
        std::thread::scope(|scope| {
            let (send, receive) = channel();
            let mut threads = Vec::new();
            for (job, stop) in planned.iter().zip(&self.stops) {
                for (index, share) in job.shares.iter().enumerate() {
                    let (send, at) = (send.clone(), threads.len());
                    threads.push(scope.spawn(move || {
                        let _guard = self.guard();
                        let report = self.work(job.job, share, index, at, stop);
                        if report.is_err() {
                            self.fail();
                        }
                        announce(&send);
                        report
                    }));
                }
            }
            drop(send);
            let watched = self.watch(planned, &receive, settings, tell);
            let reports = threads.into_iter().map(|thread| match thread.join() {
                Ok(report) => report,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            Ok((watched, reports.collect::<Result<Vec<Report>, Error>>()?))
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
    fn work(&self, job: &Job, share: &Share, index: usize, at: usize, stop: &AtomicBool) -> Result<Report, Error> {
        let ready = prepare(job, share, neighbours(&self.places, share.helpers.as_ref()));
        if ready.is_err() {
            self.fail();
        }
        // All workers come here, those that failed too: nobody waits for ever.
        self.start.wait();
        let (mut ring, cpus) = ready?;
        let epoch = *self.epoch.get_or_init(Clock::now);
        let mut log = Log::new(epoch, job.rate.is_some());
        let rules = rules(job, index, share);
        let pattern = || Pattern::new(job, &share.extents, index as u64, share.amount);
        let mut source = pattern();
        let before = Usage::now();
        let mut worker = Worker::new(&mut ring, rules);
        let issued = worker.run(&mut || source.next(), &mut log, &self.shown[at], stop);
        let issued = issued.map_err(|failure| describe(failure, share, log.bytes()))?;
        let usage = Usage::now().since(&before);
        let mut report = Report { log, usage, granted: ring.granted.clone(), cpus, verified: 0 };
        if job.syncs.at_end {
            share.files.iter().zip(&share.paths).try_for_each(|(file, path)| {
                file.sync_all().map_err(|source| Error::File { path: path.clone(), what: "synced", source })
            })?;
        }
        if job.verify.is_some() && job.flow.writes() && !self.failed.load(Ordering::Relaxed) {
            report.verified = verify(&mut ring, rules, Replay::new(pattern(), issued), share)?;
        } else if job.verify.is_some() {
            report.verified = issued;
        }
        Ok(report)
    }

    /// Watches the workers until all are done: tells, counts helpers, ends jobs that are steady.
    fn watch(
        &self,
        planned: &[Planned<'_>],
        done: &Receiver<()>,
        settings: &Settings,
        tell: &mut dyn FnMut(Live),
    ) -> Watched {
        let mut watched =
            Watched { helpers: 0, steady: planned.iter().map(|job| job.job.steady.map(SteadyResult::new)).collect() };
        let begin = Clock::now();
        let mut before = (begin, vec![(0, 0); self.shown.len()]);
        let mut running = self.shown.len();
        while running > 0 {
            match done.recv_timeout(Duration::from_secs(1)) {
                Ok(()) => running -= 1,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let now = Clock::now();
                    watched.helpers = watched.helpers.max(helpers(&settings.root));
                    let seen: Vec<(u64, u64)> = self.shown.iter().map(Shown::read).collect();
                    let seconds = Clock::seconds(before.0, now);
                    // Counting starts over at the end of a ramp: a smaller value is one from zero.
                    let gained = |(now, then): (&(u64, u64), &(u64, u64))| {
                        let since = |now: u64, then: u64| now.checked_sub(then).unwrap_or(now) as f64 / seconds;
                        (since(now.0, then.0), since(now.1, then.1))
                    };
                    let rates: Vec<(f64, f64)> = seen.iter().zip(&before.1).map(gained).collect();
                    tell(Live {
                        seconds: Clock::seconds(begin, now),
                        iops: rates.iter().map(|rate| rate.0).sum(),
                        bandwidth: rates.iter().map(|rate| rate.1).sum(),
                    });
                    self.end_steady(planned, &rates, Clock::seconds(begin, now), &mut watched.steady);
                    before = (now, seen);
                }
            }
        }
        watched.helpers = watched.helpers.max(helpers(&settings.root));
        watched
    }

    fn end_steady(&self, planned: &[Planned<'_>], rates: &[(f64, f64)], at: f64, steady: &mut [Option<SteadyResult>]) {
        let mut first = 0;
        for ((job, result), stop) in planned.iter().zip(steady).zip(&self.stops) {
            let mine = &rates[first..first + job.shares.len()];
            first += job.shares.len();
            let Some(result) = result else { continue };
            if at < result.criterion.ramp + job.job.span.ramp {
                continue;
            }
            let rate = |rate: &(f64, f64)| if result.criterion.series == Series::Iops { rate.0 } else { rate.1 };
            result.values.push(mine.iter().map(rate).sum());
            if let Some((off, attained)) = result.criterion.judge(&result.values) {
                (result.off, result.attained) = (Some(off), attained);
                if attained {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        }
    }
}

impl Shown {
    fn read(&self) -> (u64, u64) {
        (self.ops.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

/// How many workers may be where one of them may be, itself included; `None` is everywhere.
fn neighbours(places: &[Option<CpuSet>], own: Option<&CpuSet>) -> usize {
    let meets = |place: &&Option<CpuSet>| match (place, own) {
        (Some(place), Some(own)) => place.intersects(own),
        _ => true,
    };
    places.iter().filter(meets).count()
}

/// Pins the thread, one of so many `workers` on its CPUs, and makes its ring.
fn prepare(job: &Job, share: &Share, workers: usize) -> Result<(Ring, Vec<u32>), Error> {
    let wrong = |why| Error::Plan { job: job.name.clone(), why };
    let most = share.helpers.as_ref().map_or_else(allowed, |cpus| Ok(cpus.iter().collect())).map_err(wrong)?.len();
    let cpus = pin(share.cpus.as_ref()).map_err(wrong)?;
    let mut ring = Ring::open(share.files.clone(), job.queue.depth, job.largest_block(), job.ways, &job.memory)?;
    share.helpers.iter().for_each(|cpus| ring.keep_helpers_on(cpus));
    if workers >= most {
        ring.crowd();
    }
    Ok((ring, cpus))
}

/// Restricts the calling thread to CPUs; what the kernel says that it may run on then.
fn pin(cpus: Option<&CpuSet>) -> Result<Vec<u32>, String> {
    if let Some(cpus) = cpus {
        let mut set = rustix::thread::CpuSet::new();
        let most = rustix::thread::CpuSet::MAX_CPU;
        cpus.iter().filter(|&cpu| (cpu as usize) < most).for_each(|cpu| set.set(cpu as usize));
        rustix::thread::sched_setaffinity(None, &set)
            .map_err(|error| format!("its workers cannot run on the CPUs {cpus}: {error}"))?;
    }
    allowed()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "nanoseconds of a run")]
fn nanos(seconds: f64) -> u64 {
    (seconds * SECOND) as u64
}

fn rules(job: &Job, index: usize, share: &Share) -> Rules {
    let content = match job.verify {
        Some(checksum) => Content::Sealed(checksum),
        None if job.refill => Content::Fresh,
        None => Content::Stamped,
    };
    // Workers of one rate take turns rather than arrive together.
    let late = |rate: u32| 1_000_000_000 / u64::from(rate) * index as u64 / u64::from(job.workers.max(1));
    Rules {
        queue: job.queue,
        rate: job.rate.map(|rate| (rate, late(rate))),
        ramp: nanos(job.span.ramp),
        runtime: job.span.runtime.map(nanos),
        content,
        check: job.verify.filter(|_| job.flow == Flow::Read),
        seed: seed(job, &share.extents, index as u64),
    }
}

fn seed(job: &Job, extents: &[Extent], index: u64) -> u64 {
    mix(job.seed ^ mix(index ^ extents.len() as u64))
}

/// Reads back what was written and checks it; how many blocks were.
fn verify(ring: &mut Ring, rules: Rules, mut replay: Replay, share: &Share) -> Result<u64, Error> {
    let Content::Sealed(checksum) = rules.content else { return Ok(0) };
    let reading = Rules {
        queue: Queue::deep(rules.queue.depth),
        rate: None,
        ramp: 0,
        runtime: None,
        check: Some(checksum),
        ..rules
    };
    requests(ring, reading, &mut || replay.next()).map_err(|failure| describe(failure, share, 0))
}

/// Whether a write found no room for all of its bytes.
fn is_full(share: &Share, op: &Op) -> bool {
    let file = share.files.get(usize::from(op.file)).filter(|_| op.action == Action::Transfer(Direction::Write));
    let about = file.and_then(|file| rustix::fs::fstatvfs(file).ok());
    about.is_some_and(|about| about.f_bavail.saturating_mul(about.f_frsize) < u64::from(op.len))
}

/// Sends requests that are not measured; how many.
pub(crate) fn requests(
    ring: &mut impl Device,
    rules: Rules,
    next: &mut impl FnMut() -> Option<Op>,
) -> Result<u64, Failure> {
    let mut log = Log::new(Clock::now(), false);
    Worker::new(ring, rules).run(next, &mut log, &Shown::default(), &AtomicBool::new(false))
}

/// Writes the test files that are read later, where they have no data yet.
fn lay_out(planned: &Planned<'_>) -> Result<(), Error> {
    if !planned.job.flow.reads() {
        return Ok(());
    }
    let mut laid: Vec<&Path> = Vec::new();
    for share in &planned.shares {
        for ((file, path), extent) in share.files.iter().zip(&share.paths).zip(&share.extents) {
            let opened = planned.opened.iter().find(|opened| opened.path == *path);
            let test = opened.filter(|opened| opened.kind == Kind::TestFile);
            let Some(opened) = test.filter(|_| !laid.contains(&path.as_path())) else { continue };
            laid.push(path);
            let about =
                file.metadata().map_err(|source| Error::File { path: path.clone(), what: "examined", source })?;
            if about.len() >= extent.start + extent.len && holes(file, extent.start, extent.len) == 0 {
                continue;
            }
            write_out(planned.job, opened.direct, share, path, *extent)?;
            file.sync_all().map_err(|source| Error::File { path: path.clone(), what: "synced", source })?;
            if !opened.direct {
                // The measurement must not find the layout in the page cache; a refusal shows as amplification.
                let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
            }
        }
    }
    Ok(())
}

fn write_out(job: &Job, direct: bool, share: &Share, path: &Path, extent: Extent) -> Result<(), Error> {
    let mut layout = Job::new(&job.name, job.place.clone());
    let whole = extent.len.is_multiple_of(u64::from(LAYOUT_BLOCK)) && job.verify.is_none();
    layout.blocks = [Blocks::of(if whole { LAYOUT_BLOCK } else { job.smallest_block() }); 2];
    (layout.flow, layout.access) = (Flow::Write, Access::Sequential);
    (layout.refill, layout.verify, layout.seed) = (true, job.verify, job.seed);
    layout.queue = Queue::deep(LAYOUT_DEPTH);
    layout.ways = Ways { direct, poll: false, submit_thread: false, ..job.ways };
    let file = share.paths.iter().position(|one| one == path).map(|at| share.files[at].clone());
    let one = Share {
        files: file.into_iter().collect(),
        paths: vec![path.to_owned()],
        extents: vec![extent],
        amount: extent.len,
        cpus: None,
        helpers: None,
    };
    let mut ring = Ring::open(one.files.clone(), LAYOUT_DEPTH, layout.largest_block(), layout.ways, &Memory::Local)?;
    let mut pattern = Pattern::new(&layout, &one.extents, 0, one.amount);
    let mut written = 0;
    let mut next = || pattern.next().inspect(|op| written = op.offset);
    let done = requests(&mut ring, rules(&layout, 0, &one), &mut next);
    done.map(|_| ()).map_err(|failure| describe(failure, &one, written.saturating_sub(extent.start)))
}

/// The error of a failure, with the name of the file that it happened to.
pub(crate) fn describe(failure: Failure, share: &Share, written: u64) -> Error {
    let path = |op: &Op| share.paths.get(usize::from(op.file)).cloned().unwrap_or_else(PathBuf::new);
    match failure {
        Failure::Ring(error) => error,
        Failure::Request(op, libc::ENOSPC) => Error::Full { path: path(&op), written },
        // The last bytes of a file system take the start of a block, and the rest has no room.
        Failure::Short(op, moved) if is_full(share, &op) => {
            Error::Full { path: path(&op), written: written + u64::from(moved.unsigned_abs()) }
        }
        Failure::Request(op, number) => {
            let source = std::io::Error::from_raw_os_error(number);
            Error::Request { what: op.action.name(), path: path(&op), offset: op.offset, len: op.len, source }
        }
        Failure::Refused(op, number, sent) => {
            let (why, seconds) = (std::io::Error::from_raw_os_error(number), sent.nanos as f64 / SECOND);
            let said = format!("{why}, {} times in {seconds:.3} s; it is not sent again", sent.times);
            let source = std::io::Error::other(said);
            Error::Request { what: op.action.name(), path: path(&op), offset: op.offset, len: op.len, source }
        }
        Failure::Short(op, moved) => {
            let source = std::io::Error::other(format!("only {moved} bytes were transferred"));
            Error::Request { what: op.action.name(), path: path(&op), offset: op.offset, len: op.len, source }
        }
        Failure::Mismatch(op, why) => Error::Mismatch { path: path(&op), offset: op.offset, len: op.len, why },
    }
}

#[cfg(test)]
mod tests;
