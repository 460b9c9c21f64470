//! Runs on a cluster of this host: started with a mark in their environment, ended within a limit, and looked for afterwards.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

#[path = "faulty.rs"]
mod faulty;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tabular::generate::{self, Config};
use tabular::verify::{self, Options};

/// What is in the environment of all processes of a case, with a value of its own.
const MARK: &str = "HOSTPROOF_TEST_MARK";
/// No run of these tests takes so long, also beside others.
const LIMIT: Duration = Duration::from_mins(4);
/// How long the kernel may take to end processes that were killed: less than Dask's own workers wait for a scheduler that is gone.
const DYING: Duration = Duration::from_mins(1);
/// What a run says where the environment of the driver cannot be made.
const NO_PYTHON: &str = "the driver needs Python with Dask";

/// Input, result and processes of a test.
pub struct Case {
    folder: tempfile::TempDir,
    own: tempfile::TempDir,
    mark: String,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub said: String,
    pub printed: String,
}

impl Case {
    /// With data of some thousand rows in several files, each a piece.
    pub fn new() -> Case {
        Case::with(|data| Config { rows: 25_000, row_group_rows: 150, ..Config::smoke(data) })
    }

    /// With other data.
    pub fn with(config: impl Fn(PathBuf) -> Config) -> Case {
        let (folder, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        generate::generate(&config(folder.path().join("data")), &|_| ()).unwrap();
        let mark = own.path().display().to_string();
        Case { folder, own, mark }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of the test's own, apart from input and result.
    pub fn own(&self, name: &str) -> PathBuf {
        self.own.path().join(name)
    }

    /// A program for workers that does what goes wrong before a task, and hands it to the real one.
    pub fn faulty(&self, fault: &str) -> PathBuf {
        faulty::program(self.own.path(), fault, "")
    }

    /// As `faulty`, with what goes wrong when a worker has the answer.
    pub fn faulty_after(&self, fault: &str) -> PathBuf {
        faulty::program(self.own.path(), "", fault)
    }

    /// A command whose processes carry the mark; what it prints goes to files.
    pub fn marked(&self, program: impl AsRef<Path>, name: &str) -> Command {
        self.marked_at(&Place::here(), program, name)
    }

    fn marked_at(&self, place: &Place, program: impl AsRef<Path>, name: &str) -> Command {
        let mut words = place.before.iter().map(OsStr::new).chain([program.as_ref().as_os_str()]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words);
        let file = |what: &str| File::create(self.own(&format!("{name}.{what}"))).unwrap();
        command.env(MARK, &self.mark).stdin(Stdio::null()).stdout(file("out")).stderr(file("err"));
        command
    }

    /// `run --mode bucketed` with more arguments.
    pub fn start(&self, more: &[&str]) -> Child {
        self.start_to(&self.path("result"), more)
    }

    fn start_to(&self, out: &Path, more: &[&str]) -> Child {
        self.start_at(&Place::here(), out, more)
    }

    fn start_at(&self, place: &Place, out: &Path, more: &[&str]) -> Child {
        let mut command = self.marked_at(place, env!("CARGO_BIN_EXE_hostproof-tabular"), "run");
        command.arg("run").arg("--in").arg(self.path("data")).arg("--out").arg(out);
        command.args(["--mode", "bucketed", "--cache", "warm", "--json"]).args(more).spawn().unwrap()
    }

    /// Waits for the end of a run, and ends it and the test where it does not come.
    pub fn end(&self, mut run: Child) -> Ended {
        let since = Instant::now();
        let status = loop {
            match run.try_wait().unwrap() {
                Some(status) => break status,
                None if since.elapsed() < LIMIT => sleep(Duration::from_millis(10)),
                None => self.give_up("the run did not end"),
            }
        };
        let text = |what: &str| String::from_utf8_lossy(&fs::read(self.own(what)).unwrap()).into_owned();
        Ended { code: status.code(), said: text("run.err"), printed: text("run.out") }
    }

    /// Runs on a cluster; none where there is no Python with Dask, which is said.
    pub fn run(&self, more: &[&str]) -> Option<Ended> {
        self.run_to(&self.path("result"), more)
    }

    /// As `run`, with the result elsewhere.
    pub fn run_to(&self, out: &Path, more: &[&str]) -> Option<Ended> {
        let ended = self.end(self.start_to(out, more));
        if ended.said.contains(NO_PYTHON) {
            println!("nothing is run on a cluster: {}", ended.said.trim());
            return None;
        }
        Some(ended)
    }

    /// Runs on workers of this host with a fault.
    pub fn run_with(&self, workers: usize, fault: &str, more: &[&str]) -> Option<Ended> {
        let (cluster, program) = (format!("local:{workers}"), self.faulty(fault));
        self.run(&[&["--cluster", &cluster, "--program", program.to_str().unwrap()], more].concat())
    }

    /// The Python of the driver, which a run has made; none where it cannot be made, which is said.
    pub fn python(&self) -> Option<PathBuf> {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
        let find = || {
            let environments =
                fs::read_dir(cache.join("hostproof/python")).into_iter().flatten().filter_map(Result::ok);
            let is_this = |folder: &PathBuf| {
                let pins = fs::read_to_string(folder.join("requirements.txt")).unwrap_or_default();
                pins == include_str!("../../src/cluster/requirements.txt") && folder.join("hostproof-whole").exists()
            };
            Some(environments.map(|entry| entry.path()).find(is_this)?.join("bin/python"))
        };
        if let Some(python) = find() {
            return Some(python);
        }
        let ended = self.run_to(&self.own("first"), &["--cluster", "local:1"])?;
        assert_eq!(ended.code, Some(0), "{}", ended.said);
        find()
    }

    /// What comes within the limit.
    pub fn wait_for<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let since = Instant::now();
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            if since.elapsed() > LIMIT {
                self.give_up(&format!("{what} did not come"));
            }
            sleep(Duration::from_millis(10));
        }
    }

    /// Processes of this case, with their command lines.
    pub fn alive(&self) -> Vec<(Pid, String)> {
        let wanted = format!("{MARK}={}", self.mark);
        let mut alive = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw)
            else {
                continue;
            };
            // One that has ended has no environment any more.
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            if environment.split(|&byte| byte == 0).any(|variable| variable == wanted.as_bytes()) {
                let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                alive.push((pid, String::from_utf8_lossy(&line).replace('\0', " ").chars().take(300).collect()));
            }
        }
        alive
    }

    /// Waits until no process of this case is left but some.
    pub fn nothing_runs_but(&self, known: &[u32]) {
        let since = Instant::now();
        let others = || {
            let alive = self.alive().into_iter();
            alive.filter(|(pid, _)| !known.contains(&pid.as_raw_nonzero().get().cast_unsigned())).count()
        };
        while others() > 0 {
            if since.elapsed() > DYING {
                self.give_up("processes are left");
            }
            sleep(Duration::from_millis(10));
        }
    }

    /// Ends the test with what still runs, which is killed.
    pub fn give_up(&self, why: &str) -> ! {
        let alive = self.alive();
        self.kill_all();
        let log = |name: &str| fs::read_to_string(self.own(name)).unwrap_or_default();
        panic!("{why}; alive: {alive:#?}\nit said: {}\nit printed: {}", log("run.err"), log("run.out"));
    }

    pub fn kill_all(&self) {
        for (pid, _) in self.alive() {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Sees that nothing is left of a run: no process, and beside the input only its result, or what `--resume` goes on with.
    pub fn nothing_is_left(&self, result: &[&str]) {
        self.nothing_runs_but(&[]);
        let names = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let names: BTreeSet<_> = names.map(|name| name.into_string().unwrap()).collect();
        let expect: BTreeSet<_> = result.iter().chain(&["data"]).map(|&name| name.to_owned()).collect();
        assert_eq!(names, expect, "beside input and result");
    }

    /// Sees that the result is right; digest and nulls of each column.
    pub fn digests(&self) -> Vec<String> {
        let verified = verify::verify(&self.path("result"), &self.path("data"), &Options::default(), &|_| ()).unwrap();
        assert!(verified.is_full());
        verified.columns.iter().map(|column| format!("{} {} {:?}", column.name, column.nulls, column.digest)).collect()
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        self.kill_all();
    }
}

impl Ended {
    /// Sees that the run did its work; the report that it printed last.
    pub fn report(&self) -> serde_json::Value {
        assert_eq!(self.code, Some(0), "{}", self.said);
        let last = self.printed.lines().last().expect("a report");
        serde_json::from_str::<serde_json::Value>(last).unwrap()["report"].clone()
    }

    /// Sees that the run ended with a reason.
    pub fn failed(&self, words: &str) {
        assert_eq!(self.code, Some(2), "{}", self.said);
        let last = self.said.lines().rfind(|line| line.starts_with("error: ")).unwrap_or_default();
        assert!(last.contains(words), "{}", self.said);
    }
}

/// Where a process runs: what is started before it, and the address of that host.
#[derive(Clone, Debug)]
pub struct Place {
    pub before: Vec<String>,
    pub address: &'static str,
}

impl Place {
    /// This host.
    pub fn here() -> Place {
        Place { before: Vec::new(), address: "127.0.0.1" }
    }
}

/// A scheduler of Dask and workers as a person starts them; ended with the test.
pub struct Dask<'a> {
    case: &'a Case,
    pub python: PathBuf,
    pub scheduler: Child,
    workers: Vec<Child>,
    pub address: String,
}

impl Dask<'_> {
    /// A scheduler with so many workers; none where there is no Python with Dask. `patched` is run before the scheduler.
    pub fn start<'a>(case: &'a Case, workers: usize, patched: &str) -> Option<Dask<'a>> {
        let mut dask = Dask::start_at(case, &Place::here(), patched)?;
        for index in 0..workers {
            dask.add_worker(index);
        }
        Some(dask)
    }

    /// A scheduler somewhere, without workers.
    pub fn start_at<'a>(case: &'a Case, place: &Place, patched: &str) -> Option<Dask<'a>> {
        let python = case.python()?;
        let file = case.own("scheduler.json");
        let text = format!("{patched}\nfrom distributed.cli.dask_scheduler import main\nmain()");
        let mut command = case.marked_at(place, &python, "scheduler");
        command.args(["-c", &text, "--host", place.address, "--port", "0", "--dashboard-address", "127.0.0.1:0"]);
        let scheduler = command.arg("--scheduler-file").arg(&file).spawn().unwrap();
        let mut dask = Dask { case, python, scheduler, workers: Vec::new(), address: String::new() };
        dask.address = case.wait_for("the scheduler's file", || {
            let told: serde_json::Value = serde_json::from_slice(&fs::read(&file).ok()?).ok()?;
            told["address"].as_str().map(str::to_owned)
        });
        Some(dask)
    }

    pub fn add_worker(&mut self, index: usize) {
        self.add_worker_at(&Place::here(), index);
    }

    pub fn add_worker_at(&mut self, place: &Place, index: usize) {
        let mut command = self.case.marked_at(place, &self.python, &format!("worker-{index}"));
        command.args(["-m", "distributed.cli.dask_worker", &self.address, "--name", &format!("own-{index}")]);
        command.args(["--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--host", place.address]);
        command.args(["--dashboard-address", "127.0.0.1:0", "--local-directory"]).arg(self.case.own("scratch"));
        self.workers.push(command.spawn().unwrap());
    }

    pub fn ids(&self) -> Vec<u32> {
        self.workers.iter().chain([&self.scheduler]).map(Child::id).collect()
    }

    pub fn run(&self, fault: &str, more: &[&str]) -> Ended {
        self.run_at(&Place::here(), fault, more)
    }

    /// A run whose client is somewhere.
    pub fn run_at(&self, place: &Place, fault: &str, more: &[&str]) -> Ended {
        let (python, program) = (self.python.to_str().unwrap(), self.case.faulty(fault));
        let program = program.to_str().unwrap();
        let options = ["--cluster", &self.address, "--python", python, "--program", program];
        self.case.end(self.case.start_at(place, &self.case.path("result"), &[&options, more].concat()))
    }
}

impl Drop for Dask<'_> {
    fn drop(&mut self) {
        for child in self.workers.iter_mut().chain([&mut self.scheduler]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Addresses on which processes listen, as the kernel writes them to the tables of their network.
pub fn listening(tables: &Path, processes: &[(Pid, String)]) -> BTreeSet<String> {
    let mut sockets = BTreeSet::new();
    for (pid, _) in processes {
        let folder = format!("/proc/{}/fd", pid.as_raw_nonzero());
        let links = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        sockets.extend(links.filter_map(|link| fs::read_link(link.path()).ok()?.to_str().map(str::to_owned)));
    }
    let mut addresses = BTreeSet::new();
    for table in ["tcp", "tcp6"] {
        for line in fs::read_to_string(tables.join(table)).unwrap_or_default().lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (address, state, inode) = (fields[1], fields[3], fields[9]);
            if state == "0A" && sockets.contains(&format!("socket:[{inode}]")) {
                addresses.insert(address.to_owned());
            }
        }
    }
    addresses
}
