//! The documented systems and their targets as data, and the audit of what is physically possible.
//!
//! Invariant: this crate measures nothing and knows no host.

pub mod audit;
mod builtin;
mod coverage;
mod derive;
mod error;
mod hints;
mod model;
mod parts;
mod read;
mod wire;
mod write;

pub use builtin::{SOURCES, Source, builtin, find, source};
pub use coverage::{Statement, Status, coverage};
pub use derive::{FRACTIONS, Fraction, companions, derive, to_fill_in, underived};
pub use error::Error;
pub use hints::{nearest_metric, nearest_system};
pub use model::{
    Baseline, Bound, Claim, Claimed, Constraint, Demands, Limit, Place, Prose, Standing, StatedFact, System, Target,
};
pub use read::{DEFAULT_TOLERANCE, parse};
pub use wire::schema;
pub use write::to_toml;
