//! When requests come: as soon as there is room, or at a rate, whatever became of those before.

use measure::random::SplitMix64;

use crate::job::Rate;

/// When requests of a direction come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Arrivals {
    /// The job has none.
    Never,
    /// As soon as there is room.
    Free,
    /// At a rate.
    At(ArrivalRate),
}

/// Arrivals at a fixed rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ArrivalRate {
    pub(crate) rate: Rate,
    /// The seed of a Poisson process; `None` is even intervals.
    pub(crate) poisson: Option<u64>,
    /// Nanoseconds from the start to the first arrival.
    pub(crate) delay: u64,
}

/// Arrivals at a fixed rate, in whole nanoseconds without drift.
pub(crate) struct Pace {
    /// When the next one comes.
    pub(crate) next: u64,
    /// Requests or bytes a second.
    rate: u64,
    counts_bytes: bool,
    carry: u64,
    random: Option<SplitMix64>,
}

impl Pace {
    pub(crate) fn new(begin: u64, arrivals: ArrivalRate) -> Self {
        let (rate, counts_bytes) = match arrivals.rate {
            Rate::Requests(rate) => (u64::from(rate), false),
            Rate::Bytes(rate) => (rate, true),
        };
        let random = arrivals.poisson.map(SplitMix64::new);
        Pace { next: begin + arrivals.delay, rate, counts_bytes, carry: 0, random }
    }

    /// When a request of `len` bytes comes, which moves the one after it.
    pub(crate) fn arrive(&mut self, len: u32) -> u64 {
        let due = self.next;
        let cost = self.carry + if self.counts_bytes { u64::from(len) } else { 1 } * 1_000_000_000;
        let step = cost / self.rate;
        self.carry = cost % self.rate;
        self.next += match &mut self.random {
            None => step,
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "nanoseconds of a run")]
            Some(random) => {
                // Intervals of a Poisson process are exponential; a number from (0, 1] has a logarithm.
                let uniform = (random.below(1 << 53) + 1) as f64 / (1_u64 << 53) as f64;
                (step as f64 * -uniform.ln()) as u64
            }
        };
        due
    }
}

/// A direction's requests.
pub(crate) enum Lane {
    Never,
    Free,
    Paced(Pace),
}

impl Lane {
    /// Whether the next one is due.
    pub(crate) fn is_due(&self, now: u64) -> bool {
        match self {
            Lane::Never => false,
            Lane::Free => true,
            Lane::Paced(pace) => pace.next <= now,
        }
    }
}
