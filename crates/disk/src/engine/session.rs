//! Phases one after the other: what is planned, run and summed up of each.

use std::time::{SystemTime, UNIX_EPOCH};

use machine::Clock;

use super::layout::lay_out;
use super::phase::Phase;
use super::watch::LiveRates;
use super::windows::devices_below;
use crate::Error;
use crate::counters::DeviceStat;
use crate::files::Files;
use crate::job::Job;
use crate::plan::{PlannedJob, check_maps, check_memory, check_room};
use crate::results::{JobResult, Member, Observed, Results, WorkerReport, merge_devices, results_of};
use crate::settings::Settings;

/// Runs jobs as fio does: all together, but each with `stonewall` only after those before it. `emit` is called once a second.
///
/// Nothing is written before the plan of a phase is checked, and nothing but test files without the right to.
pub fn run_jobs(jobs: &[Job], settings: &Settings, emit: &mut dyn FnMut(LiveRates)) -> Result<Results, Error> {
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let begin = Clock::now();
    let mut session = Session::new(settings);
    let mut rest: Vec<&Job> = jobs.iter().collect();
    while !rest.is_empty() {
        let end = rest.iter().skip(1).position(|job| job.stonewall).map_or(rest.len(), |after| after + 1);
        let later = rest.split_off(end);
        if session.phase(&rest, emit)? {
            break;
        }
        rest = later;
    }
    Ok(Results { started, seconds: Clock::seconds(begin, Clock::now()), jobs: session.done, devices: session.devices })
}

/// Phases one after the other; the test files of one are there for the next.
pub(crate) struct Session<'a> {
    settings: &'a Settings,
    files: Files,
    /// The group of the last job, and whether there was a job.
    group: u32,
    begun: bool,
    pub(crate) done: Vec<JobResult>,
    devices: Vec<DeviceStat>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(settings: &'a Settings) -> Self {
        Session { settings, files: Files::new(settings), group: 0, begun: false, done: Vec::new(), devices: Vec::new() }
    }

    /// The number of a job's group.
    fn group_of(&mut self, job: &Job) -> u32 {
        self.group += u32::from(self.begun && (job.stonewall || job.new_group));
        self.begun = true;
        self.group
    }

    /// Runs jobs together; whether one of them ended all that are still to come.
    pub(crate) fn phase(&mut self, jobs: &[&Job], emit: &mut dyn FnMut(LiveRates)) -> Result<bool, Error> {
        check_memory(jobs)?;
        check_room(jobs, &mut self.files)?;
        let plan = |job| PlannedJob::new(job, &mut self.files, self.settings);
        let mut planned = jobs.iter().copied().map(plan).collect::<Result<Vec<_>, _>>()?;
        for planned in &mut planned {
            planned.group = self.group_of(planned.job);
        }
        check_maps(&planned)?;
        planned.iter().try_for_each(lay_out)?;
        let before = devices_below(&planned, &self.settings.root);
        let phase = Phase::new(&planned);
        let (watched, reports) = phase.run(&planned, self.settings, emit)?;
        let after = devices_below(&planned, &self.settings.root);
        let since: Vec<DeviceStat> = after.iter().zip(&before).map(|(after, before)| after.since(before)).collect();
        merge_devices(&mut self.devices, &since);
        let (mut reports, mut members) = (reports.into_iter(), Vec::new());
        for ((job, counted), steady) in planned.iter().zip(watched.counted).zip(watched.steady) {
            let mine: Vec<WorkerReport> = reports.by_ref().take(job.assignments.len()).collect();
            let seen = Observed { counted, io_wq_threads: watched.io_wq_threads, steady };
            members.push(Member { planned: job, reports: mine, seen });
        }
        self.done.extend(results_of(&members));
        Ok(phase.ends_all())
    }
}
