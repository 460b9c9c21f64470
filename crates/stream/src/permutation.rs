//! Random orders of slots.

use measure::random::SplitMix64;

/// The numbers 0 to `count` in a random order that depends on the seed alone.
///
/// Fisher and Yates' shuffle: every order is as likely, and so is every Hamiltonian cycle that it is read as.
pub(crate) fn shuffled(count: u32, seed: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count).collect();
    let mut random = SplitMix64::new(seed);
    for last in (1..order.len()).rev() {
        order.swap(last, random.index(last + 1));
    }
    order
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
