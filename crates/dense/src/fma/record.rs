//! The records of the FMA peak.

use machine::{Team, Worker};
use measure::{Better, Measurement, Metric, Placement, Summary, Unit};

use super::{Pipes, Precision, Reading, Usable, measure, usable};
use crate::config::FmaConfig;
use crate::reporter::Reporter;
use crate::{Error, run};

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
        let mut best: Option<(f64, Measurement)> = None;
        for isa in usable() {
            for precision in Precision::ALL {
                let name = isa.isa().name();
                let doing = format!("FMA peak, {} {name}, {} workers", precision.name(), scope.workers.len());
                reporter.begin(doing, config.samples as f64 * config.seconds);
                let readings = match measure(&team, isa, precision, config.samples, config.seconds) {
                    Ok(readings) => readings,
                    Err(error) => {
                        let labels = labels(isa, precision, &scope);
                        reporter.not_measured("dense.fma.kernel", &labels, error.reason());
                        continue;
                    }
                };
                let series = Series { isa, precision, scope: &scope, readings: &readings, pipes };
                let peak = series.report(reporter);
                let median = peak.summary().map_or(0.0, |summary| summary.median);
                if precision == Precision::Fp64 && best.as_ref().is_none_or(|(most, _)| median > *most) {
                    best = Some((median, peak));
                }
            }
        }
        if scope.name == "all" {
            headline(best, reporter);
        }
    }
    Ok(())
}

/// The FP64 peak of all cores, by the fastest instruction set.
fn headline(best: Option<(f64, Measurement)>, reporter: &mut Reporter<'_>) {
    let Some((_, mut peak)) = best else {
        let reason = measure::Reason::Failed("no kernel could be measured".into());
        return reporter.not_measured("dense.fma", &[], reason);
    };
    for (key, value) in std::mem::take(&mut peak.labels) {
        peak.context.insert(key, value);
    }
    peak.metric = Metric::higher("dense.fma", Unit::FlopPerSecond);
    reporter.measured(peak);
}

fn labels(isa: Usable, precision: Precision, scope: &Scope) -> [(&'static str, String); 3] {
    [("isa", isa.isa().name().into()), ("precision", precision.name().into()), ("scope", scope.name.into())]
}

/// The readings of one kernel in one scope.
struct Series<'a> {
    isa: Usable,
    precision: Precision,
    scope: &'a Scope,
    readings: &'a [Reading],
    pipes: Option<Pipes>,
}

impl Series<'_> {
    fn measurement(&self, name: &str, unit: Unit, value: impl Fn(&Reading) -> f64) -> Measurement {
        let metric = Metric { name: name.to_owned(), unit, better: Better::Higher };
        let placement =
            Placement { cpus: self.scope.workers.iter().map(|worker| worker.cpu).collect(), ..Placement::default() };
        let mut measurement = Measurement::new(metric, self.readings.iter().map(value))
            .placed(placement)
            .context("threads", self.scope.workers.len());
        for (key, value) in labels(self.isa, self.precision, self.scope) {
            measurement = measurement.label(key, value);
        }
        measurement
    }

    /// Reports flop/cycle, clock and rate, and returns the last.
    fn report(&self, reporter: &mut Reporter<'_>) -> Measurement {
        let mut per_cycle = self.measurement("dense.flop_per_cycle", Unit::FlopPerCycle, |r| r.flop_per_cycle);
        let mut rate = self.measurement("dense.fma.kernel", Unit::FlopPerSecond, |r| r.rate);
        let clock = self.measurement("dense.clock", Unit::Hertz, |r| r.clock);
        let hertz = clock.summary().map(|summary: Summary| summary.median);
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
        reporter.measured(run::noisy(per_cycle));
        // FP32 runs at the same clock; one record for each instruction set and scope is enough.
        if self.precision == Precision::Fp64 {
            let mut clock = clock.context("how", "dependent register additions between bursts of the FP64 kernel");
            clock.labels.remove("precision");
            reporter.measured(run::noisy(clock));
        }
        let rate = run::noisy(rate);
        reporter.measured(rate.clone());
        rate
    }
}
