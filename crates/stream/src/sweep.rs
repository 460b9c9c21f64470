//! Bandwidth of one core by the size of what it reads: the levels of the cache, and memory.

use machine::{Buffer, Pages, Team, Timing, Topology};
use measure::metrics::STREAM_BANDWIDTH_SWEEP;
use measure::{Measurement, Reason, Sample, binary_bytes};

use crate::arrays::Proof;
use crate::bandwidth::{Winners, plain};
use crate::config::whole;
use crate::kernel::{Kernel, Variant};
use crate::report::Report;
use crate::{Context, Error, verify};

/// The array that is swept, and the thread that reads it.
struct Sweep<'a> {
    team: Team,
    buffer: Buffer<f64>,
    variant: &'a Variant,
    proof: Proof,
}

/// What the worker does at a point: passes over the first elements, and their sums.
struct Job<'a> {
    data: &'a mut [f64],
    passes: u64,
    sum: f64,
}

/// Measures read from 16 KiB on.
pub(crate) fn measure(context: &Context<'_>, _: &mut Winners, report: &mut Report<'_>) -> Result<(), Error> {
    let config = context.config;
    let sizes = config.sizes();
    let seconds = config.phase_seconds(context.machine)[2] / sizes.len() as f64;
    report.doing("touching the swept array", 0.0);
    let mut sweep = Sweep::prepare(context)?;
    for &size in &sizes {
        report.doing(format!("read of {}", binary_bytes(size as f64)), seconds);
        let (warm, _) = sweep.time(size, 1);
        let passes = whole(config.point_seconds / warm.elapsed.max(1e-9)).clamp(1, 1 << 24);
        let timed: Vec<_> = (0..config.point_samples).map(|_| sweep.time(size, passes)).collect();
        let expected = verify::initial_sum(0..elements(size));
        if let Some((_, sum)) = timed.iter().find(|(_, sum)| (sum / expected - 1.0).abs() > 1e-9) {
            let text = format!("the sum of {} was {sum:e}, expected {expected:e}", binary_bytes(size as f64));
            report.failed(&STREAM_BANDWIDTH_SWEEP, Reason::WrongResult(text));
            continue;
        }
        let rate = |timing: &Timing| Sample::timed((size * passes) as f64 / timing.elapsed, timing.interval());
        let measurement = Measurement::new(&STREAM_BANDWIDTH_SWEEP, timed.iter().map(|(timing, _)| rate(timing)))
            .label("size", size)
            .context("level", level(&context.machine.topology, context.workers[0].cpu, size))
            .context("kernel", sweep.variant.kernel.name())
            .context("isa", sweep.variant.isa.name())
            .context("threads", 1);
        report.measured(sweep.proof.place(measurement, timed.iter().map(|(timing, _)| timing.migrations).sum()));
    }
    sweep.team.verify()?;
    Ok(())
}

impl<'a> Sweep<'a> {
    /// Maps the array on the node of the first worker, and lets that worker fill it.
    fn prepare(context: &'a Context<'_>) -> Result<Sweep<'a>, Error> {
        let worker = context.workers[0];
        let team = Team::start(&[worker])?;
        let len = elements(context.config.chase_bytes);
        let mut buffer = Buffer::<f64>::map(len, Pages::Huge)?;
        buffer.bind(0..len, worker.node)?;
        team.each(&mut [&mut buffer], |_, buffer| {
            for (index, element) in buffer.as_mut_slice().iter_mut().enumerate() {
                *element = verify::initial(index);
            }
        });
        let proof = Proof::of(&team, std::iter::once(buffer.proof(&[(0..len, worker.node)])), true);
        Ok(Sweep { team, buffer, variant: plain(&context.variants, Kernel::Read), proof })
    }

    /// Times passes over the first `size` bytes; the sum of one.
    fn time(&mut self, size: u64, passes: u64) -> (Timing, f64) {
        let variant = self.variant;
        let mut job = [Job { data: &mut self.buffer.as_mut_slice()[..elements(size)], passes, sum: 0.0 }];
        let timing = self.team.timed(&mut job, |_, job| {
            for _ in 0..job.passes {
                // Once the compiler saw that the passes are alike, it could do one.
                job.sum += variant.run(&mut [], std::hint::black_box(job.data), &[], 0.0);
            }
        });
        (timing, job[0].sum / passes as f64)
    }
}

/// The elements in so many bytes.
fn elements(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX) / size_of::<f64>()
}

/// The nearest level that holds so many bytes, of the caches that a CPU reaches, by the size that the operating system
/// gives them: `L1`, `L2`, `L3`, `memory`.
pub(crate) fn level(topology: &Topology, cpu: u32, size: u64) -> String {
    let reached = topology.caches.iter().filter(|cache| cache.cpus.contains(cpu) && cache.bytes >= size);
    reached.map(|cache| cache.level).min().map_or("memory".into(), |level| format!("L{level}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use machine::Cache;

    #[test]
    fn levels_by_size() {
        let cache = |level, bytes, cpu: u32| Cache {
            level,
            bytes,
            claimed: 10 * bytes,
            line: 64,
            cpus: [cpu].into_iter().collect(),
        };
        let caches = vec![cache(1, 32 << 10, 0), cache(2, 1 << 20, 0), cache(3, 32 << 20, 0), cache(3, 1 << 30, 1)];
        let topology = Topology { caches, ..Topology::default() };
        let check = |size: u64, expect: &str| assert_eq!(level(&topology, 0, size), expect, "{size}");
        check(16 << 10, "L1");
        check(32 << 10, "L1");
        check((32 << 10) + 1, "L2");
        check(2 << 20, "L3");
        check(33 << 20, "memory");
    }
}
