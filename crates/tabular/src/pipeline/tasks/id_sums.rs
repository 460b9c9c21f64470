//! Whether the events have the row ids 0 … n − 1, each once, where no process holds a bit for each.
//!
//! A row has an id and a place, and the places of all rows are 0 … n − 1. So the sums of a hash over the ids and over the
//! places are equal where the ids are these; where they are others, two sums of 64 bits agree by chance once in 2¹²⁸.

/// The difference of both sums of some rows, and whether an id was beyond all places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct IdSums {
    sums: [u64; 2],
    beyond: bool,
}

/// Two hashes of a number (after Steele, Lea and Flood 2014).
fn hashes(number: u64) -> [u64; 2] {
    [0x9E37_79B9_7F4A_7C15, 0xD1B5_4A32_D192_ED03].map(|step: u64| {
        let mut mixed = number.wrapping_add(1).wrapping_mul(step);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    })
}

impl IdSums {
    /// Adds rows that follow one another from a place, of so many in all.
    pub(super) fn add(&mut self, ids: &[i64], start: usize, rows: u64) {
        // Most have the ids of their places.
        for (&id, place) in ids.iter().zip(start as u64..).filter(|(id, place)| **id != place.cast_signed()) {
            let id = id.cast_unsigned();
            self.beyond |= id >= rows;
            for (sum, (of_id, of_place)) in self.sums.iter_mut().zip(hashes(id).into_iter().zip(hashes(place))) {
                *sum = sum.wrapping_add(of_id).wrapping_sub(of_place);
            }
        }
    }

    /// Adds the sums of other rows.
    pub(super) fn merge(&mut self, other: IdSums) {
        self.beyond |= other.beyond;
        for (sum, other) in self.sums.iter_mut().zip(other.sums) {
            *sum = sum.wrapping_add(other);
        }
    }

    /// Whether all rows together have the ids that they must have.
    pub(super) fn are_right(self) -> bool {
        self == IdSums::default()
    }

    pub(super) fn words(self) -> [u64; 3] {
        [self.sums[0], self.sums[1], u64::from(self.beyond)]
    }

    pub(super) fn of_words(words: [u64; 3]) -> IdSums {
        IdSums { sums: [words[0], words[1]], beyond: words[2] != 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_there_twice_or_beyond_are_found_in_any_order() {
        let check = |chunks: &[&[i64]], right: bool| {
            let rows = chunks.iter().map(|chunk| chunk.len()).sum::<usize>() as u64;
            let (mut all, mut start) = (IdSums::default(), 0);
            for chunk in chunks {
                let mut sums = IdSums::default();
                sums.add(chunk, start, rows);
                all.merge(IdSums::of_words(sums.words()));
                start += chunk.len();
            }
            assert_eq!(all.are_right(), right, "{chunks:?}");
        };
        check(&[&[0]], true);
        check(&[&[2, 0], &[1, 3]], true);
        check(&[&[0, 0]], false);
        check(&[&[0, 1], &[1, 2]], false);
        check(&[&[0, 1], &[2, 4]], false);
        check(&[&[-1, 0]], false);
        check(&[&[1, 2, 1], &[2, 4, 5]], false);
        let (low, high): (Vec<i64>, Vec<i64>) = ((0..100).collect(), (100..200).rev().collect());
        check(&[&high, &low], true);
        check(&[&high, &low[1..], &[100]], false);
    }
}
