//! Commands on a fleet: many nodes at once.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::history::Records;
use crate::completion;

#[derive(Debug, Subcommand)]
pub(crate) enum FleetCommand {
    /// Judge all nodes together: who is accepted, who is worse than its siblings, and what each criterion points at
    #[command(
        after_help = "Examples:\n  hostproof fleet judge                      the newest run of each node in the store\n  \
                      hostproof fleet judge records/*.jsonl --json\n  hostproof fleet judge tag=delivery-7 --spec my-server.toml\n\n\
                      Exit codes, as those of accept: 0 every node accepted · 1 one rejected · 2 wrong use · 3 one not decided, or \
                      without an answer · 4 one not comparable, or tainted"
    )]
    Judge(FleetJudgeArgs),
    /// Write a judged fleet: a page with every node, and the formats that other tools read
    #[command(
        after_help = "Examples:\n  hostproof fleet report --html fleet.html\n  hostproof fleet report records/*.jsonl --csv fleet.csv \
                      --junit fleet.xml"
    )]
    Report(FleetReportArgs),
    /// Tell what an update did to a fleet: each node is its own control
    #[command(
        after_help = "Examples:\n  hostproof fleet compare --before bios=1.2 --after bios=1.3\n  hostproof fleet compare --before \
                      before/*.jsonl --after after/*.jsonl\n\nExit codes: 0 not worse · 1 worse over the fleet, or a node got worse · \
                      2 wrong use · 3 not decided"
    )]
    Compare(FleetCompareArgs),
}

/// Which nodes, by which specification.
#[derive(Debug, Args)]
pub(crate) struct FleetRunsArgs {
    /// Runs: ids or the starts of them, folders, files, of which those of one node are judged together; or selections of the store
    /// such as bios=1.3, of which each node's newest counts [default: the newest run of each node in the store]
    #[arg(value_name = "RUN", add = completion::run())]
    pub(crate) runs: Vec<String>,
    #[command(flatten)]
    pub(crate) by: FleetBy,
}

#[derive(Debug, Args)]
pub(crate) struct FleetBy {
    /// Another specification than the records' own: the id of a built-in system, or a TOML file
    #[arg(long, value_name = "ID|FILE", add = completion::specification())]
    pub(crate) spec: Option<String>,
    #[command(flatten)]
    pub(crate) records: Records,
}

#[derive(Debug, Args)]
pub(crate) struct FleetJudgeArgs {
    #[command(flatten)]
    pub(crate) of: FleetRunsArgs,
    /// Show every node, criterion and metric
    #[arg(long, conflicts_with = "json")]
    pub(crate) all: bool,
    /// Print the answer alone, in a line
    #[arg(long, conflicts_with_all = ["json", "all"])]
    pub(crate) brief: bool,
    /// Print JSON instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("fleet_format").required(true).multiple(true))]
pub(crate) struct FleetReportArgs {
    #[command(flatten)]
    pub(crate) of: FleetRunsArgs,
    /// One self-contained page; here and below `-` is the standard output
    #[arg(long, value_name = "FILE", group = "fleet_format")]
    pub(crate) html: Option<PathBuf>,
    /// CSV, a line for each node and criterion
    #[arg(long, value_name = "FILE", group = "fleet_format")]
    pub(crate) csv: Option<PathBuf>,
    /// JSON, as `fleet judge --json` prints it
    #[arg(long, value_name = "FILE", group = "fleet_format")]
    pub(crate) json: Option<PathBuf>,
    /// Prometheus text for the textfile collector, one file for all nodes
    #[arg(long, value_name = "FILE", group = "fleet_format", visible_alias = "prometheus")]
    pub(crate) prom: Option<PathBuf>,
    /// `JUnit` XML, a suite for each node
    #[arg(long, value_name = "FILE", group = "fleet_format")]
    pub(crate) junit: Option<PathBuf>,
    /// Write also to a device or a pipe, and over a file that is no earlier report; a record is never written over
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FleetCompareArgs {
    /// The runs before the update, or a selection of the store
    #[arg(long, value_name = "RUN", num_args = 1.., required = true, add = completion::run())]
    pub(crate) before: Vec<String>,
    /// The runs after it
    #[arg(long, value_name = "RUN", num_args = 1.., required = true, add = completion::run())]
    pub(crate) after: Vec<String>,
    #[command(flatten)]
    pub(crate) by: FleetBy,
    /// Show every metric, also those that decide nothing and did not move
    #[arg(long, conflicts_with = "json")]
    pub(crate) all: bool,
    /// Print JSON instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}
