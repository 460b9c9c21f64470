//! What is measured, as plain data, and how it is planned from the host.

use std::fs;
use std::path::{Path, PathBuf};

use machine::{Machine, Siblings, memory_available, place};
use measure::{Needs, Profile};
use pipe::request::{ClusterChoice, Room};
use serde::{Deserialize, Serialize};

use super::pandas;
use super::size::DOCUMENTED_ROWS;
use crate::cluster::Cluster;
use crate::pipeline::PHASED_BYTES_A_ROW;
use crate::schema::{ROWS_A_GIGABYTE, Table};
use crate::{Dataset, Error};

/// Core-seconds that a row takes in plans to generate, to transform, and to verify by the scalar reference.
const GENERATED: f64 = 2e-6;
const TRANSFORMED: f64 = 7e-6;
const VERIFIED: f64 = 8e-6;
/// Seconds that a row takes pandas in plans: most of it is done by one thread.
const TRANSFORMED_BY_PANDAS: f64 = 2e-5;
/// Core-seconds that a row takes pandas on Dask in plans.
const TRANSFORMED_ON_DASK: f64 = 6e-5;
/// Core-seconds that a row takes in plans as tasks of `bucketed`, with the digests of what came.
const TRANSFORMED_BY_TASKS: f64 = 1.6e-5;
/// Seconds in plans for the environment of the driver, which is made once, and for each start of scheduler and workers.
const INSTALLED: f64 = 20.0;
const STARTED: f64 = 6.0;
/// Workers in plans of a scheduler that was not asked yet.
const UNKNOWN_WORKERS: usize = 4;
/// Bytes a second in plans that go to a shared folder, and come from it.
const MOVED: f64 = 2e8;
/// Bytes of memory that pandas takes for a row in plans.
const PANDAS_BYTES_A_ROW: u64 = 3_000;
/// The largest size of `quick` and of `full` for pandas: all rounds of it take a minute, and half an hour.
const PANDAS_ROWS_QUICK: u64 = 400_000;
const PANDAS_ROWS_FULL: u64 = 16_000_000;
/// What `full` gives pandas on Dask.
const DASK_ROWS_FULL: u64 = 4_000_000;
/// Bytes on disk of a row of the input and of the output.
const DISK_BYTES_A_ROW: u64 = 200 + OUTPUT_BYTES_A_ROW;
const OUTPUT_BYTES_A_ROW: u64 = 400;
/// Bytes on disk of a row in what tasks hand on to one another: 224 of records and results, and its part of the values.
const TASKS_BYTES_A_ROW: u64 = 260;
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
    /// The workers of Dask on which it is measured too.
    #[serde(default)]
    pub cluster: Option<ClusterConfig>,
}

/// What is measured on workers of Dask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterConfig {
    /// Which, with what.
    #[serde(flatten)]
    pub choice: ClusterChoice,
    /// Events of the input.
    pub rows: u64,
    /// How often each number of workers is measured.
    pub rounds: usize,
    /// Bytes that each worker writes to the shared folder and reads again, in each round.
    pub storage_bytes: u64,
}

impl ClusterConfig {
    /// What a profile measures on the workers that were chosen.
    ///
    /// # Errors
    ///
    /// If they are no cluster, are fewer than are asked for, or the input cannot be read.
    fn new(profile: Profile, choice: &ClusterChoice) -> Result<ClusterConfig, Error> {
        let cluster = cluster_of(choice)?;
        let mut workers = choice.workers.clone();
        workers.sort_unstable();
        workers.dedup();
        if let (Cluster::Local(all), Some(&most)) = (&cluster, workers.last())
            && most > *all
        {
            return Err(Error::Cluster(format!("{most} workers are to be measured, and {cluster} has {all}")));
        }
        let rows = Dataset::open(&choice.data)?.rows(Table::Events);
        let (rounds, storage_bytes) = match profile {
            Profile::Smoke => (1, 4 << 20),
            Profile::Quick => (3, 256 << 20),
            Profile::Full => (5, 1 << 30),
        };
        Ok(ClusterConfig { choice: ClusterChoice { workers, ..choice.clone() }, rows, rounds, storage_bytes })
    }

    /// Seconds that it takes, where a worker of this host has so many cores, and any other at least one.
    fn seconds(&self, cores: usize) -> f64 {
        let size = match cluster_of(&self.choice) {
            Ok(Cluster::Local(workers)) => (cores / workers).max(1),
            _ => 1,
        };
        let counts = self.counts();
        let of_count = |&count: &usize| STARTED + TRANSFORMED_BY_TASKS * self.rows as f64 / (count * size) as f64;
        let moved = |&count: &usize| (2 * self.storage_bytes * count as u64) as f64 / MOVED;
        let rounds = self.rounds as f64;
        let runs: f64 = counts.iter().map(|count| of_count(count) + moved(count)).sum();
        let checked = VERIFIED * self.rows.min(ROWS_A_GIGABYTE) as f64 / cores as f64;
        INSTALLED + rounds * runs + checked + STARTED * counts.len() as f64
    }

    /// The numbers of workers, as far as they are known before these are asked.
    fn counts(&self) -> Vec<usize> {
        if !self.choice.workers.is_empty() {
            return self.choice.workers.clone();
        }
        counts(match cluster_of(&self.choice) {
            Ok(Cluster::Local(workers)) => workers,
            Ok(Cluster::Slurm(nodes)) => nodes,
            _ => UNKNOWN_WORKERS,
        })
    }

    /// The room beside the input: for a result while the one before is still there, with what its tasks hand on; and later for
    /// the files of all workers.
    fn room(&self) -> Result<Room, Error> {
        let data = &self.choice.data;
        let data = fs::canonicalize(data).map_err(|error| Error::io("cannot find", data, error))?;
        let most = self.counts().into_iter().max().unwrap_or(1) as u64;
        let bytes = (self.rows * (2 * OUTPUT_BYTES_A_ROW + TASKS_BYTES_A_ROW)).max(most * self.storage_bytes);
        Ok(Room { folder: data.parent().unwrap_or(&data).to_owned(), bytes })
    }
}

/// The cluster that was chosen.
pub(super) fn cluster_of(choice: &ClusterChoice) -> Result<Cluster, Error> {
    choice.cluster.parse().map_err(|why| Error::Cluster(format!("`{}`: {why}", choice.cluster)))
}

/// 1, 2, 4 … and all.
pub(super) fn counts(workers: usize) -> Vec<usize> {
    let doubled = std::iter::successors(Some(1), |count| Some(count * 2));
    doubled.take_while(|&count| count < workers).chain([workers]).collect()
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
        Config {
            scratch: scratch.to_owned(),
            rows: vec![10_000, 40_000, 160_000],
            rounds: 1,
            seed: 1,
            pandas: None,
            cluster: None,
        }
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
            cluster: None,
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

    /// The same with the workers of Dask that were chosen.
    ///
    /// # Errors
    ///
    /// If they are no cluster, are fewer than are asked for, or the input cannot be read.
    pub fn with_cluster(self, profile: Profile, choice: Option<&ClusterChoice>) -> Result<Config, Error> {
        let cluster = choice.map(|choice| ClusterConfig::new(profile, choice)).transpose()?;
        Ok(Config { cluster, ..self })
    }

    /// The room that workers of Dask take beside the input that they share, where some were chosen.
    ///
    /// # Errors
    ///
    /// If the input is not there any more.
    pub fn shared_room(&self) -> Result<Option<Room>, Error> {
        self.cluster.as_ref().map(ClusterConfig::room).transpose()
    }

    /// Time, memory and disk that it takes on this host, without [`shared_room`](Config::shared_room).
    #[must_use]
    pub fn needs(&self, machine: &Machine) -> Needs {
        let all_cores = cores(machine).unwrap_or(1);
        let cores = all_cores as f64;
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
        let seconds = seconds + self.cluster.as_ref().map_or(0.0, |cluster| cluster.seconds(all_cores));
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
    fn workers_are_counted_by_doubling_and_all() {
        let check = |workers, expect: &[usize]| assert_eq!(counts(workers), expect);
        check(1, &[1]);
        check(2, &[1, 2]);
        check(5, &[1, 2, 4, 5]);
        check(8, &[1, 2, 4, 8]);
    }

    #[test]
    fn a_cluster_is_planned_with_the_time_that_it_takes_or_refused() {
        let data = tempfile::tempdir().unwrap();
        let (out, within) = (data.path().join("data"), data.path().canonicalize().unwrap());
        crate::generate::generate(&crate::generate::Config::smoke(out.clone()), &|_| ()).unwrap();
        let machine = Machine::detect(&Source::Host).unwrap();
        let check = |cluster: &str, workers: &[usize], data: &Path, expect: Result<&[usize], &str>| {
            let cluster = cluster.to_owned();
            let choice =
                ClusterChoice { cluster, data: data.into(), workers: workers.into(), python: None, program: None };
            let alone = Config::smoke(Path::new("scratch"));
            match (alone.clone().with_cluster(Profile::Smoke, Some(&choice)), expect) {
                (Ok(config), Ok(expect)) => {
                    let more = config.needs(&machine).seconds - alone.needs(&machine).seconds;
                    assert!(more > 5.0 && more < 100.0, "{more}");
                    let room = config.shared_room().unwrap().unwrap();
                    // 10,000 rows, or 4 MiB of each worker.
                    let bytes = 10_600_000.max((expect.last().unwrap_or(&2) << 22) as u64);
                    assert_eq!((room.folder, room.bytes), (within.clone(), bytes));
                    let cluster = config.cluster.unwrap();
                    assert_eq!((cluster.rows, &cluster.choice.workers[..]), (10_000, expect));
                }
                (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
                other => panic!("{other:?}"),
            }
        };
        check("local:2", &[], &out, Ok(&[]));
        check("local:4", &[4, 1, 2, 1], &out, Ok(&[1, 2, 4]));
        check("tcp://node1:8786", &[8], &out, Ok(&[8]));
        check("local:2", &[1, 3], &out, Err("3 workers are to be measured, and local:2 has 2"));
        check("node1", &[], &out, Err("`node1`: expected local:WORKERS"));
        check("local:2", &[], data.path(), Err("no Parquet files"));
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
