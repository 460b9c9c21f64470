//! The workload: data, transformation, verification, metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use machine::{CpuSet, Machine};
use measure::metrics::{TABULAR_PHASE, TABULAR_READ, TABULAR_SHARE, TABULAR_TIME, TABULAR_TIME_500GB};
use measure::{
    Definition, Event, Interval, Labels, Measurement, NotMeasured, Placement, Quantity, Reason, Sample, Unit, Warning,
    derived,
};

use super::config::{Config, DOCUMENTED_ROWS};
use super::fit::Fit;
use super::shard::{self, Shard};
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

/// The reports of one size, one for each round.
struct Size {
    rows: u64,
    reports: Vec<Report>,
    verified: Verified,
}

impl Size {
    /// The time of each round.
    fn samples(&self) -> impl Iterator<Item = Sample> {
        self.reports.iter().map(|report| taken(report.seconds(), report.interval()))
    }
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
        let mut sizes = Vec::new();
        let steps = self.config.rows.len() as f64;
        for (step, &rows) in self.config.rows.iter().enumerate() {
            let doing = format!("{rows} rows: generates, transforms and verifies");
            (self.emit)(Event::Progress { done: step as f64 / steps, doing });
            let whole = self.nodes.iter().flat_map(|node| node.0.iter().copied()).collect();
            match self.size(rows, whole) {
                Ok(size) => {
                    self.size_metrics(&size);
                    sizes.push(size);
                }
                Err(error) => {
                    self.not_measured(&TABULAR_TIME, Labels::from([("rows".to_owned(), rows.to_string())]), &error);
                }
            }
        }
        if let (Some(largest), true) = (self.config.rows.last(), self.nodes.len() > 1) {
            self.sharded(*largest)?;
        }
        if let Some(largest) = sizes.last() {
            self.phase_metrics(largest);
        }
        self.headline(&sizes);
        Ok(())
    }

    /// Data of one size, all rounds of it, and the verification of each output.
    fn size(&mut self, rows: u64, cpus: CpuSet) -> Result<Size, Error> {
        let input = self.folder.join(format!("data-{rows}"));
        let output = self.folder.join("result");
        generated(rows, self.config.seed, &input)?;
        let shards = [Shard { input: input.clone(), output: output.clone(), cpus }];
        let mut reports = Vec::new();
        for _ in 0..self.config.rounds {
            reports.extend(shard::transform(&shards, Mode::Phased, Cache::Cold)?);
        }
        let verified = verify::verify(&output, &input, &verify::Options::default(), &|_| ())?;
        remove(&input)?;
        remove(&output)?;
        Ok(Size { rows, reports, verified })
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

    fn size_metrics(&mut self, size: &Size) {
        let time = Measurement::new(&TABULAR_TIME, size.samples());
        self.measured(described(time.label("rows", size.rows), size));
    }

    /// The phases of the largest size, and what is told of reading.
    fn phase_metrics(&mut self, size: &Size) {
        for (index, phase) in size.reports[0].phases.iter().enumerate() {
            let of = |value: &dyn Fn(&Phase) -> f64| -> Vec<Sample> {
                let rounds = size.reports.iter().filter_map(|report| report.phases.get(index));
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
                let rate = rate.context("cache", size.reports[0].cache.name()).context("bytes", phase.bytes);
                self.measured(rate);
            }
        }
        for (name, share) in shares(&size.reports[0]) {
            let share = taken(share, size.reports[0].interval());
            self.measured(Measurement::new(&TABULAR_SHARE, [share]).label("phase", name));
        }
    }

    fn headline(&mut self, sizes: &[Size]) {
        if let Some(size) = sizes.iter().find(|size| size.rows == DOCUMENTED_ROWS) {
            return self.measured(described(Measurement::new(&TABULAR_TIME_500GB, size.samples()), size));
        }
        let rounds = sizes.iter().map(|size| size.reports.len()).min().unwrap_or(0);
        let of_round = |round: usize| {
            let points: Vec<_> = sizes.iter().map(|size| (size.rows as f64, size.reports[round].seconds())).collect();
            Fit::of(&points)
        };
        let fits: Option<Vec<Fit>> = (0..rounds).map(of_round).collect();
        let (Some(fits), Some(largest)) = (fits.filter(|fits| !fits.is_empty()), sizes.last()) else {
            let why = "fewer than two sizes were measured, or their times do not grow with their rows".to_owned();
            return self.lost(&TABULAR_TIME_500GB, Labels::new(), Reason::Failed(why));
        };
        // What a round's fit says was measured when its points were.
        let of_round = |(round, fit): (usize, &Fit)| {
            let points: Vec<Sample> = sizes.iter().filter_map(|size| size.samples().nth(round)).collect();
            derived(fit.seconds(DOCUMENTED_ROWS as f64), &points)
        };
        let headline = Measurement::new(&TABULAR_TIME_500GB, fits.iter().enumerate().map(of_round));
        let rows: Vec<u64> = sizes.iter().map(|size| size.rows).collect();
        let how =
            format!("to 500 GB ({DOCUMENTED_ROWS} rows) by T(n) = a + b·n from n = {rows:?}; {}", describe_fits(&fits));
        let headline = described(headline, largest).warn([Warning::Extrapolated { how }]);
        self.measured(headline);
    }

    fn measured(&mut self, measurement: Measurement) {
        (self.emit)(Event::Measured(measurement));
    }

    fn not_measured(&mut self, metric: &Definition, labels: Labels, error: &Error) {
        let reason = match error {
            Error::Rejected(_) => Reason::WrongResult(error.to_string()),
            Error::Full { .. } | Error::TooLittleMemory { .. } => Reason::NoResources(error.to_string()),
            _ => Reason::Failed(error.to_string()),
        };
        self.lost(metric, labels, reason);
    }

    fn lost(&mut self, metric: &Definition, labels: Labels, reason: Reason) {
        (self.emit)(Event::NotMeasured(NotMeasured::new(metric, labels, reason)));
    }
}

/// The fits in words.
fn describe_fits(fits: &[Fit]) -> String {
    let of = |fit: &Fit| {
        let start = Quantity::new(fit.start, Unit::Second);
        let row = Quantity::new(fit.row, Unit::Second);
        let miss = Quantity::new(fit.miss, Unit::Ratio);
        format!("a = {start}, b = {row} with points up to {miss} off the line")
    };
    fits.iter().map(of).collect::<Vec<_>>().join("; ")
}

/// How a time was taken.
fn described(measurement: Measurement, size: &Size) -> Measurement {
    let report = &size.reports[0];
    let shares: Vec<_> = shares(report)
        .into_iter()
        .map(|(name, share)| format!("{name} {}", Quantity::new(share, Unit::Ratio)))
        .collect();
    let verified = if size.verified.is_full() { "every value, by the reference" } else { "samples, by the reference" };
    placed(measurement, report.cpus.iter().copied().collect())
        .context("engine", format!("Polars {}", polars::VERSION))
        .context("mode", report.mode.name())
        .context("cache", report.cache.name())
        .context("threads", report.threads)
        .context("verified", verified)
        .context("shares", shares.join(", "))
}

/// With the CPUs that the processes kept to. Their memory is given back before anybody could ask where it lay.
fn placed(mut measurement: Measurement, cpus: BTreeSet<u32>) -> Measurement {
    let cpus: Vec<u32> = cpus.into_iter().collect();
    let placement = Placement { cpus, pages_on_node: None, huge_pages: None, migrations: None };
    measurement.placement = Some(placement).filter(|placement| !placement.cpus.is_empty());
    measurement
}

/// The shares of reading, transforming and saving, as the document divides the time.
fn shares(report: &Report) -> BTreeMap<&'static str, f64> {
    let mut shares = BTreeMap::new();
    for phase in &report.phases {
        let name = match phase.phase.split('.').next() {
            Some("load") => "read",
            Some("save") => "save",
            _ => "transform",
        };
        *shares.entry(name).or_default() += phase.seconds / report.seconds();
    }
    shares
}

fn generated(rows: u64, seed: u64, out: &Path) -> Result<(), Error> {
    let config = generate::Config { seed, ..generate::Config::new(rows, out.to_owned()) };
    generate::generate(&config, &|_| ())?;
    Ok(())
}

fn remove(folder: &PathBuf) -> Result<(), Error> {
    fs::remove_dir_all(folder).map_err(|error| Error::io("cannot remove", folder, error))
}
