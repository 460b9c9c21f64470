//! Whoever is to know of what breaks on a host is told: on the standard output, by a program, and in a Prometheus file.

use std::collections::BTreeMap;
use std::env;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use measure::{Incident, Sign, Vital};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::args::AlarmArgs;
use crate::outfile::OutFile;
use crate::output::{print, say};
use crate::trust;

/// How often the Prometheus file is renewed: a little less than a minute, so that no reading a minute is missed.
const RENEWAL: Duration = Duration::from_secs(55);
/// How long the end waits for the program that is told of events.
const PATIENCE: Duration = Duration::from_secs(30);
/// By these words an earlier file of ours is known.
const MARK: &str = "# HELP hostproof_watch_";
/// Events that wait for the program that is told of them.
const QUEUE: usize = 256;

/// Tells of incidents.
pub(crate) struct Alarm {
    prom: Option<PathBuf>,
    renewed: Option<Instant>,
    counts: BTreeMap<(Vital, String), u64>,
    program: Option<EventProgram>,
    /// Whether the standard output is for events.
    prints: bool,
}

impl Alarm {
    pub(crate) fn new(args: &AlarmArgs) -> Result<Alarm> {
        Alarm::of(args.prom.as_deref(), args.on_event.as_deref(), args.event_limit, true)
    }

    /// One that renews this file, and runs this program for no longer than so many seconds; where it does not print, events go
    /// to the standard error output.
    pub(crate) fn of(prom: Option<&Path>, on_event: Option<&Path>, limit: u64, prints: bool) -> Result<Alarm> {
        if let Some(file) = prom {
            // What cannot be written is said before hours pass.
            drop(OutFile::open(file, MARK, false)?);
        }
        let program = on_event.map(|typed| EventProgram::start(typed, limit)).transpose()?;
        Ok(Alarm { prom: prom.map(Path::to_owned), renewed: None, counts: BTreeMap::new(), program, prints })
    }

    /// Tells of what broke. A program that cannot be told, or is still busy with what came before, does not end the watch,
    /// nor does a standard output that nobody reads.
    pub(crate) fn tell(&mut self, incidents: &[Incident]) {
        for incident in incidents {
            *self.counts.entry((incident.vital, incident.part.clone())).or_default() += 1;
            if let Some(program) = &self.program {
                program.tell(incident);
            }
            let text = format!("{} {}", time(incident.at), report::terminal::clean(&incident.says));
            if !self.prints {
                say(&text);
            } else if let Err(error) = print(&text) {
                say(&format!("warning: {text} (the standard output takes nothing: {error:#})"));
            }
        }
    }

    /// Renews the Prometheus file where a minute has passed, or something broke.
    pub(crate) fn renew<'a>(&mut self, at: f64, signs: impl Iterator<Item = &'a Sign>, now: bool) {
        let due = self.renewed.is_none_or(|renewed| renewed.elapsed() >= RENEWAL);
        let Some(file) = self.prom.as_ref().filter(|_| due || now) else { return };
        self.renewed = Some(Instant::now());
        let text = report::exchange::watch_prometheus(at, signs, &self.counts);
        let written = OutFile::open(file, MARK, false).and_then(|file| Ok(file.write(text.as_bytes())?));
        if let Err(error) = written {
            say(&format!("warning: {} could not be renewed: {error:#}", file.display()));
        }
    }
}

/// A moment as people read it.
pub(crate) fn time(at: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970")]
    Timestamp::from_second(at as i64).map_or_else(|_| format!("{at} s"), |at| at.to_string())
}

/// The program that is told of each event, on a thread of its own, so that nothing waits for it.
struct EventProgram {
    queue: Option<SyncSender<Incident>>,
    thread: Option<JoinHandle<()>>,
}

impl EventProgram {
    fn start(typed: &Path, limit: u64) -> Result<EventProgram> {
        let program = found(typed, env::var_os("PATH").as_deref())?;
        trust::for_root(&program)?;
        let (queue, events) = sync_channel(QUEUE);
        let serve = move || serve(&program, Duration::from_secs(limit), &events);
        let thread = thread::Builder::new().name("events".to_owned()).spawn(serve);
        let thread = thread.context("could not start the thread for events")?;
        Ok(EventProgram { queue: Some(queue), thread: Some(thread) })
    }

    fn tell(&self, incident: &Incident) {
        let sent = self.queue.as_ref().map_or(Ok(()), |queue| queue.try_send(incident.clone()));
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = sent {
            say("warning: the program for events is behind, and was not told of this one");
        }
    }
}

impl Drop for EventProgram {
    fn drop(&mut self) {
        // What was told before is told to its end.
        self.queue = None;
        let Some(thread) = self.thread.take() else { return };
        let deadline = Instant::now() + PATIENCE;
        while !thread.is_finished() {
            if Instant::now() > deadline {
                return say("warning: the program for events is behind, and was not told of the last ones");
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = thread.join();
    }
}

/// The file of a program: a path, or a name that a folder of `PATH` has.
pub(crate) fn found(typed: &Path, path: Option<&std::ffi::OsStr>) -> Result<PathBuf> {
    let is_program =
        |file: &Path| file.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    let file = if typed.components().count() > 1 {
        Some(typed.to_owned())
    } else {
        path.and_then(|path| env::split_paths(path).map(|folder| folder.join(typed)).find(|file| is_program(file)))
    };
    let file = file.filter(|file| is_program(file));
    let file = file.with_context(|| format!("--on-event {} is no program that can be run", typed.display()))?;
    ensure!(!file.as_os_str().is_empty(), "--on-event needs a program");
    Ok(std::path::absolute(file)?)
}

fn serve(program: &Path, limit: Duration, events: &Receiver<Incident>) {
    for incident in events {
        if let Err(error) = run(program, limit, &incident) {
            say(&format!("warning: {} was not told of `{}`: {error:#}", program.display(), incident.says));
        }
    }
}

/// Runs the program for one event; one that takes too long is ended with all that it started.
fn run(program: &Path, limit: Duration, incident: &Incident) -> Result<()> {
    // Whoever may write to it may have done so since.
    trust::for_root(program)?;
    let mut child = Command::new(program)
        .env("HOSTPROOF_EVENT", incident.vital.name())
        .env("HOSTPROOF_PART", printable(&incident.part))
        .env("HOSTPROOF_VALUE", incident.value.to_string())
        .env("HOSTPROOF_LIMIT", incident.limit.map_or_else(String::new, |limit| limit.to_string()))
        .env("HOSTPROOF_AT", time(incident.at))
        .env("HOSTPROOF_SAYS", printable(&incident.says))
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    let deadline = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > deadline {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                // It fails only where all of them have just ended.
                let _ = kill_process_group(group, Signal::KILL);
            }
            child.wait()?;
            anyhow::bail!("it did not end within {} s and was ended", limit.as_secs());
        }
        thread::sleep(Duration::from_millis(10));
    };
    ensure!(status.success(), "it ended with {status}");
    Ok(())
}

/// A text without the one character that no environment holds.
fn printable(text: &str) -> String {
    text.replace('\0', "")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn program(folder: &Path, text: &str) -> PathBuf {
        let file = folder.join("told");
        fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file
    }

    fn incident() -> Incident {
        let (part, says) = ("A1\0".to_owned(), "A1: grew".to_owned());
        Incident { at: 0.0, part, vital: Vital::CorrectedErrors, value: 3.0, limit: Some(0.0), says }
    }

    #[test]
    fn its_environment_names_what_and_where() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let words = "$HOSTPROOF_EVENT $HOSTPROOF_PART $HOSTPROOF_VALUE $HOSTPROOF_LIMIT $HOSTPROOF_AT $HOSTPROOF_SAYS";
        let program = program(folder.path(), &format!("echo \"{words}\" > {}", out.display()));
        run(&program, Duration::from_mins(1), &incident()).unwrap();
        let said = fs::read_to_string(out).unwrap();
        assert_eq!(said, "corrected_errors A1 3 0 1970-01-01T00:00:00Z A1: grew\n");
    }

    #[test]
    fn one_that_hangs_is_ended_and_one_that_fails_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let check = |text: &str, limit: Duration, expect: &str| {
            let program = program(folder.path(), text);
            let error = run(&program, limit, &incident()).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        };
        check("sleep 1000 & wait", Duration::ZERO, "did not end within 0 s");
        check("exit 3", Duration::from_mins(1), "exit status: 3");
    }

    #[test]
    fn a_program_is_a_path_or_a_name_of_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let file = program(folder.path(), "true");
        let path = env::join_paths([Path::new("/nowhere"), folder.path()]).unwrap();
        assert_eq!(found(Path::new("told"), Some(&path)).unwrap(), file);
        assert_eq!(found(&file, None).unwrap(), file);
        for wrong in ["", "nobody", "/nowhere/told"] {
            assert!(found(Path::new(wrong), Some(&path)).is_err(), "{wrong}");
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(found(&file, None).is_err());
    }
}
