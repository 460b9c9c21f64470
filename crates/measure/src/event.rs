//! What a workload tells while it runs. Metrics are events, so that a crash loses none.

use crate::{Outcome, Warning};

/// A message from a running workload.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// What is being done now, and how much of the planned time is behind it (0 to 1).
    Progress {
        /// Share of the planned work that is done.
        done: f64,
        /// What is being measured now.
        doing: String,
    },
    /// A measurement ended.
    Outcome(Outcome),
    /// Something that concerns the whole workload.
    Warning(Warning),
}
