//! Node × node: what the cores of one node get from the memory of another.

use std::ops::Range;

use machine::{Buffer, Node, Pages, Team, Timing, Worker, chunks, split_mut};
use measure::metrics::{STREAM_MATRIX_LATENCY, STREAM_MATRIX_READ, STREAM_MATRIX_WRITE};
use measure::{Measurement, Reason, Sample};

use crate::arrays::{ALIGN, Proof, elements};
use crate::bandwidth::Winners;
use crate::config::{Page, Walk};
use crate::kernel::{Kernel, Store, Variant};
use crate::report::Report;
use crate::verify::{self, Content};
use crate::{Context, Error, Latencies};

/// The cores of a node, and the memory of a node.
struct Pair {
    workers: Vec<Worker>,
    from: u32,
    to: u32,
    /// The kind of the memory, where it is told: HBM beside DDR is a node of its own.
    kind: Option<String>,
}

/// Measures idle latency, read and non-temporal write for all pairs of nodes with cores and nodes with memory.
pub(crate) fn measure(context: &Context<'_>, winners: &mut Winners, report: &mut Report<'_>) -> Result<(), Error> {
    let pairs = pairs(context);
    let seconds = context.config.phase_seconds(context.machine)[5] / pairs.len() as f64;
    let write = non_temporal_write(context, winners);
    for pair in &pairs {
        report.doing(format!("cores of node {}, memory of node {}", pair.from, pair.to), seconds);
        latency(context, pair, report)?;
        bandwidth(context, pair, [winners.of(Kernel::Read), write], report)?;
    }
    Ok(())
}

fn pairs(context: &Context<'_>) -> Vec<Pair> {
    let mut from: Vec<u32> = context.workers.iter().map(|worker| worker.node).collect();
    from.sort_unstable();
    from.dedup();
    let nodes = &context.machine.topology.nodes;
    let to: Vec<&Node> = nodes.iter().filter(|node| node.memory > 0).collect();
    let workers_of = |node: u32| -> Vec<Worker> {
        let near = context.workers.iter().filter(|worker| worker.node == node);
        near.enumerate().map(|(index, &worker)| Worker { index, ..worker }).collect()
    };
    let pair = |from: u32, to: &Node| Pair { workers: workers_of(from), from, to: to.os_index, kind: to.kind.clone() };
    from.iter().flat_map(|&from| to.iter().map(move |to| pair(from, to))).collect()
}

/// The fastest write where it is non-temporal, else the widest that is.
fn non_temporal_write<'a>(context: &'a Context<'_>, winners: &'a Winners) -> &'a Variant {
    let fits = |variant: &&Variant| variant.kernel == Kernel::Write && variant.store == Store::NonTemporal;
    let widest = || context.variants.iter().filter(fits).max_by_key(|variant| variant.isa);
    Some(winners.of(Kernel::Write)).filter(fits).or_else(widest).expect("every instruction set has one")
}

fn latency(context: &Context<'_>, pair: &Pair, report: &mut Report<'_>) -> Result<(), Error> {
    let config = context.config;
    let walk = Walk { page: Page::Huge, spacing: 64 };
    let mut chase = context.chase(pair.workers[0], pair.to, walk)?;
    let Latencies { samples, migrations } = chase.latency(config.point_samples, config.point_seconds);
    let measurement = Measurement::new(&STREAM_MATRIX_LATENCY, samples);
    report.measured(chase.describe(pair.label(measurement), migrations));
    chase.verify_cpu()
}

impl Pair {
    fn label(&self, measurement: Measurement) -> Measurement {
        let measurement = measurement.label("from", self.from).label("to", self.to);
        match &self.kind {
            Some(kind) => measurement.context("memory", kind),
            None => measurement,
        }
    }
}

/// A worker's part of the array.
struct Part<'a> {
    start: usize,
    data: &'a mut [f64],
    sum: f64,
    right: bool,
}

fn bandwidth(
    context: &Context<'_>,
    pair: &Pair,
    [read, write]: [&Variant; 2],
    report: &mut Report<'_>,
) -> Result<(), Error> {
    let len = elements(context.config.array_bytes);
    let team = Team::start(&pair.workers)?;
    let mut buffer = Buffer::<f64>::map(len, Pages::Huge)?;
    buffer.bind(0..len, pair.to)?;
    let ranges = chunks(len, pair.workers.len(), ALIGN);
    let mut parts = split(buffer.as_mut_slice(), &ranges);
    team.each(&mut parts, |_, part| {
        for (i, element) in part.data.iter_mut().enumerate() {
            *element = verify::initial(part.start + i);
        }
    });
    let samples = context.config.point_samples;
    let reads = time_reads(&team, &mut parts, read, samples);
    let writes = time_writes(&team, &mut parts, write, samples);
    team.verify()?;
    let proof = Proof::of(&team, std::iter::once(buffer.proof(&[(0..len, pair.to)])), true);
    let bytes = len * size_of::<f64>();
    for (metric, variant, timings) in [(&STREAM_MATRIX_READ, read, reads), (&STREAM_MATRIX_WRITE, write, writes)] {
        let Some(timings) = timings else {
            let text = format!("cores of node {}, memory of node {}: {variant:?}", pair.from, pair.to);
            report.failed(metric, Reason::WrongResult(text));
            continue;
        };
        let rate = |timing: &Timing| Sample::timed(bytes as f64 / timing.elapsed, timing.interval());
        let measurement = pair
            .label(Measurement::new(metric, timings.iter().map(rate)))
            .context("isa", variant.isa.name())
            .context("store", variant.store.name())
            .context("tuning", variant.tuning)
            .context("threads", pair.workers.len())
            .context("array_bytes", bytes)
            .context("verified", "every element");
        report.measured(proof.place(measurement, timings.iter().map(|timing| timing.migrations).sum()));
    }
    Ok(())
}

fn split<'a>(data: &'a mut [f64], ranges: &[Range<usize>]) -> Vec<Part<'a>> {
    let parts = ranges.iter().zip(split_mut(data, ranges));
    parts.map(|(range, data)| Part { start: range.start, data, sum: 0.0, right: true }).collect()
}

/// Passes of read after one that warms up; `None` if a sum was wrong.
fn time_reads(team: &Team, parts: &mut [Part<'_>], read: &Variant, samples: u32) -> Option<Vec<Timing>> {
    let pass = |parts: &mut [Part<'_>]| {
        let timing = team.timed(parts, |_, part| part.sum = read.run(&mut [], part.data, &[], 0.0));
        team.each(parts, |_, part| {
            let expected = verify::initial_sum(part.start..part.start + part.data.len());
            part.right &= (part.sum - expected).abs() <= 1e-10 * expected;
        });
        timing
    };
    let timings: Vec<Timing> = (0..=samples).map(|_| pass(parts)).skip(1).collect();
    parts.iter().all(|part| part.right).then_some(timings)
}

/// Passes of write after one that warms up, each of another value; `None` if an element was wrong.
fn time_writes(team: &Team, parts: &mut [Part<'_>], write: &Variant, samples: u32) -> Option<Vec<Timing>> {
    let pass = |parts: &mut [Part<'_>], value: f64| {
        let timing = team.timed(parts, |_, part| part.sum = write.run(part.data, &[], &[], value));
        let written = Content { factor: 0.0, constant: value };
        team.each(parts, |_, part| part.right &= verify::first_wrong(part.data, part.start, written, 0.0).is_none());
        timing
    };
    let timings: Vec<Timing> = (0..=samples).map(|sample| pass(parts, f64::from(sample) + 0.5)).skip(1).collect();
    parts.iter().all(|part| part.right).then_some(timings)
}

#[cfg(test)]
mod tests {
    use machine::{Machine, Siblings, Source, place};

    use std::cell::RefCell;

    use super::*;
    use crate::Config;

    #[test]
    fn memory_of_another_kind_is_a_node_of_its_own() {
        let description = "pack:2 [numa(memory=64GB)] [numa(memory=16GB)] core:2 pu:1";
        let mut machine = Machine::detect(&Source::Synthetic(description.to_owned())).unwrap();
        for node in machine.topology.nodes.iter_mut().filter(|node| node.memory < 20_000_000_000) {
            node.kind = Some("HBM".to_owned());
        }
        let workers = place(&machine.topology, Siblings::OnePerCore).unwrap();
        let context = Context {
            config: &Config::smoke(),
            machine: &machine,
            workers,
            variants: Vec::new(),
            order: RefCell::default(),
        };
        let pairs = pairs(&context);
        let of_kind = |kind: Option<&str>| pairs.iter().filter(|pair| pair.kind.as_deref() == kind).count();
        assert_eq!((of_kind(None), of_kind(Some("HBM"))), (4, 4), "the cores of two packages, each with all memory");
        assert!(pairs.iter().all(|pair| pair.workers.len() == 2));
    }
}
