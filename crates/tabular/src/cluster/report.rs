//! What a run on a cluster took, for programs and for people.

use measure::{Interval, Quantity, Unit};
use serde::{Deserialize, Serialize};

use super::account::{Account, KindReport, Split, TaskReport, WorkerReport, not_distributed};
use crate::pipeline::{Cache, Mode};

/// What the driver told of scheduler and start.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    pub(super) address: String,
    pub(super) dask: String,
    pub(super) python: String,
    pub(super) start_seconds: f64,
    /// When the tasks were handed over, on the clock of the run.
    pub(super) handed_over: u64,
}

/// What a run on a cluster took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// How the work is cut: always `bucketed`.
    pub mode: Mode,
    /// What was asked for: `local:2`, `tcp://…`.
    pub cluster: String,
    /// The address of the scheduler.
    pub scheduler: String,
    /// The version of Dask, the same on all hosts.
    pub dask: String,
    /// The version of the driver's Python.
    pub python: String,
    /// From the disk or from memory, on the host of the driver.
    pub cache: Cache,
    /// Rows of `events`.
    pub rows: u64,
    /// Seconds until the workers could be asked; not counted.
    pub start_seconds: f64,
    /// Seconds from handing over the tasks to the end of the last.
    pub tasks_seconds: f64,
    /// Seconds that the driver's host took to bring the result to the disk: its names, and what the tasks had not brought there.
    pub save_seconds: f64,
    /// Tasks.
    pub tasks: usize,
    /// Tasks that were whole before the run.
    pub already: usize,
    /// Processes of tasks that were killed, and tried again.
    pub killed: usize,
    /// Whether each worker did its part, so that the time is one of all of them.
    pub distributed: bool,
    /// Why not.
    pub why_not: Option<String>,
    /// Each worker.
    pub workers: Vec<WorkerReport>,
    /// Each kind of task.
    pub kinds: Vec<KindReport>,
    /// Where the time of the workers' slots went.
    pub split: Split,
    /// Each task, in the order of the plan.
    #[serde(default)]
    pub done: Vec<TaskReport>,
    /// From handing over the tasks to the saved result, on the clock of the host.
    #[serde(default)]
    pub interval: Interval,
}

/// What a report has from the run itself.
pub(super) struct Frame {
    pub(super) cluster: String,
    pub(super) cache: Cache,
    pub(super) rows: u64,
    pub(super) save_seconds: f64,
    /// When the result was saved, on the clock of the run.
    pub(super) saved: u64,
}

impl Report {
    pub(super) fn new(frame: Frame, account: &Account, host: Host) -> Report {
        let workers = account.workers();
        let why_not = not_distributed(&workers, account.already);
        Report {
            mode: Mode::Bucketed,
            cluster: frame.cluster,
            scheduler: host.address,
            dask: host.dask,
            python: host.python,
            cache: frame.cache,
            rows: frame.rows,
            start_seconds: host.start_seconds,
            tasks_seconds: account.seconds(),
            save_seconds: frame.save_seconds,
            tasks: account.done(),
            already: account.already,
            killed: account.killed,
            distributed: why_not.is_none(),
            why_not,
            kinds: account.kinds(),
            split: account.split(),
            done: account.tasks(),
            interval: Interval::new(host.handed_over, frame.saved),
            workers,
        }
    }

    /// Wall time in seconds, without the start.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.tasks_seconds + self.save_seconds
    }

    /// As a person reads it.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{:12} {:>5} {:>10} {:>10} {:>10} {:>10} {:>10}",
            "kind", "tasks", "wall", "sum", "CPU", "read", "written"
        )];
        lines.extend(self.kinds.iter().map(kind_line));
        lines.push(String::new());
        lines.push(format!(
            "{:16} {:16} {:>8} {:>5} {:>10} {:>10} {:>10} {:>10} {:>10}",
            "worker", "host", "CPUs", "tasks", "CPU", "idle", "read", "written", "peak"
        ));
        lines.extend(self.workers.iter().map(worker_line));
        lines.push(String::new());
        lines.push(format!("time of the workers: {}", self.split));
        lines.push(match &self.why_not {
            None => format!("a distributed result: {} workers did their part", self.workers.len()),
            Some(why) => format!("not a distributed result: {why}"),
        });
        lines.push(format!(
            "{} rows in {} ({} on {}, Dask {}, cache {:?}; its start took {})",
            self.rows,
            seconds(self.seconds()),
            self.mode.name(),
            self.cluster,
            self.dask,
            self.cache,
            seconds(self.start_seconds),
        ));
        lines
    }
}

fn kind_line(kind: &KindReport) -> String {
    format!(
        "{:12} {:>5} {:>10} {:>10} {:>10} {:>10} {:>10}",
        kind.kind,
        kind.tasks,
        seconds(kind.wall_seconds),
        seconds(kind.seconds),
        seconds(kind.cpu_seconds),
        bytes(kind.read_bytes),
        bytes(kind.written_bytes),
    )
}

fn worker_line(worker: &WorkerReport) -> String {
    let cpus: machine::CpuSet = worker.cpus.iter().copied().collect();
    format!(
        "{:16} {:16} {:>8} {:>5} {:>10} {:>10} {:>10} {:>10} {:>10}{}",
        worker.name,
        worker.host,
        cpus.to_string(),
        worker.tasks,
        seconds(worker.cpu_seconds),
        seconds(worker.idle_seconds),
        bytes(worker.read_bytes),
        bytes(worker.written_bytes),
        worker.peak_bytes.map_or_else(|| "unknown".to_owned(), bytes),
        if worker.lost { "  lost" } else { "" },
    )
}

fn seconds(value: f64) -> String {
    Quantity::new(value, Unit::Second).to_string()
}

fn bytes(value: u64) -> String {
    Quantity::new(value as f64, Unit::Byte).to_string()
}
