//! Our side: it makes everything ready, says so, and measures once for each line that it reads.

mod dense;

use std::io::{BufRead, Write};

use anyhow::{Context, bail};
use clap::Subcommand;
use machine::{Machine, Siblings, Source, Team, place};
use measure::Profile;
use soak::Pattern;
use stream::kernel::{Kernel, Store, Variant, variants};
use stream::{Arrays, Chase, Config, Page, Walk};

/// What is measured.
#[derive(Subcommand)]
pub(crate) enum What {
    /// Bandwidth of a kernel in its fastest variant.
    Bandwidth {
        /// Which: read, write, copy, scale, add, triad.
        kernel: String,
        /// With ordinary stores only.
        #[arg(long)]
        temporal: bool,
    },
    /// Latency of a pointer chase.
    Latency {
        /// Bytes that it goes through.
        #[arg(long)]
        bytes: u64,
        /// In pages of 4 KiB.
        #[arg(long)]
        small_pages: bool,
    },
    /// Memory that is written, read back and compared: the bytes that were compared in a second.
    Soak {
        /// How many bytes.
        bytes: u64,
        /// Only the passes that read and compare.
        #[arg(long)]
        read_back: bool,
    },
    /// FMA peak, FP64, on all cores.
    Fma,
    /// A product of square matrices by the team.
    Dgemm {
        /// Their order.
        order: usize,
    },
    /// The solution of a system of equations by the team.
    Hpl {
        /// How many equations.
        order: usize,
        /// Columns of a panel.
        block: usize,
        /// Panels of a group.
        group: usize,
    },
}

/// Seconds that a figure of bandwidth is measured: as long as the peers' own runs.
const BANDWIDTH_SECONDS: f64 = 1.0;
/// Seconds that bytes are compared: as long as the peers' own runs.
const SOAK_SECONDS: f64 = 5.0;
/// Seconds that a figure of latency is measured.
const LATENCY_SECONDS: f64 = 0.5;
/// Passes of each variant by which the fastest is found.
const TRIALS: usize = 5;

/// Measures until the input ends.
pub(crate) fn serve(what: &What) -> anyhow::Result<()> {
    match what {
        What::Bandwidth { kernel, temporal } => {
            let kernel = Kernel::from_name(kernel).with_context(|| format!("`{kernel}` is not a kernel"))?;
            bandwidth(kernel, *temporal)
        }
        What::Latency { bytes, small_pages } => latency(*bytes, *small_pages),
        What::Soak { bytes, read_back } => compared(*bytes, *read_back),
        What::Fma => dense::fma(),
        What::Dgemm { order } => dense::dgemm(*order),
        What::Hpl { order, block, group } => dense::hpl(*order, *block, *group),
    }
}

fn bandwidth(kernel: Kernel, temporal: bool) -> anyhow::Result<()> {
    let machine = Machine::detect(&Source::Host)?;
    let workers = place(&machine.topology, Siblings::OnePerCore)?;
    let config = Config::for_profile(Profile::Quick, &machine)?;
    let mut arrays = Arrays::new(&workers, config.array_bytes)?;
    let variant = fastest(&mut arrays, kernel, temporal)?;
    answer(&variant.form(), || {
        let (mut seconds, mut bytes) = (0.0, 0.0);
        while seconds < BANDWIDTH_SECONDS {
            let pass = arrays.pass(&variant);
            if !pass.sums_right {
                bail!("the sum was wrong");
            }
            seconds += pass.interval.seconds();
            bytes += pass.rate * pass.interval.seconds();
        }
        if let Err(wrong) = arrays.verify() {
            bail!("the result was wrong: {wrong}");
        }
        Ok(format!("rate {}", bytes / seconds))
    })
}

/// Tries the variants in turn, several times, and takes the one with the best pass.
fn fastest(arrays: &mut Arrays, kernel: Kernel, temporal: bool) -> anyhow::Result<Variant> {
    let wanted = |variant: &Variant| variant.kernel == kernel && (!temporal || variant.store == Store::Temporal);
    let candidates: Vec<Variant> = variants().into_iter().filter(wanted).collect();
    let mut best = vec![0.0_f64; candidates.len()];
    for _ in 0..TRIALS {
        for (best, variant) in best.iter_mut().zip(&candidates) {
            *best = best.max(arrays.pass(variant).rate);
        }
    }
    let (_, winner) = best.iter().zip(candidates).max_by(|a, b| a.0.total_cmp(b.0)).context("a variant")?;
    Ok(winner)
}

fn latency(bytes: u64, small_pages: bool) -> anyhow::Result<()> {
    let machine = Machine::detect(&Source::Host)?;
    let worker = *place(&machine.topology, Siblings::OnePerCore)?.first().context("a core")?;
    let page = if small_pages { Page::Small } else { Page::Huge };
    let mut chase = Chase::new(worker, worker.node, Walk { page, spacing: 64 }, bytes, 1)?;
    answer(page.name(), || {
        let samples = chase.latency(1, LATENCY_SECONDS).samples;
        Ok(format!("load {}", samples.first().context("a sample")?.value * 1e9))
    })
}

fn compared(bytes: u64, read_back: bool) -> anyhow::Result<()> {
    let machine = Machine::detect(&Source::Host)?;
    let team = Team::start(&place(&machine.topology, Siblings::OnePerCore)?)?;
    let kernel = soak::kernel::Kernel::widest();
    let mut memory = soak::Memory::map(&team, bytes, kernel)?;
    memory.pass(soak::Step::Fill(Pattern::Address));
    let mut round = 0;
    answer(kernel.isa().name(), || {
        let (mut seconds, mut compared) = (0.0, 0.0);
        while seconds < SOAK_SECONDS {
            for step in soak::Memory::steps(round) {
                let (pass, wrong) = memory.pass(step);
                if let Some(wrong) = wrong.first() {
                    bail!("{wrong:?}");
                }
                if !read_back || pass.rate.is_some() {
                    seconds += pass.seconds;
                    compared += pass.compared;
                }
            }
            round += 1;
        }
        Ok(format!("rate {}", compared / seconds))
    })
}

/// Says that it is ready, and how it measures, and then answers each line.
fn answer(how: &str, mut measure: impl FnMut() -> anyhow::Result<String>) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "ready {how}")?;
    output.flush()?;
    for line in std::io::stdin().lock().lines() {
        line?;
        writeln!(output, "{}", measure()?)?;
        output.flush()?;
    }
    Ok(())
}
