//! `SplitMix64`, the one generator of random numbers of the suite: test data, patterns of access, orders of slots, simulations.
//!
//! Its state is a counter and its numbers are a function of it, so that any number of a stream can be made without those before
//! it. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. The crates that offer it
//! (`rand_xoshiro`) give the stream and not the function.

/// What the counter grows by: 2⁶⁴ divided by the golden ratio.
pub const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Mixes 64 bits so that each bit of the result depends on each that is given. A bijection.
#[must_use]
#[inline]
pub const fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The stream of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> SplitMix64 {
        SplitMix64(seed)
    }

    /// The next 64 bits.
    #[inline]
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number below `end`, which is not 0. The high half of a product: the bias is under `end` / 2⁶⁴.
    #[inline]
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(end)) >> 64) as u64
    }

    /// The index of one of `count` things, of which there is at least one.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "it is below a usize")]
    pub fn index(&mut self, count: usize) -> usize {
        self.below(count as u64) as usize
    }

    /// A number above 0 and below 1.
    pub fn uniform(&mut self) -> f64 {
        ((self.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// A standard normal number, by Box and Muller (1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_published_generator() {
        // The first numbers of the seed 1234567, as the authors' own code gives them (Vigna's splitmix64.c).
        let mut random = SplitMix64::new(1_234_567);
        let first = [(); 3].map(|()| random.next_u64());
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
        assert_eq!(first[2], mix(1_234_567_u64.wrapping_add(STEP.wrapping_mul(3))), "entered in the middle");
    }

    #[test]
    fn numbers_keep_their_bounds() {
        let mut random = SplitMix64::new(7);
        for end in 1..1000 {
            assert!(random.below(end) < end);
        }
        let mean = (0..10_000).map(|_| random.normal()).sum::<f64>() / 10_000.0;
        assert!(mean.abs() < 0.05, "{mean}");
        assert!((0..10_000).map(|_| random.uniform()).all(|one| one > 0.0 && one < 1.0));
    }
}
