//! Where some bytes are in a text: a bit for each byte of it, thirty-two at a time.
#![allow(unsafe_code)]

use std::arch::x86_64::{__m256i, _mm256_cmpeq_epi8, _mm256_movemask_epi8, _mm256_set1_epi8};

/// The floor of the instruction set (.cargo/config.toml); a program of it looks for it when it starts.
const _: () = assert!(cfg!(target_feature = "avx2"), "compiled for less than x86-64-v3");

/// Bytes that are compared at once.
const WIDTH: usize = size_of::<__m256i>();
/// The longest text that has a bit for each byte.
const MOST: usize = u128::BITS as usize;

/// Where each of some bytes is; none of a text that is shorter than a register or longer than the bits.
#[inline]
pub(super) fn places<const N: usize>(text: &[u8], sought: [u8; N]) -> Option<[u128; N]> {
    if text.len() > MOST {
        return None;
    }
    let last = text.len().checked_sub(WIDTH)?;
    let mut places = [0; N];
    // The last register overlaps the one before, and finds the same there.
    for at in (0..last).step_by(WIDTH).chain([last]) {
        let bytes = text[at..].first_chunk()?;
        // SAFETY: this is compiled for processors with AVX2.
        let found = unsafe { among(bytes, sought) };
        for (places, found) in places.iter_mut().zip(found) {
            *places |= u128::from(found) << at;
        }
    }
    Some(places)
}

/// Where each of some bytes is in a register.
#[target_feature(enable = "avx2")]
#[inline]
fn among<const N: usize>(bytes: &[u8; WIDTH], sought: [u8; N]) -> [u32; N] {
    // SAFETY: both are thirty-two bytes, of which any are of either type.
    let bytes: __m256i = unsafe { std::mem::transmute(*bytes) };
    sought.map(|byte| {
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(byte.cast_signed()))).cast_unsigned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bit_is_there_for_each_byte_that_is_sought(text in prop::collection::vec(0_u8..4, 0..140)) {
            let expect = [1, 3].map(|sought| {
                text.iter().take(MOST).enumerate().fold(0_u128, |bits, (at, &byte)| bits | u128::from(byte == sought) << at)
            });
            let found = places(&text, [1, 3]);
            prop_assert_eq!(found, (32..=128).contains(&text.len()).then_some(expect));
        }
    }
}
