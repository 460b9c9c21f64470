//! The documented systems and their targets as data, and the audit of what is physically possible.
//!
//! Invariant: this crate measures nothing and knows no host.

pub mod audit;
mod model;

pub use model::{Baseline, Bound, Claim, Constraint, Limit, Place, Standing, StatedFact, System, Target};
