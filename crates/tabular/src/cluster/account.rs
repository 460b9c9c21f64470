//! Who did what when, counted from the events of a run; and whether that makes its time one of a cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use super::wire::{Event, Handed, HostFacts, Moved, Said};
use crate::pipeline::tasks::{Figures, Kind};

/// The least share of the mean CPU time of all workers that each must have had.
const LEAST_SHARE: f64 = 0.25;

/// What a worker did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkerReport {
    /// Its name at the scheduler.
    pub name: String,
    /// Its host.
    pub host: String,
    /// The CPUs that it may use.
    pub cpus: Vec<u32>,
    /// Which build of this program it has.
    pub build: String,
    /// Tasks that it does at a time.
    pub slots: usize,
    /// Tasks that it ended.
    pub tasks: usize,
    /// Their CPU time in seconds.
    pub cpu_seconds: f64,
    /// Rows that they worked on; each row is in tasks of every kind.
    pub rows: u64,
    /// Bytes that they read.
    pub read_bytes: u64,
    /// Bytes that they wrote.
    pub written_bytes: u64,
    /// The most memory that a process had during one of them, in bytes, with what earlier ones had left to use again; `None`
    /// where the kernel did not tell.
    pub peak_bytes: Option<u64>,
    /// Seconds of its slots without a task.
    pub idle_seconds: f64,
    /// Whether it went away before the end.
    pub lost: bool,
    /// What its host is.
    #[serde(default)]
    pub facts: HostFacts,
}

/// A task as it was done first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskReport {
    /// Its id in the plan.
    pub id: String,
    /// The ids of those that had to end before.
    pub after: Vec<String>,
    /// Which worker did it.
    pub worker: String,
    /// When it began, in seconds since the tasks were handed over.
    pub start: f64,
    /// When it had ended.
    pub end: f64,
}

/// What the tasks of one kind took on all workers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KindReport {
    /// Their kind.
    pub kind: String,
    /// How many.
    pub tasks: usize,
    /// Seconds from the first's beginning to the last's end.
    pub wall_seconds: f64,
    /// Sum of their own seconds.
    pub seconds: f64,
    /// Sum of their CPU seconds.
    pub cpu_seconds: f64,
    /// Bytes that they read.
    pub read_bytes: u64,
    /// Bytes that they wrote.
    pub written_bytes: u64,
}

/// Where the time of all workers went, in seconds of slots; the four are all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// A task ran, from start to end.
    pub running: f64,
    /// No task ran, and one could have: the scheduler had not given it yet.
    pub waiting_for_scheduler: f64,
    /// No task ran, because all that were left waited for tasks of other workers.
    pub waiting_for_tasks: f64,
    /// No task ran, because all had begun, and the last had not ended.
    pub tail: f64,
}

impl Display for Split {
    /// As shares.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Split { running, waiting_for_scheduler, waiting_for_tasks, tail } = *self;
        let all = running + waiting_for_scheduler + waiting_for_tasks + tail;
        let share = |part: f64| format!("{:.1} %", if all > 0.0 { 100.0 * part / all } else { 0.0 });
        let (running, by_scheduler) = (share(running), share(waiting_for_scheduler));
        let (by_others, tail) = (share(waiting_for_tasks), share(tail));
        write!(
            f,
            "tasks {running}, waiting for the scheduler {by_scheduler}, for other tasks {by_others}, for the last {tail}"
        )
    }
}

/// A task on a worker, from its beginning to its end, however it ended.
#[derive(Clone, Debug, PartialEq)]
struct Span {
    task: String,
    worker: String,
    start: f64,
    end: f64,
}

/// What is known of a run so far.
#[derive(Debug)]
pub(super) struct Account {
    after: BTreeMap<String, Vec<String>>,
    /// The tasks as the plan has them, those that have ended with what is known of them.
    tasks: Vec<TaskReport>,
    /// Where a task is among them.
    places: BTreeMap<String, usize>,
    workers: BTreeMap<String, WorkerReport>,
    /// Of a task on a worker, when it began.
    running: BTreeMap<(String, String), f64>,
    spans: Vec<Span>,
    /// When a task ended first.
    ended: BTreeMap<String, f64>,
    kinds: BTreeMap<Kind, KindReport>,
    /// When the first task of a kind began.
    begun: BTreeMap<Kind, f64>,
    /// Tasks that were whole before the run.
    pub(super) already: usize,
    /// Processes that were killed.
    pub(super) killed: usize,
    /// Files that were written or read, each with when that had ended.
    pub(super) moved: Vec<(String, f64, Moved)>,
}

impl Account {
    /// Of tasks that are left, when so many others were done before.
    pub(super) fn of(tasks: &[Handed], already: usize) -> Account {
        let listed =
            |task: &Handed| TaskReport { id: task.id.clone(), after: task.after.clone(), ..TaskReport::default() };
        Account {
            after: tasks.iter().map(|task| (task.id.clone(), task.after.clone())).collect(),
            tasks: tasks.iter().map(listed).collect(),
            places: tasks.iter().enumerate().map(|(place, task)| (task.id.clone(), place)).collect(),
            workers: BTreeMap::new(),
            running: BTreeMap::new(),
            spans: Vec::new(),
            ended: BTreeMap::new(),
            kinds: BTreeMap::new(),
            begun: BTreeMap::new(),
            already,
            killed: 0,
            moved: Vec::new(),
        }
    }

    /// Takes note of an event.
    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::Worker { name, host, build, slots, cpus, facts } => {
                let new = WorkerReport { name: name.clone(), ..WorkerReport::default() };
                let worker = self.workers.entry(name.clone()).or_insert(new);
                worker.host.clone_from(host);
                worker.build.clone_from(build);
                worker.cpus.clone_from(cpus);
                worker.facts.clone_from(facts);
                worker.slots = *slots;
            }
            Event::Started { task, worker, at } => {
                self.running.insert((task.clone(), worker.clone()), *at);
            }
            Event::Killed { task, worker, at, .. } => {
                self.killed += 1;
                self.stop(task, worker, *at);
            }
            Event::Ended { task, worker, at, figures: Said::Task(figures) } => self.end(task, worker, *at, figures),
            Event::Ended { task, worker, at, figures: Said::Moved(moved) } => {
                self.stop(task, worker, *at);
                if self.ended.insert(task.clone(), *at).is_none() {
                    self.moved.push((task.clone(), *at, moved.clone()));
                }
            }
            Event::Lost { worker, at } => {
                if let Some(report) = self.workers.get_mut(worker) {
                    report.lost = true;
                }
                let tasks: Vec<_> = self.running.keys().filter(|(_, on)| on == worker).cloned().collect();
                for (task, worker) in &tasks {
                    self.stop(task, worker, *at);
                }
            }
            Event::Alive
            | Event::Scheduler { .. }
            | Event::Queued { .. }
            | Event::Ready
            | Event::Failed { .. }
            | Event::Done => {}
        }
    }

    fn stop(&mut self, task: &str, worker: &str, end: f64) -> Option<f64> {
        let start = self.running.remove(&(task.to_owned(), worker.to_owned()))?;
        self.spans.push(Span { task: task.to_owned(), worker: worker.to_owned(), start, end });
        Some(start)
    }

    fn end(&mut self, task: &str, worker: &str, at: f64, figures: &Figures) {
        let start = self.stop(task, worker, at).unwrap_or(at);
        let again = self.ended.contains_key(task);
        self.ended.entry(task.to_owned()).or_insert(at);
        let name = worker.to_owned();
        let worker =
            self.workers.entry(name.clone()).or_insert_with(|| WorkerReport { name, ..WorkerReport::default() });
        worker.cpu_seconds += figures.cpu_seconds;
        worker.peak_bytes = worker.peak_bytes.max(figures.peak_bytes);
        worker.read_bytes += figures.read_bytes;
        worker.written_bytes += figures.written_bytes;
        // What another worker had done, and Dask asked for again when that one was lost.
        if again {
            return;
        }
        worker.tasks += 1;
        worker.rows += figures.rows;
        if let Some(&place) = self.places.get(task) {
            let report = &mut self.tasks[place];
            (report.worker, report.start, report.end) = (worker.name.clone(), start, at);
        }
        self.already += usize::from(figures.already);
        let begun = self.begun.entry(figures.kind).or_insert(start);
        *begun = begun.min(start);
        let report = self.kinds.entry(figures.kind).or_default();
        figures.kind.name().clone_into(&mut report.kind);
        report.tasks += 1;
        report.wall_seconds = at - *begun;
        report.seconds += figures.seconds;
        report.cpu_seconds += figures.cpu_seconds;
        report.read_bytes += figures.read_bytes;
        report.written_bytes += figures.written_bytes;
    }

    /// Tasks that have ended.
    pub(super) fn done(&self) -> usize {
        self.ended.len()
    }

    /// What runs where, as a sentence tells it.
    pub(super) fn under_way(&self) -> String {
        let begun: BTreeSet<&str> = self.running.keys().map(|(task, _)| task.as_str()).collect();
        let has_ended = |task: &String| self.ended.contains_key(task);
        let waits = |&(task, after): &(&String, &Vec<String>)| {
            !has_ended(task) && !begun.contains(task.as_str()) && after.iter().all(has_ended)
        };
        let waiting = self.after.iter().filter(waits).map(|(task, _)| format!("{task} not begun"));
        let running = self.running.keys().map(|(task, worker)| format!("{task} on {worker}"));
        format!("under way: {}", running.chain(waiting).collect::<Vec<_>>().join(", "))
    }

    /// Seconds from handing over the tasks to the end of the last.
    pub(super) fn seconds(&self) -> f64 {
        self.ended.values().copied().fold(0.0, f64::max)
    }

    /// Each task, in the order of the plan.
    pub(super) fn tasks(&self) -> Vec<TaskReport> {
        self.tasks.clone()
    }

    /// What each worker did.
    pub(super) fn workers(&self) -> Vec<WorkerReport> {
        let end = self.seconds();
        let idle = |worker: &WorkerReport| {
            let own = self.spans.iter().filter(|span| span.worker == worker.name);
            let busy: f64 = own.map(|span| span.end.min(end) - span.start).sum();
            (end * worker.slots as f64 - busy).max(0.0)
        };
        self.workers.values().map(|worker| WorkerReport { idle_seconds: idle(worker), ..worker.clone() }).collect()
    }

    /// What the tasks of each kind took, in the order of the work.
    pub(super) fn kinds(&self) -> Vec<KindReport> {
        self.kinds.values().cloned().collect()
    }

    /// Where the time of all slots went.
    pub(super) fn split(&self) -> Split {
        let slots = self.workers.values().map(|worker| worker.slots).sum();
        let tasks: Vec<_> = self.after.keys().map(|task| self.waited(task)).collect();
        split(&self.spans, &tasks, slots, self.seconds())
    }

    /// Of a task, from when it could run to when it first did.
    fn waited(&self, task: &str) -> (f64, f64) {
        let ends = self.after[task].iter().filter_map(|other| self.ended.get(other));
        let starts = self.spans.iter().filter(|span| span.task == task).map(|span| span.start);
        (ends.copied().fold(0.0, f64::max), starts.fold(f64::INFINITY, f64::min))
    }
}

/// Where the time of slots went, from 0 to `end`; of the tasks is known from when to when they waited for a slot.
fn split(spans: &[Span], tasks: &[(f64, f64)], slots: usize, end: f64) -> Split {
    let spans_ends = spans.iter().flat_map(|span| [span.start, span.end]);
    let mut times: Vec<f64> = spans_ends.chain(tasks.iter().flat_map(|&(from, to)| [from, to])).collect();
    times.extend([0.0, end]);
    times.retain(|time| (0.0..=end).contains(time));
    times.sort_by(f64::total_cmp);
    let mut split = Split::default();
    for (&from, &to) in times.iter().zip(times.iter().skip(1)) {
        let busy = spans.iter().filter(|span| span.start <= from && from < span.end).count().min(slots);
        let ready = tasks.iter().filter(|(since, start)| *since <= from && from < *start).count();
        let left = tasks.iter().any(|(_, start)| *start > from);
        let idle = slots - busy;
        let by_scheduler = idle.min(ready);
        let by_others = if left { idle - by_scheduler } else { 0 };
        let seconds = to - from;
        split.running += seconds * busy as f64;
        split.waiting_for_scheduler += seconds * by_scheduler as f64;
        split.waiting_for_tasks += seconds * by_others as f64;
        split.tail += seconds * (idle - by_scheduler - by_others) as f64;
    }
    split
}

/// Why a run on these workers is no distributed result; `None` where it is one.
pub(super) fn not_distributed(workers: &[WorkerReport], already: usize) -> Option<String> {
    if let [only] = workers {
        return Some(format!("worker {} was the only one", only.name));
    }
    if let Some(idle) = workers.iter().find(|worker| worker.tasks == 0) {
        return Some(format!("worker {} did nothing", idle.name));
    }
    if let Some(lost) = workers.iter().find(|worker| worker.lost) {
        return Some(format!("worker {} was lost", lost.name));
    }
    if already > 0 {
        return Some(format!("{already} tasks had been done before"));
    }
    if let Some((host, cpu)) = shared(workers) {
        return Some(format!("workers share CPU {cpu} of {host}"));
    }
    let mean = workers.iter().map(|worker| worker.cpu_seconds).sum::<f64>() / workers.len() as f64;
    let least = workers.iter().min_by(|one, other| one.cpu_seconds.total_cmp(&other.cpu_seconds))?;
    let share = least.cpu_seconds / mean;
    (share < LEAST_SHARE).then(|| {
        format!(
            "worker {} had {:.2} CPU seconds, {:.0} % of the mean of {:.2}, and {:.0} % are wanted",
            least.name,
            least.cpu_seconds,
            100.0 * share,
            mean,
            100.0 * LEAST_SHARE
        )
    })
}

/// A CPU that more than one worker keeps to.
fn shared(workers: &[WorkerReport]) -> Option<(&str, u32)> {
    let mut seen = BTreeSet::new();
    let cpus = workers.iter().flat_map(|worker| worker.cpus.iter().map(|&cpu| (worker.host.as_str(), cpu)));
    cpus.into_iter().find(|&cpu| !seen.insert(cpu))
}

#[cfg(test)]
mod tests;
