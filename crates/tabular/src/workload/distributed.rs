//! The tasks of `bucketed` on 1, 2, 4 … workers of Dask in turn: their times, each proved to be of all of them, the rate of
//! the folder that they share, and what a model makes of both.

mod told;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use measure::metrics::{
    TABULAR_CLUSTER_EFFICIENCY, TABULAR_CLUSTER_EXTRAPOLATED, TABULAR_CLUSTER_STORAGE_READ,
    TABULAR_CLUSTER_STORAGE_WRITE, TABULAR_CLUSTER_TIME,
};
use measure::{Definition, DrivesBelow, Event, Labels, NotMeasured, Reason, StoragePlace};

use super::config::{ClusterConfig, cluster_of, counts};
use super::size::reason;
use crate::Error;
use crate::claim::{Temporary, sweep};
use crate::cluster::storage::{self, Rates};
use crate::cluster::transfer::mount_of;
use crate::cluster::{self, Options, Report};
use crate::finding::Fault;
use crate::pipeline::{Cache, Job, Mode};
use crate::verify::{self, Verified};

use told::Told;

/// How the name of the folder begins that results are in, beside the input.
const FOLDER: &str = "hostproof-cluster-";
/// After how many seconds without the end of a task a run ends.
const STALL: Duration = Duration::from_mins(10);
/// Why the kernel's word on the drives below is not asked for.
const OF_OTHERS: &str = "the workers' hosts share the folder, and what lies below it is not looked into";

/// All that is measured of a cluster.
const METRICS: [&Definition; 5] = [
    &TABULAR_CLUSTER_TIME,
    &TABULAR_CLUSTER_EFFICIENCY,
    &TABULAR_CLUSTER_STORAGE_READ,
    &TABULAR_CLUSTER_STORAGE_WRITE,
    &TABULAR_CLUSTER_EXTRAPOLATED,
];

/// Why nothing of a cluster has a value where none was named, and what would measure it.
pub(super) fn not_measured() -> Vec<NotMeasured> {
    let why = "workers of Dask: `hostproof run --only tabular --cluster local:2 --cluster-data DIR` measures them, DIR being an \
               input that all workers see (`hostproof features generate --size 1GB --out DIR`); docs/feature-cluster.md has more";
    lost(&Reason::NotBuilt(why.to_owned()))
}

fn lost(reason: &Reason) -> Vec<NotMeasured> {
    METRICS.map(|metric| NotMeasured::new(metric, Labels::new(), reason.clone())).into()
}

/// Measures what the configuration says, and tells it by events.
pub(super) fn run(config: &ClusterConfig, emit: &mut dyn FnMut(Event)) {
    let told = match measured(config, emit) {
        Ok(told) => told,
        Err(error) => return lost(&reason(&error)).into_iter().for_each(|missing| emit(Event::NotMeasured(missing))),
    };
    told.events().into_iter().for_each(emit);
}

fn measured(config: &ClusterConfig, emit: &mut dyn FnMut(Event)) -> Result<Told, Error> {
    let cluster = cluster_of(&config.choice)?;
    let data =
        fs::canonicalize(&config.choice.data).map_err(|error| Error::io("cannot find", &config.choice.data, error))?;
    let beside = data.parent().unwrap_or(&data);
    sweep(beside, OsStr::new(FOLDER))?;
    let folder = Temporary::create(beside, OsStr::new(FOLDER))?;
    let (python, program) = (config.choice.python.clone(), config.choice.program.clone());
    let options = Options { cluster, python, program, workers: None, stall: STALL };
    let place = place(folder.path())?;
    let mut work = Distributed { config, options, data, folder: folder.path().to_owned(), step: 0, emit };
    let told = work.all(place);
    folder.close()?;
    told
}

/// Where the results lie; the drives below belong to whoever shares the folder.
fn place(folder: &Path) -> Result<StoragePlace, Error> {
    let open = File::open(folder).map_err(|error| Error::io("cannot open", folder, error))?;
    let mount = mount_of(&open)?;
    Ok(StoragePlace {
        path: folder.parent().unwrap_or(folder).display().to_string(),
        mount_point: mount.point,
        file_system: mount.file_system,
        source: mount.source,
        drives: DrivesBelow::Unknown(OF_OTHERS.to_owned()),
        free: None,
    })
}

/// What came of a number of workers: the report of each round, or why there is no time.
type Rounds = Result<Vec<Report>, Error>;

struct Distributed<'a> {
    config: &'a ClusterConfig,
    options: Options,
    data: PathBuf,
    folder: PathBuf,
    step: usize,
    emit: &'a mut dyn FnMut(Event),
}

impl Distributed<'_> {
    fn all(&mut self, place: StoragePlace) -> Result<Told, Error> {
        let counts = self.counts()?;
        let mut rounds: BTreeMap<usize, Rounds> = counts.iter().map(|&count| (count, Ok(Vec::new()))).collect();
        let result = self.interleaved(&counts, &mut rounds);
        let verified = result.and_then(|()| self.verified());
        let storage = counts.iter().map(|&count| (count, self.storage(&counts, count))).collect();
        Ok(Told { cluster: self.options.cluster.clone(), rounds, storage, verified, place })
    }

    /// The numbers of workers: those that were asked for, or by doubling up to all that there are.
    fn counts(&mut self) -> Result<Vec<usize>, Error> {
        if !self.config.choice.workers.is_empty() {
            return Ok(self.config.choice.workers.clone());
        }
        let asked = self.subfolder("asked")?;
        Ok(counts(cluster::count_workers(&self.options, &asked)?))
    }

    /// All rounds of all numbers in turn, the last result left in its place. An error where two results differ.
    fn interleaved(&mut self, counts: &[usize], rounds: &mut BTreeMap<usize, Rounds>) -> Result<(), Error> {
        let mut first: Option<(usize, Digests)> = None;
        for round in 0..self.config.rounds {
            for &count in counts {
                let Some(Ok(reports)) = rounds.get_mut(&count) else { continue };
                self.progress(counts, format!("{count} workers of {}: round {}", self.options.cluster, round + 1));
                match self.round(count) {
                    Ok((report, digests)) => {
                        let (of, expected) = first.get_or_insert_with(|| (count, digests.clone()));
                        same(expected, *of, &digests, count)?;
                        reports.push(report);
                    }
                    Err(error) => drop(rounds.insert(count, Err(error))),
                }
            }
        }
        Ok(())
    }

    /// One run. Its result takes the place of the one before when it is whole, so that there is one to be verified.
    fn round(&self, workers: usize) -> Result<(Report, Digests), Error> {
        let (input, output) = (self.data.clone(), self.folder.join("next"));
        let job = Job { input, output, mode: Mode::Bucketed, cache: Cache::Cold, replace: false, resume: false };
        let options = Options { workers: Some(workers), ..self.options.clone() };
        let report = cluster::run(&options, &job, &mut |_| ())?;
        let digests = verify::digests(&job.output)?;
        let last = self.output();
        if last.exists() {
            fs::remove_dir_all(&last).map_err(|error| Error::io("cannot remove", &last, error))?;
        }
        fs::rename(&job.output, &last).map_err(|error| Error::io("cannot rename", &job.output, error))?;
        Ok((report, digests))
    }

    /// The last result against the reference.
    fn verified(&self) -> Result<Option<Verified>, Error> {
        let output = self.output();
        if !output.exists() {
            return Ok(None);
        }
        let verified = verify::verify(&output, &self.data, &verify::Options::default(), &|_| ());
        fs::remove_dir_all(&output).map_err(|error| Error::io("cannot remove", &output, error))?;
        verified.map(Some)
    }

    fn storage(&mut self, counts: &[usize], workers: usize) -> Result<Rates, Error> {
        self.progress(counts, format!("{workers} workers of {}: the shared folder", self.options.cluster));
        let folder = self.subfolder(&format!("storage-{workers}"))?;
        let options = Options { workers: Some(workers), ..self.options.clone() };
        storage::measure(&options, &folder, self.config.storage_bytes, self.config.rounds)
    }

    fn output(&self) -> PathBuf {
        self.folder.join("result")
    }

    fn subfolder(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.folder.join(name);
        fs::create_dir(&path).map_err(|error| Error::io("cannot create", &path, error))?;
        Ok(path)
    }

    fn progress(&mut self, counts: &[usize], doing: String) {
        let steps = counts.len() * (self.config.rounds + 1);
        (self.emit)(Event::Progress { done: self.step as f64 / steps as f64, doing });
        self.step += 1;
    }
}

/// The digest of each column of a result.
type Digests = Vec<(&'static str, crate::Digest)>;

/// Sees that two results have the same bits.
fn same(expected: &Digests, of: usize, found: &Digests, count: usize) -> Result<(), Error> {
    let differ = expected.iter().zip(found).filter(|(one, other)| one != other);
    let fault = |((name, expected), (_, found)): (&(&str, crate::Digest), &(&str, crate::Digest))| Fault {
        column: (*name).to_owned(),
        what: format!("its digest is {found} by {count} workers, and {expected} by {of}"),
    };
    let faults: Vec<Fault> = differ.map(fault).collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Rejected(faults)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Digest;

    #[test]
    fn results_that_differ_are_wrong_by_column() {
        let one: Digests = vec![("row_id", Digest(1)), ("hour", Digest(2))];
        same(&one, 1, &one.clone(), 2).unwrap();
        let other = vec![("row_id", Digest(1)), ("hour", Digest(3))];
        let error = same(&one, 1, &other, 2).unwrap_err();
        assert!(matches!(reason(&error), Reason::WrongResult(_)));
        let expect = "column `hour`: its digest is 0000000000000003 by 2 workers, and 0000000000000002 by 1";
        assert!(error.to_string().contains(expect), "{error}");
    }

    #[test]
    fn without_a_cluster_each_metric_says_what_would_measure_it() {
        let missing = not_measured();
        assert_eq!(missing.len(), METRICS.len());
        for one in missing {
            assert!(one.reason.to_string().contains("`hostproof run --only tabular --cluster local:2"), "{one:?}");
        }
    }
}
