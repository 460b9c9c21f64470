//! 256-bit kernels: a line is two registers.
#![allow(unsafe_code)] // Vector loads and stores take pointers.

use std::arch::x86_64::{
    __m256i, _MM_HINT_T0, _mm_prefetch, _mm_sfence, _mm256_add_epi64, _mm256_and_si256, _mm256_loadu_si256,
    _mm256_or_si256, _mm256_set1_epi64x, _mm256_setr_epi64x, _mm256_setzero_si256, _mm256_storeu_si256,
    _mm256_stream_si256, _mm256_xor_si256,
};

use super::AHEAD;
use crate::pattern::{Line, Word};

/// Half a line.
type Half = [u64; 4];

/// The words of a block line by line.
struct Expected {
    address: [__m256i; 2],
    mask: __m256i,
    key: [__m256i; 2],
    step: __m256i,
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(half: &Half) -> __m256i {
    // SAFETY: the 32 bytes of half a line are readable; the instruction asks for no alignment.
    unsafe { _mm256_loadu_si256(half.as_ptr().cast()) }
}

#[inline]
fn halves(line: &Line) -> &[Half; 2] {
    line.as_chunks().0.as_array().expect("a line has two halves")
}

#[inline]
fn halves_mut(line: &mut Line) -> &mut [Half; 2] {
    line.as_chunks_mut().0.as_mut_array().expect("a line has two halves")
}

impl Expected {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn from(address: u64, word: &Word) -> Expected {
        let first = _mm256_set1_epi64x(address.cast_signed());
        let [low, high] = halves(&word.key);
        Expected {
            address: [
                _mm256_add_epi64(first, _mm256_setr_epi64x(0, 8, 16, 24)),
                _mm256_add_epi64(first, _mm256_setr_epi64x(32, 40, 48, 56)),
            ],
            mask: _mm256_set1_epi64x(word.mask.cast_signed()),
            key: [load(low), load(high)],
            step: _mm256_set1_epi64x(64),
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn next(&mut self) -> [__m256i; 2] {
        let [low, high] = self.address;
        self.address = [_mm256_add_epi64(low, self.step), _mm256_add_epi64(high, self.step)];
        [
            _mm256_xor_si256(_mm256_and_si256(low, self.mask), self.key[0]),
            _mm256_xor_si256(_mm256_and_si256(high, self.mask), self.key[1]),
        ]
    }
}

/// # Safety
///
/// The CPU must have AVX2, and the lines must lie on cache lines.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn fill(lines: &mut [Line], address: u64, word: &Word) {
    let mut expected = Expected::from(address, word);
    for line in lines {
        let words = expected.next();
        let [low, high] = halves_mut(line);
        // SAFETY: the 32 bytes are writable and, by the caller's promise, the line's first ones on a boundary of 64.
        unsafe { _mm256_stream_si256(low.as_mut_ptr().cast(), words[0]) };
        // SAFETY: the same of the other half, on a boundary of 32.
        unsafe { _mm256_stream_si256(high.as_mut_ptr().cast(), words[1]) };
    }
    _mm_sfence();
}

/// # Safety
///
/// The CPU must have AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn check(lines: &[Line], address: u64, word: &Word) -> u64 {
    let mut expected = Expected::from(address, word);
    let mut differing = [_mm256_setzero_si256(); 2];
    for line in lines {
        // A hint: it never faults, whatever the address.
        _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().wrapping_byte_add(AHEAD).cast());
        let words = expected.next();
        let [low, high] = halves(line);
        differing[0] = _mm256_or_si256(differing[0], _mm256_xor_si256(load(low), words[0]));
        differing[1] = _mm256_or_si256(differing[1], _mm256_xor_si256(load(high), words[1]));
    }
    let both = _mm256_or_si256(differing[0], differing[1]);
    let mut all: Half = [0; 4];
    // SAFETY: the 32 bytes of `all` are writable; the instruction asks for no alignment.
    unsafe { _mm256_storeu_si256(all.as_mut_ptr().cast(), both) };
    all.into_iter().fold(0, |all, word| all | word)
}
