//! The two ends of what is measured of each job: what devices and workers had counted by then.
//!
//! A job's window begins when its ramp has ended, and ends when its last worker has nothing in flight any more, before
//! anything is synced or read back. What devices and workers moved is taken at the same moments, so that their ratio does
//! not depend on how exactly these are hit.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use machine::Clock;

use super::requests::nanos;
use crate::counters::{ArcStat, DeviceStat, DeviceTraffic, DriveCounts, Snapshot, arc_counters, by_drive, traffic};
use crate::plan::PlannedJob;
use crate::worker::LiveCounters;

/// What was counted in the window of one job.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counted {
    /// For each worker of the job; `None` where no device counts, or the job ended before its ramp.
    pub(crate) traffic: Vec<Option<DeviceTraffic>>,
    pub(crate) arc: Option<ArcStat>,
    pub(crate) drives: DriveCounts,
}

/// The windows of the jobs of a phase.
pub(super) struct Windows<'a> {
    planned: &'a [PlannedJob<'a>],
    counters: &'a [LiveCounters],
    root: &'a Path,
    jobs: Vec<JobWindow>,
}

/// Where one job is.
struct JobWindow {
    /// Which of the phase's workers are its own.
    workers: Range<usize>,
    /// How many of them still measure.
    running: usize,
    ramp: u64,
    /// When it is to begin; known once the workers have started.
    due: Option<u64>,
    begin: Option<Snapshot>,
    end: Option<Snapshot>,
}

impl<'a> Windows<'a> {
    /// Before the workers start: the windows of jobs without a ramp begin now.
    pub(super) fn new(planned: &'a [PlannedJob<'a>], counters: &'a [LiveCounters], root: &'a Path) -> Self {
        let mut windows = Windows { planned, counters, root, jobs: Vec::new() };
        let mut first = 0;
        for job in planned {
            let workers = first..first + job.assignments.len();
            first = workers.end;
            let ramp = nanos(job.job.timing.ramp);
            let begin = (ramp == 0).then(|| windows.snapshot(job));
            windows.jobs.push(JobWindow { running: workers.len(), workers, ramp, due: None, begin, end: None });
        }
        windows
    }

    /// The first worker has started at `epoch`.
    pub(super) fn started(&mut self, epoch: u64) {
        for job in self.jobs.iter_mut().filter(|job| job.begin.is_none()) {
            job.due = Some(epoch + job.ramp);
        }
    }

    /// When the next window is to begin.
    pub(super) fn next_due(&self) -> Option<u64> {
        self.jobs.iter().filter_map(|job| job.due).min()
    }

    /// Begins those windows that are due.
    pub(super) fn begin_due(&mut self, now: u64) {
        for index in 0..self.jobs.len() {
            if self.jobs[index].due.is_some_and(|due| due <= now) {
                self.jobs[index].due = None;
                self.jobs[index].begin = Some(self.snapshot(&self.planned[index]));
            }
        }
    }

    /// A worker of a job has measured all that it is to.
    pub(super) fn measured(&mut self, index: usize) {
        let job = &mut self.jobs[index];
        job.running = job.running.saturating_sub(1);
        if job.running == 0 {
            job.due = None;
            self.jobs[index].end = Some(self.snapshot(&self.planned[index]));
        }
    }

    /// What was counted, for each job.
    pub(super) fn counted(self) -> Vec<Counted> {
        let devices = self.planned.iter().flat_map(|job| job.assignments.iter().map(|_| job.volume.devices.as_slice()));
        let devices: Vec<&[String]> = devices.collect();
        let counted = |(window, planned): (JobWindow, &PlannedJob<'_>)| {
            let (Some(begin), Some(end)) = (window.begin, window.end) else {
                return Counted { traffic: vec![None; window.workers.len()], ..Counted::default() };
            };
            let mut own = traffic(&begin, &end, &devices)[window.workers].to_vec();
            if window.ramp > 0 {
                let under_way = u64::from(planned.job.queue.depth) * u64::from(planned.job.largest_block());
                own.iter_mut().flatten().for_each(|traffic| traffic.under_way = under_way);
            }
            let arc = begin.arc.zip(end.arc).filter(|_| planned.volume.zfs.is_some());
            let drives = by_drive(&begin, &end, self.root);
            Counted { traffic: own, arc: arc.map(|(begin, end)| end.since(begin)), drives }
        };
        self.jobs.into_iter().zip(self.planned).map(counted).collect()
    }

    /// What is below a job, and what all workers have moved: others may use the same devices.
    fn snapshot(&self, job: &PlannedJob<'_>) -> Snapshot {
        let devices = job.volume.devices.iter().filter_map(|device| DeviceStat::read(device, self.root)).collect();
        let moved = self.counters.iter().map(|counters| counters.now().moved).collect();
        Snapshot { at: Clock::now(), devices, moved, arc: arc_counters(self.root) }
    }
}

/// What the devices below these jobs have counted since the start of the host: each once, however many jobs use it.
pub(super) fn devices_below(planned: &[PlannedJob<'_>], root: &Path) -> Vec<DeviceStat> {
    let names: BTreeSet<&String> = planned.iter().flat_map(|job| &job.volume.devices).collect();
    names.into_iter().filter_map(|name| DeviceStat::read(name, root)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Volume;
    use crate::job::{Job, JobTarget, Queue};
    use crate::plan::WorkerAssignment;
    use crate::worker::Completed;

    const KIB: u64 = 1024;

    fn planned(job: &Job, workers: usize) -> PlannedJob<'_> {
        PlannedJob {
            job,
            assignments: (0..workers).map(|_| WorkerAssignment::default()).collect(),
            opened: Vec::new(),
            volume: Volume { devices: vec!["sda".to_owned()], ..Volume::default() },
            notes: Vec::new(),
            group: 0,
        }
    }

    /// A device that has read this much.
    fn read(root: &Path, bytes: u64) {
        let folder = root.join("sys/class/block/sda");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("stat"), format!("1 0 {} 1 0 0 0 0 0 1 1\n", bytes / 512)).unwrap();
    }

    fn shown(counters: &LiveCounters, bytes: u64) {
        counters.show(Completed { operations: 1, moved: [bytes, 0] });
    }

    /// Two jobs on one device, the first with a ramp; what was moved before its end, in it and by the other counts for each
    /// as it should.
    #[test]
    fn what_is_moved_in_the_ramp_or_after_the_end_is_not_counted() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        read(root, 64 * KIB);
        let (mut with_ramp, mut at_once) =
            (Job::new("a", JobTarget::Paths(vec![])), Job::new("b", JobTarget::Paths(vec![])));
        with_ramp.timing.ramp = 1.0;
        (with_ramp.queue, at_once.queue) = (Queue::deep(2), Queue::deep(2));
        let jobs = [planned(&with_ramp, 2), planned(&at_once, 1)];
        let counters = [LiveCounters::default(), LiveCounters::default(), LiveCounters::default()];
        let mut windows = Windows::new(&jobs, &counters, root);
        assert_eq!(windows.next_due(), None, "nobody has started");
        windows.started(500);
        assert_eq!(windows.next_due(), Some(1_000_000_500));
        windows.begin_due(1_000_000_499);
        assert_eq!(windows.next_due(), Some(1_000_000_500));
        // The ramp of both, and the whole of the other job.
        read(root, 264 * KIB);
        shown(&counters[0], 50 * KIB);
        shown(&counters[1], 50 * KIB);
        shown(&counters[2], 100 * KIB);
        windows.measured(1);
        windows.begin_due(1_000_000_500);
        assert_eq!(windows.next_due(), None);
        // The window: a cache answered half of it.
        read(root, 364 * KIB);
        shown(&counters[0], 200 * KIB);
        shown(&counters[1], 100 * KIB);
        windows.measured(0);
        windows.measured(0);
        // What is read back afterwards.
        read(root, 4096 * KIB);
        let counted = windows.counted();
        let of = |job: usize| -> Vec<_> {
            counted[job]
                .traffic
                .iter()
                .map(|one| one.map(|one| (one.workers[0], one.devices[0], one.under_way)))
                .collect()
        };
        let under_way = 2 * 4096;
        let halves = [(150 * KIB, 75.0 * 1024.0), (50 * KIB, 25.0 * 1024.0)];
        assert_eq!(of(0), halves.map(|(workers, devices)| Some((workers, devices, under_way))));
        assert_eq!(of(1), [Some((100 * KIB, 100.0 * 1024.0, 0))]);
    }

    #[test]
    fn a_job_that_ends_in_its_ramp_has_no_window() {
        let dir = tempfile::tempdir().unwrap();
        read(dir.path(), 512);
        let mut job = Job::new("a", JobTarget::Paths(vec![]));
        job.timing.ramp = 1.0;
        let (jobs, counters) = ([planned(&job, 1)], [LiveCounters::default()]);
        let mut windows = Windows::new(&jobs, &counters, dir.path());
        windows.started(0);
        windows.measured(0);
        assert_eq!(windows.next_due(), None);
        assert_eq!(windows.counted(), [Counted { traffic: vec![None], ..Counted::default() }]);
    }

    #[test]
    fn a_device_of_several_jobs_is_one() {
        let dir = tempfile::tempdir().unwrap();
        read(dir.path(), 512);
        let job = Job::new("a", JobTarget::Paths(vec![]));
        let below = devices_below(&[planned(&job, 1), planned(&job, 2)], dir.path());
        assert_eq!(below.iter().map(|device| device.read.bytes).collect::<Vec<_>>(), [512]);
    }
}
