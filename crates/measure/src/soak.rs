//! What the loads of a soak tell, as plain data.

use std::collections::BTreeMap;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::{Incident, Unit, Vital, Workload};

/// A load that looks for errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// All free memory, written and read back, every word compared
    Memory,
    /// Products and chains that all cores must compute alike, bit by bit
    Cpu,
    /// Files whose blocks are sealed, written once and read nine times
    Disk,
}

impl Load {
    /// All of them.
    pub const ALL: [Load; 3] = [Load::Memory, Load::Cpu, Load::Disk];

    /// The name on the command line and in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Load::Memory => "memory",
            Load::Cpu => "cpu",
            Load::Disk => "disk",
        }
    }

    /// The unit of the rate of its passes.
    #[must_use]
    pub fn rate_unit(self) -> Unit {
        match self {
            Load::Memory | Load::Disk => Unit::BytePerSecond,
            Load::Cpu => Unit::FlopPerSecond,
        }
    }
}

/// A pass of a load, all of which was compared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pass {
    /// Which load.
    pub load: Load,
    /// How long it took.
    pub seconds: f64,
    /// Bytes that were read and compared; of the cores those of their results.
    pub compared: f64,
    /// Bytes that were written; of the cores operations.
    pub done: f64,
    /// Of a pass that only reads and compares, the bytes a second; of one of the cores, the operations a second.
    pub rate: Option<f64>,
}

/// A result that is not what it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrongResult {
    /// Which load found it.
    pub load: Load,
    /// The part: `memory of node 0`, `core 3 (CPU 6)`, a file's drive.
    pub part: String,
    /// Where in it: the address, the element, the offset.
    pub place: String,
    /// The bits that it must have.
    pub expected: u64,
    /// The bits that were found.
    pub found: u64,
    /// How many more there were, which are not told one by one.
    #[serde(default)]
    pub more: u64,
}

impl WrongResult {
    /// How many words this stands for.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.more.saturating_add(1)
    }
}

/// What a soak is to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SoakPlan {
    /// The host.
    pub host: String,
    /// Seconds under load.
    pub seconds: f64,
    /// The loads.
    pub loads: Vec<Load>,
    /// The workloads whose figures are taken once an hour.
    pub workloads: Vec<Workload>,
    /// Bytes of memory that are written and read back.
    pub memory: u64,
    /// Bytes of files.
    pub files: u64,
    /// Where files are made.
    pub folder: String,
    /// The specification whose limits hold, as it was typed.
    pub spec: String,
    /// The Prometheus file that is renewed.
    pub prom: Option<String>,
    /// The program that is told of events.
    pub on_event: Option<String>,
    /// The folder of systemd's units, where one goes on with it at each boot.
    pub unit_dir: Option<String>,
    /// When it was started, in RFC 3339.
    pub started: String,
}

/// Passes of one load together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadSum {
    /// How many ended.
    pub passes: u64,
    /// Bytes that were read and compared.
    pub compared: f64,
    /// Bytes that were written; of the cores operations.
    pub done: f64,
    /// The mean rate of the passes that have one.
    pub rate: Option<f64>,
}

impl LoadSum {
    /// The sum of some passes.
    #[must_use]
    pub fn of(passes: &[Pass]) -> LoadSum {
        let rates: Vec<f64> = passes.iter().filter_map(|pass| pass.rate).collect();
        LoadSum {
            passes: passes.len() as u64,
            compared: passes.iter().map(|pass| pass.compared).sum(),
            done: passes.iter().map(|pass| pass.done).sum(),
            rate: (!rates.is_empty()).then(|| rates.iter().sum::<f64>() / rates.len() as f64),
        }
    }
}

/// About a minute under load, and how the host fared in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    /// When it ended, in seconds since 1970.
    pub at: f64,
    /// How long it was.
    pub seconds: f64,
    /// What each load did.
    pub loads: BTreeMap<Load, LoadSum>,
    /// The highest temperature in °C.
    pub hottest: Option<f64>,
    /// The power of the host in W.
    pub watts: Option<f64>,
    /// The mean clock in Hz.
    pub clock: Option<f64>,
    /// Seconds in which a processor was throttled, as far as they tell.
    pub throttled: Option<f64>,
}

/// A load that ended before it was to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadFailure {
    /// When, in seconds since 1970.
    pub at: f64,
    /// Which load.
    pub load: Load,
    /// How it ended.
    pub why: String,
    /// Whether it was by a signal that a processor sends, or an error of a drive.
    pub is_fault: bool,
}

/// A counter, or what must stay, as a watch knows it: by this another watch goes on where it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// The part.
    pub part: String,
    /// What was read of it.
    pub vital: Vital,
    /// The value that it is held against.
    pub first: f64,
    /// The value that was read last.
    pub last: f64,
}

/// All that is known of a soak.
#[derive(Clone, Debug, PartialEq)]
pub struct SoakLog {
    /// Its id.
    pub id: String,
    /// What it was to do.
    pub plan: SoakPlan,
    /// When it began and went on, in seconds since 1970, each with the kernel's id of the boot.
    pub begun: Vec<(f64, String)>,
    /// When it was stopped in order, in seconds since 1970.
    pub stopped: Vec<f64>,
    /// The time under load.
    pub stretches: Vec<Stretch>,
    /// Wrong results, each with the time at which it was found.
    pub wrong: Vec<(f64, WrongResult)>,
    /// Limits that broke.
    pub incidents: Vec<Incident>,
    /// Loads that ended early.
    pub failures: Vec<LoadFailure>,
    /// Runs of the workloads, by their ids, each with the seconds under load before it.
    pub runs: Vec<(f64, String)>,
    /// Why figures could not be taken, for each hour in which they were not.
    pub no_figures: Vec<String>,
    /// What the watch knew when it was last noted.
    pub watched: Vec<Watched>,
    /// What nothing on the host tells of, so that it was not watched at some time.
    pub not_watched: Vec<String>,
}

impl SoakLog {
    /// Seconds under load.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.stretches.iter().fold(0.0, |sum, stretch| sum + stretch.seconds)
    }

    /// Seconds under load that had ended at a time, in seconds since 1970.
    #[must_use]
    pub fn seconds_until(&self, at: f64) -> f64 {
        self.stretches.iter().filter(|stretch| stretch.at <= at).fold(0.0, |sum, stretch| sum + stretch.seconds)
    }
}
