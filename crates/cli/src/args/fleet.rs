//! Commands on a fleet: many nodes at once.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum FleetCommand {}
