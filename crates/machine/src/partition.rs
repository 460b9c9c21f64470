//! Static partitions: which contiguous part of an array belongs to which worker.

use std::ops::Range;

/// Bytes of a huge page of x86-64, the boundary that parts of arrays lie on.
pub const HUGE_PAGE: usize = 2 << 20;

/// Splits `bytes` into one contiguous range for each worker, on boundaries of `align`; the last ends at `bytes`.
///
/// Any unit will do (elements and elements). Lengths differ by at most `align`; where there are more workers than
/// units, some ranges are empty.
#[must_use]
pub fn chunks(bytes: usize, workers: usize, align: usize) -> Vec<Range<usize>> {
    let align = align.max(1);
    let units = bytes.div_ceil(align);
    let boundary = |i: usize| {
        let whole = units / workers * i + units % workers * i / workers;
        whole.saturating_mul(align).min(bytes)
    };
    (0..workers).map(|i| boundary(i)..boundary(i + 1)).collect()
}

/// Splits a slice at ranges that follow one another from its start, as [`chunks`] makes them.
///
/// # Panics
///
/// If the ranges leave a gap, overlap, or reach beyond the slice.
#[must_use]
pub fn split_mut<'a, T>(slice: &'a mut [T], ranges: &[Range<usize>]) -> Vec<&'a mut [T]> {
    let mut rest = slice;
    let mut start = 0;
    let mut parts = Vec::with_capacity(ranges.len());
    for range in ranges {
        assert_eq!(range.start, start, "the ranges must follow one another");
        let (part, after) = std::mem::take(&mut rest).split_at_mut(range.len());
        parts.push(part);
        rest = after;
        start = range.end;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_cases() {
        let check = |bytes, workers, align, expect: &[Range<usize>]| assert_eq!(chunks(bytes, workers, align), expect);
        check(10, 2, 1, &[0..5, 5..10]);
        check(10, 2, 4, &[0..4, 4..10]);
        check(3, 3, 4, &[0..0, 0..0, 0..3]);
        check(0, 2, 4, &[0..0, 0..0]);
        check(7, 0, 4, &[]);
        check(7, 1, 0, &[Range { start: 0, end: 7 }]);
        check(usize::MAX, 1, HUGE_PAGE, &[Range { start: 0, end: usize::MAX }]);
    }

    #[test]
    fn slices_are_split_as_planned() {
        let mut data = [1, 2, 3, 4, 5];
        let parts = split_mut(&mut data, &chunks(5, 2, 2));
        assert_eq!(parts, [&[1, 2][..], &[3, 4, 5]]);
    }

    proptest! {
        #[test]
        fn every_byte_belongs_to_one_worker(bytes in 0_usize..1 << 44, workers in 1_usize..600, shift in 0_u32..22) {
            let align = 1_usize << shift;
            let parts = chunks(bytes, workers, align);
            prop_assert_eq!(parts.len(), workers);
            prop_assert_eq!(parts[0].start, 0);
            prop_assert_eq!(parts[workers - 1].end, bytes);
            for pair in parts.windows(2) {
                prop_assert_eq!(pair[0].end, pair[1].start);
                prop_assert!(pair[1].start % align == 0 || pair[1].start == bytes);
            }
            let lengths: Vec<usize> = parts.iter().map(Range::len).collect();
            let (least, most) = (lengths.iter().min().unwrap(), lengths.iter().max().unwrap());
            prop_assert!(most - least <= align, "{} to {} at {}", least, most, align);
        }
    }
}
