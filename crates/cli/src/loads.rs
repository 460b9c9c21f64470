//! The loads of a soak as processes of their own: a load that dies is an entry of the record, never the end of the watch.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use machine::{Machine, Source};
use measure::{Load, SoakPlan};
use pipe::worker::{die_with_parent, own_stdout};
use serde::{Deserialize, Serialize};
use signal_hook::consts::{SIGBUS, SIGFPE, SIGILL, SIGSEGV};
use soak::{Config, Told};

use crate::exit::Exit;
use crate::failure;

/// This program's own file, also where it was replaced since the start.
pub(crate) const SELF: &str = "/proc/self/exe";
/// Messages that wait to be looked at.
const QUEUE: usize = 1024;
/// A load that has ended no pass for so long hangs.
const SILENCE: Duration = Duration::from_mins(15);
/// Bytes a second that the slowest drives take: a pass over files may last as long as that needs.
const SLOWEST: u64 = 10_000_000;
/// How long a load that closed its pipe may take to end.
const PARTING: Duration = Duration::from_secs(5);
/// How long the last words of loads that were ended may take to come.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What a load is asked to do, on stdin.
#[derive(Debug, Serialize, Deserialize)]
struct LoadRequest {
    config: Config,
    /// So that a load that was orphaned before it could ask for its signal notices.
    parent: u32,
}

/// What it answers, line by line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LoadMessage {
    Told(Told),
    /// It cannot go on.
    Failed {
        why: String,
        is_fault: bool,
    },
}

/// What the loads have to say.
#[derive(Debug)]
pub(crate) enum Heard {
    Told(Told),
    /// A load has ended, and is gone.
    Ended {
        load: Load,
        why: String,
        is_fault: bool,
    },
}

enum Line {
    Message(Load, LoadMessage),
    End(Load),
}

struct Running {
    load: Load,
    child: Child,
    heard: Instant,
    /// How long it may say nothing.
    silence: Duration,
    /// What it said that it failed of.
    failed: Option<(String, bool)>,
}

/// Loads that run.
pub(crate) struct Loads {
    running: Vec<Running>,
    lines: Receiver<Line>,
}

impl Loads {
    /// Starts the loads of a plan.
    pub(crate) fn start(plan: &SoakPlan) -> Result<Loads> {
        let (sender, lines) = sync_channel(QUEUE);
        let mut loads = Loads { running: Vec::new(), lines };
        for &load in &plan.loads {
            let bytes = if load == Load::Disk { plan.files } else { plan.memory };
            let config = Config { load, bytes, folder: plan.folder.clone().into(), rounds: None };
            loads.running.push(Running::start(config, sender.clone())?);
        }
        Ok(loads)
    }

    /// What is heard next; nothing where that takes longer.
    pub(crate) fn wait(&mut self, longest: Duration) -> Option<Heard> {
        if let Some(silent) = self.running.iter().position(|running| running.heard.elapsed() > running.silence) {
            let Running { load, silence, .. } = self.running.remove(silent);
            let why = format!("it ended no pass for {} minutes", silence.as_secs() / 60);
            return Some(Heard::Ended { load, why, is_fault: false });
        }
        let line = match self.lines.recv_timeout(longest) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => return None,
            Err(RecvTimeoutError::Disconnected) => {
                thread::sleep(longest);
                return None;
            }
        };
        match line {
            Line::Message(load, message) => {
                let mut running = self.running.iter_mut().find(|running| running.load == load);
                if let Some(running) = &mut running {
                    running.heard = Instant::now();
                }
                match (message, running) {
                    // What one that is gone had found counts, too.
                    (LoadMessage::Told(told), _) => return Some(Heard::Told(told)),
                    (LoadMessage::Failed { why, is_fault }, Some(running)) => running.failed = Some((why, is_fault)),
                    (LoadMessage::Failed { .. }, None) => {}
                }
                None
            }
            Line::End(load) => {
                let place = self.running.iter().position(|running| running.load == load)?;
                let mut gone = self.running.remove(place);
                let (why, is_fault) = gone.failed.take().unwrap_or_else(|| gone.cause_of_death());
                Some(Heard::Ended { load, why, is_fault })
            }
        }
    }

    /// Ends all loads; what they had still said, and which of them had ended before.
    pub(crate) fn end(mut self) -> Vec<Heard> {
        let mut heard = Vec::new();
        for running in &mut self.running {
            if let Ok(Some(status)) = running.child.try_wait() {
                running.failed.get_or_insert_with(|| cause(status));
            }
            // It may have ended by itself; then there is nothing to kill.
            let _ = running.child.kill();
        }
        while let Ok(line) = self.lines.recv_timeout(LAST_WORDS) {
            match line {
                Line::Message(_, LoadMessage::Told(told)) => heard.push(Heard::Told(told)),
                Line::Message(load, LoadMessage::Failed { why, is_fault }) => {
                    if let Some(running) = self.running.iter_mut().find(|running| running.load == load) {
                        running.failed = Some((why, is_fault));
                    }
                }
                Line::End(_) => {}
            }
        }
        let failed = self.running.iter_mut().filter_map(|running| Some((running.load, running.failed.take()?)));
        heard.extend(failed.map(|(load, (why, is_fault))| Heard::Ended { load, why, is_fault }));
        heard
    }
}

/// How long a load may say nothing: a pass over files takes as long as the slowest drives need for it.
fn silence(config: &Config) -> Duration {
    let of_files = if config.load == Load::Disk { Duration::from_secs(config.bytes / SLOWEST) } else { Duration::ZERO };
    SILENCE.max(of_files)
}

impl Running {
    fn start(config: Config, sender: SyncSender<Line>) -> Result<Running> {
        let (load, silence) = (config.load, silence(&config));
        let request = LoadRequest { config, parent: std::process::id() };
        let mut child = Command::new(SELF)
            .arg("load")
            .envs(dense::environment())
            // Ctrl-C reaches the parent alone, which then ends loads and record in order.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("could not start the {} load", load.name()))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let running = Running { load, child, heard: Instant::now(), silence, failed: None };
        if let Some(stdout) = stdout {
            let listen = move || listen(load, stdout, &sender);
            thread::Builder::new().name("load".to_owned()).spawn(listen).context("could not start a thread")?;
        }
        // A load that died at once is told of by its end, not by the broken pipe.
        let _ = stdin.context("the load has no stdin")?.write_all(serde_json::to_string(&request)?.as_bytes());
        Ok(running)
    }

    /// How it ended, and whether a processor or the memory is to blame.
    fn cause_of_death(&mut self) -> (String, bool) {
        let deadline = Instant::now() + PARTING;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return cause(status),
                Ok(None) if Instant::now() > deadline => {
                    return ("it closed its pipe and did not end".to_owned(), false);
                }
                Ok(None) => thread::sleep(Duration::from_millis(10)),
                Err(error) => return (format!("how is not known ({error})"), false),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Signals that a processor sends to a program which did nothing wrong: memory that cannot be read any more (SIGBUS), and
/// instructions that went astray.
fn cause(status: ExitStatus) -> (String, bool) {
    let faults = [SIGBUS, SIGSEGV, SIGILL, SIGFPE];
    let is_fault = status.signal().is_some_and(|signal| faults.contains(&signal));
    (format!("it ended with {status}"), is_fault)
}

fn listen(load: Load, stdout: impl Read, sender: &SyncSender<Line>) {
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { break };
        // A line that is none was being written when the load died.
        let Ok(message) = serde_json::from_str(&line) else { break };
        if sender.send(Line::Message(load, message)).is_err() {
            return;
        }
    }
    // Nobody listens where the soak is over.
    let _ = sender.send(Line::End(load));
}

/// Serves one load until it is killed.
pub(crate) fn serve() -> Result<Exit> {
    let mut pipe = own_stdout()?;
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let request: LoadRequest = serde_json::from_str(&text).context("`load` is started by `hostproof soak`")?;
    die_with_parent(request.parent)?;
    // Where memory runs out, a load goes first. Where the kernel does not let us say so, it chooses by size, which is ours.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let mut send = |message: &LoadMessage| -> io::Result<()> {
        let line = serde_json::to_string(message)? + "\n";
        pipe.write_all(line.as_bytes())
    };
    let machine = Machine::detect(&Source::Host).context("could not read this host's topology")?;
    let end = soak::run(&request.config, &machine, &mut |told| {
        if send(&LoadMessage::Told(told)).is_err() {
            // The parent is gone.
            std::process::exit(Exit::Unusable as i32);
        }
    });
    if let Err(error) = end {
        let is_fault = error.is_of_the_drive();
        send(&LoadMessage::Failed { why: failure::message(&error.into()), is_fault })?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use measure::WrongResult;

    use super::*;

    #[test]
    fn a_pass_over_many_files_may_take_long() {
        let check = |load: Load, bytes: u64, minutes: u64| {
            let config = Config { load, bytes, folder: ".".into(), rounds: None };
            assert_eq!(silence(&config), Duration::from_mins(minutes), "{load:?} {bytes}");
        };
        check(Load::Disk, 8 << 20, 15);
        check(Load::Disk, 60_000_000_000, 100);
        check(Load::Memory, 60_000_000_000, 15);
    }

    #[test]
    fn what_loads_had_said_when_they_are_ended_is_heard() {
        let (sender, lines) = sync_channel(QUEUE);
        let child = Command::new("true").stdin(Stdio::null()).spawn().unwrap();
        let (load, failed) = (Load::Disk, Some(("an I/O error".to_owned(), true)));
        let running = Running { load, child, heard: Instant::now(), silence: SILENCE, failed };
        let loads = Loads { running: vec![running], lines };
        let wrong = |load: Load| {
            let result = WrongResult { load, part: "a".into(), place: "b".into(), expected: 1, found: 0, more: 0 };
            Line::Message(load, LoadMessage::Told(Told::Wrong(result)))
        };
        // Also of a load that is gone.
        sender.send(wrong(Load::Disk)).unwrap_or_else(|_| panic!("nobody listens"));
        sender.send(wrong(Load::Memory)).unwrap_or_else(|_| panic!("nobody listens"));
        drop(sender);
        let heard = loads.end();
        assert!(
            matches!(
                heard.as_slice(),
                [Heard::Told(_), Heard::Told(_), Heard::Ended { load: Load::Disk, is_fault: true, .. }]
            ),
            "{heard:?}"
        );
    }

    #[test]
    fn signals_of_a_processor_are_faults_and_others_are_not() {
        let check = |raw: i32, expect: bool| assert_eq!(cause(ExitStatus::from_raw(raw)).1, expect, "{raw}");
        check(SIGBUS, true);
        check(SIGSEGV, true);
        check(9, false);
        check(1 << 8, false);
    }
}
