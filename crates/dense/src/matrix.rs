//! Matrices that can be generated again from their seed, element by element.

use measure::random::{STEP, mix};

/// An element in [−0.5, 0.5), uniform, the same whenever it is asked for: random matrices as HPL's, not constant and
/// not symmetric, because power and clock depend on the data.
///
/// The state of `SplitMix64` is a counter, so that it can be entered anywhere.
#[must_use]
#[inline]
pub fn uniform(seed: u64, row: usize, column: usize) -> f64 {
    // Rows count by one and columns by 2³²: an order above 2³² does not fit any memory.
    let counter = ((column as u64) << 32).wrapping_add(row as u64);
    let mut z = mix(seed).wrapping_add(counter.wrapping_mul(STEP));
    z = mix(z);
    // 53 random bits are a number in [0, 1).
    (z >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0) - 0.5
}

/// Writes the elements of a column from its first row on.
pub fn fill_column(seed: u64, column: usize, elements: &mut [f64]) {
    for (row, element) in elements.iter_mut().enumerate() {
        *element = uniform(seed, row, column);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_uniform_and_differ_by_place_and_seed() {
        let mut sum = 0.0;
        let mut squares = 0.0;
        let mut seen = std::collections::HashSet::new();
        for row in 0..300 {
            for column in 0..300 {
                let value = uniform(1, row, column);
                assert!((-0.5..0.5).contains(&value));
                sum += value;
                squares += value * value;
                assert!(seen.insert(value.to_bits()), "twice at ({row}, {column})");
            }
        }
        let n = 90_000.0;
        // mean 0 ± 4 · (1/√12)/√n, variance 1/12 ± 2 %
        assert!((sum / n).abs() < 4.0 * 0.289 / 300.0, "{}", sum / n);
        assert!((squares / n * 12.0 - 1.0).abs() < 0.02, "{}", squares / n);
        assert_ne!(uniform(1, 0, 0).to_bits(), uniform(2, 0, 0).to_bits());
    }
}
