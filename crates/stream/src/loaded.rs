//! Latency under load: one core chases pointers while all others read, with pauses from none to nearly idle.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use machine::{Buffer, Clock, Pages, Team, Worker, chunks, split_mut};
use measure::metrics::{STREAM_LOADED_BANDWIDTH, STREAM_LOADED_LATENCY};
use measure::{Interval, Measurement, Sample};

use crate::arrays::{ALIGN, elements};
use crate::bandwidth::Winners;
use crate::config::{Page, Walk};
use crate::kernel::chase::{self, Cursor, UNROLLED};
use crate::kernel::{Kernel, Variant};
use crate::report::Report;
use crate::{Context, Error};

/// Elements that a loading core reads between two pauses: 16 KiB.
const BLOCK: usize = 2048;

/// What a worker does while a sample is taken.
enum Role<'a> {
    /// It chases pointers for so many turns, and then ends the sample.
    Chase { from: Cursor<'a>, turns: u64 },
    /// It reads its part over and over, and counts.
    Load { part: &'a [f64], bytes: u64, interval: Interval },
}

/// A point of the curve.
struct Point {
    delay: u64,
    latencies: Vec<Sample>,
    rates: Vec<Sample>,
    migrations: Option<u64>,
}

/// Measures a point for each of the planned pauses.
pub(crate) fn measure(context: &Context<'_>, winners: &mut Winners, report: &mut Report<'_>) -> Result<(), Error> {
    let config = context.config;
    let Some((worker, loaders)) = context.workers.split_first().filter(|(_, loaders)| !loaders.is_empty()) else {
        return Err(Error::NoHardware("loaded latency takes two cores, one to chase and one to load".into()));
    };
    let seconds = config.phase_seconds(context.machine)[6] / (config.delays.len() + 2) as f64;
    report.doing("touching the arrays of the loaded latency", 2.0 * seconds);
    let walk = Walk { page: Page::Huge, spacing: 64 };
    let mut chase = context.chase(*worker, worker.node, walk)?;
    let (mut buffer, parts) = map(context, loaders)?;
    let team = Team::start(&context.workers)?;
    touch(&team, split_mut(buffer.as_mut_slice(), &parts));
    let parts: Vec<&[f64]> = parts.into_iter().map(|part| &buffer.as_slice()[part]).collect();
    let read = winners.of(Kernel::Read);
    let mut linked = chase.link();
    let turns = linked.turns(5.0 * config.point_seconds);
    let points: Vec<Point> = config
        .delays
        .iter()
        .map(|&delay| {
            report.doing(format!("latency under load, pauses of {delay} ns"), seconds);
            let mut point = Point { delay, latencies: Vec::new(), rates: Vec::new(), migrations: Some(0) };
            for _ in 0..config.point_samples {
                let from = linked.ahead(turns * UNROLLED);
                point.sample(&team, Role::Chase { from, turns }, &parts, read);
            }
            point
        })
        .collect();
    team.verify()?;
    for point in points {
        for measurement in point.measurements() {
            let measurement = measurement
                .context("loading_threads", loaders.len())
                .context("kernel", read.kernel.name())
                .context("isa", read.isa.name());
            report.measured(chase.describe(measurement, point.migrations));
        }
    }
    Ok(())
}

impl Point {
    /// Takes one sample: the first worker chases, the others load.
    fn sample(&mut self, team: &Team, chaser: Role<'_>, parts: &[&[f64]], read: &Variant) {
        let stop = AtomicBool::new(false);
        let loaders = parts.iter().map(|part| Role::Load { part, bytes: 0, interval: Interval::new(0, 0) });
        let mut roles: Vec<Role<'_>> = std::iter::once(chaser).chain(loaders).collect();
        let delay = self.delay;
        let timing = team.timed(&mut roles, |_, role| match role {
            Role::Chase { from, turns } => {
                chase::single(*from, *turns);
                stop.store(true, Ordering::Release);
            }
            Role::Load { part, bytes, interval } => {
                let start = Clock::now();
                *bytes = load(part, read, delay, &stop);
                *interval = Interval::new(start, Clock::now());
            }
        });
        let walk = Interval::from(timing.spans[0]);
        if let Some(Role::Chase { turns, .. }) = roles.first() {
            self.latencies.push(Sample::timed(walk.seconds() / (turns * UNROLLED) as f64, walk));
        }
        let loads = roles.iter().filter_map(Role::rate).collect::<Vec<_>>();
        self.rates.push(measure::derived(loads.iter().map(|load| load.value).sum(), &loads));
        self.migrations = self.migrations.zip(timing.migrations).map(|(a, b)| a + b);
    }

    fn measurements(&self) -> [Measurement; 2] {
        let delay = format!("{}ns", self.delay);
        [
            Measurement::new(&STREAM_LOADED_LATENCY, self.latencies.iter().cloned()).label("delay", &delay),
            Measurement::new(&STREAM_LOADED_BANDWIDTH, self.rates.iter().cloned()).label("delay", &delay),
        ]
    }
}

impl Role<'_> {
    /// Bytes a second that it read, where it did.
    fn rate(&self) -> Option<Sample> {
        match self {
            Role::Load { bytes, interval, .. } if interval.seconds() > 0.0 => {
                Some(Sample::timed(*bytes as f64 / interval.seconds(), *interval))
            }
            Role::Load { .. } | Role::Chase { .. } => None,
        }
    }
}

/// Reads blocks with pauses between them until `stop` is set; how many bytes.
fn load(part: &[f64], read: &Variant, delay: u64, stop: &AtomicBool) -> u64 {
    let mut bytes = 0;
    for block in part.chunks_exact(BLOCK).cycle() {
        if stop.load(Ordering::Acquire) {
            break;
        }
        std::hint::black_box(read.run(&mut [], block, &[], 0.0));
        bytes += size_of_val(block) as u64;
        pause(delay);
    }
    bytes
}

/// The array that the loading cores read, each its part on its own node.
fn map(context: &Context<'_>, loaders: &[Worker]) -> Result<(Buffer<f64>, Vec<Range<usize>>), Error> {
    let len = elements(context.config.array_bytes);
    let parts = chunks(len, loaders.len(), ALIGN);
    let mut buffer = Buffer::<f64>::map(len, Pages::Huge)?;
    for (part, worker) in parts.iter().zip(loaders) {
        buffer.bind(part.clone(), worker.node)?;
    }
    Ok((buffer, parts))
}

/// Lets each loading core touch its part; the first worker has none.
fn touch(team: &Team, parts: Vec<&mut [f64]>) {
    let mut items: Vec<Option<&mut [f64]>> = std::iter::once(None).chain(parts.into_iter().map(Some)).collect();
    team.each(&mut items, |_, part| {
        if let Some(part) = part {
            part.fill(1.0);
        }
    });
}

/// Waits without touching memory.
fn pause(nanoseconds: u64) {
    if nanoseconds == 0 {
        return;
    }
    let end = Clock::now() + nanoseconds;
    while Clock::now() < end {
        std::hint::spin_loop();
    }
}
