//! What is reported of each kernel.

use measure::Definition;
use measure::metrics::{
    STREAM_ADD, STREAM_ADD_BEST, STREAM_ADD_BUS, STREAM_COPY, STREAM_COPY_BEST, STREAM_COPY_BUS, STREAM_KERNEL_ADD,
    STREAM_KERNEL_COPY, STREAM_KERNEL_READ, STREAM_KERNEL_SCALE, STREAM_KERNEL_TRIAD, STREAM_KERNEL_WRITE, STREAM_READ,
    STREAM_READ_BEST, STREAM_READ_BUS, STREAM_SCALE, STREAM_SCALE_BEST, STREAM_SCALE_BUS, STREAM_TRIAD,
    STREAM_TRIAD_BEST, STREAM_TRIAD_BUS, STREAM_WRITE, STREAM_WRITE_BEST, STREAM_WRITE_BUS,
};

use super::Kernel;

/// The metrics of a kernel.
#[derive(Debug)]
pub struct KernelMetrics {
    /// Bytes as STREAM counts them.
    pub headline: &'static Definition,
    /// The fastest sample of the headline, STREAM's own convention.
    pub best: &'static Definition,
    /// The headline as modelled traffic on the memory bus.
    pub bus: &'static Definition,
    /// One variant in the calibration.
    pub variant: &'static Definition,
}

/// A row of the table.
const fn row(
    headline: &'static Definition,
    best: &'static Definition,
    bus: &'static Definition,
    variant: &'static Definition,
) -> KernelMetrics {
    KernelMetrics { headline, best, bus, variant }
}

static READ: KernelMetrics = row(&STREAM_READ, &STREAM_READ_BEST, &STREAM_READ_BUS, &STREAM_KERNEL_READ);
static WRITE: KernelMetrics = row(&STREAM_WRITE, &STREAM_WRITE_BEST, &STREAM_WRITE_BUS, &STREAM_KERNEL_WRITE);
static COPY: KernelMetrics = row(&STREAM_COPY, &STREAM_COPY_BEST, &STREAM_COPY_BUS, &STREAM_KERNEL_COPY);
static SCALE: KernelMetrics = row(&STREAM_SCALE, &STREAM_SCALE_BEST, &STREAM_SCALE_BUS, &STREAM_KERNEL_SCALE);
static ADD: KernelMetrics = row(&STREAM_ADD, &STREAM_ADD_BEST, &STREAM_ADD_BUS, &STREAM_KERNEL_ADD);
static TRIAD: KernelMetrics = row(&STREAM_TRIAD, &STREAM_TRIAD_BEST, &STREAM_TRIAD_BUS, &STREAM_KERNEL_TRIAD);

impl Kernel {
    /// What is reported of it.
    #[must_use]
    pub fn metrics(self) -> &'static KernelMetrics {
        match self {
            Kernel::Read => &READ,
            Kernel::Write => &WRITE,
            Kernel::Copy => &COPY,
            Kernel::Scale => &SCALE,
            Kernel::Add => &ADD,
            Kernel::Triad => &TRIAD,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_of_a_kernel_carry_its_name() {
        for kernel in Kernel::ALL {
            let (name, of) = (kernel.name(), kernel.metrics());
            assert_eq!(of.headline.id, format!("stream.{name}"));
            assert_eq!(of.best.id, format!("stream.{name}.best"));
            assert_eq!(of.bus.id, format!("stream.{name}.bus"));
            assert_eq!(of.variant.id, format!("stream.kernel.{name}"));
        }
    }
}
