//! The worker of `hostproof run`.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use machine::{Machine, Source};
use measure::Workload;
use pipe::message::Message;
use pipe::request::{Planned, Request, Task};
use pipe::worker::{self, Pipe};
use telemetry::Watched;

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
    match request.workload {
        Workload::Tabular => {}
        other @ (Workload::Stream | Workload::Dense | Workload::Disk) => {
            bail!("`{}` is not the workload of this binary", other.name())
        }
    }
    let machine = Machine::detect(&Source::Host).context("could not read this host's topology")?;
    match &request.task {
        Task::Plan { profile, choices } => {
            let config = Config::for_profile(*profile, &machine, &choices.scratch)?;
            let config = config.with_pandas(*profile, choices.pandas.as_deref());
            let config = config.with_cluster(*profile, choices.cluster.as_ref())?;
            Ok(Message::Plan(Planned::new(&config, config.needs(&machine))?.with_shared(config.shared_room()?)))
        }
        Task::Run(config) => {
            let config: Config = serde_json::from_value(config.clone()).context("the plan does not fit this build")?;
            let mut watched = Watched::start(Workload::Tabular, &machine, &mut |event| pipe.emit(event));
            let end = workload::run(&config, &machine, &mut |event| {
                watched.hand_on(&mut |seen| pipe.emit(seen));
                pipe.emit(event);
            });
            watched.stop(&mut |event| pipe.emit(event));
            end?;
            Ok(Message::Done)
        }
    }
}
