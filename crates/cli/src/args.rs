//! What was typed. Nothing is resolved here: that is `plan.rs`.

mod cluster;
mod documents;
mod fleet;
mod groups;
mod history;
mod host;
mod import;
mod reports;
mod soak;
mod watch;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use measure::{Isa, Profile, Quantity, Solver, Unit, Workload};

use crate::build_info::LONG_VERSION;
use crate::completion::{self, CompletionShell};

pub(crate) use self::import::ImportArgs;
pub(crate) use cluster::ClusterArgs;
pub(crate) use documents::{AuditArgs, SpecCommand};
pub(crate) use fleet::{
    FleetBy, FleetCommand, FleetCompareArgs, FleetDrainArgs, FleetJudgeArgs, FleetPrintArgs, FleetReportArgs,
    FleetRunsArgs, FleetStartArgs, PrintFor, ViaName,
};
pub(crate) use groups::grouped;
pub(crate) use history::{
    BaselineCommand, CampaignCommand, CompareArgs, HistoryArgs, OrderName, Records, StartArgs, StoreCommand, View,
};
pub(crate) use host::{DoctorArgs, InspectArgs, PlanArgs};
pub(crate) use reports::{DossierArgs, DossierCommand, PackArgs, ReportArgs};
pub(crate) use soak::SoakArgs;
pub(crate) use watch::{AlarmArgs, WatchArgs};

/// Proves that a server delivers its documented numbers.
#[derive(Debug, Parser)]
#[command(name = "hostproof", version, long_version = LONG_VERSION, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How every command prints.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Columns of a line [default: those of the terminal, else of the environment variable COLUMNS, else 120]
    #[arg(long, global = true, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(40..))]
    pub(crate) width: Option<u16>,
    /// When to use colour; `auto` is on a terminal, unless `NO_COLOR` is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorWhen,
    /// Say nothing but results and errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Also into a file or a pipe
    Always,
    /// Nowhere
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure this host, judge every documented target, and show the table
    #[command(
        after_help = "Examples:\n  hostproof run                          the quick profile, about a minute a workload\n  \
                            hostproof run --only stream --json     memory alone, for machines\n  \
                            hostproof run --profile full --dry-run what the long profile would take"
    )]
    Run(RunArgs),
    /// The same as a gate: the exit code says accepted (0), rejected (1), inconclusive (3), not comparable (4)
    #[command(
        after_help = "Examples:\n  hostproof accept --profile full --spec my-server.toml\n  hostproof accept --facts-first \
                            --profile full --spec my-server.toml\n  hostproof accept --only disk --scratch /mnt/nvme || echo \"not accepted: exit code $?\""
    )]
    Accept(AcceptArgs),
    /// Judge a recorded run again, offline, under its own or another specification
    #[command(
        after_help = "Examples:\n  hostproof judge latest\n  hostproof judge results/node7/20260102T030405Z-ab12/run.jsonl \
                            --spec my-server.toml"
    )]
    Judge(JudgeArgs),
    /// Read what other tools printed: each figure with its line, what it can show of this host and what not
    #[command(
        after_help = "Examples:\n  hostproof import stream.txt fio.json\n  hostproof import --host node7 hpl.txt\n  hostproof judge \
                            latest --with 20260102T030405Z-ab12 --letter > letter.md"
    )]
    Import(ImportArgs),
    /// Show a recorded run as `run` ended it with a line for every metric, or one metric with all its series
    #[command(
        after_help = format!("Examples:\n  hostproof show latest\n  hostproof show latest {}\n  hostproof show 20260102T03 --json", measure::metrics::STREAM_TRIAD.id)
    )]
    Show(ShowArgs),
    /// Show two recorded runs beside each other, and what differs in the host
    #[command(
        after_help = "Examples:\n  hostproof diff 20260102T03 latest\n  hostproof diff before/run.jsonl after/run.jsonl --json"
    )]
    Diff(DiffArgs),
    /// Write a report of judged runs: a page to sign, and the formats that other tools read
    #[command(
        after_help = "Examples:\n  hostproof report latest --html report.html\n  hostproof report latest --junit junit.xml --prom \
                            /var/lib/node_exporter/hostproof.prom\n  hostproof report 20260102T03 20260103T03 --html boots.html \
                            --spec my-server.toml"
    )]
    Report(ReportArgs),
    /// Put runs with all that their verdict rests on into one sealed file, or verify such a file
    #[command(
        args_conflicts_with_subcommands = true,
        subcommand_negates_reqs = true,
        after_help = "Examples:\n  hostproof dossier latest -o node7.tar.zst\n  openssl genpkey -algorithm ed25519 -out key.pem\n  \
                            hostproof dossier latest -o node7.tar.zst --sign key.pem\n  openssl pkey -in key.pem -pubout -out \
                            public.pem\n  hostproof dossier verify node7.tar.zst --key public.pem"
    )]
    Dossier(DossierArgs),
    /// Find by arithmetic which documented targets could ever be met, without measuring
    #[command(after_help = "Examples:\n  hostproof audit\n  hostproof audit --spec offer.toml --markdown > letter.md")]
    Audit(AuditArgs),
    /// The documented systems: list, show, check, derive one for this host
    #[command(
        after_help = "Examples:\n  hostproof spec list\n  hostproof spec derive > my-server.toml\n  hostproof spec check \
                            my-server.toml"
    )]
    Spec {
        #[command(subcommand)]
        command: SpecCommand,
    },
    /// Show which worker runs where, and which bytes lie on which node
    #[command(
        after_help = "Examples:\n  hostproof plan\n  hostproof plan --topology 'pack:2 numa:1 core:64 pu:2' --json"
    )]
    Plan(PlanArgs),
    /// Show what is known of this host
    #[command(
        after_help = "Examples:\n  hostproof inspect\n  hostproof inspect --spec PY-HPC-2024.Q3\n  hostproof inspect --json"
    )]
    Inspect(InspectArgs),
    /// Report what would disturb measurements, and how to fix it
    #[command(after_help = "Examples:\n  hostproof doctor --all\n  hostproof doctor --strict && hostproof accept")]
    Doctor(DoctorArgs),
    /// Run a job file of fio on this suite's own engine
    #[command(
        override_usage = "hostproof disk [OPTIONS] [--name=JOB --OPTION=VALUE…]… [JOB FILE]…",
        after_help = "Options of jobs are written as in job files, and as on fio's command line: --rw=randread. Those before the \
                      first --name are the defaults of all jobs.\n\nExamples:\n  hostproof disk randread.fio\n  hostproof disk \
                      randread.fio --output-format=normal,json --output=result.txt\n  hostproof disk --name=a --rw=randread --bs=4k \
                      --size=1g --iodepth=32 --runtime=10 --time_based"
    )]
    Disk(DiskArgs),
    /// Generate, transform and verify the data of the feature workload: hands over to `hostproof-tabular`
    #[command(
        disable_help_flag = true,
        after_help = "Examples:\n  hostproof features --help\n  hostproof features generate --size 1GB --out data"
    )]
    Features {
        /// What `hostproof-tabular` takes
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
        arguments: Vec<OsString>,
    },
    /// Tell whether an update made anything worse: runs before it against runs after it
    #[command(after_help = history::compare_help())]
    Compare(CompareArgs),
    /// Measure boots before and after an update in a fixed order, over reboots and power cuts
    #[command(
        after_help = "Examples:\n  hostproof campaign start --boots 5 --order ABBA --before bios=1.2 --after bios=1.3\n  hostproof campaign next"
    )]
    Campaign {
        #[command(subcommand)]
        command: CampaignCommand,
    },
    /// Accept many nodes, and compare them with each other
    #[command(
        after_help = "Examples:\n  hostproof fleet start --nodes 'node[001-400]' --via slurm --name rack7 -- --profile full --spec \
                            node.toml\n  hostproof fleet status rack7\n  hostproof fleet judge rack7\n  hostproof fleet report rack7 \
                            --html rack7.html\n  hostproof fleet drain rack7"
    )]
    Fleet {
        #[command(subcommand)]
        command: FleetCommand,
    },
    /// Show how noisy each metric of a host is between boots, and what it can therefore be judged for
    #[command(after_help = history::selection_help("  hostproof noise\n  hostproof noise host=node7,bios=1.2"))]
    Noise(HistoryArgs),
    /// Show a host's history by boot: steps at known changes, steps without one, slow drift
    #[command(after_help = history::selection_help("  hostproof trend\n  hostproof trend host=node7 --json"))]
    Trend(HistoryArgs),
    /// The runs of a host that others are compared with
    #[command(after_help = "Examples:\n  hostproof baseline set bios=1.2")]
    Baseline {
        #[command(subcommand)]
        command: BaselineCommand,
    },
    /// Load this host for hours in which nothing may break: every result is verified, and the host is watched
    #[command(
        after_help = "Examples:\n  sudo hostproof soak --hours 48 --spec my-server.toml\n  hostproof soak --hours 1 --load memory,cpu \
                            --no-figures\n  hostproof soak --status\n  sudo hostproof soak --continue"
    )]
    Soak(SoakArgs),
    /// Watch this host in service: what breaks a limit is an event, told at once
    #[command(
        after_help = "Examples:\n  hostproof watch --spec my-server.toml --prom /var/lib/node_exporter/hostproof-watch.prom\n  \
                            hostproof watch --on-event /usr/local/sbin/page-me\n  hostproof watch --wear"
    )]
    Watch(WatchArgs),
    /// The records: list, show, verify, prune, tag, export, import, index
    #[command(after_help = "Examples:\n  hostproof store list\n  hostproof store verify")]
    Store {
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// Print the JSON Schema of what a command prints with `--json`
    #[command(after_help = "Examples:\n  hostproof schema\n  hostproof schema judge > judge.schema.json")]
    Schema {
        /// The command, as `judge` or `store list` [default: all]
        #[arg(value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Print the script by which a shell completes commands, runs, specifications, metrics and tags
    #[command(
        after_help = "Examples:\n  hostproof completions bash > ~/.local/share/bash-completion/completions/hostproof\n  \
                            hostproof completions zsh > ~/.zfunc/_hostproof\n  hostproof completions fish > \
                            ~/.config/fish/completions/hostproof.fish"
    )]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: CompletionShell,
    },
    /// Measure one workload for the process that started this one; not for people
    #[command(hide = true, name = "worker")]
    Worker,
    /// Run one load for the soak that started this process; not for people
    #[command(hide = true, name = "load")]
    Load,
    /// Write the manual pages and the completions of shells into a folder; for those who make packages
    #[command(hide = true, after_help = "Example:\n  hostproof manual target/manual")]
    Manual {
        /// The folder, which is made: `man1`, `bash`, `zsh` and `fish` are below it
        folder: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// How long and how large
    #[arg(long, value_enum, default_value = "quick")]
    pub(crate) profile: Profile,
    /// Only these workloads, separated by commas
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Workload>,
    /// The specification: the id of a built-in system, or a TOML file
    #[arg(long, value_name = "ID|FILE", default_value = DEFAULT_SPEC, add = completion::specification())]
    pub(crate) spec: String,
    /// Where records go [default: results/ in a checkout, else the user's state folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// The folder for test files, which is there [default: the only file system on the volume that the specification
    /// describes, else where records go]
    #[arg(long, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
    /// Use this instruction set in the memory kernels instead of the widest one
    #[arg(long, value_enum)]
    pub(crate) isa: Option<Isa>,
    /// Refuse to measure, with exit code 4, where `doctor` finds something to mend first
    #[arg(long)]
    pub(crate) strict: bool,
    /// What solves the systems of equations of the dense workload
    #[arg(long, value_enum)]
    pub(crate) engine: Option<Solver>,
    /// Measure pandas too, the engine of the documented feature workload: a Python environment (a folder with bin/python)
    /// that has pandas, numpy and pyarrow
    #[arg(long, value_name = "ENV")]
    pub(crate) pandas: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// Judge together with this earlier run of the same host, for instance of the other workloads: its id, or `latest`
    #[arg(long, value_name = "RUN", add = completion::run())]
    pub(crate) with: Option<String>,
    /// Give the run a tag, for selections
    #[arg(long, value_name = "NAME", value_parser = history::tag, add = completion::tag())]
    pub(crate) tag: Vec<String>,
    /// Kill a worker after this multiple of its planned time; emulators and simulators need more
    #[arg(long, value_name = "TIMES", default_value_t = 10.0, value_parser = patience)]
    pub(crate) patience: f64,
    /// Measure although another measurement runs on this host, as in several virtual nodes of one; both are disturbed, and
    /// their records say so. The environment variable `HOSTPROOF_BESIDE` says the same
    #[arg(long)]
    pub(crate) beside: bool,
    /// Die when this process, which started it, dies
    #[arg(long, value_name = "PID", hide = true)]
    pub(crate) parent: Option<u32>,
    /// Show the plan with its time, memory and disk, and measure nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) view: JudgedView,
}

/// How a judged run is shown.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct JudgedView {
    /// Show also what decides nothing: parts that are as documented, achievable companions, other systems, the arithmetic
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
pub(crate) struct AcceptArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// Judge the parts first, and measure nothing where they decide already: a required part is another, or a fact that a
    /// required target depends on
    #[arg(long)]
    pub(crate) facts_first: bool,
    /// Accept only a host that passes a soak of this time as well, as `24h`; it follows unless the host is rejected before
    #[arg(long, value_name = "TIME", value_parser = soak_time, conflicts_with = "json")]
    pub(crate) soak: Option<f64>,
}

/// Seconds, of a time from a second to a year.
fn soak_time(typed: &str) -> Result<f64, String> {
    let time = typed.parse::<Quantity>().ok().filter(|time| time.unit == Unit::Second);
    let seconds = time.map(|time| time.value).filter(|seconds| (1.0..=3.2e7).contains(seconds));
    seconds.ok_or_else(|| "it is a time, as 24h".to_owned())
}

fn patience(typed: &str) -> Result<f64, String> {
    let times = typed.parse().ok().filter(|times: &f64| (1.0..=1000.0).contains(times));
    times.ok_or_else(|| "it is a number from 1 to 1000".to_owned())
}

/// The system that this suite was made for.
pub(crate) const DEFAULT_SPEC: &str = "PY-HPC-2024.Q3";

#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    /// A run: its id or the start of it, its folder, its run.jsonl, or `latest`
    #[arg(add = completion::run())]
    pub(crate) run: String,
    /// Another specification than the run's own: the id of a built-in system, or a TOML file
    #[arg(long, value_name = "ID|FILE", add = completion::specification())]
    pub(crate) spec: Option<String>,
    /// Where records are [default: results/ in a checkout, else the user's state folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Show what a vendor sent beside it: imported records, by id or file; none of it decides anything
    #[arg(long, value_name = "IMPORTED", add = completion::imported())]
    pub(crate) with: Vec<String>,
    /// Print the letter to who sent it, in Markdown
    #[arg(long, requires = "with", conflicts_with_all = ["json", "brief", "all"])]
    pub(crate) letter: bool,
    #[command(flatten)]
    pub(crate) view: JudgedView,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// A run: its id or the start of it, its folder, its run.jsonl, or `latest`
    #[arg(add = completion::run())]
    pub(crate) run: String,
    /// Only this metric, or all whose ids begin with this: each series, and how it was measured
    #[arg(add = completion::metric())]
    pub(crate) metric: Option<String>,
    /// Also how each figure was measured
    #[arg(long)]
    pub(crate) how: bool,
    /// Where records are [default: results/ in a checkout, else the user's state folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON instead of tables
    #[arg(long, conflicts_with = "metric")]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The run before: its id or the start of it, its folder, its run.jsonl, or `latest`
    #[arg(add = completion::run())]
    pub(crate) before: String,
    /// The run after
    #[arg(add = completion::run())]
    pub(crate) after: String,
    /// A line for every series instead of one for each metric
    #[arg(long)]
    pub(crate) all: bool,
    /// Another specification than that of the run after: the id of a built-in system, or a TOML file
    #[arg(long, value_name = "ID|FILE", add = completion::specification())]
    pub(crate) spec: Option<String>,
    /// Where records are [default: results/ in a checkout, else the user's state folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people
    Normal,
    /// fio's JSON layout
    Json,
}

/// When progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Eta {
    /// On a terminal
    Auto,
    /// Everywhere: a bar on a terminal, else a line a second
    Always,
    /// Nowhere
    Never,
}

#[derive(Debug, Args)]
pub(crate) struct DiskArgs {
    /// Job files, one after the other; `-` is the standard input
    #[arg(value_name = "JOB FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Options of jobs, which `--rw=read` and its kin are rewritten to
    #[arg(long = "job-option", hide = true, allow_hyphen_values = true)]
    pub(crate) options: Vec<String>,
    /// How to print the result; several are separated by a comma
    #[arg(long, value_enum, default_value = "normal", value_delimiter = ',')]
    pub(crate) output_format: Vec<OutputFormat>,
    /// Write the result there and not to the standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the file that --output names although it is no earlier result
    #[arg(long)]
    pub(crate) force: bool,
    /// When to show how far it is
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) eta: Eta,
    /// Read the jobs and say what is wrong with them, and do no I/O
    #[arg(long)]
    pub(crate) parse_only: bool,
    /// Measure although another measurement runs on this host (or set the environment variable `HOSTPROOF_BESIDE`)
    #[arg(long)]
    pub(crate) beside: bool,
    /// An existing file or device that may be written to
    #[arg(long, value_name = "PATH")]
    pub(crate) allow_write: Vec<PathBuf>,
    /// One of those whose data may be destroyed although it is in use, or holds what this program did not write
    #[arg(long, value_name = "PATH")]
    pub(crate) allow_destroy: Vec<PathBuf>,
}
