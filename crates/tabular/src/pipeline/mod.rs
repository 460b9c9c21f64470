//! The ten transformations in Polars, from files to files, in three modes that are never compared with one another.

mod bucketed;
mod chunk;
mod decode;
mod direct;
mod exchange;
mod fused;
mod global_stats;
mod input;
mod output;
mod phased;
mod phases;
mod result_rows;
mod row_group;
mod row_ids;
mod scan;
mod streams;
mod tables;
pub mod tasks;

use std::path::{Path, PathBuf};

use machine::memory_available;
use measure::Interval;
use polars_core::runtime::RAYON;
use serde::{Deserialize, Serialize};

use crate::claim::{Claim, Identity, Origin};
use crate::schema::Table;
use crate::{Dataset, Error, dataset};

pub use phases::{PeerPhase, Phase};
pub use tables::{STEPS, Step, Tables};

use self::output::Output;
use self::phases::Phases;
use self::tasks::{Grain, Work};

/// Bytes of memory that `phased` needs for a row at its peak, with the encoded input beside it: 680 were measured at four
/// million rows.
pub const PHASED_BYTES_A_ROW: u64 = 900;

/// Bytes of memory that `fused` keeps of a row between its passes.
const FUSED_BYTES_A_ROW: u64 = 170;

/// How the work is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The documented protocol: each phase for all rows, in memory
    Phased,
    /// One stream through all transformations, after a pass for what must be known of all rows
    Fused,
    /// In bounded memory: passes over the input, and exchanges on disk beside the output
    Bucketed,
}

impl Mode {
    /// Its name in options and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mode::Phased => "phased",
            Mode::Fused => "fused",
            Mode::Bucketed => "bucketed",
        }
    }
}

/// Whether the input is in the page cache when it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Cache {
    /// Dropped from it first, by `posix_fadvise`
    Cold,
    /// As it is found
    Warm,
}

impl Cache {
    /// Its name in options and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Cache::Cold => "cold",
            Cache::Warm => "warm",
        }
    }
}

/// What is run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The folder with events, users and items.
    pub input: PathBuf,
    /// The folder of the result.
    pub output: PathBuf,
    /// How.
    pub mode: Mode,
    /// From the disk or from memory.
    pub cache: Cache,
    /// Whether a result without this program's mark, as 0.1.0 saved them, is replaced too.
    pub replace: bool,
    /// Of `bucketed`: whether it goes on from what an earlier start for this output left, and leaves what is whole where it
    /// fails itself.
    #[serde(default)]
    pub resume: bool,
}

/// What a run took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// How it was done.
    pub mode: Mode,
    /// From the disk or from memory.
    pub cache: Cache,
    /// Threads that worked.
    pub threads: usize,
    /// CPUs that they might use, by `sched_getaffinity` at the end; empty where the kernel did not tell.
    pub cpus: Vec<u32>,
    /// Rows of `events`.
    pub rows: u64,
    /// Bytes of the input's files of events.
    pub input_bytes: u64,
    /// The phases in order.
    pub phases: Vec<Phase>,
    /// Tasks that an earlier start had done, where this one went on from there: then the times are those of the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks_before: Option<usize>,
}

impl Report {
    /// Wall time of all phases in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.phases.iter().map(|phase| phase.seconds).sum()
    }

    /// From the beginning of the first phase to the end of the last.
    #[must_use]
    pub fn interval(&self) -> Option<Interval> {
        Interval::hull_of(self.phases.iter().map(|phase| phase.interval))
    }
}

/// Runs a job; `tell` hears of each phase as it ends.
pub fn run(job: &Job, tell: &mut dyn FnMut(&Phase)) -> Result<Report, Error> {
    let (data, output) = begin(job, "polars")?;
    let rows = data.rows(Table::Events);
    let mut phases = Phases::new(rows, tell);
    let before = transform(job, &data, output, &mut phases).map_err(|error| error.placed(&job.input, &job.output))?;
    Ok(Report {
        mode: job.mode,
        cache: job.cache,
        threads: RAYON.current_num_threads(),
        cpus: machine::allowed_to_process().map(|cpus| cpus.iter().collect()).unwrap_or_default(),
        rows,
        input_bytes: data.bytes(Table::Events),
        phases: phases.finish(),
        tasks_before: before.filter(|_| job.resume),
    })
}

/// Lets another engine do a job: `work` gets the folder that it saves the files of the result to. The rows of `events`.
pub fn run_by<E: From<Error>>(engine: &str, job: &Job, work: impl FnOnce(&Path) -> Result<(), E>) -> Result<u64, E> {
    let (data, output) = begin(job, engine)?;
    work(output.folder())?;
    output.finish()?.0.remove_older()?;
    Ok(data.rows(Table::Events))
}

/// Lets others do the tasks of a job of the mode `bucketed`: `work` gets all of them, and returns when none is missing. The rows of `events`.
///
/// # Errors
///
/// If the job cannot begin or be ended, tasks are missing at the end, and whatever `work` returns.
pub fn run_tasks<E: From<Error>>(job: &Job, work: impl FnOnce(&Work) -> Result<(), E>) -> Result<u64, E> {
    let (data, mut output) = begin(job, "polars")?;
    let planned = bucketed::begin(job, &data, &mut output, |_| Grain::COARSE)?;
    work(&planned)?;
    if let Some(task) = planned.missing().first() {
        let why = format!("task `{}` has not ended", task.id);
        return Err(Error::Unfit { path: planned.folder().to_owned(), why }.into());
    }
    planned.clear()?;
    output.finish()?.0.remove_older()?;
    Ok(data.rows(Table::Events))
}

/// Claims the folder of the result before anything of the input is read, then opens the input.
fn begin(job: &Job, engine: &str) -> Result<(Dataset, Output), Error> {
    let files = dataset::paths(&job.input)?;
    let claim = Claim::on(&job.output, &job.input, &files, job.replace, job.resume.then_some(tasks::PLAN))?;
    let data = Dataset::open(&job.input)?;
    let rows = data.rows(Table::Events);
    data.require_rows()?;
    if job.cache == Cache::Cold {
        input::make_cold(&data)?;
    }
    let input = Identity::of(&job.input, &files)?;
    let origin = Origin { engine: engine.to_owned(), mode: job.mode.name().to_owned(), rows, input };
    Ok((data, Output::new(claim, origin)))
}

/// The phases of a job; of `bucketed`, the tasks that were done before.
fn transform(job: &Job, data: &Dataset, output: Output, phases: &mut Phases<'_>) -> Result<Option<usize>, Error> {
    check_memory(job.mode, data.rows(Table::Events))?;
    match job.mode {
        Mode::Phased => phased::run(data, output, phases).map(|()| None),
        Mode::Fused => fused::run(data, output, phases).map(|()| None),
        Mode::Bucketed => bucketed::run(job, data, output, phases).map(Some),
    }
}

/// Refuses rows that would not fit the memory.
fn check_memory(mode: Mode, rows: u64) -> Result<(), Error> {
    let (bytes_a_row, remedy) = match mode {
        Mode::Phased => (PHASED_BYTES_A_ROW, "use `--mode bucketed`, or fewer rows"),
        Mode::Fused => (FUSED_BYTES_A_ROW, "use `--mode bucketed`, or fewer rows"),
        Mode::Bucketed => return Ok(()),
    };
    let (needed, available) = (rows * bytes_a_row, memory_available());
    if needed > available {
        let what = format!("{} for these rows", mode.name());
        return Err(Error::TooLittleMemory { what, needed, available, remedy });
    }
    Ok(())
}
