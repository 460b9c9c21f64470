//! The parent's side of the pipe: starts a worker, hands on what it tells, and turns every way to end into a reason.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use measure::{Build, Event, Profile, Quantity, Reason, Unit, Workload};
use pipe::message::{self, Hello, Message};
use pipe::request::{Choices, Planned, Request, Task};

use crate::build_info::build;
use crate::{failure, locations};

/// How often the parent looks whether the user wants to stop.
const TICK: Duration = Duration::from_millis(50);
/// How long planning may take.
const PLANNING: Duration = Duration::from_mins(1);
/// How much of a worker's stderr is kept for the record.
const LAST_WORDS: usize = 2000;
/// Bytes of the longest line that is read: a workload's longest outcome, of days, is a tenth of it.
const LONGEST_LINE: u64 = 256 << 20;
/// Lines that wait to be looked at; a worker that sends more waits itself.
const QUEUE: usize = 64;
/// How long a worker that closed its pipe may take to end, and its last words to arrive.
const PARTING: Duration = Duration::from_secs(5);
/// Seconds that a workload can be planned to take: a month.
const LONGEST_PLAN: f64 = 31.0 * 86_400.0;

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
        (Last::Planned(planned), None) if (0.0..=LONGEST_PLAN).contains(&planned.needs.seconds) => Ok(planned),
        (Last::Planned(planned), None) => {
            let time = Quantity::new(planned.needs.seconds, Unit::Second);
            Err(Reason::Failed(format!("the worker planned to take {time}, which is no plan")))
        }
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
    messages: Receiver<Result<String, String>>,
    last_words: LastWords,
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
        let (sender, messages) = sync_channel(QUEUE);
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // From here on the worker is ended whatever goes wrong.
        let mut worker = WorkerProcess { workload, child, messages, last_words: LastWords::default() };
        let threads = || format!("could not start a thread for the {name} worker");
        if let Some(stdout) = stdout {
            thread::Builder::new().spawn(move || hand_on_lines(stdout, LONGEST_LINE, &sender)).with_context(threads)?;
        }
        if let Some(stderr) = stderr {
            worker.last_words.listen(stderr).with_context(threads)?;
        }
        let mut stdin = stdin.context("the worker has no stdin")?;
        // A worker that died at once is reported by its exit status, not by the broken pipe.
        let _ = stdin.write_all(serde_json::to_string(&request)?.as_bytes());
        Ok(worker)
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
                Ok(Ok(line)) => line,
                Ok(Err(what)) => return self.stop(Reason::WorkerDied(format!("it sent {what} and was ended"))),
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return self.post_mortem(),
            };
            let message = match message::decode(&line) {
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
        let deadline = Instant::now() + PARTING;
        let end = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break cause_of_death(status),
                Ok(None) if Instant::now() > deadline => {
                    self.end();
                    break "it closed its pipe before its work was done and was ended".to_owned();
                }
                Ok(None) => thread::sleep(TICK),
                Err(error) => break format!("how is not known ({error})"),
            }
        };
        let words = self.last_words.until(deadline);
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

/// Hands on the lines of a worker; an error is what a line is that cannot be one, and the last. A line without its end was
/// being written when the worker died, which its exit status tells better.
fn hand_on_lines(stream: impl Read, longest: u64, sender: &SyncSender<Result<String, String>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        if stream.by_ref().take(longest).read_until(b'\n', &mut line).is_err() {
            return;
        }
        let is_whole = line.last() == Some(&b'\n');
        if !is_whole && (line.len() as u64) < longest {
            return;
        }
        let line = if is_whole {
            String::from_utf8(line).map_err(|_| "a line that is not UTF-8".to_owned())
        } else {
            Err(format!("a line of more than {longest} bytes"))
        };
        let is_last = line.is_err();
        if sender.send(line).is_err() || is_last {
            return;
        }
    }
}

/// The end of what a worker says on stderr. A process of its own may hold that open when it is dead, so nobody waits for
/// its end.
#[derive(Default)]
struct LastWords {
    tail: Arc<Mutex<Vec<u8>>>,
    listener: Option<JoinHandle<()>>,
}

impl LastWords {
    fn listen(&mut self, mut stderr: impl Read + Send + 'static) -> std::io::Result<()> {
        let tail = Arc::clone(&self.tail);
        let listen = move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = stderr.read(&mut chunk) {
                let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
                tail.extend_from_slice(&chunk[..read]);
                let surplus = tail.len().saturating_sub(LAST_WORDS);
                tail.drain(..surplus);
            }
        };
        self.listener = Some(thread::Builder::new().spawn(listen)?);
        Ok(())
    }

    /// What was said when all was, or at the deadline.
    fn until(&self, deadline: Instant) -> String {
        while self.listener.as_ref().is_some_and(|listener| !listener.is_finished()) && Instant::now() < deadline {
            thread::sleep(TICK / 10);
        }
        String::from_utf8_lossy(&self.tail.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
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
        let planned = || Planned::new(&(), measure::Needs::default()).unwrap();
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
        for seconds in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            let needs = measure::Needs { seconds, ..measure::Needs::default() };
            let absurd = Last::Planned(Planned::new(&(), needs).unwrap());
            assert!(matches!(answer(absurd, None), Err(Reason::Failed(why)) if why.contains("no plan")), "{seconds}");
        }
    }

    #[test]
    fn lines_of_a_worker_are_whole_or_say_what_they_are() {
        let check = |bytes: &[u8], expect: &[Result<&str, &str>]| {
            let (sender, lines) = sync_channel(QUEUE);
            hand_on_lines(bytes, 8, &sender);
            drop(sender);
            let lines: Vec<Result<String, String>> = lines.iter().collect();
            let lines: Vec<Result<&str, &str>> = lines.iter().map(|l| l.as_deref().map_err(String::as_str)).collect();
            assert_eq!(lines, expect);
        };
        check(b"", &[]);
        check(b"a\nb\n", &[Ok("a\n"), Ok("b\n")]);
        check(b"a\ncut", &[Ok("a\n")]);
        check(b"a\n\xff\nb\n", &[Ok("a\n"), Err("a line that is not UTF-8")]);
        check(b"1234567\nb\n", &[Ok("1234567\n"), Ok("b\n")]);
        check(b"12345678\nb\n", &[Err("a line of more than 8 bytes")]);
        check(b"12345678", &[Err("a line of more than 8 bytes")]);
    }
}
