//! `hostproof fleet`: many nodes accepted, and compared with each other.

mod compare;
mod judge;
mod nodes;
mod report;

use anyhow::Result;

use crate::args::FleetCommand;
use crate::exit::Exit;

pub(crate) fn fleet(command: &FleetCommand) -> Result<Exit> {
    match command {
        FleetCommand::Judge(args) => judge::judge(args),
        FleetCommand::Report(args) => report::report(args),
        FleetCommand::Compare(args) => compare::compare(args),
    }
}
