//! Numbers that depend on nothing but (seed, column, row).

use twox_hash::XxHash64;

/// An odd number near 2⁶⁴/φ: consecutive rows land far apart.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Spreads each bit over all: the finaliser of `SplitMix64` (Steele, Lea and Flood 2014). A bijection.
pub(super) const fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

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
        mix(self.key.wrapping_add(row.wrapping_mul(GOLDEN)))
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
