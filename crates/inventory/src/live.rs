//! The live host behind [`Outside`]: ioctls, tools and libraries, each with a time limit.

use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::out_of_band::{IpmiRequest, Nvidia, Outside};
use crate::sysfs::{Found, Unavailable};
use crate::{gpu, ipmi, nvme};

/// No tool or library is waited for longer, all together: an inventory answers in two seconds.
const PATIENCE: Duration = Duration::from_millis(1500);

/// A management controller answers a request within some ten milliseconds, or is too busy to be waited for.
const ANSWER: Duration = Duration::from_millis(500);

/// The live host, asked until a deadline.
#[derive(Clone, Copy, Debug)]
pub struct Live {
    patience: Duration,
    deadline: Instant,
}

impl Live {
    /// The live host, with the time that one inventory has.
    #[must_use]
    pub fn now() -> Live {
        Live::within(PATIENCE)
    }

    /// The live host, with so much time for all that it is asked.
    #[must_use]
    pub fn within(patience: Duration) -> Live {
        Live { patience, deadline: Instant::now() + patience }
    }

    fn too_slow(&self, who: &str) -> Unavailable {
        Unavailable::failed(format!("{who} did not answer within the {} s that it has", self.patience.as_secs_f64()))
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

impl Outside for Live {
    fn smart(&self, controller: &str) -> Result<Vec<u8>, Unavailable> {
        nvme::smart(controller)
    }

    fn identify(&self, controller: &str) -> Result<Vec<u8>, Unavailable> {
        nvme::identify(controller)
    }

    fn ipmi(&self, request: &IpmiRequest) -> Result<Vec<u8>, Unavailable> {
        match self.left() {
            Duration::ZERO => Err(self.too_slow("the management controller")),
            left => ipmi::device::ask(request, left.min(ANSWER)),
        }
    }

    fn tool(&self, program: &str, arguments: &[&str]) -> Result<String, Unavailable> {
        run(program, arguments, self)
    }

    fn nvidia(&self) -> Result<Nvidia, Unavailable> {
        // The library wakes sleeping GPUs first, which may take many seconds, and cannot be interrupted.
        let (sender, receiver) = mpsc::channel();
        let ask = thread::Builder::new().name("nvml".to_owned()).spawn(move || sender.send(gpu::ask_nvidia()));
        ask.map_err(|error| Unavailable::of(&error))?;
        receiver.recv_timeout(self.left()).unwrap_or_else(|_| Err(self.too_slow("NVML")))
    }
}

/// Runs a tool and returns what it printed; it is ended where it takes too long.
fn run(program: &str, arguments: &[&str], live: &Live) -> Found<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| Unavailable::of(&error))?;
    let output = child.stdout.take();
    let reader = thread::Builder::new().spawn(move || -> io::Result<String> {
        let mut bytes = Vec::new();
        output.map_or(Ok(0), |output| output.take(1 << 20).read_to_end(&mut bytes))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    });
    let reader = reader.map_err(|error| {
        // Nobody reads what it says; the first error is the one to tell.
        let _ = child.kill();
        let _ = child.wait();
        Unavailable::of(&error)
    })?;
    let status = loop {
        match child.try_wait().map_err(|error| Unavailable::of(&error))? {
            Some(status) => break status,
            None if live.left().is_zero() => {
                // It fails only where the tool has just ended by itself.
                let _ = child.kill();
                // A tool that hangs in the kernel dies later: nobody waits for it here.
                let _ = thread::Builder::new().spawn(move || child.wait());
                return Err(live.too_slow(program));
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    };
    let text = reader.join().map_err(|_| Unavailable::failed(format!("{program} could not be read")))?;
    if status.success() {
        return text.map_err(|error| Unavailable::of(&error));
    }
    if rustix::process::geteuid().is_root() {
        return Err(Unavailable::failed(format!("{program} {} ended with {status}", arguments.join(" "))));
    }
    Err(Unavailable::Denied { remedy: "run as root (sudo)".to_owned() })
}
