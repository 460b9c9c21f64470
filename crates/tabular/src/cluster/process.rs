//! The driver's process: started, heard, and ended with all that it started.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::environment::Python;
use super::group::{DYING, ended, kill_group};
use super::wire::{Event, Request};
use crate::Error;

/// The driver, in two parts. Their own text says what they do.
const DRIVER: &str = concat!(include_str!("workers.py"), include_str!("driver.py"));
/// How long the driver may say nothing; as long as its event loop turns, it says something every second.
const SILENCE: Duration = Duration::from_mins(1);
/// Lines of what the driver's libraries said that are told where it fails.
const LAST_LINES: usize = 5;
/// Environment of Dask that is for clusters of the user.
const SETTINGS_OF_DASK: &str = "DASK_";

/// A driver at work. At its end no process is left that it started on this host.
#[derive(Debug)]
pub(super) struct Driver {
    child: Child,
    /// Held open: when it closes, the driver ends.
    _stdin: ChildStdin,
    lines: Receiver<String>,
    /// What libraries say.
    log: PathBuf,
}

impl Driver {
    /// Starts the driver with a request; what its libraries say goes to a file in `scratch`.
    pub(super) fn start(
        python: &Python,
        request: &Request,
        scratch: &Path,
        own_workers: bool,
    ) -> Result<Driver, Error> {
        let log = scratch.join("driver.log");
        let file = File::create(&log).map_err(|error| Error::io("cannot write", &log, error))?;
        let mut command = Command::new(&python.program);
        if python.is_pinned {
            command.arg("-I");
        }
        command.args(["-c", DRIVER, &std::process::id().to_string()]);
        if own_workers {
            for (name, _) in std::env::vars_os().filter(|(name, _)| is_setting_of_dask(name)) {
                command.env_remove(name);
            }
        }
        // A folder without modules that Python could find in it.
        command.current_dir(scratch).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(file);
        let mut child = command.spawn().map_err(|error| Error::io("cannot start", &python.program, error))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let started = match (stdin, stdout) {
            (Some(stdin), Some(stdout)) => ask(stdin, stdout, request),
            _ => Err(Error::Cluster("the driver has no input or output".to_owned())),
        };
        match started {
            Ok((stdin, lines)) => Ok(Driver { child, _stdin: stdin, lines, log }),
            Err(error) => {
                kill_group(&mut child);
                Err(error)
            }
        }
    }

    /// The next event.
    pub(super) fn next(&mut self) -> Result<Event, Error> {
        match self.lines.recv_timeout(SILENCE) {
            Ok(line) => serde_json::from_str(&line)
                .map_err(|error| Error::Cluster(format!("the driver said what is no event ({error}): {line}"))),
            Err(RecvTimeoutError::Timeout) => {
                Err(Error::Cluster(format!("the driver has not answered for {} s", SILENCE.as_secs())))
            }
            Err(RecvTimeoutError::Disconnected) => {
                let how = ended(&mut self.child, DYING).unwrap_or_else(|| "closed its output".to_owned());
                Err(Error::Cluster(format!("the driver {how}{}", self.last_said())))
            }
        }
    }

    /// The last lines that the driver's libraries said.
    fn last_said(&self) -> String {
        let said = fs::read(&self.log).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<_> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
        if last.is_empty() { String::new() } else { format!(": {}", last.join("\n")) }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        kill_group(&mut self.child);
    }
}

fn is_setting_of_dask(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with(SETTINGS_OF_DASK)
}

/// Writes the request, and lets a thread read the answers until there are no more.
fn ask(mut stdin: ChildStdin, stdout: ChildStdout, request: &Request) -> Result<(ChildStdin, Receiver<String>), Error> {
    let (send, lines) = channel();
    let reader = thread::Builder::new().spawn(move || read(stdout, &send));
    reader.map_err(|error| Error::Cluster(format!("a thread could not be started: {error}")))?;
    let mut line = serde_json::to_vec(request).map_err(|error| Error::Cluster(error.to_string()))?;
    line.push(b'\n');
    // A driver that has ended already says why: a closed pipe says less.
    let _ = stdin.write_all(&line);
    Ok((stdin, lines))
}

fn read(stdout: ChildStdout, send: &Sender<String>) {
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { return };
        if send.send(line).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::wire::Workers;
    use super::*;

    /// A driver whose Python is a script.
    fn driver(folder: &Path, script: &str) -> Driver {
        let program = folder.join("python");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let request = Request {
            cluster: Workers::Scheduler("tcp://127.0.0.1:1".to_owned()),
            program: Path::new("/bin/true"),
            build: "0.1.0",
            command: &["tasks"],
            workers: None,
            work: folder,
            scratch: folder,
            tasks: &[],
            retries: 2,
        };
        Driver::start(&Python { program, is_pinned: true }, &request, folder, true).unwrap()
    }

    #[test]
    fn a_driver_gets_its_request_and_is_heard() {
        let folder = tempfile::tempdir().unwrap();
        let script = r#"read request; echo "$request" > request; echo "$1 $2" > arguments; echo '{"event": "ready"}'; sleep 600"#;
        let mut driver = driver(folder.path(), script);
        assert_eq!(driver.next().unwrap(), Event::Ready);
        let request = fs::read_to_string(folder.path().join("request")).unwrap();
        let request: serde_json::Value = serde_json::from_str(&request).unwrap();
        assert_eq!(request["cluster"], "tcp://127.0.0.1:1");
        assert!(fs::read_to_string(folder.path().join("arguments")).unwrap().starts_with("-I -c"));
    }

    #[test]
    fn a_driver_that_ends_or_talks_nonsense_is_a_reason() {
        let check = |script: &str, expect: &str| {
            let folder = tempfile::tempdir().unwrap();
            let error = driver(folder.path(), script).next().unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        };
        check(
            "echo Traceback >&2; echo 'ImportError: no' >&2; exit 3",
            "ended with exit status: 3: Traceback\nImportError: no",
        );
        check("kill -9 $$", "the driver ended with signal: 9 (SIGKILL)");
        check("echo hello; sleep 600", "the driver said what is no event");
        check("exec 1>&-; sleep 600", "the driver closed its output");
    }
}
