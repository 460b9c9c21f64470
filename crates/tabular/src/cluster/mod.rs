//! The tasks of `bucketed` on a scheduler of Dask: who starts the driver, hears it, and counts who did what.
//!
//! What is on this host ends with this process, whatever happens to it, and each wait has a limit; driver.py says how.

mod account;
mod environment;
mod group;
mod placement;
mod process;
mod report;
pub mod scaling;
pub mod storage;
pub mod transfer;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use crate::Error;
use crate::build_info::LONG_VERSION;
use crate::pipeline::tasks::{Task, Work};
use crate::pipeline::{self, Job};

pub use account::{KindReport, Split, TaskReport, WorkerReport};
pub use report::Report;
pub use wire::{HostFacts, Moved};

use account::Account;
use process::Driver;
use report::{Frame, Host};
use wire::{Event, Handed, Pinned, Request, Workers};

/// What this program calls itself before its version.
const NAME: &str = "hostproof features";
/// The subcommand that does tasks of a plan, one after the other.
const TASKS: &[&str] = &["tasks"];
/// The same, where each task's files are to be on the disk when it has ended.
const DURABLE_TASKS: &[&str] = &["tasks", "--durable"];
/// Where Dask puts what it needs, in the work folder.
const SCRATCH: &str = "cluster";
/// How often a task is tried again whose process or worker was killed.
const RETRIES: u32 = 2;
/// Most workers of one host, and most nodes of Slurm's.
const MOST_WORKERS: usize = 1024;
/// How long it may take until the tasks can be handed over; the driver's own limits are shorter.
const START: Duration = Duration::from_mins(5);

/// Who does the tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cluster {
    /// A scheduler of Dask that runs already, at this address.
    Scheduler(String),
    /// Worker processes of this host.
    Local(usize),
    /// Workers on so many nodes that Slurm gives, one for each of their NUMA nodes.
    Slurm(usize),
}

impl Cluster {
    /// Whether its workers live for one run alone.
    fn is_own(&self) -> bool {
        !matches!(self, Cluster::Scheduler(_))
    }

    /// What its workers start for the tasks of a plan. On one host what a task has written is there for the others, and its sums
    /// tell whether it is whole. Over a network it may be refused later, as by a full disk: so a task waits for that.
    fn tasks(&self) -> &'static [&'static str] {
        match self {
            Cluster::Local(_) => TASKS,
            Cluster::Scheduler(_) | Cluster::Slurm(_) => DURABLE_TASKS,
        }
    }
}

impl FromStr for Cluster {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        if let Some(workers) = typed.strip_prefix("local:") {
            return count(workers, "`local:` takes a number of workers").map(Cluster::Local);
        }
        if let Some(nodes) = typed.strip_prefix("slurm:") {
            return count(nodes, "`slurm:` takes a number of nodes").map(Cluster::Slurm);
        }
        let is_address = ["tcp://", "tls://"].iter().any(|scheme| {
            let host_and_port = typed.strip_prefix(scheme).and_then(|rest| rest.rsplit_once(':'));
            host_and_port.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
        });
        if is_address {
            return Ok(Cluster::Scheduler(typed.to_owned()));
        }
        Err("expected local:WORKERS, slurm:NODES, or a scheduler of Dask as tcp://HOST:PORT or tls://HOST:PORT"
            .to_owned())
    }
}

fn count(typed: &str, what: &str) -> Result<usize, String> {
    let parsed = typed.parse().ok().filter(|count| (1..=MOST_WORKERS).contains(count));
    parsed.ok_or_else(|| format!("{what} from 1 to {MOST_WORKERS}"))
}

impl Display for Cluster {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Cluster::Scheduler(address) => f.write_str(address),
            Cluster::Local(workers) => write!(f, "local:{workers}"),
            Cluster::Slurm(nodes) => write!(f, "slurm:{nodes}"),
        }
    }
}

/// How the tasks are done.
#[derive(Clone, Debug)]
pub struct Options {
    /// By whom.
    pub cluster: Cluster,
    /// A Python with Dask for the driver; else one with pinned versions is made, once.
    pub python: Option<PathBuf>,
    /// Where workers have this program, if not at the path that it has here.
    pub program: Option<PathBuf>,
    /// How many workers work: of a scheduler the first by name, of this host so many of equal size; all where that is not said.
    pub workers: Option<usize>,
    /// How long no task may end before the run does.
    pub stall: Duration,
}

/// What is told while the tasks are done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// What a person may want to know.
    Note(String),
    /// How many tasks have ended.
    Progress {
        /// These.
        done: usize,
        /// Of these.
        tasks: usize,
    },
}

/// A folder of this host's that Dask writes to; it is gone at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn create(work: &Path) -> Result<Scratch, Error> {
        let path = work.join(SCRATCH);
        if path.exists() {
            // Of a run that was killed.
            fs::remove_dir_all(&path).map_err(|error| Error::io("cannot remove", &path, error))?;
        }
        fs::create_dir(&path).map_err(|error| Error::io("cannot create", &path, error))?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed goes with the work folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Does a job of the mode `bucketed` by workers of Dask; `tell` hears how far it is.
///
/// # Errors
///
/// If there is no Python with Dask, no scheduler or worker answers, a worker has other versions or another build, a task failed,
/// no task ended for too long, or the job cannot begin or be ended.
pub fn run(options: &Options, job: &Job, tell: &mut dyn FnMut(Told)) -> Result<Report, Error> {
    let mut ended = None;
    let rows = pipeline::run_tasks(job, |work| -> Result<(), Error> {
        let done = carry_out(options, work, tell)?;
        ended = Some((done, Instant::now()));
        Ok(())
    })?;
    let (done, since) = ended.ok_or_else(|| Error::Cluster("no task was handed over".to_owned()))?;
    let save_seconds = since.elapsed().as_secs_f64();
    let (cluster, saved) = (options.cluster.to_string(), machine::Clock::now());
    let frame = Frame { cluster, cache: job.cache, rows, save_seconds, saved };
    Ok(Report::new(frame, &done.account, done.host))
}

/// Has the tasks done that are missing.
fn carry_out(options: &Options, work: &Work, tell: &mut dyn FnMut(Told)) -> Result<Done, Error> {
    let tasks = missing(work);
    let already = work.plan().tasks.len() - tasks.len();
    Session { command: options.cluster.tasks(), work: work.folder(), tasks: &tasks, already }.hold(options, tell)
}

/// How many workers a cluster has, each of which sees an empty folder.
///
/// # Errors
///
/// If the scheduler or a worker cannot be asked, or is not as [`run`] wants it.
pub fn count_workers(options: &Options, folder: &Path) -> Result<usize, Error> {
    if let Cluster::Local(workers) = options.cluster {
        return Ok(workers);
    }
    storage::order(folder, 0)?;
    let all = Options { workers: None, ..options.clone() };
    let session = Session { command: TASKS, work: folder, tasks: &[], already: 0 };
    Ok(session.hold(&all, &mut |_| ())?.account.workers().len())
}

/// One start of a driver: what it hands over.
struct Session<'a> {
    /// The subcommand that does tasks, with its options.
    command: &'static [&'static str],
    /// The folder with the plan, which all workers see.
    work: &'a Path,
    tasks: &'a [Handed],
    /// Tasks of the plan that were done before.
    already: usize,
}

impl Session<'_> {
    /// Starts the driver and hears it until all tasks have ended.
    fn hold(&self, options: &Options, tell: &mut dyn FnMut(Told)) -> Result<Done, Error> {
        let python = environment::find(options.python.as_deref(), &mut |text| tell(Told::Note(text.to_owned())))?;
        let scratch = Scratch::create(self.work)?;
        let program = match &options.program {
            Some(program) => environment::absolute(program)?,
            None => {
                std::env::current_exe().map_err(|error| Error::io("cannot find", Path::new("/proc/self/exe"), error))?
            }
        };
        let folder = fs::canonicalize(self.work).map_err(|error| Error::io("cannot find", self.work, error))?;
        let request = Request {
            cluster: workers_of(options)?,
            program: &program,
            build: &format!("{NAME} {LONG_VERSION}").split_whitespace().collect::<Vec<_>>().join(" "),
            command: self.command,
            workers: options.workers,
            work: &folder,
            scratch: &folder.join(SCRATCH),
            tasks: self.tasks,
            retries: RETRIES,
        };
        let begun = Instant::now();
        let driver = Driver::start(&python, &request, &scratch.0, options.cluster.is_own())?;
        let account = Account::of(self.tasks, self.already);
        let follow = Follow { driver, account, tasks: self.tasks.len(), host: Host::default(), tell };
        follow.until_the_end(options.stall, begun)
    }
}

/// The tasks that are left, each with those that it waits for: also by way of some that are done.
fn missing(work: &Work) -> Vec<Handed> {
    let left: BTreeSet<&str> = work.missing().iter().map(|task| task.id.as_str()).collect();
    left_of(&work.plan().tasks, &left)
}

fn left_of(tasks: &[Task], left: &BTreeSet<&str>) -> Vec<Handed> {
    // Of each task that is left or done: what of the first stands for it.
    let mut stands: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut handed = Vec::new();
    for task in tasks {
        let after: BTreeSet<&str> = task.after.iter().flat_map(|id| stands[id.as_str()].iter().copied()).collect();
        if left.contains(task.id.as_str()) {
            let after = after.iter().map(|&id| id.to_owned()).collect();
            handed.push(Handed { id: task.id.clone(), after, on: None });
            stands.insert(&task.id, BTreeSet::from([task.id.as_str()]));
        } else {
            stands.insert(&task.id, after);
        }
    }
    handed
}

/// The workers that the driver finds or starts.
fn workers_of(options: &Options) -> Result<Workers, Error> {
    match &options.cluster {
        Cluster::Scheduler(address) => Ok(Workers::Scheduler(address.clone())),
        Cluster::Local(workers) => {
            let all = placement::local(*workers)?;
            let cpus = match options.workers {
                None => all,
                Some(count) => placement::same_size(all).into_iter().take(count).collect(),
            };
            let list = |cpus: &machine::CpuSet| cpus.iter().map(|cpu| cpu.to_string()).collect::<Vec<_>>().join(",");
            Ok(Workers::Own { workers: cpus.iter().map(|cpus| Pinned { cpus: list(cpus) }).collect() })
        }
        Cluster::Slurm(nodes) => Ok(Workers::Slurm { slurm_nodes: *nodes }),
    }
}

/// What came of the tasks.
struct Done {
    account: Account,
    host: Host,
}

/// Hears a driver until it is done.
struct Follow<'a> {
    driver: Driver,
    account: Account,
    tasks: usize,
    host: Host,
    tell: &'a mut dyn FnMut(Told),
}

impl Follow<'_> {
    /// Ends when all tasks have, or with a reason.
    fn until_the_end(mut self, stall: Duration, begun: Instant) -> Result<Done, Error> {
        let (mut last, mut is_ready, mut queued) = (begun, false, String::new());
        loop {
            let event = self.driver.next()?;
            self.account.note(&event);
            match event {
                Event::Ready => {
                    is_ready = true;
                    self.host.start_seconds = begun.elapsed().as_secs_f64();
                    self.host.handed_over = machine::Clock::now();
                    last = Instant::now();
                }
                Event::Ended { .. } => {
                    last = Instant::now();
                    (self.tell)(Told::Progress { done: self.account.done(), tasks: self.tasks });
                }
                Event::Queued { why } => {
                    last = Instant::now();
                    if why != queued {
                        (self.tell)(Told::Note(format!("waits for Slurm to begin job {why}")));
                        queued = why;
                    }
                }
                Event::Done => break,
                other => self.hear(other)?,
            }
            let limit = if is_ready { stall } else { START };
            if last.elapsed() > limit {
                let what = if is_ready { "no task ended" } else { "the cluster was not ready" };
                let seconds = limit.as_secs_f64();
                return Err(Error::Cluster(format!("{what} for {seconds} s; {}", self.account.under_way())));
            }
        }
        if self.account.done() < self.tasks {
            let done = self.account.done();
            return Err(Error::Cluster(format!("the driver says all is done, and {done} of {} tasks are", self.tasks)));
        }
        Ok(Done { account: self.account, host: self.host })
    }

    fn hear(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Scheduler { address, dashboard, dask, python } => {
                let page = dashboard.map(|link| format!(", its page {link}")).unwrap_or_default();
                (self.tell)(Told::Note(format!("scheduler of Dask {dask} at {address}{page}")));
                (self.host.address, self.host.dask, self.host.python) = (address, dask, python);
            }
            Event::Killed { task, worker, reason, .. } => {
                (self.tell)(Told::Note(format!("{task} on worker {worker} {reason}, and is tried again")));
            }
            Event::Lost { worker, .. } => {
                (self.tell)(Told::Note(format!("worker {worker} is lost; others do its tasks")));
            }
            Event::Failed { reason, task, worker } => {
                let at = worker.map(|worker| format!(" on worker {worker}")).unwrap_or_default();
                let what = task.map(|task| format!("{task}{at}: ")).unwrap_or_default();
                return Err(Error::Cluster(format!("{what}{reason}")));
            }
            Event::Alive
            | Event::Queued { .. }
            | Event::Worker { .. }
            | Event::Ready
            | Event::Started { .. }
            | Event::Ended { .. }
            | Event::Done => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::tasks::Kind;

    #[test]
    fn a_cluster_is_named_by_its_workers_or_its_address() {
        let check = |typed: &str, expect: Option<Cluster>| {
            let parsed = typed.parse::<Cluster>();
            assert_eq!(parsed.as_ref().ok(), expect.as_ref(), "{typed}: {parsed:?}");
            if let Ok(cluster) = parsed {
                assert_eq!(cluster.to_string(), typed);
            }
        };
        check("local:1", Some(Cluster::Local(1)));
        check("local:16", Some(Cluster::Local(16)));
        check("slurm:4", Some(Cluster::Slurm(4)));
        for address in ["tcp://node1:8786", "tls://10.0.0.1:8786", "tcp://[fe80::1]:8786"] {
            check(address, Some(Cluster::Scheduler(address.to_owned())));
        }
        for other in [
            "",
            "local",
            "local:0",
            "local:x",
            "local:2000",
            "slurm",
            "slurm:0",
            "node1:8786",
            "tcp://node1",
            "tcp://:1",
            "tcp://a:0",
        ] {
            check(other, None);
        }
    }

    #[test]
    fn tasks_wait_for_what_is_left_also_behind_tasks_that_are_done() {
        let task = |kind: Kind, after: &[&str]| Task {
            id: kind.id(0),
            kind,
            part: 0,
            after: after.iter().map(|&id| id.to_owned()).collect(),
        };
        let tasks = [
            task(Kind::Scan, &[]),
            task(Kind::Merge, &["scan-00000"]),
            task(Kind::T08, &["merge-00000"]),
            task(Kind::Rows, &["merge-00000", "t08-00000"]),
        ];
        let check = |left: &[&str], expect: &[(&str, &[&str])]| {
            let handed = left_of(&tasks, &left.iter().copied().collect());
            let told: Vec<_> = handed
                .iter()
                .map(|task| (task.id.as_str(), task.after.iter().map(String::as_str).collect::<Vec<_>>()))
                .collect();
            let expect: Vec<_> = expect.iter().map(|(id, after)| (*id, after.to_vec())).collect();
            assert_eq!(told, expect, "{left:?}");
        };
        check(&["scan-00000", "t08-00000"], &[("scan-00000", &[]), ("t08-00000", &["scan-00000"])]);
        check(&["rows-00000"], &[("rows-00000", &[])]);
        check(
            &["merge-00000", "t08-00000", "rows-00000"],
            &[("merge-00000", &[]), ("t08-00000", &["merge-00000"]), ("rows-00000", &["merge-00000", "t08-00000"])],
        );
    }
}
