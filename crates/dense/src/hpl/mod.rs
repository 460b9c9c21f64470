//! The HPL proxy: systems of equations by the rules of HPL 2.3, solved by the pinned team.

mod fit;
mod lapack;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use machine::{Clock, Team};
use measure::metrics::{
    DENSE_HPL, DENSE_HPL_CURVE, DENSE_HPL_LAPACK, DENSE_HPL_RESIDUAL, DENSE_HPL_SECOND, DENSE_HPL_TUNING,
};
use measure::{Definition, Interval, Measurement, Placement, Reason, Sample, Solver, Warning, derived};

use crate::blas::Blas;
use crate::config::{HplConfig, solve_seconds};
use crate::lu::{Fill, LinearSystem, Plan, residual};
use crate::reporter::{Reporter, noisy};
use crate::{Error, matrix};
use fit::Fit;

/// HPL's threshold of the scaled residual.
const THRESHOLD: f64 = 16.0;

/// One solution.
struct Solved {
    /// Of factorisation and solution.
    rate: Sample,
    /// Of the same solution.
    residual: Sample,
    interval: Interval,
}

impl Solved {
    /// A solution of `flops` floating-point operations.
    fn new(flops: f64, interval: Interval, residual: f64) -> Solved {
        let rate = Sample::timed(flops / interval.seconds(), interval);
        Solved { residual: rate.map(|_| residual), rate, interval }
    }
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
    seconds: Vec<Sample>,
}

impl Hpl<'_> {
    /// Solves, checks and reports everything that is planned.
    pub(crate) fn record(&self, team: &mut Team, reporter: &mut Reporter<'_>) {
        match self.config.engine {
            Solver::Team => {
                self.by_team(team, reporter);
                self.by_library(team, self.config.lapack_order, reporter);
            }
            Solver::Lapack => {
                let text = format!("the engine `lapack` was asked for: see {}", DENSE_HPL_LAPACK.id);
                reporter.not_measured(&DENSE_HPL, &[], Reason::NotInProfile(text));
                for &order in &self.config.orders {
                    self.by_library(team, order, reporter);
                }
            }
        }
    }

    fn by_team(&self, team: &mut Team, reporter: &mut Reporter<'_>) {
        let cut = match self.tune(team, reporter) {
            Ok(cut) => cut,
            Err(error) => return reporter.not_measured(&DENSE_HPL, &[], error.reason()),
        };
        let Some(rates) = self.curve(team, cut, reporter) else {
            let reason = Reason::Failed(format!("an order of the curve failed: see {}", DENSE_HPL_CURVE.id));
            return reporter.not_measured(&DENSE_HPL, &[], reason);
        };
        if self.config.measured {
            self.largest(team, cut, &rates, reporter);
        } else {
            self.extrapolate(cut, &rates, reporter);
        }
    }

    /// Tries the cuts in turn, the faster half of them twice, and returns the one with the fastest solution.
    fn tune(&self, team: &mut Team, reporter: &mut Reporter<'_>) -> Result<(usize, usize), Error> {
        let order = self.config.tuning_order;
        let planned = solve_seconds(order, team.workers().len());
        let mut rates = vec![Vec::new(); self.config.cuts.len()];
        let mut tried: Vec<usize> = (0..rates.len()).collect();
        for _ in 0..2 {
            for &at in &tried {
                let (block, panels) = self.config.cuts[at];
                reporter.begin(format!("HPL proxy, tuning: N {order}, NB {block} × {panels}"), planned);
                rates[at].push(self.solve(team, Plan::new(order, block, panels), &mut |_, _| ())?.solved.rate);
            }
            tried.sort_by(|&one, &other| fastest(&rates[other]).total_cmp(&fastest(&rates[one])));
            tried.truncate(tried.len().div_ceil(2));
        }
        let mut best = None;
        for (&(block, panels), rates) in self.config.cuts.iter().zip(rates) {
            let fastest = fastest(&rates);
            if best.is_none_or(|(most, _)| fastest > most) {
                best = Some((fastest, (block, panels)));
            }
            let tuning = Measurement::new(&DENSE_HPL_TUNING, rates).label("nb", block).label("group", panels);
            reporter.measured(tuning.context("n", order));
        }
        best.map(|(_, cut)| cut).ok_or_else(|| Error::Config("no width of panels to try".into()))
    }

    /// Measures every order in every round, and returns the rates by order and round; `None` if one failed.
    fn curve(&self, team: &mut Team, cut: (usize, usize), reporter: &mut Reporter<'_>) -> Option<Vec<Vec<Sample>>> {
        let orders = &self.config.orders;
        let mut records: Vec<Vec<Record>> = orders.iter().map(|_| Vec::new()).collect();
        for round in 0..self.config.rounds {
            for (&order, records) in orders.iter().zip(&mut records) {
                let planned = solve_seconds(order, team.workers().len());
                reporter.begin(format!("HPL proxy: N {order}, round {}", round + 1), planned);
                match self.solve(team, Plan::new(order, cut.0, cut.1), &mut |_, _| ()) {
                    Ok(record) => records.push(record),
                    Err(error) => {
                        reporter.not_measured(&DENSE_HPL_CURVE, &[("n", order.to_string())], error.reason());
                        return None;
                    }
                }
            }
        }
        for (order, records) in orders.iter().zip(&records) {
            let rates = self.measurement(&DENSE_HPL_CURVE, records).label("n", order);
            reporter.measured(noisy(rates.context("nb", cut.0).context("group", cut.1)));
            reporter.measured(residuals(records).label("n", order));
        }
        let rates = |records: Vec<Record>| records.into_iter().map(|record| record.solved.rate).collect();
        Some(records.into_iter().map(rates).collect())
    }

    /// Fits the model to each round, and reports what it says of the order that is not measured.
    fn extrapolate(&self, cut: (usize, usize), rates: &[Vec<Sample>], reporter: &mut Reporter<'_>) {
        let target = self.config.order as f64;
        let orders = &self.config.orders;
        let points = |round: usize| -> Vec<(f64, f64)> {
            orders.iter().zip(rates).map(|(&order, rates)| (order as f64, rates[round].value)).collect()
        };
        let fits: Option<Vec<Fit>> = (0..self.config.rounds).map(|round| Fit::of(&points(round))).collect();
        let Some(fits) = fits.filter(|fits| !fits.is_empty()) else {
            let reason = Reason::Failed("the rates do not follow R∞·N/(N + N½): other work runs on this host".into());
            return reporter.not_measured(&DENSE_HPL, &[], reason);
        };
        let halves: Vec<String> = fits.iter().map(|fit| format!("{:.0}", fit.half)).collect();
        let how = format!(
            "to N = {} by R(N) = R∞·N/(N + N½) from N = {orders:?}; N½ = {}; the profile full measures it",
            self.config.order,
            halves.join(", ")
        );
        // A fit was taken when the solutions of its round were.
        let of_round = |(round, fit): (usize, &Fit)| derived(fit.rate(target), rates.iter().map(|rates| &rates[round]));
        let headline = Measurement::new(&DENSE_HPL, fits.iter().enumerate().map(of_round))
            .context("n", self.config.order)
            .context("nb", cut.0)
            .context("group", cut.1)
            .warn([Warning::Extrapolated { how }]);
        reporter.measured(noisy(self.with_context(headline)));
    }

    /// Solves the largest system, once, with a value each second.
    fn largest(&self, team: &mut Team, cut: (usize, usize), rates: &[Vec<Sample>], reporter: &mut Reporter<'_>) {
        let order = self.config.order;
        let plan = Plan::new(order, cut.0, cut.1);
        let planned = solve_seconds(order, team.workers().len());
        let rate = fastest(rates.iter().flatten());
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
                    let series = Measurement::new(&DENSE_HPL_SECOND, record.seconds.iter().cloned());
                    reporter.measured(series.context("n", order).context("samples", "one for each second, in order"));
                }
                let records = [record];
                let headline = self.measurement(&DENSE_HPL, &records).context("repeats", "once in a boot");
                reporter.measured(headline.context("n", order).context("nb", cut.0).context("group", cut.1));
                reporter.measured(residuals(&records).label("n", order));
            }
            Err(error) => reporter.not_measured(&DENSE_HPL, &[], error.reason()),
        }
    }

    fn by_library(&self, team: &Team, order: usize, reporter: &mut Reporter<'_>) {
        let planned = solve_seconds(order, team.workers().len());
        reporter.begin(format!("the library's own factorisation: N {order}"), planned);
        let seed = self.seed;
        let fill = move |j: usize, column: &mut [f64]| matrix::fill_column(seed, j, column);
        match lapack::solve(team, order, &fill).and_then(passed) {
            Ok(solved) => {
                let rate = Measurement::new(&DENSE_HPL_LAPACK, [solved.rate])
                    .label("n", order)
                    .context("residual", format!("{:.3e}", solved.residual.value))
                    .context("seconds", format!("{:.3}", solved.interval.seconds()))
                    .context("threads", team.workers().len());
                reporter.measured(self.with_context(rate));
            }
            Err(error) => reporter.not_measured(&DENSE_HPL_LAPACK, &[("n", order.to_string())], error.reason()),
        }
    }

    /// Fills, solves and checks one system. `tick` gets the operations done and the rate of the last second.
    fn solve(&self, team: &mut Team, plan: Plan, tick: &mut dyn FnMut(f64, f64)) -> Result<Record, Error> {
        let seed = self.seed;
        let fill = move |j: usize, column: &mut [f64]| matrix::fill_column(seed, j, column);
        let fill: Fill<'_> = &fill;
        let mut system = LinearSystem::allocate(plan, team.workers())?;
        system.fill(team, fill);
        let flops = AtomicU64::new(0);
        let blas = self.blas;
        let mut seconds = Vec::new();
        // The team's caller waits for it; a thread of its own lets this one look at the clock meanwhile.
        let solution = thread::scope(|scope| {
            let (system, team, flops) = (&mut system, &mut *team, &flops);
            let solver = thread::Builder::new().spawn_scoped(scope, move || system.solve(team, blas, flops));
            let solver = solver.map_err(Error::Thread)?;
            watch(|| solver.is_finished(), flops, &mut |done, second| {
                tick(done, second.value);
                seconds.push(second);
            });
            solver.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        let solved = Solved::new(plan.flops(), solution.interval, residual(team, fill, &solution.x));
        let (placement, warnings) = system.placement(team, solution.migrations);
        Ok(Record { solved: passed(solved)?, placement, warnings, seconds })
    }

    fn measurement(&self, metric: &Definition, records: &[Record]) -> Measurement {
        let mut measurement = Measurement::new(metric, records.iter().map(|record| record.solved.rate.clone()));
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
    let residual = solved.residual.value;
    if residual < THRESHOLD {
        Ok(solved)
    } else {
        Err(Error::Wrong(format!("the scaled residual is {residual:.3e}; it must be below {THRESHOLD}")))
    }
}

fn fastest<'a>(rates: impl IntoIterator<Item = &'a Sample>) -> f64 {
    rates.into_iter().map(|rate| rate.value).fold(0.0, f64::max)
}

fn residuals(records: &[Record]) -> Measurement {
    let residuals = records.iter().map(|record| record.solved.residual.clone());
    Measurement::new(&DENSE_HPL_RESIDUAL, residuals).context("passes_below", THRESHOLD)
}

/// Looks at the counter of operations each second until the work is done. `tick` gets the operations done and the rate of
/// the last second.
fn watch(finished: impl Fn() -> bool, flops: &AtomicU64, tick: &mut dyn FnMut(f64, Sample)) {
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
        let second = Interval::new(last.0, now.0);
        tick(now.1, Sample::timed((now.1 - last.1) / second.seconds(), second));
        last = now;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn each_second_is_taken_in_its_own_interval() {
        let (start, flops) = (Clock::now(), AtomicU64::new(0));
        let seconds = RefCell::new(Vec::new());
        let finished = || {
            flops.fetch_add(1, Ordering::Relaxed);
            seconds.borrow().len() == 2
        };
        watch(finished, &flops, &mut |done, second: Sample| seconds.borrow_mut().push((done, second)));
        let [(to_first, first), (to_second, second)] = &seconds.borrow()[..] else { panic!("two seconds") };
        let [one, two] = [first, second].map(|sample| sample.interval.unwrap());
        assert!(start <= one.start && one.end == two.start, "{one:?}, {two:?}");
        // A second of the clock that sleeps; the one that stamps may differ from it.
        assert!(one.seconds() > 0.5 && two.seconds() > 0.5, "{one:?}, {two:?}");
        assert!((first.value * one.seconds() - to_first).abs() < 1e-6);
        assert!((second.value * two.seconds() - (to_second - to_first)).abs() < 1e-6);
    }
}
