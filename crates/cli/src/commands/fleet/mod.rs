//! `hostproof fleet`: many nodes accepted, and compared with each other.

mod answers;
mod compare;
mod drain;
mod judge;
mod nodes;
mod reading;
mod report;
mod start;
mod status;

use anyhow::{Context, Result};
use launch::{FleetJournal, Launcher, SlurmLauncher, SshLauncher, Via};
use record::Store;

use crate::args::{FleetCommand, Records};
use crate::exit::Exit;
use crate::locations;

/// Connections of ssh at a time, unless more are asked for, and at most.
const CONNECTIONS: usize = 32;
const MOST_CONNECTIONS: usize = 256;

pub(crate) fn fleet(command: &FleetCommand) -> Result<Exit> {
    match command {
        FleetCommand::Judge(args) => judge::judge(args),
        FleetCommand::Report(args) => report::report(args),
        FleetCommand::Compare(args) => compare::compare(args),
        FleetCommand::Start(args) => start::start(args),
        FleetCommand::Status { fleet, json, records } => status::status(fleet, *json, records),
        FleetCommand::Stop { fleet, records } => start::stop(fleet, records),
        FleetCommand::Print(args) => start::print_for(args),
        FleetCommand::Drain(args) => drain::drain(args),
        FleetCommand::Resume(args) => drain::resume(args),
    }
}

/// The store by its full path: nodes are told it.
fn store(records: &Records) -> Result<Store> {
    Ok(Store::at(&std::path::absolute(locations::results(records.out.as_deref())?)?))
}

fn open(records: &Records, fleet: &str) -> Result<(Store, FleetJournal)> {
    let store = store(records)?;
    let fleet = FleetJournal::open(&store, fleet).context("no such fleet can be used")?;
    Ok((store, fleet))
}

/// What reaches the nodes of a fleet.
fn launcher(fleet: &FleetJournal, connections: usize) -> Result<Box<dyn Launcher>> {
    Ok(match fleet.plan.via {
        Via::Slurm => Box::new(SlurmLauncher::new(fleet)),
        Via::Ssh => Box::new(SshLauncher::new(fleet, connections.min(MOST_CONNECTIONS))?),
    })
}
