//! The closed sets of the suite: one enum each, which options, plans and records share.
//!
//! Every `match` over them is exhaustive, so that the compiler names each place that a new member concerns.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Workload {
    /// Memory bandwidth and latency
    Stream,
    /// FMA peak, DGEMM, HPL proxy
    Dense,
    /// Storage
    Disk,
    /// Feature engineering, where `hostproof-tabular` is built
    Tabular,
}

impl Workload {
    /// All workloads in the order in which a run takes them.
    pub const ALL: [Workload; 4] = [Workload::Stream, Workload::Dense, Workload::Disk, Workload::Tabular];

    /// The name in commands, records and metric ids.
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

/// How thorough a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Seconds: does everything run?
    Smoke,
    /// About a minute a workload
    Quick,
    /// Sized for acceptance: repeated, with large working sets
    Full,
}

impl Profile {
    /// All profiles, from short to long.
    pub const ALL: [Profile; 3] = [Profile::Smoke, Profile::Quick, Profile::Full];

    /// The name in options and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Profile::Smoke => "smoke",
            Profile::Quick => "quick",
            Profile::Full => "full",
        }
    }

    /// The profile of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Profile> {
        Profile::ALL.into_iter().find(|profile| profile.name() == name)
    }
}

/// An instruction set that a kernel exists in, from narrow to wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Isa {
    /// One element an instruction
    Scalar,
    /// 256-bit vectors with FMA
    Avx2,
    /// 512-bit vectors: F, VL, DQ and BW
    Avx512,
}

impl Isa {
    /// All instruction sets, from narrow to wide.
    pub const ALL: [Isa; 3] = [Isa::Scalar, Isa::Avx2, Isa::Avx512];

    /// The name in options, labels and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Isa::Scalar => "scalar",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
        }
    }
}

/// What solves the systems of equations of the dense workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Solver {
    /// This suite's own: the pinned team
    Team,
    /// The library's `getrf` and `getrs` alone, as the baseline
    Lapack,
}

/// What a workload needs on a host, asked before it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Needs {
    /// Time in seconds, estimated.
    pub seconds: f64,
    /// Memory in bytes.
    pub memory: u64,
    /// Disk space in bytes.
    pub disk: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name in code, in options and in records is one.
    fn check<T: ValueEnum + Serialize + Copy>(all: &[T], name: fn(T) -> &'static str) {
        assert_eq!(T::value_variants().len(), all.len());
        for &one in all {
            let option = one.to_possible_value().unwrap();
            assert_eq!(option.get_name(), name(one));
            assert_eq!(serde_json::to_value(one).unwrap(), name(one));
        }
    }

    #[test]
    fn a_name_is_the_same_everywhere() {
        check(&Workload::ALL, Workload::name);
        check(&Profile::ALL, Profile::name);
        check(&Isa::ALL, Isa::name);
        assert_eq!(Workload::from_name("dense"), Some(Workload::Dense));
        assert_eq!((Workload::from_name("host"), Profile::from_name("")), (None, None));
    }
}
