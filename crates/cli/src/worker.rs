//! The worker's side of the pipe: the closed set of workloads, one arm each.
//!
//! The parent starts this binary again for each workload and repetition, because thread pools, affinity and memory
//! policy belong to a process, and because a kill must become a record with a reason.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use machine::{Isa, Machine, Needs, Profile, Source};
use measure::{Event, Workload};
use record::pipe::{self, Hello, Message};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::build_info::build;
use crate::exit::Exit;
use crate::watch::{self, Watched};

/// What the parent asks, on stdin.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Name of the workload.
    pub(crate) workload: String,
    /// The parent, so that a worker that was orphaned before it could ask for its signal notices.
    pub(crate) parent: u32,
    /// What to do.
    pub(crate) task: Task,
}

/// What a worker is asked to do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Size the workload for this host, and say what it needs.
    Plan {
        /// Name of the profile.
        profile: String,
        /// What the user chose.
        choices: Choices,
    },
    /// Run it as planned.
    Run(Value),
}

/// What the user chose that concerns workloads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Choices {
    /// The instruction set to use instead of the best one.
    pub(crate) isa: Option<String>,
    /// What solves systems of equations instead of this suite's own engine.
    pub(crate) engine: Option<String>,
    /// The folder of the disk workload's test file.
    pub(crate) scratch: PathBuf,
    /// The p99 in seconds that the specification wants a case of the disk workload to keep, by the case's name.
    pub(crate) disk_p99: BTreeMap<String, f64>,
}

/// A workload sized for this host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Planned {
    /// The workload's own configuration; only its worker reads it.
    pub(crate) config: Value,
    /// Time in seconds.
    pub(crate) seconds: f64,
    /// Memory in bytes.
    pub(crate) memory: u64,
    /// Disk in bytes.
    pub(crate) disk: u64,
}

/// Serves one request and ends.
pub(crate) fn serve() -> Result<Exit> {
    let mut pipe = private_stdout().context("could not set up the worker's pipe")?;
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).context("could not read the request")?;
    let request: Request =
        serde_json::from_str(&text).context("the request is not one; `worker` is started by `hostproof run`")?;
    die_with_parent(request.parent)?;
    send(&mut pipe, &Message::Hello(Hello::new(build())))?;
    let answer = match answer(&request, &mut pipe) {
        Ok(last) => last,
        Err(error) => Message::Failed(format!("{error:#}")),
    };
    send(&mut pipe, &answer)?;
    Ok(Exit::Done)
}

fn answer(request: &Request, pipe: &mut File) -> Result<Message> {
    let workload = Workload::from_name(&request.workload)
        .with_context(|| format!("`{}` is not a workload of this binary", request.workload))?;
    let machine = Machine::detect(&Source::Host).context("could not read this host's topology")?;
    match &request.task {
        Task::Plan { profile, choices } => {
            let profile = Profile::from_name(profile).with_context(|| format!("`{profile}` is not a profile"))?;
            let planned = plan(workload, profile, choices, &machine)?;
            Ok(Message::Plan(serde_json::to_value(planned)?))
        }
        Task::Run(config) => {
            // A pipe that breaks means that the parent is gone: this process has no more to do.
            let mut tell = |event: Event| {
                if send(pipe, &Message::Event(event)).is_err() {
                    std::process::exit(i32::from(Exit::Unusable as u8));
                }
            };
            watch::idle_power(workload, &machine).into_iter().for_each(&mut tell);
            let mut watched = Watched::start(workload, &machine);
            let end = run(workload, config, &machine, &mut |mut event| {
                watched.judge(&mut event);
                tell(event);
            });
            watched.finish().into_iter().for_each(&mut tell);
            end.map(|()| Message::Done)
        }
    }
}

fn plan(workload: Workload, profile: Profile, choices: &Choices, machine: &Machine) -> Result<Planned> {
    match workload {
        Workload::Stream => {
            let mut config = stream::Config::for_profile(profile, machine)?;
            config.isa = isa(choices)?;
            planned(&config, config.needs(machine))
        }
        Workload::Dense => {
            let mut config = dense::Config::for_profile(profile, machine)?;
            if let Some(name) = &choices.engine {
                config.hpl.engine = engine(name)?;
            }
            planned(&config, config.needs(machine))
        }
        Workload::Disk => {
            let mut config = disk::Config::for_profile(profile, machine)?;
            config.directory.clone_from(&choices.scratch);
            config.bounds.clone_from(&choices.disk_p99);
            planned(&config, config.needs(machine))
        }
        Workload::Tabular => bail!("the feature workload is not part of this binary"),
    }
}

fn run(workload: Workload, config: &Value, machine: &Machine, emit: &mut dyn FnMut(Event)) -> Result<()> {
    match workload {
        Workload::Stream => Ok(stream::run(&parsed(config)?, machine, emit)?),
        Workload::Dense => Ok(dense::run(&parsed(config)?, machine, emit)?),
        Workload::Disk => Ok(disk::run(&parsed(config)?, machine, emit)?),
        Workload::Tabular => bail!("the feature workload is not part of this binary"),
    }
}

fn planned(config: &impl Serialize, needs: Needs) -> Result<Planned> {
    let Needs { seconds, memory, disk } = needs;
    Ok(Planned { config: serde_json::to_value(config)?, seconds, memory, disk })
}

fn parsed<C: DeserializeOwned>(config: &Value) -> Result<C> {
    serde_json::from_value(config.clone()).context("the plan does not fit this build")
}

fn isa(choices: &Choices) -> Result<Option<String>> {
    let Some(name) = &choices.isa else { return Ok(None) };
    let isa = Isa::from_name(name).with_context(|| format!("`{name}` is not an instruction set of this suite"))?;
    ensure!(Isa::available().contains(&isa), "this CPU has no {name}; without --isa the best one is chosen");
    Ok(Some(name.clone()))
}

fn engine(name: &str) -> Result<dense::Engine> {
    let engine = dense::Engine::ALL.into_iter().find(|engine| engine.name() == name);
    engine.with_context(|| format!("`{name}` solves no systems here; --engine takes team or lapack"))
}

/// A descriptor of its own for the messages; what libraries print on stdout goes to stderr from here on.
fn private_stdout() -> Result<File> {
    let pipe = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok(File::from(pipe))
}

fn die_with_parent(parent: u32) -> Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    ensure!(now == i32::try_from(parent).ok(), "the process that started this worker is gone");
    Ok(())
}

fn send(pipe: &mut File, message: &Message) -> Result<()> {
    pipe.write_all(pipe::encode(message).as_bytes())?;
    Ok(())
}
