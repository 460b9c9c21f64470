//! What was typed.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use measure::{Quantity, Unit};
use tabular::cluster::Cluster;
use tabular::manifest::{Codec, Layout};
use tabular::pipeline::{Cache, Job, Mode};

use crate::build_info::LONG_VERSION;

/// The feature workload: generates data, applies the ten transformations, and verifies what came of them.
#[derive(Debug, Parser)]
#[command(name = "hostproof features", bin_name = "hostproof features", version, long_version = LONG_VERSION)]
#[command(max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Generate events, users and items as Parquet files; a second start goes on where the first ended
    #[command(after_help = "Example:\n  hostproof features generate --size 1GB --layout arrival --out data")]
    Generate(GenerateArgs),
    /// Apply the ten transformations to data and save the result, each phase timed
    #[command(after_help = "Example:\n  hostproof features run --in data --mode phased --out result\n  \
                              hostproof features run --in data --mode bucketed --cluster local:2 --out result")]
    Run(RunArgs),
    /// Write the work of `run --mode bucketed` as a plan of tasks, for processes on many hosts that see the same folders
    #[command(after_help = "Example:\n  hostproof features plan --in data --work work")]
    Plan(PlanArgs),
    /// Do one task of a plan, and print what it took as a line of JSON
    #[command(after_help = "Example:\n  hostproof features task --work work --id scan-00000")]
    Task(TaskArgs),
    /// Do the tasks of a plan that stdin names, one a line, and answer each with a line of JSON; what workers start
    #[command(hide = true)]
    Tasks(TasksArgs),
    /// In the same way write and read files of the folder whose rate is measured
    #[command(hide = true)]
    Storage(ServeArgs),
    /// Say whether a saved result is what the ten transformations give, whatever engine saved it
    #[command(after_help = "Example:\n  hostproof features verify result --in data")]
    Verify(VerifyArgs),
    /// Measure the workload for the process that started this one; not for people
    #[command(hide = true, name = "worker")]
    Worker,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// Bytes in memory: 1GB is 2,500,000 events
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub(crate) size: u64,
    /// The order of the events
    #[arg(long, value_enum, default_value = "arrival")]
    pub(crate) layout: LayoutName,
    /// The compression of the files
    #[arg(long, value_enum, default_value = "zstd")]
    pub(crate) codec: CodecName,
    /// The seed of all random numbers
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Of 1,000 users and items, how many the dimension tables lack
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = value_parser!(u32).range(..=1000))]
    pub(crate) left_out: u32,
    /// Threads, up to the number of processors [default: as many]
    #[arg(long, value_name = "COUNT", value_parser = threads)]
    pub(crate) threads: Option<usize>,
    /// The folder to write to
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LayoutName {
    /// By time
    Arrival,
    /// By a hash of the user
    Bucketed,
}

impl From<LayoutName> for Layout {
    fn from(name: LayoutName) -> Layout {
        match name {
            LayoutName::Arrival => Layout::Arrival,
            LayoutName::Bucketed => Layout::Bucketed,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CodecName {
    /// Zstandard, level 1
    Zstd,
    /// LZ4
    Lz4,
    /// No compression
    None,
}

impl From<CodecName> for Codec {
    fn from(name: CodecName) -> Codec {
        match name {
            CodecName::Zstd => Codec::Zstd,
            CodecName::Lz4 => Codec::Lz4,
            CodecName::None => Codec::None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// This suite's own pipeline
    Polars,
    /// What the document used: the peer script, where Python has pandas
    Pandas,
    /// pandas on Dask, a worker process for each thread: the peer script, where Python has dask and distributed
    Dask,
    /// Spark SQL on a cluster of this host, a worker for each thread: the peer script, where Python has pyspark, with Java
    Spark,
}

impl Engine {
    /// Its name in options and records.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Engine::Polars => "polars",
            Engine::Pandas => "pandas",
            Engine::Dask => "dask",
            Engine::Spark => "spark",
        }
    }

    /// The script of a peer; `None` for this suite's own pipeline.
    pub(crate) fn script(self) -> Option<&'static str> {
        match self {
            Engine::Polars => None,
            Engine::Pandas => Some("features_pandas.py"),
            Engine::Dask => Some("features_dask.py"),
            Engine::Spark => Some("features_spark.py"),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The folder with Parquet files of events, users and items, whoever wrote them
    #[arg(long = "in", value_name = "DIR")]
    pub(crate) input: PathBuf,
    /// The folder of the result; an older result of this program in it is replaced, and nothing else
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Also replace a result without this program's mark, as 0.1.0 saved them
    #[arg(long)]
    pub(crate) replace: bool,
    /// How the work is cut
    #[arg(long, value_enum, default_value = "phased")]
    pub(crate) mode: Mode,
    /// Whether the input is dropped from the page cache first
    #[arg(long, value_enum, default_value = "cold")]
    pub(crate) cache: Cache,
    /// By what
    #[arg(long, value_enum, default_value = "polars")]
    pub(crate) engine: Engine,
    /// Threads, up to the number of processors [default: as many]
    #[arg(long, value_name = "COUNT", value_parser = threads)]
    pub(crate) threads: Option<usize>,
    /// With --mode bucketed: go on from what an earlier, ended run for this result left, and leave what is whole if this one
    /// fails
    #[arg(long)]
    pub(crate) resume: bool,
    /// With --mode bucketed: let workers of Dask do the tasks: local:WORKERS of this host, those that Slurm starts on
    /// slurm:NODES, or those of tcp://HOST:PORT
    #[arg(long, value_name = "CLUSTER", conflicts_with = "threads")]
    pub(crate) cluster: Option<Cluster>,
    /// A Python with dask.distributed in the versions of the scheduler [default: an environment of its own, made once]
    #[arg(long, value_name = "PATH", requires = "cluster")]
    pub(crate) python: Option<PathBuf>,
    /// Where the workers' hosts have hostproof-tabular [default: at the path of this one]
    #[arg(long, value_name = "PATH", requires = "cluster")]
    pub(crate) program: Option<PathBuf>,
    /// Of a cluster: how many of its workers work, the others stay idle [default: all]
    #[arg(long, value_name = "COUNT", requires = "cluster")]
    pub(crate) workers: Option<NonZeroUsize>,
    /// Of a cluster: after how many seconds without the end of a task the run ends
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = value_parser!(u64).range(1..))]
    pub(crate) stall: u64,
    /// Print JSON lines, one for each phase, then the report
    #[arg(long)]
    pub(crate) json: bool,
    /// The CPUs to keep to, and the process to end with; what the workload gives to the processes it starts
    #[arg(long, hide = true, value_name = "CPUS")]
    pub(crate) cpus: Option<String>,
    /// See `cpus`
    #[arg(long, hide = true, value_name = "PID")]
    pub(crate) parent: Option<u32>,
}

impl RunArgs {
    /// What is to be run.
    pub(crate) fn job(&self) -> Job {
        let (input, output) = (self.input.clone(), self.out.clone());
        Job { input, output, mode: self.mode, cache: self.cache, replace: self.replace, resume: self.resume }
    }
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The folder with Parquet files of events, users and items, where all hosts see it
    #[arg(long = "in", value_name = "DIR")]
    pub(crate) input: PathBuf,
    /// A new or empty folder for the plan, what tasks hand on, and the files of the result, where all hosts see it
    #[arg(long, value_name = "DIR")]
    pub(crate) work: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct TaskArgs {
    /// The folder of the plan
    #[arg(long, value_name = "DIR")]
    pub(crate) work: PathBuf,
    /// The task, as the plan names it; those that it is after have ended
    #[arg(long, value_name = "ID")]
    pub(crate) id: String,
    /// Threads, up to the number of processors [default: as many]
    #[arg(long, value_name = "COUNT", value_parser = threads)]
    pub(crate) threads: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct TasksArgs {
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
    /// Whether a task has ended only when its files are on the disk
    #[arg(long)]
    pub(crate) durable: bool,
}

/// What serves a worker, and ends with it.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The folder of the plan
    #[arg(long, value_name = "DIR")]
    pub(crate) work: PathBuf,
    /// Threads, up to the number of processors
    #[arg(long, value_name = "COUNT", value_parser = threads)]
    pub(crate) threads: usize,
    /// The process to end with
    #[arg(long, value_name = "PID")]
    pub(crate) parent: u32,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The folder of the result
    pub(crate) output: PathBuf,
    /// The folder of the data that it was made from
    #[arg(long = "in", value_name = "DIR")]
    pub(crate) input: PathBuf,
}

fn bytes(typed: &str) -> Result<u64, String> {
    let quantity: Quantity = typed.parse().map_err(|error| format!("{error}"))?;
    let sane = quantity.unit == Unit::Byte && quantity.value >= 1.0 && quantity.value <= 1e15;
    if !sane {
        return Err("expected a size such as 1GB".to_owned());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be between 1 and 1e15")]
    Ok(quantity.value as u64)
}

fn threads(typed: &str) -> Result<usize, String> {
    let most = thread::available_parallelism().map_err(|error| format!("the processors cannot be counted: {error}"))?;
    match typed.parse() {
        Ok(threads) if (1..=most.get()).contains(&threads) => Ok(threads),
        _ => Err(format!("from 1 to the {most} processors of this host")),
    }
}
