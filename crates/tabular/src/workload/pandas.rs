//! The engine of the document, pandas, from a Python environment: the same data, transformations and verification.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use machine::{Clock, CpuSet};
use measure::{Interval, Labels, NotMeasured, Reason, Sample, metrics};
use serde::Deserialize;

use super::shard::{Shard, command, last_report};
use super::size::{self, Size, describe_shares, shares};
use crate::Error;
use crate::pipeline::{Cache, PeerPhase};
use crate::verify::Verified;

/// Where a package puts an environment, below the folder of `bin`.
const PACKAGED: &str = "lib/hostproof/python";
/// Prints the version of pandas, where everything that the script imports is there.
const PROBE: &str = "import numpy, pyarrow, pandas; print(pandas.__version__)";

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

/// The report that a process prints last.
#[derive(Deserialize)]
struct Report {
    phases: Vec<PeerPhase>,
}

impl Pandas {
    /// Asks the environment for its pandas.
    pub(super) fn find(environment: &Path) -> Result<Pandas, Error> {
        let python = environment.join("bin/python");
        let output = Command::new(&python)
            .args(["-c", PROBE])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Error::io("cannot start", &python, error))?;
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().lines().last().unwrap_or_default().to_owned();
        if !output.status.success() {
            let why = format!("{} has no pandas with NumPy and PyArrow: {}", python.display(), said(&output.stderr));
            return Err(Error::Process(why));
        }
        Ok(Pandas { python, version: said(&output.stdout) })
    }

    /// One round: the seconds of all phases, when, and their names.
    pub(super) fn transform(&self, shard: &Shard, cache: Cache) -> Result<Round, Error> {
        let mut command = command(shard, cache)?;
        command.args(["--engine", "pandas", "--threads", &shard.cpus.len().to_string()]);
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
