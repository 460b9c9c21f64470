//! Zipf's law in whole numbers: how many of so many slots belong to each rank, and whose a slot is.
//!
//! No floating point, so that every machine and every build gives the same table.
#![expect(
    clippy::cast_possible_truncation,
    reason = "slots and ranks are below 2³², quotients of shares below their divisor"
)]

use std::ops::Range;

use rayon::prelude::*;

/// Fraction bits of the weights.
const WEIGHT_BITS: u32 = 40;
/// Fraction bits of logarithms.
const LOG_BITS: u32 = 32;

/// The cumulated weights k^−1.1 for k = 1, 2, …: entry k is the sum of the first k.
#[derive(Debug)]
pub(super) struct Weights {
    sums: Vec<u64>,
}

impl Weights {
    /// Those of the first `count` ranks.
    pub(super) fn new(count: u32) -> Self {
        let halves = roots_of_one_half();
        let mut sums: Vec<u64> =
            (0..=count).into_par_iter().map(|k| if k == 0 { 0 } else { weight(k, &halves) }).collect();
        for k in 1..sums.len() {
            sums[k] += sums[k - 1];
        }
        Self { sums }
    }

    fn of(&self, rank: usize) -> u64 {
        self.sums[rank + 1] - self.sums[rank]
    }
}

/// 2^(−2^−j) for j = 1, 2, … [`LOG_BITS`], with 62 fraction bits.
fn roots_of_one_half() -> [u64; LOG_BITS as usize] {
    let mut value = 1_u64 << 61;
    [(); LOG_BITS as usize].map(|()| {
        let root = (u128::from(value) << 62).isqrt();
        value = u64::try_from(root).unwrap_or(u64::MAX);
        value
    })
}

/// log₂ k with [`LOG_BITS`] fraction bits: squaring the mantissa gives one bit after the other.
fn log2(k: u32) -> u64 {
    let whole = k.ilog2();
    let mut mantissa = u64::from(k) << (62 - whole);
    let mut log = u64::from(whole);
    for _ in 0..LOG_BITS {
        let square = (u128::from(mantissa) * u128::from(mantissa)) >> 62;
        let bit = u64::from(square >> 63 != 0);
        mantissa = (square >> bit) as u64;
        log = log << 1 | bit;
    }
    log
}

/// k^−1.1 with [`WEIGHT_BITS`] fraction bits.
fn weight(k: u32, halves: &[u64; LOG_BITS as usize]) -> u64 {
    let exponent = log2(k) * 11 / 10;
    let mut value = 1_u64 << 62;
    for (j, &half) in halves.iter().enumerate() {
        if exponent >> (LOG_BITS as usize - 1 - j) & 1 == 1 {
            value = ((u128::from(value) * u128::from(half)) >> 62) as u64;
        }
    }
    value >> (62 - WEIGHT_BITS) >> (exponent >> LOG_BITS)
}

/// `slots` slots divided among ranks by their weights, none getting more than a cap.
#[derive(Debug)]
pub(super) struct Zipf {
    /// The first slot of each rank, and at the end the number of slots.
    starts: Vec<u32>,
    /// The rank of each 2^shift-th slot, which narrows the search.
    guide: Vec<u32>,
    shift: u32,
}

impl Zipf {
    /// `count` ranks. Where even shares would exceed the cap, it is raised to them.
    pub(super) fn new(weights: &Weights, count: u32, slots: u32, cap: u32) -> Self {
        let cap = u64::from(cap.max(slots.div_ceil(count)));
        let (ranks, slots) = (count as usize, u64::from(slots));
        let total = weights.sums[ranks];
        let mut capped = 0;
        let rest = |capped: usize| slots.saturating_sub(capped as u64 * cap);
        while capped + 1 < ranks
            && u128::from(rest(capped)) * u128::from(weights.of(capped))
                > u128::from(cap) * u128::from(total - weights.sums[capped])
        {
            capped += 1;
        }
        let below = total - weights.sums[capped];
        let start = |rank: usize| {
            let share = u128::from(rest(capped)) * u128::from(weights.sums[rank.max(capped)] - weights.sums[capped]);
            (rank.min(capped) as u64 * cap).min(slots) + (share / u128::from(below)) as u64
        };
        let starts: Vec<u32> = (0..=ranks).into_par_iter().map(|rank| start(rank) as u32).collect();
        let shift = (slots.max(1).ilog2() + 1).saturating_sub(count.ilog2() + 1);
        let mut guide = Vec::with_capacity((slots >> shift) as usize + 2);
        let mut rank = 0;
        for slot in (0..slots).step_by(1 << shift) {
            while u64::from(starts[rank + 1]) <= slot {
                rank += 1;
            }
            guide.push(rank as u32);
        }
        guide.push(count - 1);
        Self { starts, guide, shift }
    }

    /// How many slots there are.
    #[cfg(test)]
    fn slots(&self) -> u32 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// How many ranks there are.
    pub(super) fn ranks(&self) -> u32 {
        self.starts.len() as u32 - 1
    }

    /// Whose a slot is; ranks count from 0.
    pub(super) fn rank(&self, slot: u32) -> u32 {
        let at = (slot >> self.shift) as usize;
        let (first, last) = (self.guide[at] as usize, self.guide[at + 1] as usize);
        let after = self.starts[first + 1..=last].partition_point(|&start| start <= slot);
        (first + after) as u32
    }

    /// The slots of a rank.
    pub(super) fn slots_of(&self, rank: u32) -> Range<u32> {
        self.starts[rank as usize]..self.starts[rank as usize + 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn weights_are_those_of_the_formula() {
        let halves = roots_of_one_half();
        for k in [1_u32, 2, 3, 7, 10, 1000, 65_536, 99_999, 10_000_000] {
            let expect = f64::from(k).powf(-1.1);
            let found = weight(k, &halves) as f64 / (1_u64 << WEIGHT_BITS) as f64;
            assert!((found - expect).abs() <= 1e-9 * expect + 2e-12, "{k}: {found} {expect}");
        }
    }

    proptest! {
        #[test]
        fn every_slot_belongs_to_the_rank_that_it_lies_in(
            count in 1_u32..3000, slots in 1_u32..1_000_000, cap in 1_u32..200_000, picks in prop::collection::vec(any::<u32>(), 20)
        ) {
            let zipf = Zipf::new(&Weights::new(count), count, slots, cap);
            prop_assert_eq!(zipf.slots(), slots);
            let cap = cap.max(slots.div_ceil(count));
            for rank in 0..count {
                prop_assert!(zipf.slots_of(rank).len() <= cap as usize, "rank {} has {:?}", rank, zipf.slots_of(rank));
            }
            for slot in picks.into_iter().map(|p| p % slots).chain([0, slots - 1]) {
                prop_assert!(zipf.slots_of(zipf.rank(slot)).contains(&slot));
            }
        }
    }
}
