//! What a number is: units, the catalogue of metrics, samples with their intervals, summaries and warnings; a run, a host's
//! facts and its telemetry as plain data that serde reads and writes.
//!
//! Invariant: this crate is pure. It does no I/O and reads no clock.

mod attempt;
mod block_device;
mod boot_noise;
mod closed_sets;
mod digest;
pub mod disturbance;
mod event;
mod fact;
mod failure;
pub mod families;
mod fingerprint;
pub mod likeness;
mod line;
mod metric;
pub mod metrics;
mod node_names;
pub mod num;
mod outcome;
pub mod random;
mod run;
mod sample;
mod soak;
mod storage_place;
mod summary;
mod telemetry;
mod unit;
mod vital;
mod warning;

pub use attempt::{Attempt, AttemptLog};
pub use block_device::what_is_no_drive;
pub use boot_noise::BootNoise;
pub use closed_sets::{Isa, Needs, Profile, Solver, Workload};
pub use digest::{Digest, Series};
pub use event::Event;
pub use fact::{Fact, FactKind, FactValue, Facts, Reading, Shape, VOCABULARY, fact_kind};
pub use failure::{FailureCount, FailureKind};
pub use fingerprint::{Change, Fingerprint, Scope};
pub use line::LinearFit;
pub use metric::{Better, Ceiling, Definition, Family, Labels, Metric, MetricId, PARTS, Role};
pub use metrics::definition;
pub use node_names::{by_name, fold, ranges};
pub use outcome::{Measurement, NotMeasured, Outcome, Placement, Reason};
pub use run::{Build, Ending, Run, SpecSource};
pub use sample::{Interval, Sample, Taint, derived};
pub use soak::{Load, LoadFailure, LoadSum, Pass, SoakLog, SoakPlan, Stretch, Watched, WrongResult};
pub use storage_place::{DrivesBelow, StoragePlace};
pub use summary::{Summary, median};
pub use telemetry::{Gauge, Telemetry};
pub use unit::{ParseQuantityError, Quantity, Unit, binary_bytes};
pub use vital::{Incident, Sign, Vital};
pub use warning::Warning;
