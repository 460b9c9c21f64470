//! The solution of a dense system of linear equations by a pinned team: LU factorisation with partial pivoting, with
//! lookahead, on columns that NUMA nodes own.
//!
//! No worker waits for a step to end. Each takes what is ready and most urgent: the next panel's factorisation, else a
//! group of its node that is behind. The products are formed by the BLAS, at one thread for each worker.

mod moves;
mod panel;
mod plan;
mod prefetch;
mod schedule;
mod solve;
mod system;
mod triangle;

pub use plan::Plan;
pub(crate) use plan::padded;
pub use solve::{Fill, residual};
pub use system::{LinearSystem, Solution};

#[cfg(test)]
mod tests;
