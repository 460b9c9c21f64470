//! What a workload tells while it runs. Metrics are events, so that a crash loses none.

use serde::{Deserialize, Serialize};

use crate::{Measurement, NotMeasured, Telemetry, Warning, num};

/// A message from a running workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// What is being done now, and how much of the planned time is behind it (0 to 1).
    Progress {
        /// Share of the planned work that is done.
        #[serde(with = "num")]
        done: f64,
        /// What is being measured now.
        doing: String,
    },
    /// A measurement ended with samples.
    Measured(Measurement),
    /// A measurement ended without.
    NotMeasured(NotMeasured),
    /// What was seen of the host since the last such event.
    Telemetry(Telemetry),
    /// Something that concerns the whole workload.
    Warning(Warning),
}
