//! The worker of this binary: the closed set of its workloads, one arm each.

use anyhow::{Context, Result, bail, ensure};
use machine::watch::watched;
use machine::{Isa, Machine, Needs, Profile, Source};
use measure::{Event, Workload};
use record::pipe::Message;
use record::worker::{self, Choices, Pipe, Planned, Request, Task};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::build_info::build;
use crate::exit::Exit;

/// Serves one request and ends.
pub(crate) fn serve() -> Result<Exit> {
    worker::serve(build(), |request, pipe| match answer(request, pipe) {
        Ok(last) => last,
        Err(error) => Message::Failed(format!("{error:#}")),
    })?;
    Ok(Exit::Done)
}

fn answer(request: &Request, pipe: &mut Pipe) -> Result<Message> {
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
            watched(workload, &machine, &mut |event| pipe.tell(event), |emit| run(workload, config, &machine, emit))?;
            Ok(Message::Done)
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
