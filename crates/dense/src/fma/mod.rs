//! FMA peak: what the execution units do when nothing but registers is used, and the clock at which they do it.
//!
//! The clock is measured, never taken from a table: short bursts of the kernel alternate with shorter ones of a chain of
//! dependent additions, which takes one cycle each, on the same core while it is under this load. The ratio of the two,
//! flop/cycle, needs no clock at all.

mod kernels;
mod pipes;
mod record;

use machine::{Clock, Member, Socket, Team, sockets};
use measure::{Interval, Isa, Sample};
use serde::{Deserialize, Serialize};

use kernels::{ACCUMULATORS, ADDENDS, CHAIN, State, UNROLL, VECTORS, chain, flops, lanes, run_fp32, run_fp64};
pub use kernels::{Precision, Usable};
pub use pipes::Pipes;
pub(crate) use record::{record, seconds};

use crate::Error;
use crate::matrix::uniform;

/// How the FMA peak is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FmaConfig {
    /// Samples of each kernel.
    pub samples: usize,
    /// Seconds of a sample.
    pub seconds: f64,
}

/// Seconds of a burst of the kernel, and of the chain: long against a reading of the clock, and the share of the chain is
/// too small to cool the core.
const BURST: f64 = 200e-6;
const CHAIN_BURST: f64 = 50e-6;

/// A number that the kernels work on.
trait Element: Copy + Default + PartialEq + Send + std::fmt::Debug {
    const PRECISION: Precision;
    fn of(value: f64) -> Self;
    /// self · x + y, rounded once.
    fn step(self, x: Self, y: Self) -> Self;
    fn run(isa: Usable, passes: u64, state: &mut State<Self>);
}

impl Element for f64 {
    const PRECISION: Precision = Precision::Fp64;
    fn of(value: f64) -> Self {
        value
    }
    fn step(self, x: Self, y: Self) -> Self {
        self.mul_add(x, y)
    }
    fn run(isa: Usable, passes: u64, state: &mut State<Self>) {
        run_fp64(isa, passes, state);
    }
}

impl Element for f32 {
    const PRECISION: Precision = Precision::Fp32;
    #[expect(clippy::cast_possible_truncation, reason = "any number near it will do")]
    fn of(value: f64) -> Self {
        value as f32
    }
    fn step(self, x: Self, y: Self) -> Self {
        self.mul_add(x, y)
    }
    fn run(isa: Usable, passes: u64, state: &mut State<Self>) {
        run_fp32(isa, passes, state);
    }
}

/// A sample of each figure: of the rate while the kernel runs alone, of the others over the bursts that follow.
#[derive(Clone, Debug, PartialEq)]
pub struct PeakSample {
    /// Floating-point operations a second of the whole team.
    pub rate: Sample,
    /// Floating-point operations a cycle of a core: the median over the team.
    pub flop_per_cycle: Sample,
    /// Cycles a second: the mean over the team.
    pub clock: Sample,
    /// The rate of each socket, where there are several.
    pub of_sockets: Vec<Sample>,
}

/// Measures one kernel on a team: `samples` times, about `seconds` each.
///
/// # Errors
///
/// If the registers do not hold what scalar code says.
pub fn measure(
    team: &Team,
    isa: Usable,
    precision: Precision,
    samples: usize,
    seconds: f64,
) -> Result<Vec<PeakSample>, Error> {
    match precision {
        Precision::Fp64 => readings::<f64>(team, isa, samples, seconds),
        Precision::Fp32 => readings::<f32>(team, isa, samples, seconds),
    }
}

fn readings<T: Element>(team: &Team, isa: Usable, samples: usize, seconds: f64) -> Result<Vec<PeakSample>, Error> {
    let mut workers: Vec<FmaWorker<T>> = (0..team.workers().len()).map(|index| FmaWorker::new(isa, index)).collect();
    team.each(&mut workers, |_, worker| worker.calibrate());
    // All do the same number of passes, that of the slowest.
    let rate = workers.iter().map(|worker| worker.passes_per_second).fold(f64::INFINITY, f64::min);
    let passes = whole(rate * seconds / 2.0);
    let sockets = sockets(team.workers());
    (0..samples)
        .map(|_| {
            let timing = team.timed(&mut workers, |_, worker| worker.pass(passes));
            let work = |workers: usize| flops(isa.isa(), T::PRECISION) * passes as f64 * workers as f64;
            let of_socket = |socket: &Socket| {
                let interval = timing.interval_of(&socket.members);
                Sample::timed(work(socket.members.len()) / interval.seconds(), interval)
            };
            team.each(&mut workers, |member, worker| worker.alternate(member, seconds / 2.0));
            workers.iter().try_for_each(FmaWorker::verify)?;
            let bursts = workers.iter().map(|worker| worker.bursts).reduce(Interval::hull).unwrap_or(timing.interval());
            let flop_per_cycle = median(workers.iter().map(|worker| worker.flop_per_cycle));
            let clock = workers.iter().map(|worker| worker.clock).sum::<f64>() / workers.len() as f64;
            Ok(PeakSample {
                rate: Sample::timed(work(workers.len()) / timing.elapsed, timing.interval()),
                of_sockets: sockets.iter().map(of_socket).collect(),
                flop_per_cycle: Sample::timed(flop_per_cycle, bursts),
                clock: Sample::timed(clock, bursts),
            })
        })
        .collect()
}

/// The work of one worker.
struct FmaWorker<T> {
    isa: Usable,
    first: State<T>,
    state: State<T>,
    /// Steps that the state is behind the first.
    steps: u64,
    passes_per_second: f64,
    chain_passes_per_second: f64,
    chain_is_right: bool,
    /// When the last bursts were, and what they showed.
    bursts: Interval,
    flop_per_cycle: f64,
    clock: f64,
}

impl<T: Element> FmaWorker<T> {
    fn new(isa: Usable, index: usize) -> Self {
        let lanes = lanes(isa.isa(), T::PRECISION);
        let first = State::new(|i| {
            let random = uniform(index as u64, i, 0);
            match i / lanes {
                vector if vector < ACCUMULATORS + ADDENDS => T::of(1.5 + random),
                // The factor lies in (-0.8, -0.6): the sequence alternates and comes to rest within 200 steps.
                _ => T::of(-0.7 + random / 5.0),
            }
        });
        FmaWorker {
            isa,
            state: first.clone(),
            first,
            steps: 0,
            passes_per_second: 0.0,
            chain_passes_per_second: 0.0,
            chain_is_right: true,
            bursts: Interval::new(0, 0),
            flop_per_cycle: 0.0,
            clock: 0.0,
        }
    }

    fn pass(&mut self, passes: u64) {
        T::run(self.isa, passes, &mut self.state);
        self.steps += passes * UNROLL as u64;
    }

    /// Runs the chain, and returns its seconds.
    fn chain(&mut self, passes: u64) -> f64 {
        let start = Clock::now();
        let sum = chain(passes, start, passes | 1);
        let end = Clock::now();
        self.chain_is_right &= sum == start.wrapping_add((passes | 1).wrapping_mul(CHAIN * passes));
        Clock::seconds(start, end)
    }

    /// Learns how fast kernel and chain are, after a warm-up of some milliseconds.
    fn calibrate(&mut self) {
        const PASSES: u64 = 20_000;
        for _ in 0..8 {
            let start = Clock::now();
            self.pass(PASSES);
            self.passes_per_second = PASSES as f64 / Clock::seconds(start, Clock::now());
        }
        self.chain_passes_per_second = PASSES as f64 / self.chain(PASSES);
    }

    /// Alternates kernel and chain, all workers at a time, and takes the ratio of their times.
    fn alternate(&mut self, member: &Member<'_>, seconds: f64) {
        let passes = whole(self.passes_per_second * BURST);
        let links = whole(self.chain_passes_per_second * CHAIN_BURST);
        let count = whole(seconds / (BURST + CHAIN_BURST)).max(5);
        let mut pairs = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
        member.barrier();
        let begun = Clock::now();
        for _ in 0..count {
            let start = Clock::now();
            self.pass(passes);
            let kernel = Clock::seconds(start, Clock::now());
            pairs.push((kernel, self.chain(links)));
        }
        self.bursts = Interval::new(begun, Clock::now());
        // Medians: an interruption lengthens a few bursts.
        let kernel = median(pairs.iter().map(|pair| pair.0));
        let chain = median(pairs.iter().map(|pair| pair.1));
        let cost = Clock::cost();
        self.clock = (CHAIN * links) as f64 / (chain - cost);
        let flops = flops(self.isa.isa(), T::PRECISION) * passes as f64;
        self.flop_per_cycle = flops / (kernel - cost) / self.clock;
    }

    /// That the registers hold what scalar code says after as many steps.
    fn verify(&self) -> Result<(), Error> {
        let lanes = lanes(self.isa.isa(), T::PRECISION);
        let (first, state) = (self.first.elements(), self.state.elements());
        for i in 0..ACCUMULATORS * lanes {
            let (vector, lane) = (i / lanes, i % lanes);
            let y = first[(ACCUMULATORS + vector % ADDENDS) * lanes + lane];
            let expect = follow(first[i], first[(VECTORS - 1) * lanes + lane], y, self.steps);
            if state[i] != expect {
                return Err(Error::Wrong(format!(
                    "the {} {} kernel left {:?} in accumulator {vector}, lane {lane}; scalar code says {expect:?}",
                    self.isa.isa().name(),
                    T::PRECISION.name(),
                    state[i],
                )));
            }
        }
        if self.chain_is_right { Ok(()) } else { Err(Error::Wrong("the chain of additions has a wrong sum".into())) }
    }
}

/// a after `steps` of a ← a·x + y: followed until it repeats itself with a period of one or two.
fn follow<T: Element>(first: T, x: T, y: T, steps: u64) -> T {
    let (mut before, mut now) = (first, first);
    for step in 0..steps {
        let next = now.step(x, y);
        if next == now {
            return now;
        }
        if next == before && step > 0 {
            return if (steps - step).is_multiple_of(2) { now } else { next };
        }
        (before, now) = (now, next);
    }
    now
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts are positive and below 2⁵³")]
pub(crate) fn whole(count: f64) -> u64 {
    count.max(1.0) as u64
}

/// The median of values that are there: of two cores their mean, since the upper one alone would be the better of them.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    measure::median(&values.collect::<Vec<_>>()).expect("there is a worker, and a burst")
}

/// The widest first: what a peak is expected of.
#[must_use]
pub fn usable() -> Vec<Usable> {
    let mut all = Usable::all();
    all.sort_by_key(|usable| std::cmp::Reverse::<Isa>(usable.isa()));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_computes_what_scalar_code_does() {
        fn check<T: Element>(isa: Usable, passes: u64) {
            let mut worker = FmaWorker::<T>::new(isa, 1);
            worker.pass(passes);
            worker.pass(1);
            worker.verify().unwrap();
            // one more step than counted is noticed while the sequence still moves
            if passes < 3 {
                worker.steps += 1;
                assert!(worker.verify().is_err());
            }
        }
        for isa in Usable::all() {
            for passes in [1, 2, 10, 1000] {
                check::<f64>(isa, passes);
                check::<f32>(isa, passes);
            }
        }
    }

    #[test]
    fn a_disturbed_register_is_noticed() {
        let mut worker = FmaWorker::<f64>::new(Usable::all()[0], 0);
        worker.pass(100);
        worker.first = State::new(|_| 1.25);
        assert!(matches!(worker.verify(), Err(Error::Wrong(_))));
    }

    #[test]
    fn the_sequence_is_followed_to_its_rest() {
        let check = |x: f64, y: f64, steps: u64, expect: f64| {
            assert_eq!(follow(1.0, x, y, steps).to_bits(), expect.to_bits(), "{x} {y} {steps}");
        };
        check(0.5, 1.0, 0, 1.0);
        check(0.5, 1.0, 1, 1.5);
        check(0.5, 1.0, u64::MAX, 2.0);
        // a cycle of two
        check(-1.0, 3.0, 7, 2.0);
        check(-1.0, 3.0, 1_000_000_000_000, 1.0);
    }

    #[test]
    fn the_median_favours_no_core() {
        let check =
            |values: &[f64], expect: f64| assert_eq!(median(values.iter().copied()).to_bits(), expect.to_bits());
        check(&[16.0], 16.0);
        check(&[17.0, 15.0], 16.0);
        check(&[3.0, 1.0, 9.0], 3.0);
    }

    #[test]
    fn the_chain_adds_up() {
        assert_eq!(chain(3, 10, 7), 10 + 7 * 3 * CHAIN);
        assert_eq!(chain(0, 10, 7), 10 + 7 * CHAIN);
    }
}
