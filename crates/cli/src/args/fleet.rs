//! Commands on a fleet: many nodes at once.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use launch::NodeSet;

use super::Records;
use crate::completion;

#[derive(Debug, Subcommand)]
pub(crate) enum FleetCommand {
    /// Accept many nodes, each once, through Slurm or ssh; or go on with a fleet that was begun
    #[command(
        after_help = "What follows `--` is handed on to `hostproof accept` on each node.\n\nExamples:\n  hostproof fleet start --nodes \
                      'node[001-400]' --via slurm --time 240 -- --profile full --spec node.toml\n  hostproof fleet start --nodes \
                      'n[01-40]!n07' --via ssh --max-running 8 --dry-run\n  hostproof fleet start --name rack7                 goes on \
                      where it was left\n  hostproof fleet start --name rack7 --again 'n[03,05]'   asks these once more\n\nExit codes: 0 \
                      all accepted · 1 one rejected · 3 one not decided or without an answer · 2 wrong use · 130 stopped by the user: \
                      what was begun goes on"
    )]
    Start(FleetStartArgs),
    /// Show what came of each node
    #[command(after_help = "Examples:\n  hostproof fleet status rack7\n  hostproof fleet status rack7 --json")]
    Status {
        /// The fleet
        fleet: String,
        /// Print JSON instead of a grid
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        records: Records,
    },
    /// Cancel what waits and runs, and ask nobody any more; `start --name` goes on
    #[command(after_help = "Examples:\n  hostproof fleet stop rack7")]
    Stop {
        /// The fleet
        fleet: String,
        #[command(flatten)]
        records: Records,
    },
    /// Print what would be started on each node, for schedulers that this program does not speak to
    #[command(
        after_help = "Examples:\n  hostproof fleet print --nodes 'n[01-40]' --via k8s --name rack7 --image registry/hostproof:0.1.0 --cpus \
                      64 --memory 400Gi | kubectl apply -f -\n  hostproof fleet print --nodes 'n[01-40]' --via slurm --name rack7 -- \
                      --profile full"
    )]
    Print(FleetPrintArgs),
    /// Drain the nodes in Slurm that were rejected; it shows what it would do, and does it with --yes
    #[command(after_help = "Examples:\n  hostproof fleet drain rack7\n  hostproof fleet drain rack7 --nodes n03 --yes")]
    Drain(FleetDrainArgs),
    /// Take nodes back that this fleet has drained, where a newer run of the node was accepted
    #[command(
        after_help = "Examples:\n  hostproof fleet resume rack7\n  hostproof fleet resume rack7 --nodes n03 --yes"
    )]
    Resume(FleetDrainArgs),
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

/// By what nodes are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ViaName {
    /// A job of Slurm for each node
    Slurm,
    /// The system's `ssh`, with your own configuration
    Ssh,
}

/// For what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrintFor {
    /// Batch scripts with their `sbatch`
    Slurm,
    /// A Job for each node, as JSON, which is YAML
    K8s,
}

#[derive(Debug, Args)]
pub(crate) struct FleetStartArgs {
    /// The nodes, as ClusterShell and Slurm write them [default: go on with the fleet --name]
    #[arg(long, value_name = "NODESET", requires = "via", required_unless_present = "name")]
    pub(crate) nodes: Option<NodeSet>,
    /// By what they are reached
    #[arg(long, value_enum, requires = "nodes")]
    pub(crate) via: Option<ViaName>,
    /// The fleet's name [default: the time]
    #[arg(long, value_name = "FLEET")]
    pub(crate) name: Option<String>,
    /// Leave these nodes out
    #[arg(long, value_name = "NODESET", requires = "nodes")]
    pub(crate) exclude: Option<NodeSet>,
    /// Only nodes that Slurm has in this state, such as idle
    #[arg(long, value_name = "STATE", requires = "nodes")]
    pub(crate) state: Option<String>,
    /// Only so many of the nodes, drawn at random
    #[arg(long, value_name = "COUNT", requires = "nodes")]
    pub(crate) sample: Option<usize>,
    /// With this seed, to draw the same nodes again [default: another each time, which is said]
    #[arg(long, requires = "sample")]
    pub(crate) seed: Option<u64>,
    /// Ask these nodes of the fleet once more, whatever came of them; each attempt is counted and shown
    #[arg(long, value_name = "NODESET", requires = "name", conflicts_with = "nodes")]
    pub(crate) again: Option<NodeSet>,
    /// No more attempts that wait for their nodes than these
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = count)]
    pub(crate) max_pending: usize,
    /// No more attempts that wait or run than these [default: with ssh 32, with Slurm no limit]
    #[arg(long, value_name = "COUNT", value_parser = count)]
    pub(crate) max_running: Option<usize>,
    /// Seconds between two looks at what was begun
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) poll: u64,
    #[command(flatten)]
    pub(crate) slurm: SlurmArgs,
    /// The configuration file of ssh [default: ssh's own]
    #[arg(long, value_name = "FILE", requires = "nodes")]
    pub(crate) ssh_config: Option<PathBuf>,
    /// The program that nodes run: with Slurm its path there, with ssh the file that is brought there [default: this one]
    #[arg(long, value_name = "FILE", requires = "nodes")]
    pub(crate) program: Option<PathBuf>,
    /// Print what would be submitted, and submit nothing
    #[arg(long, requires = "nodes")]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) records: Records,
    /// What `hostproof accept` is told on each node
    #[arg(last = true, value_name = "ACCEPT'S OPTIONS", requires = "nodes")]
    pub(crate) options: Vec<String>,
}

/// What is told to Slurm of each job.
#[derive(Debug, Args)]
pub(crate) struct SlurmArgs {
    /// The time limit of each job, as sbatch takes it
    #[arg(long, value_name = "TIME")]
    pub(crate) time: Option<String>,
    /// The partition
    #[arg(long)]
    pub(crate) partition: Option<String>,
    /// The reservation
    #[arg(long)]
    pub(crate) reservation: Option<String>,
}

impl SlurmArgs {
    /// As options of `sbatch`.
    pub(crate) fn options(&self) -> Vec<String> {
        let named = [("time", &self.time), ("partition", &self.partition), ("reservation", &self.reservation)];
        named.into_iter().filter_map(|(name, value)| Some(format!("--{name}={}", value.as_ref()?))).collect()
    }
}

#[derive(Debug, Args)]
pub(crate) struct FleetPrintArgs {
    /// The nodes, as ClusterShell and Slurm write them
    #[arg(long, value_name = "NODESET")]
    pub(crate) nodes: NodeSet,
    /// For what
    #[arg(long, value_enum)]
    pub(crate) via: PrintFor,
    /// The fleet's name
    #[arg(long, value_name = "FLEET")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) slurm: SlurmArgs,
    /// The program's path on the nodes, for Slurm
    #[arg(long, value_name = "FILE", default_value = "hostproof")]
    pub(crate) program: String,
    /// The image with the program, for Kubernetes
    #[arg(long, default_value = "hostproof:latest")]
    pub(crate) image: String,
    /// CPUs of a node, which the pod is guaranteed
    #[arg(long, required_if_eq("via", "k8s"))]
    pub(crate) cpus: Option<String>,
    /// Memory that the pod is guaranteed
    #[arg(long, required_if_eq("via", "k8s"))]
    pub(crate) memory: Option<String>,
    /// The folder on each node where a pod's records go
    #[arg(long, value_name = "DIR", default_value = "/var/lib/hostproof")]
    pub(crate) host_path: String,
    #[command(flatten)]
    pub(crate) records: Records,
    /// What `hostproof accept` is told on each node
    #[arg(last = true, value_name = "ACCEPT'S OPTIONS")]
    pub(crate) options: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct FleetDrainArgs {
    /// The fleet
    pub(crate) fleet: String,
    /// Only these of its nodes
    #[arg(long, value_name = "NODESET")]
    pub(crate) nodes: Option<NodeSet>,
    /// Do it; without it is only shown
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) records: Records,
}

/// Which nodes, by which specification.
#[derive(Debug, Args)]
pub(crate) struct FleetRunsArgs {
    /// A fleet that was started; or runs: ids or the starts of them, folders, files, of which those of one node are judged
    /// together; or selections of the store such as bios=1.3, of which each node's newest counts [default: the newest run of each
    /// node in the store]
    #[arg(value_name = "FLEET|RUN", add = completion::run())]
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
    /// The fleet or the runs before the update, or a selection of the store
    #[arg(long, value_name = "FLEET|RUN", num_args = 1.., required = true, add = completion::run())]
    pub(crate) before: Vec<String>,
    /// Those after it
    #[arg(long, value_name = "FLEET|RUN", num_args = 1.., required = true, add = completion::run())]
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

fn count(typed: &str) -> Result<usize, String> {
    typed.parse().ok().filter(|count| *count > 0).ok_or_else(|| "it is a number from 1".to_owned())
}
