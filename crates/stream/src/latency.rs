//! Latency of a load that waits for the one before, by size, page and spacing; and of several side by side.
//!
//! The pointers form one random cycle through all slots (Hamiltonian), so that no prefetcher that follows strides can
//! guess the next. Hardware prefetchers cannot be switched off without writing model-specific registers, which this
//! program does not: the two spacings show what the adjacent-line prefetcher does.

use machine::{Buffer, Clock, Team, Timing, Worker};
use measure::Measurement;

use crate::arrays::Proof;
use crate::bandwidth::Winners;
use crate::config::{Page, Walk, whole};
use crate::kernel::chase::{self, Cursor, Cycle, UNROLLED};
use crate::permutation::shuffled;
use crate::report::Report;
use crate::sweep::level;
use crate::{Context, Error, metrics};

/// Loads that warm a cycle up, at most: beyond the caches nothing is gained by more.
const WARM: u64 = 1 << 20;

/// A piece of memory for pointer chases, and the thread that walks it.
pub struct Chase {
    team: Team,
    buffer: Buffer<u64>,
    /// The slots of the cycle; sizes that follow one another from large to small keep those that still fit.
    order: Vec<u32>,
    stride: usize,
    /// How many bytes the cycle goes through.
    bytes: u64,
    proof: Proof,
}

impl Chase {
    /// Maps memory for a cycle of pointers on a node, and lets the worker touch it.
    pub fn new(worker: Worker, node: u32, walk: Walk, bytes: u64, seed: u64) -> Result<Chase, Error> {
        let len = usize::try_from(bytes).unwrap_or(usize::MAX) / size_of::<u64>();
        let team = Team::start(&[Worker { index: 0, ..worker }])?;
        let mut buffer = Buffer::<u64>::map(len, walk.page.into())?;
        buffer.bind(0..len, node)?;
        team.each(&mut [&mut buffer], |_, buffer| buffer.as_mut_slice().fill(0));
        let proof = buffer.proof(&[(0..len, node)]);
        let proof = Proof::of(&team, std::iter::once(proof), walk.page == Page::Huge);
        let slots = u32::try_from(bytes / u64::from(walk.spacing)).unwrap_or(u32::MAX);
        let stride = walk.spacing as usize / size_of::<u64>();
        Ok(Chase { team, buffer, order: shuffled(slots, seed), stride, bytes, proof })
    }

    /// Leaves only the slots of the first `bytes` in the cycle.
    fn shrink(&mut self, bytes: u64) {
        let slots = bytes / (self.stride * size_of::<u64>()) as u64;
        self.order.retain(|&slot| u64::from(slot) < slots);
        self.bytes = bytes;
    }

    /// Links the cycle, walks some of it, and gives it to `f` with the team and the time of a load in seconds.
    fn walk<T>(&mut self, f: impl FnOnce(&Team, Cycle<'_>, f64) -> T) -> T {
        let (order, stride) = (&self.order[..], self.stride);
        let mut item = [(Some(self.buffer.as_mut_slice()), None)];
        self.team.each(&mut item, |_, (words, cycle)| {
            *cycle = words.take().map(|words| Cycle::link(words, stride, order));
        });
        let [(_, cycle)] = item;
        let cycle = cycle.expect("the worker linked it");
        let turns = (cycle.slots() as u64).min(WARM).div_ceil(UNROLLED);
        let (timing, _) = time(&self.team, cycle.at(0), turns);
        f(&self.team, cycle, timing.elapsed / (turns * UNROLLED) as f64)
    }

    /// Times a single chase: `samples` values of seconds a load, each over about `seconds`, and the migrations.
    pub fn latency(&mut self, samples: u32, seconds: f64) -> (Vec<f64>, Option<u64>) {
        self.walk(|team, cycle, load| {
            let turns = turns(seconds, load);
            let mut cursor = cycle.at(0);
            let mut values = Vec::new();
            let mut migrations = Some(0);
            for _ in 0..samples {
                let (timing, end) = time(team, cursor, turns);
                cursor = end;
                values.push(timing.elapsed / (turns * UNROLLED) as f64);
                migrations = migrations.zip(timing.migrations).map(|(a, b)| a + b);
            }
            (values, migrations)
        })
    }

    /// Times `count` chases side by side, which begin evenly spread over the cycle, as [`Chase::latency`] does.
    fn side_by_side(&mut self, count: usize, samples: u32, seconds: f64) -> (Vec<f64>, Option<u64>) {
        self.walk(|team, cycle, load| {
            let steps = (turns(seconds, load) * UNROLLED / count as u64).max(8);
            let mut values = Vec::new();
            let mut migrations = Some(0);
            for sample in 0..samples as usize {
                let shift = sample * cycle.slots() / (count * samples as usize);
                let from: Vec<Cursor<'_>> = (0..count).map(|k| cycle.at(k * cycle.slots() / count + shift)).collect();
                let mut item = [(from, 0)];
                let timing = team.timed(&mut item, |_, (from, loads)| *loads = chase::side_by_side(from, steps));
                values.push(timing.elapsed / item[0].1 as f64);
                migrations = migrations.zip(timing.migrations).map(|(a, b)| a + b);
            }
            (values, migrations)
        })
    }

    /// Lets `f` walk the cycle while the clock runs, beside other work; the parts are those of [`Chase::walk`].
    pub(crate) fn with_cycle<T>(&mut self, f: impl FnOnce(Cycle<'_>, f64) -> T) -> T {
        self.walk(|_, cycle, load| f(cycle, load))
    }

    /// Adds where thread and pages are, and how the cycle lies.
    pub(crate) fn describe(&self, measurement: Measurement, migrations: Option<u64>) -> Measurement {
        let spacing = self.stride * size_of::<u64>();
        let measurement = measurement
            .context("bytes", self.bytes)
            .context("spacing", spacing)
            .context("threads", 1)
            .context("prefetchers", "as the host has them");
        self.proof.place(measurement, migrations)
    }

    /// The second look at the thread's CPU.
    pub(crate) fn verify_cpu(&self) -> Result<(), Error> {
        Ok(self.team.verify()?)
    }
}

/// Turns of the unrolled loop that take about so long.
pub(crate) fn turns(seconds: f64, load: f64) -> u64 {
    whole(seconds / (load.max(1e-10) * UNROLLED as f64)).max(1)
}

/// Times turns of a single chase; where it came to.
fn time<'a>(team: &Team, from: Cursor<'a>, turns: u64) -> (Timing, Cursor<'a>) {
    let mut item = [from];
    let timing = team.timed(&mut item, |_, cursor| *cursor = chase::single(*cursor, turns));
    (timing, item[0])
}

/// The headline, and several chases side by side, both in the largest size and huge pages.
pub(crate) fn measure(context: &Context<'_>, _: &mut Winners, report: &mut Report<'_>) -> Result<(), Error> {
    let config = context.config;
    let seconds = config.phase_seconds(context.machine)[3];
    let worker = context.workers[0];
    let walk = Walk { page: Page::Huge, spacing: 64 };
    report.doing("latency", seconds / 2.0);
    let mut chase = Chase::new(worker, worker.node, walk, config.chase_bytes, config.seed)?;
    let (values, migrations) = chase.latency(config.samples, 10.0 * config.point_seconds);
    let headline = Measurement::new(metrics::time(metrics::LATENCY), values)
        .context("page", walk.page.name())
        .context("clock_resolution", Clock::resolution());
    report.measured(chase.describe(headline, migrations));
    for count in 1..=config.chases.min(u32::try_from(chase::MOST).unwrap_or(u32::MAX)) {
        report.doing(format!("{count} chases side by side"), seconds / 2.0 / f64::from(config.chases));
        let (values, migrations) = chase.side_by_side(count as usize, config.point_samples, config.point_seconds);
        let measurement = Measurement::new(metrics::time(metrics::MLP), values).label("chases", count);
        report.measured(chase.describe(measurement, migrations));
    }
    chase.verify_cpu()
}

/// Latency by size, for each of the planned walks.
pub(crate) fn measure_sweep(context: &Context<'_>, _: &mut Winners, report: &mut Report<'_>) -> Result<(), Error> {
    let config = context.config;
    let worker = context.workers[0];
    let sizes = config.sizes();
    let seconds = config.phase_seconds(context.machine)[4] / (config.walks.len() * sizes.len()) as f64;
    for &walk in &config.walks {
        let (page, spacing) = (walk.page.name(), walk.spacing);
        report.doing(format!("random cycle, {page} pages, every {spacing} bytes"), 0.0);
        let mut chase = Chase::new(worker, worker.node, walk, config.chase_bytes, config.seed)?;
        for &size in sizes.iter().rev() {
            report.doing(format!("latency of {size} bytes, {page} pages, every {spacing} bytes"), seconds);
            chase.shrink(size);
            let (values, migrations) = chase.latency(config.point_samples, config.point_seconds);
            let measurement = Measurement::new(metrics::time(metrics::LATENCY_SWEEP), values)
                .label("size", size)
                .label("page", page)
                .label("spacing", spacing)
                // Only the lines that hold a pointer come into the caches.
                .context("level", level(&context.machine.topology, worker.cpu, size / u64::from(spacing) * 64));
            report.measured(chase.describe(measurement, migrations));
        }
        chase.verify_cpu()?;
    }
    Ok(())
}
