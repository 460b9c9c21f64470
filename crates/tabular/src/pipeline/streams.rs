//! Numbers with a fraction as streams of like bytes, Parquet's `BYTE_STREAM_SPLIT`: the first byte of each, then the second of
//! each, and so on. Polars reads such pages and has no writer of them.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, _mm256_setr_epi8, _mm256_setr_epi32, _mm256_setr_epi64x, _mm256_shuffle_epi8, _mm256_unpackhi_epi16,
    _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi16, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
};

/// The floor of the instruction set (.cargo/config.toml); a program of it looks for it when it starts.
const _: () = assert!(cfg!(target_feature = "avx2"), "compiled for less than x86-64-v3");

/// Values that are split at once: as many as a cache line of each stream has bytes. The streams of a row group are a power of two
/// apart, and so have the same few places in a cache.
const LINE: usize = 64;
/// Values of which a register has a byte each.
const HALF: usize = size_of::<__m256i>();

/// The bytes of a line of values by stream.
type Lines<const WIDTH: usize> = [[u8; LINE]; WIDTH];

/// A number that is split.
pub(super) trait Split: Copy {
    /// Fills the streams, which have as many bytes as the values.
    fn split(values: &[Self], streams: &mut [u8]);
}

impl Split for f64 {
    fn split(values: &[f64], streams: &mut [u8]) {
        by_lines(values, |line| lines(line, eight), f64::to_le_bytes, streams);
    }
}

impl Split for f32 {
    fn split(values: &[f32], streams: &mut [u8]) {
        by_lines(values, |line| lines(line, four), f32::to_le_bytes, streams);
    }
}

fn by_lines<T: Copy, const WIDTH: usize>(
    values: &[T],
    lines: impl Fn(&[T; LINE]) -> Lines<WIDTH>,
    bytes_of: impl Fn(T) -> [u8; WIDTH],
    streams: &mut [u8],
) {
    let (blocks, rest) = values.as_chunks::<LINE>();
    for (block, values_of_block) in blocks.iter().enumerate() {
        for (place, line) in lines(values_of_block).iter().enumerate() {
            streams[place * values.len() + block * LINE..][..LINE].copy_from_slice(line);
        }
    }
    for (index, &value) in rest.iter().enumerate() {
        for (place, byte) in bytes_of(value).into_iter().enumerate() {
            streams[place * values.len() + blocks.len() * LINE + index] = byte;
        }
    }
}

/// A line by its two halves; `split` must ask for nothing but AVX2.
#[inline]
fn lines<T, const WIDTH: usize>(line: &[T; LINE], split: unsafe fn(&[T; HALF]) -> [__m256i; WIDTH]) -> Lines<WIDTH> {
    let mut lines = [[0; LINE]; WIDTH];
    for (half, values) in line.as_chunks::<HALF>().0.iter().enumerate() {
        // SAFETY: this is compiled for processors with AVX2, and that is all that `split` asks for.
        let streams = unsafe { split(values) };
        for (line, stream) in lines.iter_mut().zip(streams) {
            // SAFETY: both are thirty-two bytes, of which any are of either type.
            let stream: [u8; HALF] = unsafe { std::mem::transmute(stream) };
            line[half * HALF..][..HALF].copy_from_slice(&stream);
        }
    }
    lines
}

/// The streams of doubles. A row has two of the first sixteen and two of the others: so a stream is in order when all are joined.
#[target_feature(enable = "avx2")]
#[inline]
fn eight(values: &[f64; HALF]) -> [__m256i; 8] {
    #[rustfmt::skip]
    let pairs = _mm256_setr_epi8(
        0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15,
        0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15,
    );
    let bits = |at: usize| values[at].to_bits().cast_signed();
    let rows: [__m256i; 8] = std::array::from_fn(|row| {
        let (first, other) = (2 * row, HALF / 2 + 2 * row);
        let row = _mm256_setr_epi64x(bits(first), bits(first + 1), bits(other), bits(other + 1));
        _mm256_shuffle_epi8(row, pairs)
    });
    let mut streams = rows;
    for half in 0..2 {
        let [a, b, c, d] = std::array::from_fn(|pair| {
            let (first, second) = (rows[2 * pair], rows[2 * pair + 1]);
            if half == 0 { _mm256_unpacklo_epi16(first, second) } else { _mm256_unpackhi_epi16(first, second) }
        });
        streams[4 * half..][..4].copy_from_slice(&quarters(a, b, c, d));
    }
    streams
}

/// The streams of floats, of which a row has four of the first sixteen and four of the others.
#[target_feature(enable = "avx2")]
#[inline]
fn four(values: &[f32; HALF]) -> [__m256i; 4] {
    #[rustfmt::skip]
    let fours = _mm256_setr_epi8(
        0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15,
        0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15,
    );
    let bits = |at: usize| values[at].to_bits().cast_signed();
    let [a, b, c, d] = std::array::from_fn(|row| {
        let [low, high] = [4 * row, HALF / 2 + 4 * row].map(|at| [bits(at), bits(at + 1), bits(at + 2), bits(at + 3)]);
        let row = _mm256_setr_epi32(low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]);
        _mm256_shuffle_epi8(row, fours)
    });
    quarters(a, b, c, d)
}

/// Four streams, of which each row has four bytes of each.
#[target_feature(enable = "avx2")]
#[inline]
fn quarters(a: __m256i, b: __m256i, c: __m256i, d: __m256i) -> [__m256i; 4] {
    let (low, high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let (low_behind, high_behind) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
    [
        _mm256_unpacklo_epi64(low, low_behind),
        _mm256_unpackhi_epi64(low, low_behind),
        _mm256_unpacklo_epi64(high, high_behind),
        _mm256_unpackhi_epi64(high, high_behind),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check<T: Split, const WIDTH: usize>(values: &[T], bytes_of: impl Fn(T) -> [u8; WIDTH]) {
        let bytes = |place: usize| values.iter().map(move |&value| (place, value));
        let expect: Vec<u8> = (0..WIDTH).flat_map(bytes).map(|(place, value)| bytes_of(value)[place]).collect();
        let mut found = vec![7; size_of_val(values)];
        T::split(values, &mut found);
        assert_eq!(found, expect);
    }

    proptest! {
        #[test]
        fn a_stream_has_the_same_byte_of_each(bits in prop::collection::vec(prop::num::u64::ANY, 0..300)) {
            check(&bits.iter().map(|&bits| f64::from_bits(bits)).collect::<Vec<_>>(), f64::to_le_bytes);
            check(&bits.iter().map(|&bits| f32::from_bits(bits as u32)).collect::<Vec<_>>(), f32::to_le_bytes);
        }
    }
}
