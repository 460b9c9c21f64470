//! Our figures of dense compute.

use anyhow::{Context, bail};
use dense::blas::{Blas, set_threads};
use dense::dgemm::{Product, Shape};
use dense::fma::{Precision, measure, usable};
use dense::lu::{LinearSystem, Plan, residual};
use dense::matrix::fill_column;
use machine::{Machine, Siblings, Source, Team, place};

use super::answer;

/// Samples of each instruction set, and their seconds.
const SAMPLES: usize = 5;
const SECONDS: f64 = 0.1;

fn team() -> anyhow::Result<Team> {
    let machine = Machine::detect(&Source::Host)?;
    Ok(Team::start(&place(&machine.topology, Siblings::OnePerCore)?)?)
}

/// The library, with one thread for each caller.
fn blas() -> anyhow::Result<Blas> {
    let blas = Blas::load()?;
    set_threads(1);
    Ok(blas)
}

/// The median of each instruction set, of which the best.
pub(super) fn fma() -> anyhow::Result<()> {
    let team = team()?;
    answer("best of the instruction sets", || {
        let mut best = 0.0_f64;
        for isa in usable() {
            let mut readings = measure(&team, isa, Precision::Fp64, SAMPLES, SECONDS)?;
            readings.sort_by(|a, b| a.rate.value.total_cmp(&b.rate.value));
            best = best.max(readings.get(SAMPLES / 2).context("samples")?.rate.value);
        }
        Ok(format!("rate {best}"))
    })
}

pub(super) fn dgemm(order: usize) -> anyhow::Result<()> {
    let (team, blas) = (team()?, blas()?);
    let mut product = Product::prepare(&team, Shape::square(order), 1, blas)?;
    answer("tiles of the pinned team", || {
        let rates = product.measure(1)?;
        Ok(format!("rate {}", rates.samples.first().context("a sample")?.value))
    })
}

pub(super) fn hpl(order: usize, block: usize, group: usize) -> anyhow::Result<()> {
    let (team, blas) = (team()?, blas()?);
    let plan = Plan::new(order, block, group);
    let fill = |j: usize, column: &mut [f64]| fill_column(1, j, column);
    let mut system = LinearSystem::allocate(plan, team.workers())?;
    answer(&format!("NB {block}, {group} panels a group"), || {
        system.fill(&team, &fill);
        let solution = system.solve(&team, blas, &0.into())?;
        let residual = residual(&team, &fill, &solution.x);
        if residual.is_nan() || residual >= 16.0 {
            bail!("the scaled residual is {residual}");
        }
        Ok(format!("rate {}", plan.flops() / solution.interval.seconds()))
    })
}
