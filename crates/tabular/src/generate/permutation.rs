//! A random order of `0..n` that can be asked forwards and backwards without a table.

use super::counter::{Stream, below, mix};

/// Rounds; more than the four that make an ideal round function indistinguishable from random.
const ROUNDS: usize = 6;

/// A Feistel network over a grid of about √n × √n cells ("generalised", Black and Rogaway 2002). The few cells beyond n
/// are walked over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Permutation {
    n: u32,
    height: u32,
    width: u32,
    keys: [u64; ROUNDS],
}

impl Permutation {
    /// One of `0..n`, n ≥ 1.
    pub(super) fn new(n: u32, stream: Stream) -> Self {
        let width = n.isqrt().max(1);
        let mut round = 0;
        let keys = [(); ROUNDS].map(|()| {
            round += 1;
            stream.at(round)
        });
        Self { n, height: n.div_ceil(width), width, keys }
    }

    /// Where `x` goes.
    pub(super) fn forward(&self, x: u32) -> u32 {
        let (mut row, mut column) = (x / self.width, x % self.width);
        loop {
            for (round, key) in self.keys.iter().enumerate() {
                if round % 2 == 0 {
                    row = add(row, below(mix(key ^ u64::from(column)), self.height), self.height);
                } else {
                    column = add(column, below(mix(key ^ u64::from(row)), self.width), self.width);
                }
            }
            if let Some(x) = self.number(row, column) {
                return x;
            }
        }
    }

    /// What goes to `x`.
    pub(super) fn backward(&self, x: u32) -> u32 {
        let (mut row, mut column) = (x / self.width, x % self.width);
        loop {
            for (round, key) in self.keys.iter().enumerate().rev() {
                if round % 2 == 0 {
                    row = subtract(row, below(mix(key ^ u64::from(column)), self.height), self.height);
                } else {
                    column = subtract(column, below(mix(key ^ u64::from(row)), self.width), self.width);
                }
            }
            if let Some(x) = self.number(row, column) {
                return x;
            }
        }
    }

    /// The number of a cell, where it is below n.
    fn number(&self, row: u32, column: u32) -> Option<u32> {
        row.checked_mul(self.width)?.checked_add(column).filter(|&x| x < self.n)
    }
}

/// a + b modulo m, for a and b below m ≤ 2¹⁷.
const fn add(a: u32, b: u32, m: u32) -> u32 {
    let sum = a + b;
    if sum < m { sum } else { sum - m }
}

/// a − b modulo m, for a and b below m ≤ 2¹⁷.
const fn subtract(a: u32, b: u32, m: u32) -> u32 {
    if a < b { a + m - b } else { a - b }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_permutation_meets_each_number_once() {
        for n in [1_u32, 2, 3, 5, 16, 17, 1000, 65_537] {
            let permutation = Permutation::new(n, Stream::new(7, "test"));
            let mut met: Vec<u32> = (0..n).map(|x| permutation.forward(x)).collect();
            met.sort_unstable();
            assert!(met.iter().copied().eq(0..n), "{n}");
        }
    }

    proptest! {
        #[test]
        fn backward_undoes_forward(n in 1_u32.., seed: u64, x: u32) {
            let permutation = Permutation::new(n, Stream::new(seed, "test"));
            let x = x % n;
            prop_assert_eq!(permutation.backward(permutation.forward(x)), x);
        }
    }
}
