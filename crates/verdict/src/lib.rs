//! Judgement and its statistics: a run against a specification, and runs before against runs after.
//!
//! Invariant: this crate is pure. It does no I/O and reads no clock, so judging a record again gives the same answer.

mod asked;
mod ceiling;
mod comparability;
pub mod compare;
mod criteria;
mod decide;
mod drives;
mod engine;
mod facts;
mod failures;
mod floor;
mod foreign;
mod judge;
mod judgement;
mod names;
mod place;
mod pool;
pub mod power;
mod reason;
mod result;
mod rules;
pub mod soak;
pub mod stats;
#[cfg(test)]
mod tables;
#[cfg(test)]
mod testdata;
pub mod trend;
pub mod vendor;

pub use asked::asked_for;
pub use ceiling::{HostLimit, LimitKind};
pub use comparability::{Comparability, Difference, Unknown};
pub use criteria::{AS_DOCUMENTED, FactRow, inspect};
pub use decide::{DEFAULT_NOISE_FLOOR, Decision, Goal};
pub use failures::{Failure, FailureKind};
pub use floor::{NoiseFloor, boot_noise};
pub use judge::{judge, judge_boots, judge_parts};
pub use judgement::{Acceptance, BaselineShare, Judgement, Row, Tally, Verdict};
pub use reason::is_of_the_machine;
pub use result::Measured;
