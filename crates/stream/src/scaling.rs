//! Bandwidth by the number of threads.

use machine::Worker;
use measure::metrics::STREAM_SCALING;
use measure::{Measurement, Reason};

use crate::bandwidth::{Winners, describe};
use crate::kernel::Kernel;
use crate::report::Report;
use crate::{Arrays, Context, Error, Pass};

/// The kernels that are followed.
const KERNELS: [Kernel; 2] = [Kernel::Read, Kernel::Triad];

/// Measures with 1, 2, 4, … threads and all of them, each number with arrays of its own.
pub(crate) fn measure(context: &Context<'_>, winners: &mut Winners, report: &mut Report<'_>) -> Result<(), Error> {
    let counts = counts(context.workers.len());
    let seconds = context.config.phase_seconds(context.machine)[1] / counts.len() as f64;
    for count in counts {
        report.doing(format!("{count} threads"), seconds);
        let workers = spread(&context.workers, count);
        let mut arrays = Arrays::new(&workers, context.config.array_bytes)?;
        for kernel in KERNELS {
            let variant = winners.of(kernel);
            // The first pass warms up.
            let passes: Vec<Pass> = (0..=context.config.point_samples).map(|_| arrays.pass(variant)).skip(1).collect();
            let wrong = if passes.iter().all(|pass| pass.sums_right) {
                arrays.verify().err()
            } else {
                Some("the sum of array a was wrong".into())
            };
            if let Some(wrong) = wrong {
                report.failed(&STREAM_SCALING, Reason::WrongResult(format!("{wrong}, {count} threads")));
                return Ok(());
            }
            let measurement = Measurement::new(&STREAM_SCALING, passes.iter().map(Pass::sample))
                .label("threads", count)
                .label("kernel", kernel.name());
            report.measured(describe(context, &arrays, variant, &passes, measurement));
        }
        arrays.verify_cpus()?;
    }
    Ok(())
}

/// Powers of two, and all.
fn counts(all: usize) -> Vec<usize> {
    let mut counts: Vec<usize> =
        std::iter::successors(Some(1), |count| Some(count * 2)).take_while(|&c| c < all).collect();
    counts.push(all);
    counts
}

/// So many of the workers, spread evenly over the machine, so that packages and nodes fill alike.
fn spread(workers: &[Worker], count: usize) -> Vec<Worker> {
    let chosen = (0..count).map(|index| Worker { index, ..workers[index * workers.len() / count] });
    chosen.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_of_threads() {
        let check = |all: usize, expect: &[usize]| assert_eq!(counts(all), expect);
        check(1, &[1]);
        check(2, &[1, 2]);
        check(6, &[1, 2, 4, 6]);
        check(128, &[1, 2, 4, 8, 16, 32, 64, 128]);
    }

    proptest! {
        #[test]
        fn spread_workers_are_distinct_and_in_order(all in 1_u32..300, count in 1_usize..300) {
            let workers: Vec<Worker> = (0..all)
                .map(|cpu| Worker { index: cpu as usize, cpu, core: cpu, node: 0, package: 0 })
                .collect();
            let count = count.min(workers.len());
            let chosen = spread(&workers, count);
            prop_assert_eq!(chosen.len(), count);
            prop_assert!(chosen.windows(2).all(|pair| pair[0].cpu < pair[1].cpu));
            prop_assert!(chosen.iter().enumerate().all(|(index, worker)| worker.index == index));
        }
    }
}
