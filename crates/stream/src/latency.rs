//! Latency of a load that waits for the one before, by size, page and spacing; and of several side by side.
//!
//! The pointers form one random cycle through all slots (Hamiltonian), so that no prefetcher that follows strides can
//! guess the next. Hardware prefetchers cannot be switched off without writing model-specific registers, which this
//! program does not: the two spacings show what the adjacent-line prefetcher does.

use machine::{Buffer, Clock, Socket, Team, Timing, Worker, sockets};
use measure::metrics::{STREAM_LATENCY, STREAM_LATENCY_SWEEP, STREAM_MLP};
use measure::{Labels, Measurement, Reason, Sample, binary_bytes};

use crate::arrays::Proof;
use crate::bandwidth::Winners;
use crate::config::{Page, Walk, whole};
use crate::kernel::chase::{self, Cursor, Cycle, UNROLLED};
use crate::permutation::shuffled;
use crate::report::Report;
use crate::sweep::level;
use crate::{Context, Error};

/// How the headline walks.
const HEADLINE_WALK: Walk = Walk { page: Page::Huge, spacing: 64 };
/// Turns of the unrolled loop that show about how long a load takes.
const WARM: u64 = 50;

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
        Chase::in_order(worker, node, walk, bytes, shuffled(slots(walk, bytes), seed))
    }

    /// The same with an order of the slots that is there already.
    pub(crate) fn in_order(worker: Worker, node: u32, walk: Walk, bytes: u64, order: Vec<u32>) -> Result<Chase, Error> {
        let len = usize::try_from(bytes).unwrap_or(usize::MAX) / size_of::<u64>();
        let team = Team::start(&[Worker { index: 0, ..worker }])?;
        let mut buffer = Buffer::<u64>::map(len, walk.page.into())?;
        buffer.bind(0..len, node)?;
        team.each(&mut [&mut buffer], |_, buffer| buffer.as_mut_slice().fill(0));
        let proof = buffer.proof(&[(0..len, node)]);
        let proof = Proof::of(&team, std::iter::once(proof), walk.page == Page::Huge);
        let stride = walk.spacing as usize / size_of::<u64>();
        Ok(Chase { team, buffer, order, stride, bytes, proof })
    }

    /// Leaves only the slots of the first `bytes` in the cycle.
    fn shrink(&mut self, bytes: u64) {
        let slots = bytes / (self.stride * size_of::<u64>()) as u64;
        self.order.retain(|&slot| u64::from(slot) < slots);
        self.bytes = bytes;
    }

    /// Times a single chase through the cycle, `samples` times, each over about `seconds`.
    pub fn latency(&mut self, samples: u32, seconds: f64) -> Latencies {
        self.link().latency(samples, seconds)
    }

    /// Links the cycle, which also brings as much of it into the caches as they hold: it is written in the order in
    /// which it will be read.
    pub(crate) fn link(&mut self) -> Linked<'_> {
        let (order, stride) = (&self.order[..], self.stride);
        let mut item = [(Some(self.buffer.as_mut_slice()), None)];
        self.team.each(&mut item, |_, (words, cycle)| {
            *cycle = words.take().map(|words| Cycle::link(words, stride, order));
        });
        let [(_, cycle)] = item;
        let cycle = cycle.expect("the worker linked it");
        let mut linked = Linked { team: &self.team, cycle, walked: 0, load: 0.0 };
        let timing = linked.time(WARM);
        linked.load = timing.elapsed / (WARM * UNROLLED) as f64;
        linked
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

/// How many slots a walk has in so many bytes.
pub(crate) fn slots(walk: Walk, bytes: u64) -> u32 {
    u32::try_from(bytes / u64::from(walk.spacing)).unwrap_or(u32::MAX)
}

/// How long a load took.
#[derive(Clone, Debug, PartialEq)]
pub struct Latencies {
    /// Seconds a load.
    pub samples: Vec<Sample>,
    /// How often the kernel moved the thread meanwhile; `None` where it does not say.
    pub migrations: Option<u64>,
}

/// A cycle that is ready to be walked, and the thread that walks it.
pub(crate) struct Linked<'a> {
    team: &'a Team,
    cycle: Cycle<'a>,
    /// How many slots were walked. Each walk goes on from there: what was just loaded may still lie in a cache.
    walked: u64,
    /// About how many seconds a load takes.
    load: f64,
}

impl<'a> Linked<'a> {
    fn latency(&mut self, samples: u32, seconds: f64) -> Latencies {
        let turns = self.turns(seconds);
        Latencies::of((0..samples).map(|_| (self.time(turns), turns * UNROLLED)))
    }

    /// `count` chases side by side, each through slots of its own.
    fn side_by_side(&mut self, count: usize, samples: u32, seconds: f64) -> Latencies {
        let steps = (self.turns(seconds) * UNROLLED / count as u64).max(8);
        let timings = (0..samples).map(|_| {
            let from: Vec<Cursor<'_>> = (0..count).map(|_| self.ahead(steps)).collect();
            let mut item = [(from, 0)];
            let timing = self.team.timed(&mut item, |_, (from, loads)| *loads = chase::side_by_side(from, steps));
            (timing, item[0].1)
        });
        Latencies::of(timings)
    }

    /// The beginning of the next `steps` slots. They count as walked, so that no two walks meet before the cycle ends.
    pub(crate) fn ahead(&mut self, steps: u64) -> Cursor<'a> {
        let from = self.cycle.at(self.walked);
        self.walked += steps;
        from
    }

    /// Turns of the unrolled loop that take about so long.
    pub(crate) fn turns(&self, seconds: f64) -> u64 {
        whole(seconds / (self.load.max(1e-10) * UNROLLED as f64)).max(1)
    }

    /// Times turns of a single chase.
    fn time(&mut self, turns: u64) -> Timing {
        let mut item = [self.ahead(turns * UNROLLED)];
        self.team.timed(&mut item, |_, cursor| *cursor = chase::single(*cursor, turns))
    }
}

impl Latencies {
    /// Timings with the number of their loads, as seconds a load.
    fn of(timings: impl Iterator<Item = (Timing, u64)>) -> Latencies {
        let (samples, migrations): (Vec<Sample>, Vec<Option<u64>>) = timings
            .map(|(timing, loads)| (Sample::timed(timing.elapsed / loads as f64, timing.interval()), timing.migrations))
            .unzip();
        Latencies { samples, migrations: migrations.into_iter().sum() }
    }
}

/// The headline, and several chases side by side, both in the largest size and huge pages.
pub(crate) fn measure(context: &Context<'_>, _: &mut Winners, report: &mut Report<'_>) -> Result<(), Error> {
    let config = context.config;
    let seconds = config.phase_seconds(context.machine)[3];
    let worker = context.workers[0];
    let walk = HEADLINE_WALK;
    report.doing("latency", seconds / 2.0);
    let mut chase = context.chase(worker, worker.node, walk)?;
    let mut linked = chase.link();
    let single = linked.latency(config.samples, 10.0 * config.point_seconds);
    let side_by_side: Vec<Latencies> = (1..=config.chases as usize)
        .map(|count| {
            report.doing(format!("{count} chases side by side"), seconds / 2.0 / f64::from(config.chases));
            linked.side_by_side(count, config.point_samples, config.point_seconds)
        })
        .collect();
    let headline = Measurement::new(&STREAM_LATENCY, single.samples)
        .context("page", walk.page.name())
        .context("clock_resolution", Clock::resolution());
    report.measured(chase.describe(headline.clone(), single.migrations));
    let sockets = sockets(&context.workers);
    if !sockets.is_empty() {
        let part = headline.of_part("socket", worker.package, headline.samples.clone());
        report.measured(chase.describe(part, single.migrations));
    }
    for (count, Latencies { samples, migrations }) in (1..).zip(side_by_side) {
        let measurement = Measurement::new(&STREAM_MLP, samples).label("chases", count);
        report.measured(chase.describe(measurement, migrations));
    }
    chase.verify_cpu()?;
    drop(chase);
    for socket in sockets.iter().filter(|socket| socket.package != worker.package) {
        if let Err(error) = of_socket(context, socket, &headline, report) {
            let labels = Labels::from([("socket".to_owned(), socket.package.to_string())]);
            report.failed_series(&STREAM_LATENCY, labels, Reason::from(&error));
        }
    }
    Ok(())
}

/// The headline is of one core; this is that of a core of another socket.
fn of_socket(
    context: &Context<'_>,
    socket: &Socket,
    headline: &Measurement,
    report: &mut Report<'_>,
) -> Result<(), Error> {
    let config = context.config;
    report.doing(format!("latency of socket {}", socket.package), 0.0);
    let worker = context.workers[socket.members[0]];
    let mut chase = context.chase(worker, worker.node, HEADLINE_WALK)?;
    let Latencies { samples, migrations } = chase.latency(config.samples, 10.0 * config.point_seconds);
    chase.verify_cpu()?;
    report.measured(chase.describe(headline.of_part("socket", socket.package, samples), migrations));
    Ok(())
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
        let mut chase = context.chase(worker, worker.node, walk)?;
        for &size in sizes.iter().rev() {
            report.doing(
                format!("latency of {}, {page} pages, every {spacing} bytes", binary_bytes(size as f64)),
                seconds,
            );
            chase.shrink(size);
            let Latencies { samples, migrations } = chase.latency(config.point_samples, config.point_seconds);
            let measurement = Measurement::new(&STREAM_LATENCY_SWEEP, samples)
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

#[cfg(test)]
mod tests {
    use machine::{Machine, Source};

    use super::*;

    /// A walk over slots that another has just loaded would time a cache.
    #[test]
    fn each_walk_goes_on_where_the_one_before_ended() {
        let machine = Machine::detect(&Source::Host).unwrap();
        let worker = machine::place(&machine.topology, machine::Siblings::OnePerCore).unwrap()[0];
        let mut chase = Chase::new(worker, worker.node, HEADLINE_WALK, 4 << 20, 1).unwrap();
        let mut linked = chase.link();
        assert_eq!(linked.walked, WARM * UNROLLED, "what was warmed with is behind");
        let check = |linked: &Linked<'_>, before: u64, steps: u64| assert_eq!(linked.walked, before + steps);

        let (before, turns) = (linked.walked, linked.turns(1e-5));
        linked.latency(3, 1e-5);
        check(&linked, before, 3 * turns * UNROLLED);

        let before = linked.walked;
        linked.side_by_side(4, 2, 1e-5);
        check(&linked, before, 2 * 4 * (turns * UNROLLED / 4));

        let before = linked.walked;
        let (first, second) = (linked.ahead(100), linked.ahead(50));
        assert!(first.is_at(linked.cycle.at(before)) && second.is_at(linked.cycle.at(before + 100)));
        check(&linked, before, 150);
    }
}
