//! The baseline: the library's own factorisation, with its own threads, through ndarray-linalg.

use std::thread;

use machine::{Clock, Team, chunks, memory_available};
use measure::Interval;
use ndarray::{Array1, Array2, ShapeBuilder};
use ndarray_linalg::{FactorizeInto, Solve};

use super::Solved;
use crate::Error;
use crate::blas::{Blas, set_threads};
use crate::lu::{Fill, Plan, residual};

/// OpenBLAS' parallel factorisation (0.3.21) calls itself once for each halving of the order, and takes 0.5 MiB of the
/// stack each time: 300 equations overflow the 2 MiB of an ordinary thread.
const STACK: usize = 64 << 20;

/// Solves a system with the library, at as many threads as the team has workers. The team only fills and checks.
pub(super) fn solve(team: &Team, order: usize, fill: Fill<'_>) -> Result<Solved, Error> {
    // ndarray-linalg calls it by name.
    Blas::load()?;
    let workers = team.workers().len();
    let (needed, available) = (8 * (order * order + order * (2 * workers + 4)) as u64, memory_available());
    if needed > available {
        return Err(Error::TooLittleMemory { what: format!("a system of {order} equations"), needed, available });
    }
    let mut elements = vec![0.0; order * order];
    let parts = chunks(order, workers, 1);
    let ranges: Vec<_> = parts.iter().map(|columns| columns.start * order..columns.end * order).collect();
    let mut shares: Vec<_> = parts.into_iter().zip(machine::split_mut(&mut elements, &ranges)).collect();
    team.each(&mut shares, |_, (columns, data)| {
        for (j, column) in columns.clone().zip(data.chunks_mut(order)) {
            fill(j, column);
        }
    });
    let matrix =
        Array2::from_shape_vec((order, order).f(), elements).map_err(|error| Error::Config(error.to_string()))?;
    let mut right = vec![0.0; order];
    fill(order, &mut right);
    let right = Array1::from_vec(right);
    let timed = move || {
        let start = Clock::now();
        let result = matrix.factorize_into().and_then(|factors| factors.solve(&right));
        (Interval::new(start, Clock::now()), result)
    };
    set_threads(workers);
    let (interval, result) = on_a_large_stack(timed)?;
    set_threads(1);
    let failed = |error| Error::Wrong(format!("the library's factorisation failed: {error}"));
    let x = result.map_err(failed)?.to_vec();
    Ok(Solved::new(Plan::new(order, 1, 1).flops(), interval, residual(team, fill, &x)))
}

/// Runs it in a thread with a stack of [`STACK`] bytes.
fn on_a_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Error> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let thread = thread.map_err(|error| Error::Config(format!("no thread for the library: {error}")))?;
        thread.join().or_else(|panic| std::panic::resume_unwind(panic))
    })
}
