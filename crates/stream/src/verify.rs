//! What the arrays must hold after the timed work, in closed form, for every element.
//!
//! The kernels write `c = q` (write), `c = a` (copy), `b = q·c` (scale), `c = a + b` (add) and `a = b + q·c` (triad).
//! All are linear, so that at any time every element of an array is `factor·a₀ + constant`, where a₀ is what `a` held
//! at first. In rounds of STREAM's four, a pass that was left out, or went to the wrong place, changes what all later
//! ones compute: after n rounds a is λⁿ·a₀, with λ = 2q + q².
//!
//! Each element of a₀ has a value of its own, so that an exchange of elements shows too.

use crate::kernel::Kernel;

/// The factor of scale and triad. λ = 0.96: values neither grow out of range nor vanish within thousands of rounds.
pub const Q: f64 = 0.4;

/// What element `index` of `a` holds before the first pass: 1 to 2, by a multiplicative hash (Knuth, TAOCP 3, 6.4).
#[must_use]
#[inline]
pub fn initial(index: usize) -> f64 {
    1.0 + f64::from(hash(index)) / f64::from(1_u32 << 20)
}

/// 20 bits; they repeat after 2³² elements.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the lower half decides")]
fn hash(index: usize) -> u32 {
    (index as u32).wrapping_mul(0x9E37_79B1) >> 12
}

/// The exact sum of [`initial`] over a range.
#[must_use]
pub fn initial_sum(range: std::ops::Range<usize>) -> f64 {
    let hashes: u64 = range.clone().map(|index| u64::from(hash(index))).sum();
    range.len() as f64 + hashes as f64 / f64::from(1_u32 << 20)
}

/// What an array holds: `factor·a₀ + constant`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Content {
    /// The share of a₀.
    pub factor: f64,
    /// The same in each element.
    pub constant: f64,
}

impl Content {
    /// The content of an array into which nothing was written yet.
    pub const ZERO: Content = Content { factor: 0.0, constant: 0.0 };
    /// The content of `a` before the first pass.
    pub const INITIAL: Content = Content { factor: 1.0, constant: 0.0 };

    /// `self + q·other`.
    fn plus(self, q: f64, other: Content) -> Content {
        Content { factor: self.factor + q * other.factor, constant: self.constant + q * other.constant }
    }

    /// Element `index`.
    #[must_use]
    #[inline]
    pub fn element(self, index: usize) -> f64 {
        self.factor * initial(index) + self.constant
    }
}

/// What `a`, `b` and `c` must hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// The three arrays.
    pub arrays: [Content; 3],
    /// How many passes changed them: each rounds.
    passes: u32,
}

impl Expected {
    /// Before the first pass: `a` is a₀, the others are zero.
    #[must_use]
    pub fn new() -> Expected {
        Expected { arrays: [Content::INITIAL, Content::ZERO, Content::ZERO], passes: 0 }
    }

    /// After one more pass of a kernel with `q` (for write, what it writes).
    #[must_use]
    pub fn after(self, kernel: Kernel, q: f64) -> Expected {
        let [a, b, c] = self.arrays;
        let arrays = match kernel {
            Kernel::Read => return self,
            Kernel::Write => [a, b, Content { factor: 0.0, constant: q }],
            Kernel::Copy => [a, b, a],
            Kernel::Scale => [a, Content::ZERO.plus(q, c), c],
            Kernel::Add => [a, b, a.plus(1.0, b)],
            Kernel::Triad => [b.plus(q, c), b, c],
        };
        Expected { arrays, passes: self.passes + 1 }
    }

    /// How far a value may be from the expected one, as a share of it: each pass makes at most two roundings in the
    /// elements, and as many here.
    #[must_use]
    pub fn tolerance(&self) -> f64 {
        4.0 * f64::from(self.passes + 2) * f64::EPSILON
    }

    /// Whether the sum of `count` elements of `a` is right, if `initial_sum` is that of a₀. Of 10⁸ elements, one too many
    /// or too few shows.
    #[must_use]
    pub fn sum_is_right(&self, sum: f64, initial_sum: f64, count: usize) -> bool {
        let Content { factor, constant } = self.arrays[0];
        let expected = factor * initial_sum + constant * count as f64;
        // Half of one element, but no less than what adding up rounds.
        let tolerance = (0.25 / count.max(1) as f64).clamp(1e-12, 1e-10) + self.tolerance();
        (sum - expected).abs() <= tolerance * expected.abs()
    }
}

impl Default for Expected {
    fn default() -> Self {
        Expected::new()
    }
}

/// The index of the first element of a chunk that is not as expected; the chunk begins at element `start`.
#[must_use]
pub fn first_wrong(chunk: &[f64], start: usize, content: Content, tolerance: f64) -> Option<usize> {
    const BLOCK: usize = 512;
    // A NaN is not near anything.
    let right = |index: usize, value: f64| {
        let expected = content.element(index);
        (value - expected).abs() <= tolerance * expected.abs()
    };
    for (at, block) in chunk.chunks(BLOCK).enumerate() {
        let start = start + at * BLOCK;
        // Without a branch for each element, so that the check keeps pace with the memory.
        if !block.iter().enumerate().fold(true, |all, (i, &value)| all & right(start + i, value)) {
            return block.iter().enumerate().position(|(i, &value)| !right(start + i, value)).map(|i| start + i);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROUND: [Kernel; 4] = [Kernel::Copy, Kernel::Scale, Kernel::Add, Kernel::Triad];

    fn after_rounds(n: u32) -> Expected {
        (0..n).flat_map(|_| ROUND).fold(Expected::new(), |expected, kernel| expected.after(kernel, Q))
    }

    /// Plain rounds over small arrays.
    fn rounds(n: u32, len: usize) -> [Vec<f64>; 3] {
        let mut a: Vec<f64> = (0..len).map(initial).collect();
        let (mut b, mut c) = (vec![0.0; len], vec![0.0; len]);
        for _ in 0..n {
            for i in 0..len {
                c[i] = a[i];
                b[i] = Q * c[i];
                c[i] = a[i] + b[i];
                a[i] = b[i] + Q * c[i];
            }
        }
        [a, b, c]
    }

    #[test]
    fn what_is_expected_is_what_plain_loops_compute() {
        let check = |n: u32| {
            let expected = after_rounds(n);
            let lambda = (2.0 * Q + Q * Q).powi(n.cast_signed());
            assert!((expected.arrays[0].factor / lambda - 1.0).abs() < expected.tolerance(), "λⁿ after {n} rounds");
            for (array, content) in rounds(n, 1500).iter().zip(expected.arrays) {
                assert_eq!(first_wrong(array, 0, content, expected.tolerance()), None, "{n} rounds");
            }
            let sum = rounds(n, 1500)[0].iter().sum();
            assert!(expected.sum_is_right(sum, initial_sum(0..1500), 1500), "{n} rounds");
        };
        for n in [1, 2, 7, 100, 2000] {
            check(n);
        }
    }

    #[test]
    fn a_pass_too_few_shows() {
        let expected = after_rounds(9);
        let arrays = rounds(9, 64);
        for missing in ROUND {
            let more = ROUND.into_iter().filter(|&kernel| kernel != missing);
            let wrong = more.fold(expected, |expected, kernel| expected.after(kernel, Q));
            let right = ROUND.into_iter().fold(expected, |expected, kernel| expected.after(kernel, Q));
            let differs = |a: Content, b: Content| (a.factor - b.factor).abs() > 1e-3 * b.factor.abs();
            assert!((0..3).any(|k| differs(wrong.arrays[k], right.arrays[k])), "{missing:?}");
        }
        let after = expected.after(Kernel::Write, 7.0);
        assert_eq!(first_wrong(&[7.0; 600], 3, after.arrays[2], after.tolerance()), None);
        assert_eq!(first_wrong(&arrays[2], 0, after.arrays[2], after.tolerance()), Some(0));
    }

    proptest! {
        #[test]
        fn any_wrong_element_is_found(len in 1_usize..3000, at in 0_usize..3000, start in 0_usize..1 << 33, bad in 0_usize..4) {
            let at = at % len;
            let tolerance = Expected::new().tolerance();
            let mut chunk: Vec<f64> = (start..start + len).map(initial).collect();
            prop_assert_eq!(first_wrong(&chunk, start, Content::INITIAL, tolerance), None);
            chunk[at] = [f64::NAN, 0.0, -chunk[at], chunk[at] * (1.0 + 1e-12)][bad];
            prop_assert_eq!(first_wrong(&chunk, start, Content::INITIAL, tolerance), Some(start + at));
        }

        #[test]
        fn a_missing_element_changes_the_sum(start in 0_usize..1 << 33, len in 2_usize..100_000, at in 0_usize..100_000) {
            let sum: f64 = (start..start + len).map(initial).sum();
            let expected = Expected::new();
            prop_assert!(expected.sum_is_right(sum, initial_sum(start..start + len), len));
            prop_assert!(!expected.sum_is_right(sum - initial(start + at % len), initial_sum(start..start + len), len));
        }
    }
}
