//! The parent's side of the pipe: starts a worker, hands on what it tells, and turns every way to end into a reason.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use measure::{Build, Event, Profile, Reason, Workload};
use record::pipe::{self, Hello, Message};
use record::request::{Choices, Planned, Request, Task};

use crate::build_info::build;
use crate::locations;

/// How often the parent looks whether the user wants to stop.
const TICK: Duration = Duration::from_millis(50);
/// How long planning may take.
const PLANNING: Duration = Duration::from_mins(1);
/// How much of a worker's stderr is kept for the record.
const LAST_WORDS: usize = 2000;

/// Asks a worker to size its workload for this host. The inner error is why it cannot be measured here.
pub(crate) fn plan(workload: Workload, profile: Profile, choices: &Choices) -> Result<Result<Planned, Reason>> {
    if workload == Workload::Tabular && !locations::feature_worker()?.exists() {
        return Ok(Err(Reason::NotBuilt(locations::HOW_TO_BUILD_FEATURES.to_owned())));
    }
    let task = Task::Plan { profile, choices: choices.clone() };
    let mut worker = WorkerProcess::start(workload, task)?;
    let never = AtomicBool::new(false);
    match worker.attend(Instant::now() + PLANNING, &never, &mut |_| ())? {
        Last::Planned(planned) => Ok(Ok(planned)),
        Last::Failed(why) => Ok(Err(Reason::NoResources(why))),
        Last::Stopped(reason @ Reason::NotBuilt(_)) => Ok(Err(reason)),
        Last::Done | Last::Stopped(_) => bail!("the {} worker gave no plan", workload.name()),
    }
}

/// Runs a planned workload in a worker and hands on its events; `Some` is the reason why it did not end well.
pub(crate) fn run(
    workload: Workload,
    planned: &Planned,
    limit: Duration,
    interrupted: &AtomicBool,
    emit: &mut dyn FnMut(Event) -> Result<()>,
) -> Result<Option<Reason>> {
    let mut worker = WorkerProcess::start(workload, Task::Run(planned.config.clone()))?;
    let deadline = Instant::now() + limit;
    let mut trouble = None;
    let last = worker.attend(deadline, interrupted, &mut |event| {
        if trouble.is_none() {
            trouble = emit(event).err();
        }
    })?;
    if let Some(error) = trouble {
        return Err(error);
    }
    Ok(match last {
        Last::Done => None,
        Last::Failed(why) => Some(Reason::Failed(why)),
        Last::Stopped(reason) => Some(reason),
        Last::Planned(_) => Some(Reason::Failed("the worker answered another question".into())),
    })
}

/// The last thing that is known of a worker.
enum Last {
    Planned(Planned),
    Done,
    Failed(String),
    Stopped(Reason),
}

struct WorkerProcess {
    workload: Workload,
    name: &'static str,
    child: Child,
    messages: Receiver<String>,
    stderr: Option<JoinHandle<String>>,
}

impl WorkerProcess {
    fn start(workload: Workload, task: Task) -> Result<WorkerProcess> {
        let name = workload.name();
        let request = Request { workload, parent: std::process::id(), task };
        let program = match workload {
            Workload::Tabular => locations::feature_worker()?,
            Workload::Stream | Workload::Dense | Workload::Disk => locations::own_file()?,
        };
        let mut child = Command::new(program)
            .arg("worker")
            .envs(environment(workload))
            // Ctrl-C reaches the parent alone, which then ends the worker and the record in order.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("could not start the {name} worker"))?;
        let (sender, messages) = channel();
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || {
                let lines = BufReader::new(stdout).lines();
                lines.map_while(Result::ok).try_for_each(|line| sender.send(line))
            });
        }
        let stderr = child.stderr.take().map(|stderr| thread::spawn(move || last_words(stderr)));
        let mut stdin = child.stdin.take().context("the worker has no stdin")?;
        // A worker that died at once is reported by its exit status, not by the broken pipe.
        let _ = stdin.write_all(serde_json::to_string(&request)?.as_bytes());
        Ok(WorkerProcess { workload, name, child, messages, stderr })
    }

    /// Hands on events until the worker ends, the deadline passes or the user stops the run.
    fn attend(&mut self, deadline: Instant, interrupted: &AtomicBool, emit: &mut dyn FnMut(Event)) -> Result<Last> {
        let mut greeted = false;
        loop {
            if interrupted.load(Ordering::Relaxed) {
                self.end();
                return Ok(Last::Stopped(Reason::Interrupted));
            }
            if Instant::now() > deadline {
                self.end();
                return Ok(Last::Stopped(Reason::WorkerDied("it took far longer than planned and was ended".into())));
            }
            let line = match self.messages.recv_timeout(TICK) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return self.post_mortem(),
            };
            let message = pipe::decode(&line).with_context(|| format!("the {} worker sent a bad line", self.name))?;
            ensure!(greeted || matches!(message, Message::Hello(_)), "the {} worker did not greet", self.name);
            match message {
                Message::Hello(hello) => {
                    if let Some(other) = self.other_build(&hello)? {
                        self.end();
                        return Ok(Last::Stopped(other));
                    }
                    greeted = true;
                }
                Message::Event(event) => emit(event),
                Message::Plan(planned) => return Ok(Last::Planned(planned)),
                Message::Done => return Ok(Last::Done),
                Message::Failed(why) => return Ok(Last::Failed(why)),
            }
        }
    }

    /// Whether the worker is of another build. A second binary can be left over from an older one; the same binary
    /// cannot.
    fn other_build(&self, hello: &Hello) -> Result<Option<Reason>> {
        if *hello == Hello::new(build()) {
            return Ok(None);
        }
        let replaced = "the program's file was replaced while it ran (its worker is another build): start again";
        ensure!(self.workload == Workload::Tabular, replaced);
        let Build { version, revision, profile, .. } = &hello.build;
        let found =
            format!("{} is another build ({version}, revision {revision}, {profile})", locations::FEATURE_WORKER);
        Ok(Some(Reason::NotBuilt(format!("{found}; {}", locations::HOW_TO_BUILD_FEATURES))))
    }

    fn post_mortem(&mut self) -> Result<Last> {
        let status = self.child.wait().with_context(|| format!("could not wait for the {} worker", self.name))?;
        let words = self.stderr.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let words = words.trim();
        let said = if words.is_empty() { String::new() } else { format!("; it said: {words}") };
        Ok(Last::Stopped(Reason::WorkerDied(format!("{}{said}", cause_of_death(status)))))
    }

    fn end(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.end();
    }
}

/// What must be set before a worker's libraries start.
fn environment(workload: Workload) -> Vec<(String, String)> {
    match workload {
        Workload::Dense => dense::environment(),
        Workload::Stream | Workload::Disk | Workload::Tabular => Vec::new(),
    }
}

fn last_words(mut stderr: impl Read) -> String {
    let mut tail: Vec<u8> = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stderr.read(&mut chunk) {
        tail.extend_from_slice(&chunk[..read]);
        let surplus = tail.len().saturating_sub(LAST_WORDS);
        tail.drain(..surplus);
    }
    String::from_utf8_lossy(&tail).into_owned()
}

fn cause_of_death(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(4), _) => "SIGILL: the CPU lacks an instruction that was used".into(),
        (Some(7), _) => "SIGBUS: memory or a mapped file went away".into(),
        (Some(9), _) => "SIGKILL: killed from outside, by the kernel when memory ran out, or by a person".into(),
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("it ended with exit code {code} before its work was done"),
        (None, None) => "it ended for an unknown cause".into(),
    }
}
