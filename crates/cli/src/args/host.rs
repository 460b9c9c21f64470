//! What was typed of this host: its plan, its inventory and what disturbs.

use clap::Args;

use crate::completion;

#[derive(Debug, Args)]
pub(crate) struct TopologyArgs {
    /// Another topology than this host's: an hwloc XML file, or a synthetic one such as 'pack:2 numa:1 core:64 pu:2'
    #[arg(long, value_name = "FILE|SYNTHETIC")]
    pub(crate) topology: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) topology: TopologyArgs,
    /// One worker for each hardware (SMT) thread instead of one for each core
    #[arg(long = "every-thread")]
    pub(crate) smt: bool,
    /// Bytes of an array [default: four times the caches, as the memory workload plans it]
    #[arg(long, value_name = "SIZE")]
    pub(crate) array: Option<String>,
    /// Print JSON, for machines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Compare with this specification: the id of a built-in system, or a TOML file
    #[arg(long, value_name = "ID|FILE", add = completion::specification())]
    pub(crate) spec: Option<String>,
    /// With --spec: also what is as documented, and all facts
    #[arg(long, requires = "spec")]
    pub(crate) all: bool,
    /// Print JSON, for machines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Show also what was looked at and is fine, and what this host does not tell
    #[arg(long, conflicts_with = "json")]
    pub(crate) all: bool,
    /// Exit with 4 where something disturbs
    #[arg(long)]
    pub(crate) strict: bool,
    /// Print JSON, for machines
    #[arg(long)]
    pub(crate) json: bool,
}
