//! `hostproof fleet`: many nodes accepted, and compared with each other.

use anyhow::Result;

use crate::args::FleetCommand;
use crate::exit::Exit;

pub(crate) fn fleet(command: &FleetCommand) -> Result<Exit> {
    match *command {}
}
