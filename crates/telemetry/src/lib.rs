//! What happens to the host while it is measured: [`Watcher`] reads counters and sensors on a thread apart from the
//! workers, and [`Watched`] hands on what they said of one workload as events.
//!
//! Invariant: what cannot be read is left out, and a host that cannot be watched is measured all the same. Each reading
//! carries the interval that it is of.

mod watch;
mod watched;

pub use watch::{Observations, Point, Watch, Watcher};
pub use watched::Watched;
