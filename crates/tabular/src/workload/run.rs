//! The workload: data, transformation, verification, metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use machine::{CpuSet, Machine};
use measure::metrics::{
    TABULAR_DASK_EFFICIENCY, TABULAR_PANDAS_TIME, TABULAR_PANDAS_TIME_500GB, TABULAR_PHASE, TABULAR_READ,
    TABULAR_SHARE, TABULAR_TIME, TABULAR_TIME_500GB,
};
use measure::{Definition, Event, Interval, Labels, Measurement, NotMeasured, Reason, Sample};

use super::config::Config;
use super::distributed;
use super::pandas::{self, Pandas};
use super::shard::{self, Shard};
use super::size::{POLARS, Size, describe_shares, headline, how_verified, placed, reason, shares};
use crate::claim::{Temporary, sweep};
use crate::pipeline::{Cache, Mode, Phase, Report};
use crate::verify::Verified;
use crate::{Error, generate, verify};

/// How the name of the folder begins that data and results of a run are in.
const FOLDER: &str = "hostproof-tabular-";

/// Generates, transforms and verifies what the configuration says, and tells it by events. A size that fails is reported
/// with its reason, and the others go on.
///
/// # Errors
///
/// If no data can be made at all.
pub fn run(config: &Config, machine: &Machine, emit: &mut dyn FnMut(Event)) -> Result<(), Error> {
    let (scratch, prefix) = (&config.scratch, OsStr::new(FOLDER));
    fs::create_dir_all(scratch).map_err(|error| Error::io("cannot create", scratch, error))?;
    sweep(scratch, prefix)?;
    let folder = Temporary::create(scratch, prefix)?;
    Work { config, folder: folder.path(), nodes: shard::nodes(machine)?, emit }.all()?;
    folder.close()
}

/// A sample of work of processes that say when they did it.
fn taken(value: f64, interval: Option<Interval>) -> Sample {
    Sample { interval, ..Sample::untimed(value) }
}

struct Work<'a> {
    config: &'a Config,
    folder: &'a Path,
    nodes: Vec<CpuSet>,
    emit: &'a mut dyn FnMut(Event),
}

impl Work<'_> {
    fn all(&mut self) -> Result<(), Error> {
        let (mut sizes, mut reports, mut wrong) = (Vec::new(), Vec::new(), None);
        for (step, &rows) in self.config.rows.iter().enumerate() {
            self.progress(step, format!("{rows} rows: generates, transforms and verifies"));
            match self.by_polars(rows) {
                Ok((size, of_size)) => {
                    self.size_metrics(&TABULAR_TIME, &size);
                    sizes.push(size);
                    reports = of_size;
                }
                Err(error) => {
                    self.size_lost(&TABULAR_TIME, rows, &error);
                    wrong = wrong.or(Some(error).filter(|error| matches!(error, Error::Rejected(_))));
                }
            }
        }
        if let (Some(largest), true) = (self.config.rows.last(), self.nodes.len() > 1) {
            self.sharded(*largest)?;
        }
        self.phase_metrics(&reports);
        self.headline(&TABULAR_TIME_500GB, &sizes, wrong.as_ref());
        self.pandas();
        self.distributed();
        Ok(())
    }

    /// The same on workers of Dask, where some are named.
    fn distributed(&mut self) {
        let Some(config) = &self.config.cluster else {
            return distributed::not_measured()
                .into_iter()
                .for_each(|missing| (self.emit)(Event::NotMeasured(missing)));
        };
        let before = self.sizes() as f64 / self.steps() as f64;
        distributed::run(config, &mut |told| {
            (self.emit)(match told {
                Event::Progress { done, doing } => Event::Progress { done: before + (1.0 - before) * done, doing },
                other => other,
            });
        });
    }

    /// The documented engine, where there is an environment that has it.
    fn pandas(&mut self) {
        let Some(config) = &self.config.pandas else {
            (self.emit)(Event::NotMeasured(pandas::not_measured()));
            return (self.emit)(Event::NotMeasured(pandas::dask_not_asked_for()));
        };
        let pandas = match Pandas::find(&config.environment) {
            Ok(pandas) => pandas,
            Err(error) => {
                self.not_measured(&TABULAR_PANDAS_TIME_500GB, Labels::new(), &error);
                return self.not_measured(&TABULAR_DASK_EFFICIENCY, Labels::new(), &error);
            }
        };
        let (mut sizes, mut wrong) = (Vec::new(), None);
        for (step, &rows) in config.rows.iter().enumerate() {
            self.progress(self.config.rows.len() + step, format!("{rows} rows: pandas transforms"));
            match self.by_pandas(&pandas, rows) {
                Ok(size) => {
                    self.size_metrics(&TABULAR_PANDAS_TIME, &size);
                    sizes.push(size);
                }
                Err(error @ Error::Rejected(_)) => {
                    wrong = Some(error);
                    break;
                }
                Err(error) => self.size_lost(&TABULAR_PANDAS_TIME, rows, &error),
            }
        }
        self.headline(&TABULAR_PANDAS_TIME_500GB, &sizes, wrong.as_ref());
        match config.dask_rows {
            Some(rows) => self.dask(&pandas, rows),
            None => (self.emit)(Event::NotMeasured(pandas::dask_not_asked_for())),
        }
    }

    /// How pandas on Dask uses the cores.
    fn dask(&mut self, pandas: &Pandas, rows: u64) {
        let cores: usize = self.nodes.iter().map(CpuSet::len).sum();
        if cores < 2 {
            let why = "this host has one core: there is nothing to hold it against".to_owned();
            return (self.emit)(Event::NotMeasured(pandas::dask_not_measured(Reason::NoResources(why))));
        }
        self.progress(self.sizes() - 1, format!("{rows} rows: pandas on Dask transforms on one core and on {cores}"));
        let scaled = pandas.dask().and_then(|version| {
            let (rounds, verified, cpus) = self.size(rows, |shard| pandas.scale(shard, Cache::Cold))?;
            Ok(pandas.efficiency(&version, rows, &rounds, &cpus, &verified))
        });
        match scaled {
            Ok(size) => {
                let efficiency = Measurement::new(&TABULAR_DASK_EFFICIENCY, size.samples.iter().cloned());
                self.measured(size.describe(efficiency));
            }
            Err(error) => self.not_measured(&TABULAR_DASK_EFFICIENCY, Labels::new(), &error),
        }
    }

    fn progress(&mut self, step: usize, doing: String) {
        let done = step as f64 / self.steps() as f64;
        (self.emit)(Event::Progress { done, doing });
    }

    /// Sizes that are done by processes of this host.
    fn sizes(&self) -> usize {
        let pandas = self.config.pandas.as_ref();
        self.config.rows.len() + pandas.map_or(0, |pandas| pandas.rows.len() + pandas.dask_rows.iter().len())
    }

    fn steps(&self) -> usize {
        self.sizes() + self.config.cluster.as_ref().map_or(0, |cluster| cluster.rounds)
    }

    /// Data of one size, all rounds of it by `transform`, and the verification of the last output.
    fn size<T>(
        &self,
        rows: u64,
        mut transform: impl FnMut(&Shard) -> Result<T, Error>,
    ) -> Result<(Vec<T>, Verified, CpuSet), Error> {
        let input = self.folder.join(format!("data-{rows}"));
        let output = self.folder.join("result");
        generated(rows, self.config.seed, &input)?;
        let cpus: CpuSet = self.nodes.iter().flat_map(|node| node.0.iter().copied()).collect();
        let shard = Shard { input, output, cpus };
        let rounds = (0..self.config.rounds).map(|_| transform(&shard)).collect::<Result<Vec<T>, Error>>();
        let verified = rounds.and_then(|rounds| {
            let verified = verify::verify(&shard.output, &shard.input, &verify::Options::default(), &|_| ())?;
            Ok((rounds, verified))
        });
        // A result that was refused is not in the way of the next size.
        remove(&shard.input)?;
        if shard.output.exists() {
            remove(&shard.output)?;
        }
        let (rounds, verified) = verified?;
        Ok((rounds, verified, shard.cpus))
    }

    fn by_polars(&self, rows: u64) -> Result<(Size, Vec<Report>), Error> {
        let of_shard = |shard: &Shard| {
            let mut reports = shard::transform(std::slice::from_ref(shard), Mode::Phased, Cache::Cold)?;
            reports.pop().ok_or_else(|| Error::Process("no report".to_owned()))
        };
        let (reports, verified, _) = self.size(rows, of_shard)?;
        let report = &reports[0];
        let context = vec![
            ("engine", format!("Polars {POLARS}")),
            ("mode", report.mode.name().to_owned()),
            ("cache", report.cache.name().to_owned()),
            ("threads", report.threads.to_string()),
            ("verified", how_verified(&verified)),
            ("shares", describe_shares(&shares_of(report))),
        ];
        let samples = reports.iter().map(|report| taken(report.seconds(), report.interval())).collect();
        Ok((Size { rows, samples, cpus: report.cpus.iter().copied().collect(), context }, reports))
    }

    fn by_pandas(&self, pandas: &Pandas, rows: u64) -> Result<Size, Error> {
        let (rounds, verified, cpus) = self.size(rows, |shard| pandas.transform(shard, Cache::Cold))?;
        Ok(pandas.size(rows, &rounds, &cpus, &verified))
    }

    /// One process for each node, each with data of its own: what the host does where nothing crosses between nodes.
    fn sharded(&mut self, rows: u64) -> Result<(), Error> {
        let share = rows / self.nodes.len() as u64;
        let mut shards = Vec::new();
        for (index, cpus) in self.nodes.iter().enumerate() {
            let part = |what: &str| self.folder.join(format!("{what}-node-{index}"));
            let seed = self.config.seed + index as u64;
            generated(share, seed, &part("data"))?;
            shards.push(Shard { input: part("data"), output: part("result"), cpus: cpus.clone() });
        }
        let (mut samples, mut cpus) = (Vec::new(), BTreeSet::new());
        for _ in 0..self.config.rounds {
            let reports = shard::transform(&shards, Mode::Phased, Cache::Cold)?;
            let slowest = reports.iter().map(Report::seconds).fold(0.0, f64::max);
            samples.push(taken(slowest, Interval::hull_of(reports.iter().filter_map(Report::interval))));
            cpus.extend(reports.iter().flat_map(|report| report.cpus.iter().copied()));
        }
        let time = Measurement::new(&TABULAR_TIME, samples);
        let time = time.label("rows", share * self.nodes.len() as u64).label("placement", "node-sharded");
        let time = time.context("shards", "one process and its own data for each NUMA node, the slowest counts");
        self.measured(placed(time, cpus));
        Ok(())
    }

    fn size_metrics(&mut self, metric: &'static Definition, size: &Size) {
        let time = Measurement::new(metric, size.samples.iter().cloned());
        self.measured(size.describe(time.label("rows", size.rows)));
    }

    fn size_lost(&mut self, metric: &'static Definition, rows: u64, error: &Error) {
        self.not_measured(metric, Labels::from([("rows".to_owned(), rows.to_string())]), error);
    }

    /// The phases of the largest size, and what is told of reading.
    fn phase_metrics(&mut self, reports: &[Report]) {
        let Some(first) = reports.first() else { return };
        for (index, phase) in first.phases.iter().enumerate() {
            let of = |value: &dyn Fn(&Phase) -> f64| -> Vec<Sample> {
                let rounds = reports.iter().filter_map(|report| report.phases.get(index));
                rounds.map(|phase| Sample::timed(value(phase), phase.interval)).collect()
            };
            let mut seconds = Measurement::new(&TABULAR_PHASE, of(&|phase| phase.seconds))
                .label("phase", &phase.phase)
                .context("cpu_seconds", format!("{:.3}", phase.cpu_seconds))
                .context("rows", phase.rows)
                .context("rows_per_second", format!("{:.3e}", phase.rows_per_second()))
                .context("bytes", phase.bytes);
            if let Some(peak) = phase.peak_bytes {
                seconds = seconds.context("peak_bytes", peak);
            }
            self.measured(seconds);
            if phase.phase == "load.read" {
                let rate = Measurement::new(&TABULAR_READ, of(&|phase| phase.bytes as f64 / phase.seconds));
                let rate = rate.context("cache", first.cache.name()).context("bytes", phase.bytes);
                self.measured(rate);
            }
        }
        for (name, share) in shares_of(first) {
            let share = taken(share, first.interval());
            self.measured(Measurement::new(&TABULAR_SHARE, [share]).label("phase", name));
        }
    }

    /// The figure that all sizes lead to: none where one of them gave a wrong result, whatever the others took.
    fn headline(&mut self, metric: &'static Definition, sizes: &[Size], wrong: Option<&Error>) {
        if let Some(wrong) = wrong {
            return self.not_measured(metric, Labels::new(), wrong);
        }
        match headline(metric, sizes) {
            Ok(headline) => self.measured(headline),
            Err(missing) => (self.emit)(Event::NotMeasured(missing)),
        }
    }

    fn measured(&mut self, measurement: Measurement) {
        (self.emit)(Event::Measured(measurement));
    }

    fn not_measured(&mut self, metric: &Definition, labels: Labels, error: &Error) {
        (self.emit)(Event::NotMeasured(NotMeasured::new(metric, labels, reason(error))));
    }
}

fn shares_of(report: &Report) -> BTreeMap<&'static str, f64> {
    shares(report.phases.iter().map(|phase| (phase.phase.as_str(), phase.seconds)))
}

fn generated(rows: u64, seed: u64, out: &Path) -> Result<(), Error> {
    let config = generate::Config { seed, ..generate::Config::new(rows, out.to_owned()) };
    generate::generate(&config, &|_| ())?;
    Ok(())
}

fn remove(folder: &PathBuf) -> Result<(), Error> {
    fs::remove_dir_all(folder).map_err(|error| Error::io("cannot remove", folder, error))
}
