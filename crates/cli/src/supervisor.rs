//! The parent's side of the pipe: starts a worker, hands on what it tells, and turns every way to end into a reason.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use measure::{Build, Event, Profile, Reason, Workload};
use record::pipe::{self, Hello, Message};
use record::request::{Choices, Planned, Request, Task};

use crate::build_info::build;
use crate::{failure, locations};

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
    let mut worker = match WorkerProcess::start(workload, task) {
        Ok(worker) => worker,
        Err(error) => return Ok(Err(Reason::Failed(failure::message(&error)))),
    };
    let never = AtomicBool::new(false);
    let mut refusal = None;
    let last = worker.attend(Instant::now() + PLANNING, &never, &mut |event| {
        if let Event::NotMeasured(refused) = event {
            refusal = Some(refused.reason);
        }
    });
    Ok(answer(last, refusal))
}

/// What a worker that was asked for a plan answered.
fn answer(last: Last, refusal: Option<Reason>) -> Result<Planned, Reason> {
    match (last, refusal) {
        (_, Some(reason)) | (Last::Stopped(reason), None) => Err(reason),
        (Last::Planned(planned), None) => Ok(planned),
        (Last::Failed(why), None) => Err(Reason::NoResources(why)),
        (Last::Done, None) => Err(Reason::Failed("the worker gave no plan".into())),
    }
}

/// Runs a planned workload in a worker and hands on its events; `Some` is the reason why it did not end well. An error is
/// one of `emit`: whatever a worker does, the run goes on.
pub(crate) fn run(
    workload: Workload,
    planned: &Planned,
    limit: Duration,
    interrupted: &AtomicBool,
    emit: &mut dyn FnMut(Event) -> Result<()>,
) -> Result<Option<Reason>> {
    let mut worker = match WorkerProcess::start(workload, Task::Run(planned.config.clone())) {
        Ok(worker) => worker,
        Err(error) => return Ok(Some(Reason::Failed(failure::message(&error)))),
    };
    let deadline = Instant::now() + limit;
    let mut trouble = None;
    let last = worker.attend(deadline, interrupted, &mut |event| {
        if trouble.is_none() {
            trouble = emit(event).err();
        }
    });
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
        Ok(WorkerProcess { workload, child, messages, stderr })
    }

    /// Hands on events until the worker ends, the deadline passes or the user stops the run.
    fn attend(&mut self, deadline: Instant, interrupted: &AtomicBool, emit: &mut dyn FnMut(Event)) -> Last {
        let mut greeted = false;
        loop {
            if interrupted.load(Ordering::Relaxed) {
                return self.stop(Reason::Interrupted);
            }
            if Instant::now() > deadline {
                return self.stop(Reason::WorkerDied("it took far longer than planned and was ended".into()));
            }
            let line = match self.messages.recv_timeout(TICK) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return self.post_mortem(),
            };
            let message = match pipe::decode(&line) {
                Ok(message) => message,
                Err(error) => {
                    return self.stop(Reason::WorkerDied(format!("it sent a bad line and was ended: {error}")));
                }
            };
            match message {
                Message::Hello(hello) => {
                    if let Some(other) = self.other_build(&hello) {
                        return self.stop(other);
                    }
                    greeted = true;
                }
                _ if !greeted => return self.stop(Reason::WorkerDied("it did not greet and was ended".into())),
                Message::Event(event) => emit(event),
                Message::Plan(planned) => return Last::Planned(planned),
                Message::Done => return Last::Done,
                Message::Failed(why) => return Last::Failed(why),
            }
        }
    }

    /// Whether the worker is of another build. A second binary can be left over from an older one; the same binary is
    /// another one only where its file was replaced.
    fn other_build(&self, hello: &Hello) -> Option<Reason> {
        if *hello == Hello::new(build()) {
            return None;
        }
        if self.workload != Workload::Tabular {
            let replaced = "the program's file was replaced while it ran (its worker is another build): start again";
            return Some(Reason::NotBuilt(replaced.to_owned()));
        }
        let Build { version, revision, profile, .. } = &hello.build;
        let found =
            format!("{} is another build ({version}, revision {revision}, {profile})", locations::FEATURE_WORKER);
        Some(Reason::NotBuilt(format!("{found}; {}", locations::HOW_TO_BUILD_FEATURES)))
    }

    /// Ends the worker for a reason of ours.
    fn stop(&mut self, reason: Reason) -> Last {
        self.end();
        Last::Stopped(reason)
    }

    fn post_mortem(&mut self) -> Last {
        let end = match self.child.wait() {
            Ok(status) => cause_of_death(status),
            Err(error) => format!("how is not known ({error})"),
        };
        let words = self.stderr.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let words = words.trim();
        let said = if words.is_empty() { String::new() } else { format!("; it said: {words}") };
        Last::Stopped(Reason::WorkerDied(format!("{end}{said}")))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_of_a_planning_worker_is_a_plan_or_a_reason() {
        let planned = || Planned { config: serde_json::Value::Null, needs: measure::Needs::default() };
        let check = |last: Last, refusal: Option<Reason>, expect: Result<Planned, Reason>| {
            assert_eq!(answer(last, refusal), expect);
        };
        let no_ring = || Reason::NotAllowed("io_uring".into());
        let died = || Reason::WorkerDied("SIGSYS".into());
        check(Last::Planned(planned()), None, Ok(planned()));
        check(Last::Done, Some(no_ring()), Err(no_ring()));
        check(Last::Done, None, Err(Reason::Failed("the worker gave no plan".into())));
        check(Last::Failed("too little".into()), None, Err(Reason::NoResources("too little".into())));
        check(Last::Stopped(died()), None, Err(died()));
    }
}
