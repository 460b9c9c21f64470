//! What is written, so that every word tells where it belongs.
//!
//! A word is its address, as far as the mask lets it through, turned over bit by bit with a key. The address finds words that
//! were stored elsewhere; keys of zeros, ones and alternating bits drive neighbouring lines against each other; random keys
//! look like data.

use measure::random::{STEP, mix};

/// Words of a line.
pub(crate) const WORDS: usize = 8;
/// Lines of a block, which has a key of its own.
pub(crate) const BLOCK: usize = 64;

/// Bytes of a block.
const BLOCK_BYTES: u64 = (BLOCK * size_of::<Line>()) as u64;

/// A cache line.
pub type Line = [u64; WORDS];

/// What the words of a block are made of: `(address & mask) ^ key`, with a key for each word of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// The bits of the address that count.
    pub mask: u64,
    /// What they are turned over with.
    pub key: Line,
}

impl Word {
    /// The line at an address.
    #[must_use]
    pub fn line(&self, address: u64) -> Line {
        std::array::from_fn(|word| ((address + 8 * word as u64) & self.mask) ^ self.key[word])
    }
}

/// A kind of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// The address.
    Address,
    /// Alternating bits, without the address.
    Checker,
    /// One bit of 64, another one in each word of a line and in each of eight blocks.
    Walking,
    /// The address with random bits, others in every block; the number tells which.
    Random(u64),
}

impl Pattern {
    /// One after the other: a round of memory has these.
    #[must_use]
    pub fn of_round(round: u64) -> [Pattern; 2] {
        let fixed = [Pattern::Address, Pattern::Checker, Pattern::Walking];
        let index = usize::try_from(round % fixed.len() as u64).unwrap_or(0);
        [fixed[index], Pattern::Random(round)]
    }

    /// What the words of the block at this address are made of; `inverted` turns every bit over.
    #[must_use]
    pub fn word(self, address: u64, inverted: bool) -> Word {
        let mut word = match self {
            Pattern::Address => Word { mask: u64::MAX, key: [0; WORDS] },
            Pattern::Checker => Word { mask: 0, key: [0x5555_5555_5555_5555; WORDS] },
            Pattern::Walking => {
                let turn = u32::try_from(address / BLOCK_BYTES % 8).unwrap_or(0);
                let bit = |word: u32| 1_u64.rotate_left(8 * turn + word);
                Word { mask: 0, key: [0, 1, 2, 3, 4, 5, 6, 7].map(bit) }
            }
            Pattern::Random(number) => {
                let seed = mix(number).wrapping_add(address.wrapping_mul(STEP));
                Word { mask: u64::MAX, key: std::array::from_fn(|word| mix(seed.wrapping_add(word as u64))) }
            }
        };
        if inverted {
            word.key = word.key.map(|key| !key);
        }
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_walks_through_all_64_places_in_eight_blocks() {
        let lines = (8..16).map(|block| Pattern::Walking.word(BLOCK_BYTES * block, false).line(BLOCK_BYTES * block));
        let words: Vec<u64> = lines.flatten().collect();
        assert!(words.iter().all(|word| word.is_power_of_two()));
        assert_eq!(words.iter().fold(0, |all, word| all | word), u64::MAX);
    }
}
