//! What is measured, as plain data, and how it is planned from the host.

use std::path::{Path, PathBuf};

use machine::{Machine, Siblings, memory_available, place};
use measure::{Needs, Profile};
use serde::{Deserialize, Serialize};

use super::pandas;
use super::size::DOCUMENTED_ROWS;
use crate::Error;
use crate::pipeline::PHASED_BYTES_A_ROW;
use crate::schema::ROWS_A_GIGABYTE;

/// Core-seconds that a row takes in plans to generate, to transform, and to verify by the scalar reference.
const GENERATED: f64 = 2e-6;
const TRANSFORMED: f64 = 7e-6;
const VERIFIED: f64 = 8e-6;
/// Seconds that a row takes pandas in plans: most of it is done by one thread.
const TRANSFORMED_BY_PANDAS: f64 = 2e-5;
/// Core-seconds that a row takes pandas on Dask in plans.
const TRANSFORMED_ON_DASK: f64 = 6e-5;
/// Bytes of memory that pandas takes for a row in plans.
const PANDAS_BYTES_A_ROW: u64 = 3_000;
/// The largest size of `quick` and of `full` for pandas: all rounds of it take a minute, and half an hour.
const PANDAS_ROWS_QUICK: u64 = 400_000;
const PANDAS_ROWS_FULL: u64 = 16_000_000;
/// What `full` gives pandas on Dask.
const DASK_ROWS_FULL: u64 = 4_000_000;
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
    /// The Python environment whose pandas is measured too, and the sizes for it.
    #[serde(default)]
    pub pandas: Option<PandasConfig>,
}

/// What is measured of pandas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PandasConfig {
    /// The folder of the Python environment.
    pub environment: PathBuf,
    /// Events of each size, from small to large.
    pub rows: Vec<u64>,
    /// Events that pandas on Dask transforms on one core and on all; without any it is not measured.
    #[serde(default)]
    pub dask_rows: Option<u64>,
}

impl Config {
    /// The whole path in some seconds, on any host.
    #[must_use]
    pub fn smoke(scratch: &Path) -> Config {
        Config { scratch: scratch.to_owned(), rows: vec![10_000, 40_000, 160_000], rounds: 1, seed: 1, pandas: None }
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
            rows: quarters(largest),
            rounds,
            seed: 1,
            pandas: None,
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

    /// The same with pandas of an environment: the one that was named, or the one that the package brought.
    #[must_use]
    pub fn with_pandas(self, profile: Profile, named: Option<&Path>) -> Config {
        let Some(environment) = named.map(Path::to_owned).or_else(pandas::packaged) else { return self };
        let (rows, dask_rows) = match profile {
            Profile::Smoke => (self.rows.clone(), None),
            Profile::Quick => (quarters(PANDAS_ROWS_QUICK), None),
            Profile::Full => {
                let most = memory_available() / 10 * MEMORY_TENTHS / PANDAS_BYTES_A_ROW;
                (quarters(PANDAS_ROWS_FULL.min(most)), Some(DASK_ROWS_FULL.min(most)))
            }
        };
        Config { pandas: Some(PandasConfig { environment, rows, dask_rows }), ..self }
    }

    /// Time, memory and disk that it takes on this host.
    #[must_use]
    pub fn needs(&self, machine: &Machine) -> Needs {
        let cores = cores(machine).unwrap_or(1) as f64;
        let (rows, rounds) = (self.rows.iter().sum::<u64>(), self.rounds as f64);
        let of_pandas: &[u64] = self.pandas.as_ref().map_or(&[], |pandas| &pandas.rows);
        let by_pandas = of_pandas.iter().sum::<u64>();
        let by_dask = self.pandas.as_ref().and_then(|pandas| pandas.dask_rows);
        let all = rows + by_pandas + by_dask.unwrap_or(0);
        let sizes = self.rows.iter().chain(of_pandas).chain(&by_dask);
        let verified: u64 = sizes.map(|&rows| rows.min(ROWS_A_GIGABYTE)).sum();
        let parallel = GENERATED * all as f64 + TRANSFORMED * rows as f64 * rounds + VERIFIED * verified as f64;
        let on_dask = TRANSFORMED_ON_DASK * by_dask.unwrap_or(0) as f64 * (1.0 + 1.0 / cores);
        let in_python = TRANSFORMED_BY_PANDAS * by_pandas as f64 + on_dask;
        let seconds = 2.0 + parallel / cores + in_python * rounds;
        let most_in_python = largest(of_pandas).max(by_dask.unwrap_or(0));
        let memory = (largest(&self.rows) * PHASED_BYTES_A_ROW).max(most_in_python * PANDAS_BYTES_A_ROW);
        Needs { seconds, memory, disk: all * DISK_BYTES_A_ROW }
    }
}

/// Three sizes up to the largest.
fn quarters(largest: u64) -> Vec<u64> {
    vec![largest / 4, largest / 2, largest]
}

fn largest(rows: &[u64]) -> u64 {
    rows.iter().copied().max().unwrap_or(0)
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

    #[test]
    fn pandas_ends_in_reasonable_time() {
        let machine = Machine::detect(&Source::Host).unwrap();
        for (profile, most) in [(Profile::Smoke, 30.0), (Profile::Quick, 120.0), (Profile::Full, 1e6_f64)] {
            let config = Config::for_profile(profile, &machine, Path::new("scratch")).unwrap();
            let both = config.clone().with_pandas(profile, Some(Path::new("env")));
            let (alone, needs) = (config.needs(&machine), both.needs(&machine));
            let pandas = both.pandas.unwrap();
            assert!(pandas.rows.is_sorted() && pandas.rows[0] > 0, "{pandas:?}");
            assert!(needs.seconds > alone.seconds && needs.seconds - alone.seconds < most.min(3_600.0), "{needs:?}");
            assert!(needs.memory <= memory_available() && needs.disk > alone.disk, "{needs:?}");
        }
    }
}
