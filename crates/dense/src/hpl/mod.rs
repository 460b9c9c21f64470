//! The HPL proxy: systems of equations by the rules of HPL 2.3, solved by the pinned team.

mod fit;
mod lapack;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use machine::{Clock, Team};
use measure::{Measurement, Metric, Placement, Reason, Unit, Warning};

use crate::blas::Blas;
use crate::config::{Engine, HplConfig, solve_seconds};
use crate::lu::{Fill, Plan, System, residual};
use crate::reporter::Reporter;
use crate::{Error, matrix, run};
use fit::Fit;

/// HPL's threshold of the scaled residual.
const THRESHOLD: f64 = 16.0;

/// What one solution says.
struct Solved {
    rate: f64,
    residual: f64,
    seconds: f64,
}

/// The workload's part: what it works with.
pub(crate) struct Hpl<'a> {
    pub(crate) config: &'a HplConfig,
    pub(crate) seed: u64,
    pub(crate) blas: Blas,
    /// What is known of the BLAS, for the records.
    pub(crate) context: &'a [(&'static str, String)],
}

/// Records of a solution by the team.
struct Record {
    solved: Solved,
    placement: Placement,
    warnings: Vec<Warning>,
    /// Rates of the seconds of the factorisation, for solutions that take some.
    seconds: Vec<f64>,
}

impl Hpl<'_> {
    /// Solves, checks and reports everything that is planned.
    pub(crate) fn record(&self, team: &mut Team, reporter: &mut Reporter<'_>) {
        match self.config.engine {
            Engine::Team => {
                self.by_team(team, reporter);
                self.by_library(team, self.config.lapack_order, reporter);
            }
            Engine::Lapack => {
                let reason = Reason::NotInProfile("the engine `lapack` was asked for: see dense.hpl.lapack".into());
                reporter.not_measured("dense.hpl", &[], reason);
                for &order in &self.config.orders {
                    self.by_library(team, order, reporter);
                }
            }
        }
    }

    fn by_team(&self, team: &mut Team, reporter: &mut Reporter<'_>) {
        let cut = match self.tune(team, reporter) {
            Ok(cut) => cut,
            Err(error) => return reporter.not_measured("dense.hpl", &[], error.reason()),
        };
        let Some(rates) = self.curve(team, cut, reporter) else {
            let reason = Reason::Failed("an order of the curve failed: see dense.hpl.curve".into());
            return reporter.not_measured("dense.hpl", &[], reason);
        };
        if self.config.measured {
            self.largest(team, cut, &rates, reporter);
        } else {
            self.extrapolate(cut, &rates, reporter);
        }
    }

    /// Tries the cuts, twice each, in turn, and returns the one with the fastest solution.
    fn tune(&self, team: &mut Team, reporter: &mut Reporter<'_>) -> Result<(usize, usize), Error> {
        let order = self.config.tuning_order;
        let planned = solve_seconds(order, team.workers().len());
        let mut rates = vec![Vec::new(); self.config.cuts.len()];
        for _ in 0..2 {
            for (&(block, panels), rates) in self.config.cuts.iter().zip(&mut rates) {
                reporter.begin(format!("HPL proxy, tuning: N {order}, NB {block} × {panels}"), planned);
                rates.push(self.solve(team, Plan::new(order, block, panels), &mut |_, _| ())?.solved.rate);
            }
        }
        let mut best = None;
        for (&(block, panels), rates) in self.config.cuts.iter().zip(rates) {
            let fastest = rates.iter().copied().fold(0.0, f64::max);
            if best.is_none_or(|(most, _)| fastest > most) {
                best = Some((fastest, (block, panels)));
            }
            let metric = Metric::higher("dense.hpl.tuning", Unit::FlopPerSecond);
            let tuning = Measurement::new(metric, rates).label("nb", block).label("group", panels);
            reporter.measured(tuning.context("n", order));
        }
        best.map(|(_, cut)| cut).ok_or_else(|| Error::Config("no width of panels to try".into()))
    }

    /// Measures every order in every round, and returns the rates by order and round; `None` if one failed.
    fn curve(&self, team: &mut Team, cut: (usize, usize), reporter: &mut Reporter<'_>) -> Option<Vec<Vec<f64>>> {
        let orders = &self.config.orders;
        let mut records: Vec<Vec<Record>> = orders.iter().map(|_| Vec::new()).collect();
        for round in 0..self.config.rounds {
            for (&order, records) in orders.iter().zip(&mut records) {
                let planned = solve_seconds(order, team.workers().len());
                reporter.begin(format!("HPL proxy: N {order}, round {}", round + 1), planned);
                match self.solve(team, Plan::new(order, cut.0, cut.1), &mut |_, _| ()) {
                    Ok(record) => records.push(record),
                    Err(error) => {
                        reporter.not_measured("dense.hpl.curve", &[("n", order.to_string())], error.reason());
                        return None;
                    }
                }
            }
        }
        for (order, records) in orders.iter().zip(&records) {
            let rates = self.measurement("dense.hpl.curve", records).label("n", order);
            reporter.measured(run::noisy(rates.context("nb", cut.0).context("group", cut.1)));
            reporter.measured(residuals(records).label("n", order));
        }
        Some(
            records.into_iter().map(|records| records.into_iter().map(|record| record.solved.rate).collect()).collect(),
        )
    }

    /// Fits the model to each round, and reports what it says of the order that is not measured.
    fn extrapolate(&self, cut: (usize, usize), rates: &[Vec<f64>], reporter: &mut Reporter<'_>) {
        let target = self.config.order as f64;
        let orders = &self.config.orders;
        let points = |round: usize| -> Vec<(f64, f64)> {
            orders.iter().zip(rates).map(|(&order, rates)| (order as f64, rates[round])).collect()
        };
        let fits: Option<Vec<Fit>> = (0..self.config.rounds).map(|round| Fit::of(&points(round))).collect();
        let Some(fits) = fits.filter(|fits| !fits.is_empty()) else {
            let reason = Reason::Failed("the rates do not follow R∞·N/(N + N½): other work runs on this host".into());
            return reporter.not_measured("dense.hpl", &[], reason);
        };
        let halves: Vec<String> = fits.iter().map(|fit| format!("{:.0}", fit.half)).collect();
        let how = format!(
            "to N = {} by R(N) = R∞·N/(N + N½) from N = {orders:?}; N½ = {}; the profile full measures it",
            self.config.order,
            halves.join(", ")
        );
        let metric = Metric::higher("dense.hpl", Unit::FlopPerSecond);
        let headline = Measurement::new(metric, fits.iter().map(|fit| fit.rate(target)))
            .context("n", self.config.order)
            .context("nb", cut.0)
            .context("group", cut.1)
            .warn([Warning::Extrapolated { how }]);
        reporter.measured(run::noisy(self.with_context(headline)));
    }

    /// Solves the largest system, once, with a value each second.
    fn largest(&self, team: &mut Team, cut: (usize, usize), rates: &[Vec<f64>], reporter: &mut Reporter<'_>) {
        let order = self.config.order;
        let plan = Plan::new(order, cut.0, cut.1);
        let planned = solve_seconds(order, team.workers().len());
        let rate = rates.iter().flatten().copied().fold(0.0, f64::max);
        let minutes = plan.flops() / rate / 60.0;
        let doing = format!("HPL proxy: N {order} takes about {minutes:.0} minutes, by the rate of smaller systems");
        reporter.warn(Warning::Note(doing.clone()));
        reporter.begin(doing, planned);
        let total = plan.flops();
        let result = self.solve(team, plan, &mut |flops, rate| {
            let share = flops / total;
            reporter.within(format!("HPL proxy: N {order}, {:.1} Gflop/s", rate * 1e-9), planned, share);
        });
        match result {
            Ok(record) => {
                if !record.seconds.is_empty() {
                    let metric = Metric::higher("dense.hpl.second", Unit::FlopPerSecond);
                    let series = Measurement::new(metric, record.seconds.iter().copied());
                    reporter.measured(series.context("n", order).context("samples", "one for each second, in order"));
                }
                let records = [record];
                let headline = self.measurement("dense.hpl", &records).context("repeats", "once in a boot");
                reporter.measured(headline.context("n", order).context("nb", cut.0).context("group", cut.1));
                reporter.measured(residuals(&records).label("n", order));
            }
            Err(error) => reporter.not_measured("dense.hpl", &[], error.reason()),
        }
    }

    fn by_library(&self, team: &Team, order: usize, reporter: &mut Reporter<'_>) {
        let planned = solve_seconds(order, team.workers().len());
        reporter.begin(format!("the library's own factorisation: N {order}"), planned);
        let seed = self.seed;
        let fill = move |j: usize, column: &mut [f64]| matrix::fill_column(seed, j, column);
        match lapack::solve(team, order, &fill).and_then(passed) {
            Ok(solved) => {
                let metric = Metric::higher("dense.hpl.lapack", Unit::FlopPerSecond);
                let rate = Measurement::new(metric, [solved.rate])
                    .label("n", order)
                    .context("residual", format!("{:.3e}", solved.residual))
                    .context("seconds", format!("{:.3}", solved.seconds))
                    .context("threads", team.workers().len());
                reporter.measured(self.with_context(rate));
            }
            Err(error) => reporter.not_measured("dense.hpl.lapack", &[("n", order.to_string())], error.reason()),
        }
    }

    /// Fills, solves and checks one system. `tick` gets the operations done and the rate of the last second.
    fn solve(&self, team: &mut Team, plan: Plan, tick: &mut dyn FnMut(f64, f64)) -> Result<Record, Error> {
        let seed = self.seed;
        let fill = move |j: usize, column: &mut [f64]| matrix::fill_column(seed, j, column);
        let fill: Fill<'_> = &fill;
        let mut system = System::allocate(plan, team.workers())?;
        system.fill(team, fill);
        let flops = AtomicU64::new(0);
        let blas = self.blas;
        let mut seconds = Vec::new();
        // The team's caller waits for it; a thread of its own lets this one look at the clock meanwhile.
        let solution = thread::scope(|scope| {
            let (system, team, flops) = (&mut system, &mut *team, &flops);
            let solver = scope.spawn(move || system.solve(team, blas, flops));
            watch(|| solver.is_finished(), flops, &mut |done, rate| {
                seconds.push(rate);
                tick(done, rate);
            });
            solver.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        let solved = Solved {
            rate: plan.flops() / solution.seconds,
            residual: residual(team, fill, &solution.x),
            seconds: solution.seconds,
        };
        let (placement, warnings) = system.placement(team, solution.migrations);
        Ok(Record { solved: passed(solved)?, placement, warnings, seconds })
    }

    fn measurement(&self, name: &str, records: &[Record]) -> Measurement {
        let metric = Metric::higher(name, Unit::FlopPerSecond);
        let mut measurement = Measurement::new(metric, records.iter().map(|record| record.solved.rate));
        if let Some(last) = records.last() {
            measurement = measurement.placed(last.placement.clone()).warn(last.warnings.iter().cloned());
        }
        self.with_context(measurement)
    }

    fn with_context(&self, mut measurement: Measurement) -> Measurement {
        for (key, value) in self.context {
            measurement = measurement.context(key, value);
        }
        measurement
    }
}

/// The residual below the threshold, or an error; what is not a number fails.
fn passed(solved: Solved) -> Result<Solved, Error> {
    if solved.residual < THRESHOLD {
        Ok(solved)
    } else {
        Err(Error::Wrong(format!("the scaled residual is {:.3e}; it must be below {THRESHOLD}", solved.residual)))
    }
}

fn residuals(records: &[Record]) -> Measurement {
    let metric = Metric::lower("dense.hpl.residual", Unit::Count);
    Measurement::new(metric, records.iter().map(|record| record.solved.residual)).context("passes_below", THRESHOLD)
}

/// Looks at the counter of operations each second until the work is done.
fn watch(finished: impl Fn() -> bool, flops: &AtomicU64, tick: &mut dyn FnMut(f64, f64)) {
    const LOOKS: u32 = 200;
    let mut last = (Clock::now(), 0.0);
    loop {
        // Short sleeps, so that the end is not waited for; the thread does no work.
        for _ in 0..LOOKS {
            if finished() {
                return;
            }
            thread::sleep(Duration::from_millis(1000 / u64::from(LOOKS)));
        }
        let now = (Clock::now(), flops.load(Ordering::Relaxed) as f64);
        tick(now.1, (now.1 - last.1) / Clock::seconds(last.0, now.0));
        last = now;
    }
}
