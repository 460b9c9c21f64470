//! The worker's side of the pipe: what every worker does before and after its workload.
//!
//! The program that measures starts a worker for each workload and repetition, because thread pools, affinity and
//! memory policy belong to a process, and because a kill must become a record with a reason.

use std::fs::File;
use std::io::{self, Read, Write};

use measure::{Build, Event};

use crate::message::{self, Hello, Message};
use crate::request::Request;

/// The exit code of a worker whose parent went away.
const ORPHANED: i32 = 2;

/// A worker's way to its parent.
pub struct Pipe(File);

impl Pipe {
    /// Sends an event. A pipe that breaks means that the parent is gone: the process has no more to do, and ends.
    pub fn emit(&mut self, event: Event) {
        if self.send(&Message::Event(event)).is_err() {
            std::process::exit(ORPHANED);
        }
    }

    fn send(&mut self, message: &Message) -> io::Result<()> {
        self.0.write_all(message::encode(message).as_bytes())
    }
}

/// Serves one request: greets, lets `answer` do the work, and sends what it ends with.
///
/// # Errors
///
/// If stdin does not hold a valid request.
pub fn serve(build: Build, answer: impl FnOnce(&Request, &mut Pipe) -> Message) -> io::Result<()> {
    let mut pipe = Pipe(own_stdout()?);
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let request: Request = serde_json::from_str(&text).map_err(|error| {
        io::Error::other(format!("the request is not one ({error}); `worker` is started by `hostproof run`"))
    })?;
    die_with_parent(request.parent)?;
    pipe.send(&Message::Hello(Hello::new(build)))?;
    let last = answer(&request, &mut pipe);
    pipe.send(&last)
}

/// A descriptor of its own for what goes to the parent; what libraries print on stdout goes to stderr from here on.
///
/// # Errors
///
/// If there is no stdout or stderr.
pub fn own_stdout() -> io::Result<File> {
    let pipe = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok(File::from(pipe))
}

/// Lets the kernel end this process when its parent ends.
///
/// # Errors
///
/// If the parent is gone already.
pub fn die_with_parent(parent: u32) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    if now == i32::try_from(parent).ok() {
        Ok(())
    } else {
        Err(io::Error::other("the process that started this worker is gone"))
    }
}
