//! A set of row numbers, one bit each.
#![expect(clippy::cast_possible_truncation, reason = "a set of so many bits fits the memory")]

/// Some of the numbers `0..len`.
#[derive(Clone, Debug)]
pub(crate) struct Bits {
    words: Vec<u64>,
    len: u64,
}

impl Bits {
    /// None of them.
    pub(crate) fn new(len: u64) -> Self {
        Self { words: vec![0; len.div_ceil(64) as usize], len }
    }

    /// Adds one, and says whether it was new; none where it is not below the length.
    pub(crate) fn insert(&mut self, number: i64) -> Option<bool> {
        let number = u64::try_from(number).ok().filter(|&n| n < self.len)?;
        let (word, bit) = (&mut self.words[(number / 64) as usize], 1 << (number % 64));
        let new = *word & bit == 0;
        *word |= bit;
        Some(new)
    }

    /// Whether a number below the length is in it.
    pub(crate) fn contains(&self, number: u64) -> bool {
        self.words[(number / 64) as usize] >> (number % 64) & 1 == 1
    }

    /// How many are in it.
    pub(crate) fn count(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// The first that is not.
    pub(crate) fn first_missing(&self) -> Option<u64> {
        let word = self.words.iter().position(|&w| w != u64::MAX)?;
        let number = word as u64 * 64 + u64::from(self.words[word].trailing_ones());
        (number < self.len).then_some(number)
    }
}
