//! The engine of the document, pandas, from a Python environment: the same data, transformations and verification.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use machine::{Clock, CpuSet};
use measure::{Interval, Labels, NotMeasured, Quantity, Reason, Sample, Unit, metrics};
use serde::Deserialize;

use super::shard::{Shard, command, last_report};
use super::size::{self, Size, describe_shares, shares};
use crate::Error;
use crate::pipeline::{Cache, PeerPhase};
use crate::verify::Verified;

/// Where a package puts an environment, below the folder of `bin`.
const PACKAGED: &str = "lib/hostproof/python";
/// Prints the version of pandas, where everything that its script imports is there.
const PROBE: &str = "import numpy, pyarrow, pandas; print(pandas.__version__)";
/// The same of Dask.
const PROBE_DASK: &str = "import dask.dataframe, distributed; print(dask.__version__)";

/// A Python environment that has pandas.
pub(super) struct Pandas {
    python: PathBuf,
    version: String,
}

/// The environment that the package of this program brought.
pub(super) fn packaged() -> Option<PathBuf> {
    let environment = env::current_exe().ok()?.parent()?.parent()?.join(PACKAGED);
    environment.join("bin/python").is_file().then_some(environment)
}

/// Why the documented figure has no value where there is no environment, and what would measure it.
pub(super) fn not_measured() -> NotMeasured {
    let why = "pandas, the engine of the document: `hostproof run --only tabular --pandas ENV` measures it, ENV being a \
               Python environment that has it (`python3 -m venv ENV && ENV/bin/pip install pandas pyarrow`)";
    NotMeasured::new(&metrics::TABULAR_PANDAS_TIME_500GB, Labels::new(), Reason::NotBuilt(why.to_owned()))
}

/// Why the efficiency of Dask has no value where it is not measured.
pub(super) fn dask_not_measured(why: Reason) -> NotMeasured {
    NotMeasured::new(&metrics::TABULAR_DASK_EFFICIENCY, Labels::new(), why)
}

/// That nobody asked for it.
pub(super) fn dask_not_asked_for() -> NotMeasured {
    let why = "`hostproof run --profile full --only tabular --pandas ENV` measures pandas on Dask, ENV being a Python \
               environment that has both (`ENV/bin/pip install dask distributed`)";
    dask_not_measured(Reason::NotBuilt(why.to_owned()))
}

/// The report that a process prints last.
#[derive(Deserialize)]
struct Report {
    phases: Vec<PeerPhase>,
}

impl Pandas {
    /// Asks the environment for its pandas.
    pub(super) fn find(environment: &Path) -> Result<Pandas, Error> {
        let python = environment.join("bin/python");
        let version = ask(&python, PROBE, "pandas with NumPy and PyArrow")?;
        Ok(Pandas { python, version })
    }

    /// The version of the environment's Dask.
    pub(super) fn dask(&self) -> Result<String, Error> {
        ask(&self.python, PROBE_DASK, "Dask with dask.dataframe and distributed")
    }

    /// One round: the seconds of all phases, when, and their names.
    pub(super) fn transform(&self, shard: &Shard, cache: Cache) -> Result<Round, Error> {
        self.transform_by("pandas", shard, cache)
    }

    /// One round on one core, then one on all, of pandas on Dask.
    pub(super) fn scale(&self, all: &Shard, cache: Cache) -> Result<[Round; 2], Error> {
        let (input, output) = (all.input.clone(), all.output.clone());
        let one = Shard { input, output, cpus: all.cpus.0.iter().copied().take(1).collect() };
        Ok([self.transform_by("dask", &one, cache)?, self.transform_by("dask", all, cache)?])
    }

    fn transform_by(&self, engine: &str, shard: &Shard, cache: Cache) -> Result<Round, Error> {
        let mut command = command(shard, cache)?;
        command.args(["--engine", engine, "--threads", &shard.cpus.len().to_string()]);
        command.env("HOSTPROOF_PYTHON", &self.python);
        let start = Clock::now();
        let report: Report = last_report(&mut command)?;
        let interval = Interval::new(start, Clock::now());
        Ok(Round { interval, phases: report.phases.into_iter().map(|one| (one.phase, one.seconds)).collect() })
    }

    /// What its rounds of one size say.
    pub(super) fn size(&self, rows: u64, rounds: &[Round], cpus: &CpuSet, verified: &Verified) -> Size {
        let samples = rounds.iter().map(|round| Sample::timed(round.seconds(), round.interval)).collect();
        let shares = rounds.first().map(|round| shares(round.phases.iter().map(|(name, s)| (name.as_str(), *s))));
        let context = vec![
            ("engine", format!("pandas {}", self.version)),
            ("cache", Cache::Cold.name().to_owned()),
            ("threads", cpus.len().to_string()),
            ("verified", size::how_verified(verified)),
            ("shares", describe_shares(&shares.unwrap_or_default())),
        ];
        Size { rows, samples, cpus: cpus.0.iter().copied().collect(), context }
    }

    /// What rounds on one core and on all say of Dask's efficiency.
    pub(super) fn efficiency(
        &self,
        dask: &str,
        rows: u64,
        rounds: &[[Round; 2]],
        cpus: &CpuSet,
        verified: &Verified,
    ) -> Size {
        let sample = |[one, all]: &[Round; 2]| {
            let value = one.seconds() / (cpus.len() as f64 * all.seconds());
            Sample::timed(value, Interval::new(one.interval.start, all.interval.end))
        };
        let seconds = |which: usize| {
            let of = |round: &[Round; 2]| Quantity::new(round[which].seconds(), Unit::Second).to_string();
            rounds.iter().map(of).collect::<Vec<_>>().join(", ")
        };
        let context = vec![
            ("engine", format!("Dask {dask} with pandas {}", self.version)),
            ("rows", rows.to_string()),
            ("cache", Cache::Cold.name().to_owned()),
            ("workers", format!("{} of one thread, and 1", cpus.len())),
            ("on one core", seconds(0)),
            ("on all", seconds(1)),
            ("verified", size::how_verified(verified)),
        ];
        Size { rows, samples: rounds.iter().map(sample).collect(), cpus: cpus.0.iter().copied().collect(), context }
    }
}

/// Lets a Python print a version.
fn ask(python: &Path, probe: &str, what: &str) -> Result<String, Error> {
    let output = Command::new(python)
        .args(["-c", probe])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Error::io("cannot start", python, error))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().lines().last().unwrap_or_default().to_owned();
    if !output.status.success() {
        return Err(Error::Process(format!("{} has no {what}: {}", python.display(), said(&output.stderr))));
    }
    Ok(said(&output.stdout))
}

/// The phases of one round with their seconds. The interval also holds the start of the interpreter, which is not timed.
pub(super) struct Round {
    interval: Interval,
    phases: Vec<(String, f64)>,
}

impl Round {
    fn seconds(&self) -> f64 {
        self.phases.iter().map(|(_, seconds)| seconds).sum()
    }
}
