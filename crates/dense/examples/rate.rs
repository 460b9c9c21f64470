//! Measures one figure once and prints it in flop/s, for comparisons with other programs side by side:
//! `rate fma`, `rate dgemm N`, `rate hpl N NB GROUP`.

use std::env;
use std::error::Error;

use dense::blas::{Blas, set_threads};
use dense::dgemm::{Product, Shape};
use dense::fma::{Precision, measure, usable};
use dense::lu::{Plan, System, residual};
use dense::matrix::fill_column;
use machine::{Machine, Siblings, Source, Team, place};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = |i: usize| -> Result<usize, Box<dyn Error>> {
        Ok(arguments.get(i).ok_or("usage: rate fma | dgemm N | hpl N NB GROUP")?.parse()?)
    };
    let machine = Machine::detect(&Source::Host)?;
    let team = Team::start(&place(&machine.topology, Siblings::OnePerCore)?)?;
    set_threads(1);
    let rate = match arguments.first().map(String::as_str) {
        Some("fma") => {
            let mut best = 0.0_f64;
            for isa in usable() {
                let mut rates: Vec<f64> =
                    measure(&team, isa, Precision::Fp64, 5, 0.1)?.iter().map(|reading| reading.rate).collect();
                rates.sort_by(f64::total_cmp);
                best = best.max(rates[rates.len() / 2]);
            }
            best
        }
        Some("dgemm") => {
            let mut product = Product::prepare(&team, Shape::square(number(1)?), 1, Blas::LINKED)?;
            product.measure(1)?.samples[0]
        }
        Some("hpl") => {
            let plan = Plan::new(number(1)?, number(2)?, number(3)?);
            let mut system = System::allocate(plan, team.workers())?;
            let fill = |j: usize, column: &mut [f64]| fill_column(1, j, column);
            system.fill(&team, &fill);
            let solution = system.solve(&team, Blas::LINKED, &0.into())?;
            let residual = residual(&team, &fill, &solution.x);
            if residual.is_nan() || residual >= 16.0 {
                return Err(format!("residual {residual}").into());
            }
            plan.flops() / solution.seconds
        }
        _ => return Err("usage: rate fma | dgemm N | hpl N NB GROUP".into()),
    };
    println!("{rate:.6e}");
    Ok(())
}
