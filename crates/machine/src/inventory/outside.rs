//! What files do not tell: devices, tools and libraries of the live host. A test brings its own.

use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::gpu::{self, Nvidia};
use super::ipmi;
use super::nvme;
use super::tree::{Found, Lack};

/// No tool or library is waited for longer, all together: an inventory answers in two seconds.
const PATIENCE: Duration = Duration::from_millis(1500);

/// A management controller answers a request within some ten milliseconds, or is too busy to be waited for.
const ANSWER: Duration = Duration::from_millis(500);

/// Sources beyond `/proc`, `/sys` and tables. Each may be absent, which is the default.
pub trait Outside: Sync {
    /// The SMART log page (NVMe log page 02h, 512 bytes) of a controller: `nvme0`.
    fn smart(&self, controller: &str) -> Result<Vec<u8>, Lack> {
        let _ = controller;
        Err(Lack::Absent)
    }

    /// What a controller says of itself (NVMe Identify Controller, 4096 bytes).
    fn identify(&self, controller: &str) -> Result<Vec<u8>, Lack> {
        let _ = controller;
        Err(Lack::Absent)
    }

    /// The answer of the host's management controller, its completion code first.
    fn ipmi(&self, request: &ipmi::Request) -> Result<Vec<u8>, Lack> {
        let _ = request;
        Err(Lack::Absent)
    }

    /// What a tool prints.
    fn tool(&self, program: &str, arguments: &[&str]) -> Result<String, Lack> {
        let _ = (program, arguments);
        Err(Lack::Absent)
    }

    /// What NVIDIA's management library tells.
    fn nvidia(&self) -> Result<Nvidia, Lack> {
        Err(Lack::Absent)
    }
}

/// Only files: a fixture or a copy of another host's trees.
#[derive(Clone, Copy, Debug)]
pub struct FilesOnly;

impl Outside for FilesOnly {}

/// The live host, asked until a deadline.
#[derive(Clone, Copy, Debug)]
pub struct Live {
    deadline: Instant,
}

impl Live {
    /// The live host, with the time that one inventory has.
    #[must_use]
    pub fn now() -> Live {
        Live { deadline: Instant::now() + PATIENCE }
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

impl Outside for Live {
    fn smart(&self, controller: &str) -> Result<Vec<u8>, Lack> {
        nvme::smart(controller)
    }

    fn identify(&self, controller: &str) -> Result<Vec<u8>, Lack> {
        nvme::identify(controller)
    }

    fn ipmi(&self, request: &ipmi::Request) -> Result<Vec<u8>, Lack> {
        match self.left() {
            Duration::ZERO => Err(too_slow("the management controller")),
            left => ipmi::device::ask(request, left.min(ANSWER)),
        }
    }

    fn tool(&self, program: &str, arguments: &[&str]) -> Result<String, Lack> {
        run(program, arguments, self.deadline)
    }

    fn nvidia(&self) -> Result<Nvidia, Lack> {
        // The library wakes sleeping GPUs first, which may take many seconds, and cannot be interrupted.
        let (sender, receiver) = mpsc::channel();
        let ask = thread::Builder::new().name("nvml".to_owned()).spawn(move || sender.send(gpu::ask_nvidia()));
        ask.map_err(|error| Lack::of(&error))?;
        receiver.recv_timeout(self.left()).unwrap_or_else(|_| Err(too_slow("NVML")))
    }
}

fn too_slow(who: &str) -> Lack {
    Lack::failed(format!("{who} did not answer within the {} s that an inventory waits", PATIENCE.as_secs_f64()))
}

/// Runs a tool and returns what it printed; it is ended where it takes too long.
fn run(program: &str, arguments: &[&str], deadline: Instant) -> Found<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| Lack::of(&error))?;
    let output = child.stdout.take();
    let reader = thread::spawn(move || -> io::Result<String> {
        let mut bytes = Vec::new();
        output.map_or(Ok(0), |output| output.take(1 << 20).read_to_end(&mut bytes))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    });
    let status = loop {
        match child.try_wait().map_err(|error| Lack::of(&error))? {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                // It fails only where the tool has just ended by itself.
                let _ = child.kill();
                // A tool that hangs in the kernel dies later: nobody waits for it here.
                thread::spawn(move || child.wait());
                return Err(too_slow(program));
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    };
    let text = reader.join().map_err(|_| Lack::failed(format!("{program} could not be read")))?;
    if status.success() {
        return text.map_err(|error| Lack::of(&error));
    }
    if rustix::process::geteuid().is_root() {
        return Err(Lack::failed(format!("{program} {} ended with {status}", arguments.join(" "))));
    }
    Err(Lack::Denied { remedy: "run as root (sudo)".to_owned() })
}
