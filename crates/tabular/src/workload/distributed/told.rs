//! What was measured of a cluster as metrics: times that are of all of their workers, or why they are not.

use std::collections::BTreeMap;

use measure::metrics::{
    TABULAR_CLUSTER_EFFICIENCY, TABULAR_CLUSTER_EXTRAPOLATED, TABULAR_CLUSTER_STORAGE_READ,
    TABULAR_CLUSTER_STORAGE_WRITE, TABULAR_CLUSTER_TIME,
};
use measure::{
    Definition, Event, Labels, Measurement, NotMeasured, Quantity, Reason, Sample, StoragePlace, Unit, Warning, derived,
};

use super::super::size::{POLARS, how_verified, placed, reason};
use super::Rounds;
use crate::Error;
use crate::cluster::scaling::{Folder, Model};
use crate::cluster::storage::{Rate, Rates};
use crate::cluster::{Cluster, Report, WorkerReport};
use crate::verify::Verified;

/// Numbers of workers that a model is asked for.
const ASKED: [usize; 3] = [4, 16, 64];
/// The label of all of these metrics.
const WORKERS: &str = "workers";
/// The share of the time of a rate in which all workers must have moved bytes.
const AT_ONCE: f64 = 0.5;
/// What is to be known of a cluster that somebody else started.
const NOT_WATCHED: &str = "the workers' hosts were not watched: what disturbed them is not known";

/// All that was measured, by the number of workers.
pub(super) struct Told {
    pub(super) cluster: Cluster,
    pub(super) rounds: BTreeMap<usize, Rounds>,
    pub(super) storage: BTreeMap<usize, Result<Rates, Error>>,
    /// The last result; an error where it is wrong, or results differ.
    pub(super) verified: Result<Option<Verified>, Error>,
    pub(super) place: StoragePlace,
}

/// The reports of a number of workers that are proved to be of all of them.
type Proved<'a> = Result<&'a [Report], Reason>;

impl Told {
    /// Each metric with each number of workers.
    pub(super) fn events(&self) -> Vec<Event> {
        let proved: BTreeMap<usize, Proved<'_>> =
            self.rounds.iter().map(|(&count, rounds)| (count, self.proved(count, rounds))).collect();
        let mut events = Vec::new();
        for (&count, rounds) in &proved {
            events.push(event(&TABULAR_CLUSTER_TIME, count, rounds.clone().map(|rounds| self.time(count, rounds))));
        }
        for &count in proved.keys().filter(|&&count| count > 1) {
            events.push(event(&TABULAR_CLUSTER_EFFICIENCY, count, self.efficiency(count, &proved)));
        }
        for (&count, rates) in &self.storage {
            events.extend(self.rates(count, rates));
        }
        events.extend(self.extrapolated(&proved));
        events
    }

    /// The rounds, if their result is right and each of them is of all workers.
    fn proved<'a>(&self, count: usize, rounds: &'a Rounds) -> Proved<'a> {
        if let Err(wrong) = &self.verified {
            return Err(reason(wrong));
        }
        let reports = rounds.as_ref().map_err(reason)?;
        match reports.iter().find_map(|report| objection(report, count)) {
            Some(why) => Err(Reason::Failed(format!("no distributed result: {why}"))),
            None if reports.is_empty() => Err(Reason::Failed("no round was done".to_owned())),
            None => Ok(reports),
        }
    }

    fn time(&self, count: usize, rounds: &[Report]) -> Measurement {
        let time = Measurement::new(&TABULAR_CLUSTER_TIME, samples(rounds)).label(WORKERS, count);
        let typical = typical(rounds);
        let verified = self.verified.as_ref().ok().and_then(Option::as_ref);
        let verified = verified.map_or_else(|| "not".to_owned(), how_verified);
        let slowest = typical.kinds.iter().max_by(|one, other| one.wall_seconds.total_cmp(&other.wall_seconds));
        let slowest =
            slowest.map(|kind| format!("{}, {} tasks in {}", kind.kind, kind.tasks, seconds(kind.wall_seconds)));
        let time = self
            .described(time, typical)
            .context("verified", format!("{verified}; the results of all runs have equal digests"))
            .context("tasks", typical.tasks)
            .context("time of the workers", typical.split)
            .context("slowest kind", slowest.unwrap_or_default())
            .context("start, not counted", seconds(typical.start_seconds));
        let with = |time: Measurement, worker: &WorkerReport| {
            time.context(&format!("worker {}", worker.name), of_worker(worker))
        };
        typical.workers.iter().fold(time, with)
    }

    /// By which engine, from which input.
    fn described(&self, measurement: Measurement, report: &Report) -> Measurement {
        let cache = match self.cluster {
            Cluster::Local(_) => report.cache.name().to_owned(),
            Cluster::Slurm(_) | Cluster::Scheduler(_) => {
                format!("{} on the host of the driver alone", report.cache.name())
            }
        };
        let described = self.of_cluster(measurement, &report.workers);
        described
            .context("engine", format!("Polars {POLARS}"))
            .context("mode", report.mode.name())
            .context("rows", report.rows)
            .context("cache", cache)
            .context("dask", &report.dask)
            .context("python", &report.python)
    }

    /// With which workers, on which folder.
    fn of_cluster(&self, measurement: Measurement, workers: &[WorkerReport]) -> Measurement {
        let measurement = measurement.at(self.place.clone()).context("cluster", &self.cluster);
        match self.cluster {
            Cluster::Local(_) => placed(measurement, workers.iter().flat_map(|worker| worker.cpus.clone()).collect()),
            Cluster::Slurm(_) | Cluster::Scheduler(_) => measurement.warn([Warning::Note(NOT_WATCHED.to_owned())]),
        }
    }

    fn efficiency(&self, count: usize, proved: &BTreeMap<usize, Proved<'_>>) -> Result<Measurement, Reason> {
        let of = |count: usize| match proved.get(&count) {
            Some(Ok(rounds)) => Ok(*rounds),
            Some(Err(wrong @ Reason::WrongResult(_))) => Err(wrong.clone()),
            Some(Err(Reason::Failed(why))) => Err(Reason::Failed(format!("{count} workers have no time: {why}"))),
            Some(Err(why)) => Err(Reason::Failed(format!("{count} workers have no time: {why}"))),
            None => Err(Reason::Failed("one worker, whose time it is held against, was not measured".to_owned())),
        };
        let (one, all) = (of(1)?, of(count)?);
        if let Some(why) = unlike(one.iter().chain(all).flat_map(|report| &report.workers)) {
            return Err(Reason::Failed(why));
        }
        let share = |(one, all): (Sample, Sample)| derived(one.value / (count as f64 * all.value), [&one, &all]);
        let samples = samples(one).zip(samples(all)).map(share);
        let efficiency = Measurement::new(&TABULAR_CLUSTER_EFFICIENCY, samples).label(WORKERS, count);
        let typical = typical(all);
        Ok(self.described(efficiency, typical).context("time of the workers", typical.split))
    }

    fn rates(&self, count: usize, rates: &Result<Rates, Error>) -> [Event; 2] {
        let of = |metric: &'static Definition, way: fn(&Rates) -> &[Rate], memory: fn(&Rates) -> Option<String>| {
            let rates = rates.as_ref().map_err(reason);
            let rate = |rates| self.rate(Measurement::new(metric, of_rates(way(rates))), rates, way(rates));
            let measured = rates.map(|rates| rate(rates).warn(memory(rates).map(|why| Warning::OtherThing { why })));
            event(metric, count, measured.map(|rate| rate.label(WORKERS, count)))
        };
        [
            of(&TABULAR_CLUSTER_STORAGE_READ, |rates| &rates.read, Rates::read_from_memory),
            of(&TABULAR_CLUSTER_STORAGE_WRITE, |rates| &rates.write, Rates::written_to_memory),
        ]
    }

    fn rate(&self, rate: Measurement, rates: &Rates, rounds: &[Rate]) -> Measurement {
        let least = rounds.iter().map(|rate| rate.at_once).fold(1.0, f64::min);
        let at_once = format!("all workers moved bytes in {} of the time or more", Quantity::new(least, Unit::Ratio));
        let apart = (least < AT_ONCE).then(|| Warning::Uncertain { why: format!("only {at_once}") });
        let names: Vec<&str> = rates.workers.iter().map(|worker| worker.name.as_str()).collect();
        self.of_cluster(rate, &rates.workers)
            .context("workers", names.join(", "))
            .context("bytes of each worker", rates.bytes)
            .context("file system", rates.file_systems.join(", "))
            .context("page cache", "dropped on the workers' hosts before it is read; what a server keeps is not known")
            .context("at once", at_once)
            .warn(apart)
    }

    /// What more workers would do, by the tasks of the most that were measured.
    fn extrapolated(&self, proved: &BTreeMap<usize, Proved<'_>>) -> Vec<Event> {
        let times: BTreeMap<usize, &[Report]> =
            proved.iter().filter_map(|(&count, rounds)| Some((count, *rounds.as_ref().ok()?))).collect();
        let tried = self.rounds.keys().copied().max().unwrap_or(0);
        let asked = ASKED.into_iter().filter(|&asked| asked > tried);
        let Some((&base, &rounds)) = times.last_key_value() else {
            let why = || Err(Reason::Failed("no number of workers has a time".to_owned()));
            return asked.map(|asked| event(&TABULAR_CLUSTER_EXTRAPOLATED, asked, why())).collect();
        };
        let models: Vec<Model> =
            rounds.iter().enumerate().map(|(round, report)| Model::of(report, self.folder(round))).collect();
        let how = self.how(base, &models, &times);
        let of = |asked: usize| {
            let one = |(model, sample): (&Model, Sample)| sample.map(|_| model.seconds(asked));
            let samples = models.iter().zip(samples(rounds)).map(one);
            let extrapolated = Measurement::new(&TABULAR_CLUSTER_EXTRAPOLATED, samples).label(WORKERS, asked);
            let how = format!("to {asked} workers {how}");
            let extrapolated = self.described(extrapolated, typical(rounds)).context("extrapolated", &how);
            event(&TABULAR_CLUSTER_EXTRAPOLATED, asked, Ok(extrapolated.warn([Warning::Extrapolated { how }])))
        };
        asked.map(of).collect()
    }

    /// What the folder gave in a round: the most that any number of workers got.
    fn folder(&self, round: usize) -> Option<Folder> {
        let rates = || self.storage.values().filter_map(|rates| rates.as_ref().ok());
        let most = |way: fn(&Rates) -> &[Rate]| {
            rates().filter_map(|rates| Some(way(rates).get(round)?.bytes_per_second)).reduce(f64::max)
        };
        Some(Folder { read: most(|rates| &rates.read)?, write: most(|rates| &rates.write)? })
    }

    /// By what was extrapolated, and how far that is off where it can be seen.
    fn how(&self, base: usize, models: &[Model], times: &BTreeMap<usize, &[Report]>) -> String {
        let off = |(&count, rounds): (&usize, &&[Report])| {
            let each = models.iter().zip(*rounds).map(|(model, report)| model.seconds(count) / report.seconds() - 1.0);
            let mut each: Vec<f64> = each.collect();
            each.sort_by(f64::total_cmp);
            let percent = 100.0 * each[(each.len() - 1) / 2];
            // What rounds to nothing has no sign.
            format!("{:+.1} % at {count}", (percent * 10.0).round() / 10.0 + 0.0)
        };
        let off: Vec<String> = times.iter().map(off).collect();
        let tasks = models.first().map_or(0, Model::tasks);
        let wait = models.iter().map(Model::wait).sum::<f64>() / models.len().max(1) as f64;
        let least = models.iter().map(Model::least).fold(f64::INFINITY, f64::min);
        let folder = match self.folder(0) {
            Some(_) => "and no less than the bytes take the folder at its rate",
            None => "without a bound by the folder, whose rate is not known",
        };
        format!(
            "like the {base} of {}, from a replay of {tasks} tasks with their measured seconds: by the plan's order, {} of \
             waiting for the scheduler before each, {folder}; no number of workers gets below {}; against what was \
             measured it is off by {}",
            self.cluster,
            seconds(wait),
            seconds(least),
            off.join(", ")
        )
    }
}

fn event(metric: &Definition, count: usize, measured: Result<Measurement, Reason>) -> Event {
    match measured {
        Ok(measurement) => Event::Measured(measurement),
        Err(reason) => {
            let labels = Labels::from([(WORKERS.to_owned(), count.to_string())]);
            Event::NotMeasured(NotMeasured::new(metric, labels, reason))
        }
    }
}

/// Why a run is not one of so many workers that each did their part.
fn objection(report: &Report, count: usize) -> Option<String> {
    let workers = &report.workers;
    if workers.len() != count {
        return Some(format!("{} workers worked, and {count} should have", workers.len()));
    }
    if count > 1 && report.why_not.is_some() {
        return report.why_not.clone();
    }
    if let Some(lost) = workers.iter().find(|worker| worker.lost) {
        return Some(format!("worker {} was lost", lost.name));
    }
    if report.killed > 0 {
        return Some(format!("{} processes of tasks were killed, and their tasks done again", report.killed));
    }
    unlike(workers)
}

/// Why workers are not of one kind: their times say nothing of their number.
fn unlike<'a>(workers: impl IntoIterator<Item = &'a WorkerReport>) -> Option<String> {
    let kind = |worker: &WorkerReport| {
        let (cpus, slots, model) = (worker.cpus.len(), worker.slots, &worker.facts.cpu_model);
        format!("{cpus} CPUs of {model} for {slots} tasks at a time")
    };
    let mut workers = workers.into_iter();
    let first = workers.next()?;
    let other = workers.find(|worker| kind(worker) != kind(first))?;
    Some(format!("workers are not alike: {} has {}, and {} has {}", first.name, kind(first), other.name, kind(other)))
}

fn samples(rounds: &[Report]) -> impl Iterator<Item = Sample> {
    rounds.iter().map(|report| Sample::timed(report.seconds(), report.interval))
}

fn of_rates(rounds: &[Rate]) -> impl Iterator<Item = Sample> {
    rounds.iter().map(|rate| Sample::timed(rate.bytes_per_second, rate.interval))
}

/// The round of the middle.
fn typical(rounds: &[Report]) -> &Report {
    let mut order: Vec<&Report> = rounds.iter().collect();
    order.sort_by(|one, other| one.seconds().total_cmp(&other.seconds()));
    order[(order.len() - 1) / 2]
}

fn of_worker(worker: &WorkerReport) -> String {
    let cpus: machine::CpuSet = worker.cpus.iter().copied().collect();
    let bytes = |bytes: u64| Quantity::new(bytes as f64, Unit::Byte).to_string();
    let facts = &worker.facts;
    format!(
        "on {}, CPUs {cpus}: {} tasks, {} of CPU time, {} idle, {} read, {} written, peak {}; {}; kernel {}, {}, {} of memory, \
         {} NUMA nodes",
        worker.host,
        worker.tasks,
        seconds(worker.cpu_seconds),
        seconds(worker.idle_seconds),
        bytes(worker.read_bytes),
        bytes(worker.written_bytes),
        worker.peak_bytes.map_or_else(|| "unknown".to_owned(), bytes),
        worker.build,
        facts.kernel,
        facts.cpu_model,
        bytes(facts.memory_bytes),
        facts.numa_nodes,
    )
}

fn seconds(value: f64) -> String {
    Quantity::new(value, Unit::Second).to_string()
}

#[cfg(test)]
mod tests;
