//! Memory bandwidth and latency: kernels, cache sweep, node matrices, loaded latency.
//!
//! What each figure means, and why it is measured so, is told where it is measured: [`kernel`] (the table of kernels),
//! [`verify`] (what the arrays must hold), and the modules of the phases, in the order of a run: `bandwidth`,
//! `scaling`, `sweep`, `latency`, `matrix`, `loaded`.

mod arrays;
mod bandwidth;
mod config;
mod error;
pub mod kernel;
mod latency;
mod loaded;
mod matrix;
pub mod metrics;
mod permutation;
mod report;
mod scaling;
mod sweep;
pub mod verify;

use machine::{Isa, Machine, Siblings, Worker, place};
use measure::{Event, Reason};

pub use arrays::{Arrays, Pass};
pub use config::{Config, Page, Walk};
pub use error::Error;
pub use latency::{Chase, Series};

use bandwidth::Winners;
use report::Report;

/// What every phase of a run needs to know.
struct Context<'a> {
    config: &'a Config,
    machine: &'a Machine,
    workers: Vec<Worker>,
    /// The variants that may be used.
    variants: Vec<kernel::Variant>,
}

/// Measures memory as planned, and tells each outcome as soon as it is known.
///
/// A phase that fails is an outcome with its reason; the others go on.
///
/// # Errors
///
/// If nothing can be measured at all: the machine is not this host, the instruction set is not one of this CPU, there
/// is no core to run on, or too little memory.
pub fn run(config: &Config, machine: &Machine, sink: &mut dyn FnMut(Event)) -> Result<(), Error> {
    machine.require_host()?;
    let siblings = if config.every_sibling { Siblings::EveryPu } else { Siblings::OnePerCore };
    let workers = place(&machine.topology, siblings)?;
    config.check(machine, &workers)?;
    let limit = config.isa_limit()?;
    let variants = kernel::variants().into_iter().filter(|variant| variant.isa <= limit).collect();
    let context = Context { config, machine, workers, variants };
    let mut report = Report::new(sink, config.seconds(machine));
    if limit < Isa::widest() {
        report.warn(measure::Warning::NarrowIsa { used: limit.name().to_owned() });
    }
    let mut winners = Winners::widest(&context.variants);
    let phases: [(&[&str], Phase); 7] = [
        (metrics::BANDWIDTH, bandwidth::measure),
        (&[metrics::SCALING], scaling::measure),
        (&[metrics::BANDWIDTH_SWEEP], sweep::measure),
        (&[metrics::LATENCY, metrics::MLP], latency::measure),
        (&[metrics::LATENCY_SWEEP], latency::measure_sweep),
        (metrics::MATRIX, matrix::measure),
        (metrics::LOADED, loaded::measure),
    ];
    for (names, phase) in phases {
        if let Err(error) = phase(&context, &mut winners, &mut report) {
            for name in names {
                report.failed(name, Reason::from(&error));
            }
        }
    }
    report.finished();
    Ok(())
}

/// A part of a run. The first finds the fastest variants, the others use them.
type Phase = fn(&Context<'_>, &mut Winners, &mut Report<'_>) -> Result<(), Error>;

#[cfg(test)]
mod tests;
