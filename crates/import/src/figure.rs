//! What a file gives.

use std::collections::BTreeMap;

use measure::Quantity;
use serde::{Deserialize, Serialize};

use crate::Format;

/// What was read from the output of a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Import {
    /// The tool.
    pub format: Format,
    /// Its version, where the file tells it.
    pub version: Option<Told>,
    /// When it ran, where the file tells it.
    pub date: Option<Told>,
    /// The host or the processor that it names.
    pub host: Option<Told>,
    /// What it says of how all figures came about.
    pub settings: BTreeMap<Setting, Told>,
    /// The figures, in the order of their lines.
    pub figures: Vec<Figure>,
    /// What it does not say, and would have to.
    pub untold: Vec<String>,
    /// Where it contradicts itself.
    pub misfits: Vec<Misfit>,
}

/// A figure of a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The line of the file, from 1.
    pub line: usize,
    /// What the tool calls it.
    pub name: String,
    /// The number as it stands there.
    pub printed: String,
    /// The unit as it stands there.
    pub unit: String,
    /// Its value, in the base unit.
    pub value: Quantity,
    /// What it is of the times that were taken.
    pub statistic: Statistic,
    /// The metric of the catalogue that measures the same, where there is one.
    pub metric: Option<String>,
    /// What the file says of how this figure came about, beside what it says of all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<Setting, Told>,
}

/// Something that a file says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Its words.
    pub text: String,
    /// The number that it is, in the base unit; of a switch 1 or 0.
    pub value: Option<f64>,
    /// The line, from 1.
    pub line: usize,
}

/// What a figure is of the times or rates that were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// The best of several.
    Best,
    /// The mean of several.
    Mean,
    /// The 99th percentile.
    P99,
    /// All work over the time that it took.
    Whole,
    /// A score.
    Score,
}

/// Where a file contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misfit {
    /// The line of the figure, from 1.
    pub line: usize,
    /// What does not fit, with the arithmetic.
    pub says: String,
}

/// What a file may say of how a figure came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Threads of a process, or in all where there is one process.
    Threads,
    /// Processes that worked at once.
    Processes,
    /// The name of the kernel or test.
    Kernel,
    /// Bytes of one array.
    ArrayBytes,
    /// Bytes of all that is worked on.
    WorkingSet,
    /// How often it was repeated.
    Repetitions,
    /// The order of the system of equations, N.
    Order,
    /// The width of its blocks, NB.
    BlockOrder,
    /// Rows of the grid of processes, P.
    GridRows,
    /// Columns of the grid of processes, Q.
    GridColumns,
    /// The scaled residual.
    Residual,
    /// Whether the tool's own check of the result passed.
    Verified,
    /// Seconds that were measured.
    Runtime,
    /// Seconds before, which do not count.
    RampTime,
    /// The pattern of the accesses.
    Pattern,
    /// Bytes of a request.
    BlockSize,
    /// Requests in flight of a job.
    Depth,
    /// Jobs that worked at once.
    Jobs,
    /// Jobs of several sections are in one entry, and what they were told is not.
    Joined,
    /// Whether the page cache was left out.
    Direct,
    /// Who issued the requests.
    Engine,
    /// Bytes of the file or device that was worked on.
    FileSize,
    /// Whether blocks may have been read again before others were read once.
    NoRandomMap,
    /// What was worked on.
    Target,
    /// Which latency a percentile is of.
    LatencyKind,
    /// Bytes of stores and their write-allocate are not in the rate.
    WithoutWriteAllocate,
    /// Loads of an update of a kernel.
    Loads,
    /// Stores of an update of a kernel.
    Stores,
    /// Bytes of the caches, as the tool took them to be.
    CacheBytes,
    /// Tests that were left out or gave nothing.
    Missing,
    /// The tool's own word for the result.
    Status,
}

impl Setting {
    /// The word in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Setting::Threads => "threads",
            Setting::Processes => "processes",
            Setting::Kernel => "kernel",
            Setting::ArrayBytes => "bytes of an array",
            Setting::WorkingSet => "bytes in all",
            Setting::Repetitions => "repetitions",
            Setting::Order => "N",
            Setting::BlockOrder => "NB",
            Setting::GridRows => "P",
            Setting::GridColumns => "Q",
            Setting::Residual => "residual",
            Setting::Verified => "own check",
            Setting::Runtime => "runtime (s)",
            Setting::RampTime => "ramp (s)",
            Setting::Pattern => "pattern",
            Setting::BlockSize => "bytes of a request",
            Setting::Depth => "depth",
            Setting::Jobs => "jobs",
            Setting::Direct => "direct",
            Setting::Engine => "engine",
            Setting::FileSize => "bytes of the file",
            Setting::NoRandomMap => "norandommap",
            Setting::Target => "target",
            Setting::Joined => "joined",
            Setting::LatencyKind => "latency",
            Setting::WithoutWriteAllocate => "without write-allocate",
            Setting::Loads => "loads of an update",
            Setting::Stores => "stores of an update",
            Setting::CacheBytes => "caches (bytes)",
            Setting::Missing => "tests without a result",
            Setting::Status => "status",
        }
    }
}

impl Import {
    pub(crate) fn of(format: Format) -> Import {
        Import {
            format,
            version: None,
            date: None,
            host: None,
            settings: BTreeMap::new(),
            figures: Vec::new(),
            untold: Vec::new(),
            misfits: Vec::new(),
        }
    }

    /// What the file says of this figure, or of all.
    #[must_use]
    pub fn told<'a>(&'a self, figure: &'a Figure, setting: Setting) -> Option<&'a Told> {
        figure.settings.get(&setting).or_else(|| self.settings.get(&setting))
    }

    /// The same as a number.
    #[must_use]
    pub fn number(&self, figure: &Figure, setting: Setting) -> Option<f64> {
        self.told(figure, setting)?.value
    }

    pub(crate) fn untold(&mut self, what: &[&str]) {
        self.untold.extend(what.iter().map(|what| (*what).to_owned()));
    }

    pub(crate) fn misfit(&mut self, line: usize, says: String) {
        self.misfits.push(Misfit { line, says });
    }
}

impl Told {
    pub(crate) fn text(line: usize, text: &str) -> Told {
        Told { text: text.trim().to_owned(), value: None, line }
    }

    pub(crate) fn number(line: usize, text: &str, value: f64) -> Told {
        Told { text: text.trim().to_owned(), value: Some(value), line }
    }
}
