//! The records of the FMA peak.

use machine::{Team, Worker, sockets};
use measure::metrics::{DENSE_CLOCK, DENSE_FLOP_PER_CYCLE, DENSE_FMA, DENSE_FMA_KERNEL};
use measure::{Definition, Measurement, Metric, Placement, Reason, Sample};

use super::{FmaConfig, PeakSample, Pipes, Precision, Usable, measure, usable};
use crate::Error;
use crate::reporter::{Reporter, noisy};

/// Which workers take part.
struct Scope {
    name: &'static str,
    workers: Vec<Worker>,
}

/// One core, one node where there are several, and all.
fn scopes(workers: &[Worker]) -> Vec<Scope> {
    let first = workers[0];
    let node: Vec<Worker> = workers.iter().copied().filter(|worker| worker.node == first.node).collect();
    let mut scopes = vec![Scope { name: "core", workers: vec![first] }];
    if node.len() < workers.len() {
        scopes.push(Scope { name: "node", workers: node });
    }
    scopes.push(Scope { name: "all", workers: workers.to_vec() });
    scopes
}

/// Seconds that the whole takes, with warm-ups.
pub(crate) fn seconds(config: &FmaConfig, workers: &[Worker]) -> f64 {
    let kernels = Usable::all().len() * Precision::ALL.len() * scopes(workers).len();
    kernels as f64 * (config.samples as f64 * config.seconds * 1.1 + 0.02)
}

/// Measures every kernel in every scope.
pub(crate) fn record(config: &FmaConfig, workers: &[Worker], reporter: &mut Reporter<'_>) -> Result<(), Error> {
    let pipes = Pipes::of_this_cpu();
    for scope in scopes(workers) {
        let team = Team::start(&scope.workers)?;
        let mut best: Option<(f64, Measurement, Vec<PeakSample>)> = None;
        for isa in usable() {
            for precision in Precision::ALL {
                let name = isa.isa().name();
                let doing = format!("FMA peak, {} {name}, {} workers", precision.name(), scope.workers.len());
                reporter.begin(doing, config.samples as f64 * config.seconds);
                let readings = match measure(&team, isa, precision, config.samples, config.seconds) {
                    Ok(readings) => readings,
                    Err(error) => {
                        let labels = labels(isa, precision, &scope);
                        reporter.not_measured(&DENSE_FMA_KERNEL, &labels, error.reason());
                        continue;
                    }
                };
                let of_kernel = KernelReadings { isa, precision, scope: &scope, readings: &readings, pipes };
                let peak = of_kernel.report(reporter);
                let median = peak.summary().map_or(0.0, |summary| summary.median);
                if precision == Precision::Fp64 && best.as_ref().is_none_or(|(most, ..)| median > *most) {
                    best = Some((median, peak, readings));
                }
            }
        }
        if scope.name == "all" {
            headline(best.map(|(_, peak, readings)| (peak, readings)), &scope.workers, reporter);
        }
    }
    Ok(())
}

/// The FP64 peak of all cores, by the fastest instruction set; and of each socket, where there are several.
fn headline(best: Option<(Measurement, Vec<PeakSample>)>, workers: &[Worker], reporter: &mut Reporter<'_>) {
    let Some((mut peak, readings)) = best else {
        let reason = Reason::Failed("no kernel could be measured".into());
        return reporter.not_measured(&DENSE_FMA, &[], reason);
    };
    for (key, value) in std::mem::take(&mut peak.labels) {
        peak.context.insert(key, value);
    }
    peak.metric = Metric::from(&DENSE_FMA);
    for (at, socket) in sockets(workers).iter().enumerate() {
        let rates = readings.iter().map(|reading| reading.of_sockets[at].clone());
        let cpus = socket.members.iter().map(|&place| workers[place].cpu);
        let mut part = peak.of_part("socket", socket.package, rates).context("threads", socket.members.len());
        // Both are of all cores.
        part.context.remove("ceiling");
        part.warnings.clear();
        reporter.measured(noisy(part.on_cpus(cpus)));
    }
    reporter.measured(peak);
}

fn labels(isa: Usable, precision: Precision, scope: &Scope) -> [(&'static str, String); 3] {
    [("isa", isa.isa().name().into()), ("precision", precision.name().into()), ("scope", scope.name.into())]
}

/// The readings of one kernel in one scope.
struct KernelReadings<'a> {
    isa: Usable,
    precision: Precision,
    scope: &'a Scope,
    readings: &'a [PeakSample],
    pipes: Option<Pipes>,
}

impl KernelReadings<'_> {
    fn measurement(&self, metric: &Definition, sample: impl Fn(&PeakSample) -> Sample) -> Measurement {
        let placement =
            Placement { cpus: self.scope.workers.iter().map(|worker| worker.cpu).collect(), ..Placement::default() };
        let mut measurement = Measurement::new(metric, self.readings.iter().map(sample))
            .placed(placement)
            .context("threads", self.scope.workers.len());
        for (key, value) in labels(self.isa, self.precision, self.scope) {
            measurement = measurement.label(key, value);
        }
        measurement
    }

    /// Reports flop/cycle, clock and rate, and returns the last.
    fn report(&self, reporter: &mut Reporter<'_>) -> Measurement {
        let mut per_cycle = self.measurement(&DENSE_FLOP_PER_CYCLE, |reading| reading.flop_per_cycle.clone());
        let mut rate = self.measurement(&DENSE_FMA_KERNEL, |reading| reading.rate.clone());
        let clock = self.measurement(&DENSE_CLOCK, |reading| reading.clock.clone());
        let hertz = clock.summary().map(|summary| summary.median);
        match self.pipes.and_then(|pipes| Some((pipes, pipes.flop_per_cycle(self.isa.isa(), self.precision)?))) {
            Some((pipes, most)) => {
                per_cycle = per_cycle
                    .context("pipes", pipes.name)
                    .context("pipes_flop_per_cycle", most)
                    .context("pipes_source", pipes.source);
                if let Some(hertz) = hertz {
                    let ceiling = most * hertz * self.scope.workers.len() as f64;
                    rate = rate.context("ceiling", format!("{ceiling:.4e} flop/s: cores × measured clock × {most}"));
                }
            }
            None => per_cycle = per_cycle.context("pipes", "unknown for this CPU: no share of a peak is given"),
        }
        reporter.measured(noisy(per_cycle));
        // FP32 runs at the same clock; one record for each instruction set and scope is enough.
        if self.precision == Precision::Fp64 {
            let mut clock = clock.context("how", "dependent register additions between bursts of the FP64 kernel");
            clock.labels.remove("precision");
            reporter.measured(noisy(clock));
        }
        let rate = noisy(rate);
        reporter.measured(rate.clone());
        rate
    }
}
