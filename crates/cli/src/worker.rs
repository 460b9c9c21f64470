//! The worker of this binary: the closed set of its workloads, one arm each.

use anyhow::{Context, Result, bail, ensure};
use machine::{Machine, Source, isa};
use measure::{Event, Isa, Labels, MetricId, NotMeasured, Profile, Reason, Workload};
use pipe::message::Message;
use pipe::request::{Choices, Planned, Request, Task};
use pipe::worker::{self, Pipe};
use serde::de::DeserializeOwned;
use serde_json::Value;
use telemetry::Watched;

use crate::build_info::build;
use crate::exit::Exit;
use crate::failure;

mod slow;

/// Serves one request and ends.
pub(crate) fn serve() -> Result<Exit> {
    worker::serve(build(), |request, pipe| match answer(request, pipe) {
        Ok(last) => last,
        Err(error) => Message::Failed(failure::message(&error)),
    })?;
    Ok(Exit::Done)
}

fn answer(request: &Request, pipe: &mut Pipe) -> Result<Message> {
    let machine = Machine::detect(&Source::Host).context("could not read this host's topology")?;
    match &request.task {
        Task::Plan { profile, choices } => {
            if let Err(refusal) = allowed(request.workload) {
                let id = MetricId { name: request.workload.name().to_owned(), labels: Labels::new() };
                pipe.emit(Event::NotMeasured(NotMeasured { id, reason: Reason::NotAllowed(refusal.to_string()) }));
                return Ok(Message::Done);
            }
            Ok(Message::Plan(plan(request.workload, *profile, choices, &machine)?))
        }
        Task::Run(config) => {
            let mut watched = Watched::start(request.workload, &machine, &mut |event| pipe.emit(event));
            let end = slow::asked().and_then(|slow| {
                run(request.workload, config, &machine, &mut |event| {
                    watched.hand_on(&mut |seen| pipe.emit(seen));
                    pipe.emit(slow::slowed(event, slow));
                })
            });
            watched.stop(&mut |event| pipe.emit(event));
            end?;
            Ok(Message::Done)
        }
    }
}

/// That the kernel lets this process do what a workload needs. A worker asks, because a filter of system calls may kill it.
fn allowed(workload: Workload) -> Result<(), disk::Error> {
    match workload {
        Workload::Disk => disk::available(),
        Workload::Stream | Workload::Dense | Workload::Tabular => Ok(()),
    }
}

fn plan(workload: Workload, profile: Profile, choices: &Choices, machine: &Machine) -> Result<Planned> {
    match workload {
        Workload::Stream => {
            let mut config = stream::Config::for_profile(profile, machine)?;
            config.isa = available(choices.isa)?;
            Ok(Planned::new(&config, config.needs(machine))?)
        }
        Workload::Dense => {
            let mut config = dense::Config::for_profile(profile, machine)?;
            config.hpl.engine = choices.engine.unwrap_or(config.hpl.engine);
            Ok(Planned::new(&config, config.needs(machine))?)
        }
        Workload::Disk => {
            let mut config = disk::Config::for_profile(profile, machine)?;
            config.directory.clone_from(&choices.scratch);
            config.bounds.clone_from(&choices.disk_p99);
            Ok(Planned::new(&config, config.needs(machine))?)
        }
        Workload::Tabular => bail!("the feature workload has a binary of its own"),
    }
}

fn run(workload: Workload, config: &Value, machine: &Machine, emit: &mut dyn FnMut(Event)) -> Result<()> {
    match workload {
        Workload::Stream => Ok(stream::run(&parsed(config)?, machine, emit)?),
        Workload::Dense => Ok(dense::run(&parsed(config)?, machine, emit)?),
        Workload::Disk => Ok(disk::run(&parsed(config)?, machine, emit)?),
        Workload::Tabular => bail!("the feature workload has a binary of its own"),
    }
}

fn parsed<C: DeserializeOwned>(config: &Value) -> Result<C> {
    serde_json::from_value(config.clone()).context("the plan does not fit this build")
}

/// The instruction set that was asked for, where this CPU has it.
fn available(asked: Option<Isa>) -> Result<Option<Isa>> {
    if let Some(isa) = asked {
        let name = isa.name();
        ensure!(isa::available().contains(&isa), "this CPU has no {name}; without --isa the widest one is chosen");
    }
    Ok(asked)
}
