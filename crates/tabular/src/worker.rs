//! The worker of `hostproof run`.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use machine::watch::watched;
use machine::{Machine, Needs, Profile, Source};
use measure::Workload;
use record::pipe::Message;
use record::worker::{self, Pipe, Planned, Request, Task};

use crate::build_info::build;
use tabular::workload::{self, Config};

pub(crate) fn serve() -> Result<ExitCode> {
    worker::serve(build(), |request, pipe| match answer(request, pipe) {
        Ok(last) => last,
        Err(error) => Message::Failed(format!("{error:#}")),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn answer(request: &Request, pipe: &mut Pipe) -> Result<Message> {
    ensure!(request.workload == Workload::Tabular.name(), "`{}` is not the workload of this binary", request.workload);
    let machine = Machine::detect(&Source::Host).context("could not read this host's topology")?;
    match &request.task {
        Task::Plan { profile, choices } => {
            let profile = Profile::from_name(profile).with_context(|| format!("`{profile}` is not a profile"))?;
            let config = Config::for_profile(profile, &machine, &choices.scratch)?;
            let Needs { seconds, memory, disk } = config.needs(&machine);
            let config = serde_json::to_value(config)?;
            Ok(Message::Plan(serde_json::to_value(Planned { config, seconds, memory, disk })?))
        }
        Task::Run(config) => {
            let config: Config = serde_json::from_value(config.clone()).context("the plan does not fit this build")?;
            let mut tell = |event| pipe.tell(event);
            watched(Workload::Tabular, &machine, &mut tell, |emit| workload::run(&config, &machine, emit))?;
            Ok(Message::Done)
        }
    }
}
