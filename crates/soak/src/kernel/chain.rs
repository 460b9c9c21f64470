//! Chains of multiplications and additions in which every step depends on the one before, and in which a single wrong bit grows
//! until all bits differ: the logistic map x ← r·x − r·x·x, with every rounding defined.
#![allow(unsafe_code)] // A function may be called only where the CPU has its instructions: checked here.

use measure::random::mix;

/// Chains side by side: twelve vectors of eight, enough to keep two pipes busy.
pub(crate) const ELEMENTS: usize = 96;
/// Near its end the map is chaotic, and stays between 0 and 1.
const R: f64 = 3.99;

/// Operations of so many steps of all chains.
pub(crate) fn flops(steps: u64) -> f64 {
    3.0 * ELEMENTS as f64 * steps as f64
}

/// All chains after so many steps from seeded starts.
pub(crate) fn run(seed: u64, steps: u64) -> [f64; ELEMENTS] {
    let start = |index: usize| 0.1 + 0.8 * (mix(seed.wrapping_add(index as u64)) >> 11) as f64 / (1_u64 << 53) as f64;
    let mut chains: [f64; ELEMENTS] = std::array::from_fn(start);
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the CPU has AVX-512, as was just asked.
        unsafe { avx512(&mut chains, steps) };
    } else {
        plain(&mut chains, steps);
    }
    chains
}

/// The step of one chain: two multiplications and an addition, each rounded once but for the last product.
#[inline]
fn step(x: f64) -> f64 {
    let product = R * x;
    (-product).mul_add(x, product)
}

#[inline]
fn plain(chains: &mut [f64; ELEMENTS], steps: u64) {
    let mut all = *chains;
    for _ in 0..steps {
        for x in &mut all {
            *x = step(*x);
        }
    }
    *chains = all;
}

#[target_feature(enable = "avx512f")]
fn avx512(chains: &mut [f64; ELEMENTS], steps: u64) {
    plain(chains, steps);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_instruction_sets_compute_the_same_bits() {
        let mut chains = run(1, 0);
        plain(&mut chains, 1000);
        assert_eq!(chains.map(f64::to_bits), run(1, 1000).map(f64::to_bits));
        assert!(chains.iter().all(|x| (0.0..1.0).contains(x)));
        assert_ne!(run(1, 1000).map(f64::to_bits), run(2, 1000).map(f64::to_bits));
    }

    #[test]
    fn a_wrong_bit_grows() {
        let mut right = run(1, 10);
        let mut wrong = right;
        wrong[5] = f64::from_bits(wrong[5].to_bits() ^ 1);
        plain(&mut right, 200);
        plain(&mut wrong, 200);
        assert!((right[5] - wrong[5]).abs() > 1e-6, "{} {}", right[5], wrong[5]);
        assert_eq!(right[4].to_bits(), wrong[4].to_bits());
    }
}
