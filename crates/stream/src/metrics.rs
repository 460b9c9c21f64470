//! The names of all metrics of this workload.

use measure::{Metric, Unit};

use crate::kernel::Kernel;

/// What the licence of STREAM (3b) asks of figures by code that follows it; kept in their context and shown.
pub const STREAM_LABEL: &str = "based on a variant of the STREAM benchmark code";

/// The headlines of the bandwidth phase.
pub const BANDWIDTH: &[&str] =
    &["stream.read", "stream.write", "stream.copy", "stream.scale", "stream.add", "stream.triad"];
/// Bandwidth of one core by the size of what it reads.
pub const BANDWIDTH_SWEEP: &str = "stream.bandwidth.sweep";
/// Idle latency of a load from memory, in huge pages.
pub const LATENCY: &str = "stream.latency";
/// Latency by size, page and spacing.
pub const LATENCY_SWEEP: &str = "stream.latency.sweep";
/// Time for each load with several chases side by side.
pub const MLP: &str = "stream.mlp";
/// Node × node.
pub const MATRIX: &[&str] = &["stream.matrix.latency", "stream.matrix.read", "stream.matrix.write"];
/// Latency while the other cores read, and how much they read.
pub const LOADED: &[&str] = &["stream.loaded.latency", "stream.loaded.bandwidth"];
/// Bandwidth by the number of threads.
pub const SCALING: &str = "stream.scaling";

/// A bandwidth.
pub(crate) fn rate(name: &str) -> Metric {
    Metric::higher(name, Unit::BytePerSecond)
}

/// A time.
pub(crate) fn time(name: &str) -> Metric {
    Metric::lower(name, Unit::Second)
}

/// The headline of a kernel: credited bytes.
pub(crate) fn headline(kernel: Kernel) -> String {
    format!("stream.{}", kernel.name())
}

/// The best of the samples of a headline, STREAM's own convention.
pub(crate) fn best(kernel: Kernel) -> String {
    format!("stream.{}.best", kernel.name())
}

/// A headline in modelled bytes on the bus.
pub(crate) fn bus(kernel: Kernel) -> String {
    format!("stream.{}.bus", kernel.name())
}

/// One variant of a kernel.
pub(crate) fn variant(kernel: Kernel) -> String {
    format!("stream.kernel.{}", kernel.name())
}
