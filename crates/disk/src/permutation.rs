//! Random orders without repeats, and the generator of random numbers behind them.

/// `SplitMix64`: one add and one mix for each number; its state is a counter, so any stream starts anywhere.
/// Source of the constants: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// The next 64 bits.
    #[inline]
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number below `end`, which is not 0. Multiply-shift: the bias is under `end` / 2^64.
    #[inline]
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        scale(self.next(), end)
    }
}

/// The high half of a product: maps 64 random bits to `0..end`.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "the high half of a product of 64-bit numbers")]
fn scale(bits: u64, end: u64) -> u64 {
    ((u128::from(bits) * u128::from(end)) >> 64) as u64
}

/// Mixes 64 bits so that each output bit depends on each input bit.
#[inline]
pub(crate) fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

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
        let mut random = Random::new(seed);
        let bits = (u64::BITS - (len - 1).leading_zeros()).max(1);
        Permutation {
            len,
            mask: u64::MAX >> (u64::BITS - bits),
            shift: bits.div_ceil(2),
            keys: [random.next(), random.next(), random.next()],
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
            prop_assert!(Random::new(seed).below(end) < end);
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
