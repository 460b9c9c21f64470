//! Memory bandwidth and latency: kernels, cache sweep, node matrices, loaded latency.
//!
//! What each figure means, and why it is measured so, is written where it is measured: [`kernel`] (the table of kernels),
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
mod permutation;
mod report;
mod scaling;
mod sweep;
pub mod verify;

use std::cell::RefCell;

use machine::{Machine, Siblings, Worker, isa, place};
use measure::metrics::{
    STREAM_BANDWIDTH_SWEEP, STREAM_LATENCY, STREAM_LATENCY_SWEEP, STREAM_LOADED_BANDWIDTH, STREAM_LOADED_LATENCY,
    STREAM_MATRIX_LATENCY, STREAM_MATRIX_READ, STREAM_MATRIX_WRITE, STREAM_MLP, STREAM_SCALING,
};
use measure::{Definition, Event, Reason};

pub use arrays::{Arrays, Pass};
pub use config::{Config, Page, Walk};
pub use error::Error;
pub use latency::{Chase, Latencies};

use bandwidth::Winners;
use report::Report;

/// What every phase of a run needs to know.
struct Context<'a> {
    config: &'a Config,
    machine: &'a Machine,
    workers: Vec<Worker>,
    /// The variants that may be used.
    variants: Vec<kernel::Variant>,
    /// The order of slots that was made last: most chases have the same.
    order: RefCell<Vec<u32>>,
}

/// An order of more slots is made anew for each chase: it would take as much memory as an array.
const MOST_KEPT: u32 = 1 << 26;

impl Context<'_> {
    /// A chase over the planned size.
    fn chase(&self, worker: Worker, node: u32, walk: Walk) -> Result<Chase, Error> {
        let (bytes, seed) = (self.config.chase_bytes, self.config.seed);
        let slots = latency::slots(walk, bytes);
        if slots > MOST_KEPT {
            return Chase::new(worker, node, walk, bytes, seed);
        }
        let mut order = self.order.borrow_mut();
        if order.len() != slots as usize {
            *order = permutation::shuffled(slots, seed);
        }
        Chase::in_order(worker, node, walk, bytes, order.clone())
    }
}

/// Measures memory as planned, and emits each outcome as soon as it is known.
///
/// A phase that fails is an outcome with its reason; the others go on.
///
/// # Errors
///
/// If nothing can be measured at all: the machine is not this host, the instruction set is not one of this CPU, there
/// is no core to run on, or too little memory.
pub fn run(config: &Config, machine: &Machine, emit: &mut dyn FnMut(Event)) -> Result<(), Error> {
    machine.require_host()?;
    let siblings = if config.smt { Siblings::EverySmtThread } else { Siblings::OnePerCore };
    let workers = place(&machine.topology, siblings)?;
    config.check(machine, &workers)?;
    let limit = config.isa_limit(&isa::available())?;
    let variants = kernel::variants().into_iter().filter(|variant| variant.isa <= limit).collect();
    let context = Context { config, machine, workers, variants, order: RefCell::default() };
    let mut report = Report::new(emit, config.seconds(machine));
    if limit < isa::widest() {
        report.warn(measure::Warning::NarrowIsa { used: limit.name().to_owned() });
    }
    let mut winners = Winners::widest(&context.variants);
    let headlines = kernel::Kernel::ALL.map(|kernel| kernel.metrics().headline);
    let phases: [(&[&Definition], Stage); 7] = [
        (&headlines, bandwidth::measure),
        (&[&STREAM_SCALING], scaling::measure),
        (&[&STREAM_BANDWIDTH_SWEEP], sweep::measure),
        (&[&STREAM_LATENCY, &STREAM_MLP], latency::measure),
        (&[&STREAM_LATENCY_SWEEP], latency::measure_sweep),
        (&[&STREAM_MATRIX_LATENCY, &STREAM_MATRIX_READ, &STREAM_MATRIX_WRITE], matrix::measure),
        (&[&STREAM_LOADED_LATENCY, &STREAM_LOADED_BANDWIDTH], loaded::measure),
    ];
    for (metrics, phase) in phases {
        if let Err(error) = phase(&context, &mut winners, &mut report) {
            for metric in metrics {
                report.failed(metric, Reason::from(&error));
            }
        }
    }
    report.finished();
    Ok(())
}

/// A part of a run. The first finds the fastest variants, the others use them.
type Stage = fn(&Context<'_>, &mut Winners, &mut Report<'_>) -> Result<(), Error>;

#[cfg(test)]
mod tests;
