//! Numbers that depend on nothing but (seed, column, row).

use measure::random::STEP;
pub(super) use measure::random::mix;
use twox_hash::XxHash64;

/// The random numbers of one column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream {
    key: u64,
}

impl Stream {
    /// That of the column, or the part of a column, `name`.
    pub(super) fn new(seed: u64, name: &str) -> Self {
        Self { key: mix(mix(seed) ^ XxHash64::oneshot(0, name.as_bytes())) }
    }

    /// 64 random bits for a row.
    pub(super) const fn at(self, row: u64) -> u64 {
        mix(self.key.wrapping_add(row.wrapping_mul(STEP)))
    }
}

/// A number in `0..n` from the upper half of random bits.
pub(super) const fn below(bits: u64, n: u32) -> u32 {
    (((bits >> 32) * n as u64) >> 32) as u32
}

/// Whether an event of that share happens, from the upper half of random bits.
pub(super) const fn percent(bits: u64, share: u64) -> bool {
    (bits >> 32) * 100 < share << 32
}
