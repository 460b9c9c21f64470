//! What a number is: units, metrics, samples, summaries and warnings; a run and a host's facts as plain data.
//!
//! Invariant: this crate is pure. It does no I/O, reads no clock and knows no format on disk.

mod event;
mod fact;
mod metric;
mod outcome;
mod run;
mod summary;
mod unit;
mod warning;

pub use event::Event;
pub use fact::{Fact, FactKind, FactValue, Facts, Reading, Shape, VOCABULARY, fact_kind};
pub use metric::{Better, Labels, Metric, MetricId};
pub use outcome::{Measurement, NotMeasured, Outcome, Placement, Reason, Sample, Taint};
pub use run::{Attempt, Build, Ending, Run, SpecSource, Workload};
pub use summary::Summary;
pub use unit::{ParseQuantityError, Quantity, Unit};
pub use warning::Warning;
