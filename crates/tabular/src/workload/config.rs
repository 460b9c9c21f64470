//! What is measured, as plain data, and how it is planned from the host.

use std::path::{Path, PathBuf};

use machine::{Machine, Siblings, memory_available, place};
use measure::{Needs, Profile};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::pipeline::PHASED_BYTES_A_ROW;
use crate::schema::ROWS_A_GIGABYTE;

/// Rows of the documented 500 GB.
pub(crate) const DOCUMENTED_ROWS: u64 = 500 * ROWS_A_GIGABYTE;
/// Core-seconds that a row takes in plans to generate, to transform, and to verify by the scalar reference.
const GENERATED: f64 = 2e-6;
const TRANSFORMED: f64 = 7e-6;
const VERIFIED: f64 = 8e-6;
/// Bytes on disk of a row of the input and of the output.
const DISK_BYTES_A_ROW: u64 = 200 + 400;
/// How many tenths of the memory that can be taken `full` plans to fill.
const MEMORY_TENTHS: u64 = 8;

/// What this workload measures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// The folder for data and results; what is put there is removed again.
    pub scratch: PathBuf,
    /// Events of each size, from small to large. One of the documented size is the headline itself; otherwise the
    /// headline is extrapolated from them.
    pub rows: Vec<u64>,
    /// How often each is done.
    pub rounds: usize,
    /// The seed of the data.
    pub seed: u64,
}

impl Config {
    /// The whole path in some seconds, on any host.
    #[must_use]
    pub fn smoke(scratch: &Path) -> Config {
        Config { scratch: scratch.to_owned(), rows: vec![10_000, 40_000, 160_000], rounds: 1, seed: 1 }
    }

    /// What a profile measures on this host.
    ///
    /// # Errors
    ///
    /// If no worker can be placed.
    pub fn for_profile(profile: Profile, machine: &Machine, scratch: &Path) -> Result<Config, Error> {
        let cores = cores(machine)?;
        let config = |largest: u64, rounds| Config {
            scratch: scratch.to_owned(),
            rows: vec![largest / 4, largest / 2, largest],
            rounds,
            seed: 1,
        };
        Ok(match profile {
            Profile::Smoke => Config::smoke(scratch),
            // About 30 s on two cores, and no more than the reference verifies whole.
            Profile::Quick => config((cores as u64 * 400_000).min(ROWS_A_GIGABYTE), 3),
            Profile::Full => {
                let most = memory_available() / 10 * MEMORY_TENTHS / PHASED_BYTES_A_ROW;
                config(DOCUMENTED_ROWS.min(most), 3)
            }
        })
    }

    /// Time, memory and disk that it takes on this host.
    #[must_use]
    pub fn needs(&self, machine: &Machine) -> Needs {
        let cores = cores(machine).unwrap_or(1) as f64;
        let all: u64 = self.rows.iter().sum();
        let largest = self.rows.iter().copied().max().unwrap_or(0);
        let verified: u64 = self.rows.iter().map(|&rows| rows.min(ROWS_A_GIGABYTE)).sum();
        let transformed = TRANSFORMED * (all as f64) * self.rounds as f64;
        let seconds = 2.0 + (GENERATED * all as f64 + transformed + VERIFIED * verified as f64) / cores;
        Needs { seconds, memory: largest * PHASED_BYTES_A_ROW, disk: all * DISK_BYTES_A_ROW }
    }
}

fn cores(machine: &Machine) -> Result<usize, Error> {
    let workers = place(&machine.topology, Siblings::OnePerCore).map_err(|error| Error::Config(error.to_string()))?;
    Ok(workers.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use machine::Source;

    #[test]
    fn plans_keep_to_the_time_of_their_profile_and_to_the_memory() {
        let check = |source: Source, profile: Profile, most: f64| {
            let machine = Machine::detect(&source).unwrap();
            let config = Config::for_profile(profile, &machine, Path::new("scratch")).unwrap();
            let needs = config.needs(&machine);
            assert!(needs.seconds > 0.0 && needs.seconds < most, "{profile:?} on {source:?}: {needs:?}");
            assert!(needs.memory <= memory_available(), "{profile:?} on {source:?}: {needs:?}");
            assert!(config.rows.is_sorted() && config.rows[0] > 0, "{config:?}");
        };
        for source in [Source::Host, Source::Synthetic("pack:2 numa:1 core:64 pu:2".into())] {
            check(source.clone(), Profile::Smoke, 15.0);
            check(source.clone(), Profile::Quick, 60.0);
            check(source, Profile::Full, 1e6);
        }
    }
}
