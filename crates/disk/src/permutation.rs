//! Random orders without repeats.

use measure::random::SplitMix64;

/// A random order of `0..len` that needs no memory: the `i`-th element is computed.
///
/// Add, xor-shift and multiplication by an odd number are each a bijection on k bits, so is their chain; numbers that
/// fall at or above `len` are sent through again until one falls below (cycle walking), which keeps the bijection.
#[derive(Clone, Debug)]
pub(crate) struct Permutation {
    len: u64,
    mask: u64,
    shift: u32,
    keys: [u64; 3],
}

impl Permutation {
    /// The order of `0..len` that belongs to a seed. `len` is not 0.
    pub(crate) fn new(len: u64, seed: u64) -> Self {
        let mut random = SplitMix64::new(seed);
        let bits = (u64::BITS - (len - 1).leading_zeros()).max(1);
        Permutation {
            len,
            mask: u64::MAX >> (u64::BITS - bits),
            shift: bits.div_ceil(2),
            keys: [random.next_u64(), random.next_u64(), random.next_u64()],
        }
    }

    /// How many numbers are ordered.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The `index`-th number of the order; `index` is below the length.
    #[inline]
    pub(crate) fn at(&self, index: u64) -> u64 {
        let mut number = index;
        loop {
            number = self.round(number);
            if number < self.len {
                return number;
            }
        }
    }

    #[inline]
    fn round(&self, number: u64) -> u64 {
        let mut x = number.wrapping_add(self.keys[0]) & self.mask;
        x ^= x >> self.shift;
        x = x.wrapping_mul(self.keys[1] | 1) & self.mask;
        x ^= x >> self.shift;
        x = x.wrapping_mul(self.keys[2] | 1).wrapping_add(self.keys[0] >> 7) & self.mask;
        x ^ (x >> self.shift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_number_comes_once(len in 1_u64..3000, seed: u64) {
            let order = Permutation::new(len, seed);
            let mut seen = vec![false; usize::try_from(len).unwrap()];
            for index in 0..len {
                let at = usize::try_from(order.at(index)).unwrap();
                prop_assert!(!std::mem::replace(&mut seen[at], true), "{} twice", at);
            }
        }

        #[test]
        fn a_number_below(end in 1_u64.., seed: u64) {
            prop_assert!(SplitMix64::new(seed).below(end) < end);
        }
    }

    /// Neighbours in the order are no neighbours on the device: mean distance of a third, few forward steps of one.
    #[test]
    fn the_order_looks_random() {
        let len = 100_000_u64;
        for seed in 0..8 {
            let order = Permutation::new(len, seed);
            let numbers: Vec<u64> = (0..len).map(|index| order.at(index)).collect();
            let distance: u64 = numbers.windows(2).map(|pair| pair[0].abs_diff(pair[1])).sum();
            let mean = distance as f64 / (len - 1) as f64 / len as f64;
            assert!((0.30..0.37).contains(&mean), "seed {seed}: mean distance {mean}");
            let steps = numbers.windows(2).filter(|pair| pair[0] + 1 == pair[1]).count();
            assert!(steps < 200, "seed {seed}: {steps} sequential steps");
        }
    }
}
