//! What a number is: units, metrics, samples, summaries and warnings; a run and a host's facts as plain data.
//!
//! Invariant: this crate is pure. It does no I/O, reads no clock and knows no format on disk.

mod digest;
mod event;
mod fact;
mod fingerprint;
mod metric;
mod outcome;
mod run;
mod summary;
mod unit;
mod warning;

pub use digest::{Digest, Series};
pub use event::Event;
pub use fact::{Fact, FactKind, FactValue, Facts, Reading, Shape, VOCABULARY, fact_kind};
pub use fingerprint::{Change, Fingerprint, Scope};
pub use metric::{Better, Labels, Metric, MetricId};
pub use outcome::{Measurement, NotMeasured, Outcome, Placement, Reason, Sample, Taint};
pub use run::{Attempt, Build, Ending, Run, SpecSource, Workload};
pub use summary::Summary;
pub use unit::{ParseQuantityError, Quantity, Unit};
pub use warning::Warning;
