//! Random orders of slots.

/// The numbers 0 to `count` in a random order that depends on the seed alone.
///
/// Fisher and Yates' shuffle: every order is as likely, and so is every Hamiltonian cycle that it is read as.
pub(crate) fn shuffled(count: u32, seed: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count).collect();
    let mut random = SplitMix(seed);
    for last in (1..count).rev() {
        order.swap(last as usize, random.below(last + 1) as usize);
    }
    order
}

/// `SplitMix64`: Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, from the upper bits of a product; the bias is below 2⁻³².
    fn below(&mut self, bound: u32) -> u32 {
        let number = (u128::from(self.next()) * u128::from(bound)) >> 64;
        u32::try_from(number).expect("it is below a u32")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_slot_comes_once(count in 0_u32..5000, seed: u64) {
            let order = shuffled(count, seed);
            let mut seen = order.clone();
            seen.sort_unstable();
            prop_assert!(seen.iter().copied().eq(0..count));
            prop_assert_eq!(&order, &shuffled(count, seed));
        }

        #[test]
        fn a_part_of_it_is_a_permutation_too(count in 1_u32..5000, less in 1_u32..5000, seed: u64) {
            let less = less.min(count);
            let mut order = shuffled(count, seed);
            order.retain(|&slot| slot < less);
            prop_assert_eq!(order.len(), less as usize);
        }
    }

    #[test]
    fn neighbours_are_rarely_neighbours() {
        let order = shuffled(10_000, 1);
        let close = order.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) <= 8).count();
        assert!(close < 40, "{close} of 9999 steps go to a line within eight; 16 are expected");
    }
}
