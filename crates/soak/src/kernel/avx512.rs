//! 512-bit kernels: a line is one register.
#![allow(unsafe_code)] // Vector loads and stores take pointers.

use std::arch::x86_64::{
    __m512i, _MM_HINT_T0, _mm_prefetch, _mm_sfence, _mm512_add_epi64, _mm512_and_si512, _mm512_loadu_si512,
    _mm512_or_si512, _mm512_reduce_or_epi64, _mm512_set1_epi64, _mm512_setr_epi64, _mm512_setzero_si512,
    _mm512_stream_si512, _mm512_xor_si512,
};

use super::AHEAD;
use crate::pattern::{Line, Word};

/// The words of a block line by line.
struct Expected {
    address: __m512i,
    mask: __m512i,
    key: __m512i,
    step: __m512i,
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(line: &Line) -> __m512i {
    // SAFETY: the 64 bytes of a line are readable; the instruction asks for no alignment.
    unsafe { _mm512_loadu_si512(line.as_ptr().cast()) }
}

impl Expected {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn from(address: u64, word: &Word) -> Expected {
        let first = _mm512_set1_epi64(address.cast_signed());
        Expected {
            address: _mm512_add_epi64(first, _mm512_setr_epi64(0, 8, 16, 24, 32, 40, 48, 56)),
            mask: _mm512_set1_epi64(word.mask.cast_signed()),
            key: load(&word.key),
            step: _mm512_set1_epi64(64),
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn next(&mut self) -> __m512i {
        let line = _mm512_xor_si512(_mm512_and_si512(self.address, self.mask), self.key);
        self.address = _mm512_add_epi64(self.address, self.step);
        line
    }
}

/// # Safety
///
/// The CPU must have AVX-512, and the lines must lie on cache lines.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn fill(lines: &mut [Line], address: u64, word: &Word) {
    let mut expected = Expected::from(address, word);
    for line in lines {
        let words = expected.next();
        // SAFETY: the 64 bytes of a line are writable and, by the caller's promise, on a boundary of 64.
        unsafe { _mm512_stream_si512(line.as_mut_ptr().cast(), words) };
    }
    _mm_sfence();
}

/// # Safety
///
/// The CPU must have AVX-512.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn check(lines: &[Line], address: u64, word: &Word) -> u64 {
    let mut expected = Expected::from(address, word);
    let mut differing = _mm512_setzero_si512();
    for line in lines {
        // A hint: it never faults, whatever the address.
        _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().wrapping_byte_add(AHEAD).cast());
        differing = _mm512_or_si512(differing, _mm512_xor_si512(load(line), expected.next()));
    }
    _mm512_reduce_or_epi64(differing).cast_unsigned()
}
