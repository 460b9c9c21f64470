//! A run: what was measured, by which build, on which host.

use crate::{Facts, Fingerprint, Outcome, Warning};

/// The closed set of workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Workload {
    /// Memory bandwidth and latency.
    Stream,
    /// FMA peak, DGEMM and the HPL proxy.
    Dense,
    /// Storage.
    Disk,
    /// Feature engineering.
    Tabular,
}

impl Workload {
    /// All workloads in the order in which a run takes them.
    pub const ALL: [Workload; 4] = [Workload::Stream, Workload::Dense, Workload::Disk, Workload::Tabular];

    /// The name in commands, records and metric names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Workload::Stream => "stream",
            Workload::Dense => "dense",
            Workload::Disk => "disk",
            Workload::Tabular => "tabular",
        }
    }

    /// The workload of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Workload> {
        Workload::ALL.into_iter().find(|workload| workload.name() == name)
    }
}

/// What was built, by what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// Semantic version of the suite; MAJOR changes when numbers stop being comparable.
    pub version: String,
    /// Git revision, with `-dirty` where the tree was; `unknown` outside a checkout.
    pub revision: String,
    /// The compiler's own version line.
    pub compiler: String,
    /// The cargo profile: only `release` counts against documented numbers.
    pub profile: String,
    /// Target CPU features of the compile baseline.
    pub target_features: String,
}

/// One worker process: a workload, once.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Which workload.
    pub workload: Workload,
    /// Which repetition of it in this run, from 0.
    pub repetition: u32,
    /// What came of it, in order.
    pub outcomes: Vec<Outcome>,
    /// Remarks that concern the whole workload.
    pub warnings: Vec<Warning>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All that was planned was done.
    Complete,
    /// The user stopped it.
    Interrupted,
    /// The record stops without an end: the process was killed or the machine went down.
    Cut,
}

/// Everything that a run recorded, enough to judge it again.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Unique and sortable: time of the start in UTC and a random part.
    pub id: String,
    /// Start in RFC 3339, UTC.
    pub started: String,
    /// Name of the host, as its folder under `results/`.
    pub host: String,
    /// The kernel's boot id; boots are the unit of replication.
    pub boot_id: Option<String>,
    /// `smoke`, `quick` or `full`.
    pub profile: String,
    /// The build that measured.
    pub build: Build,
    /// The specification's source text (TOML) and the id of the system in it.
    pub spec: SpecSource,
    /// What was known of the host.
    pub facts: Facts,
    /// Which machine it was and how it was set up; empty in records that do not tell.
    pub fingerprint: Fingerprint,
    /// What was measured.
    pub attempts: Vec<Attempt>,
    /// How it ended.
    pub ending: Ending,
}

/// The specification that a run was made for, complete, so that it can be judged again alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpecSource {
    /// Id of the system in the text.
    pub id: String,
    /// SHA-256 of the text, in hexadecimal.
    pub sha256: String,
    /// The TOML text.
    pub text: String,
}

impl Run {
    /// All outcomes of all attempts, in order.
    pub fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.attempts.iter().flat_map(|attempt| &attempt.outcomes)
    }
}
