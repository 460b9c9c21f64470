//! Who or what an event is about: Zipf shares, dealt out over the rows.
#![expect(clippy::cast_possible_truncation, reason = "rows are below 2³² and members below 2³¹")]

use arrow_array::StringArray;

use super::counter::{Stream, below, mix};
use super::permutation::Permutation;
use super::zipf::{Weights, Zipf};

/// A prime above 2³¹: multiplication by it is a bijection modulo every smaller number.
const PRIME: u64 = 2_654_435_761;

/// Users or items. Each has an exact number of rows, so that no draw breaks the cap, and they lie anywhere in the order
/// of the events. The rows of one are known without looking at the others, which the bucketed layout needs.
#[derive(Debug)]
pub(super) struct Population {
    zipf: Zipf,
    order: Permutation,
}

impl Population {
    /// `count` members with `rows` events, none with more than `cap`.
    pub(super) fn new(weights: &Weights, count: u32, rows: u32, cap: u32, stream: Stream) -> Self {
        Self { zipf: Zipf::new(weights, count, rows, cap), order: Permutation::new(rows, stream) }
    }

    /// How many members.
    pub(super) fn count(&self) -> u32 {
        self.zipf.ranks()
    }

    /// The id of a rank: ids say nothing about how frequent a member is.
    pub(super) fn id(&self, rank: u32) -> i32 {
        let count = u64::from(self.count());
        ((u64::from(rank) * PRIME + count / 3) % count) as i32
    }

    /// The id in a row.
    pub(super) fn id_at(&self, row: u64) -> i32 {
        self.id(self.zipf.rank(self.order.forward(row as u32)))
    }

    /// How many events a rank has.
    pub(super) fn events_of(&self, rank: u32) -> u32 {
        self.zipf.slots_of(rank).len() as u32
    }

    /// The rows of a rank, in no order.
    pub(super) fn rows_of(&self, rank: u32) -> impl Iterator<Item = u64> {
        self.zipf.slots_of(rank).map(|slot| u64::from(self.order.backward(slot)))
    }
}

/// The values of a column of categories, drawn with Zipf's probabilities.
#[derive(Debug)]
pub(super) struct Categories {
    zipf: Zipf,
    stream: Stream,
}

impl Categories {
    pub(super) fn new(weights: &Weights, count: u32, stream: Stream) -> Self {
        Self { zipf: Zipf::new(weights, count, u32::MAX, u32::MAX), stream }
    }

    /// The rank in a row.
    pub(super) fn rank_at(&self, row: u64) -> u32 {
        self.zipf.rank(below(self.stream.at(row), u32::MAX))
    }

    /// The names of the ranks in some rows.
    pub(super) fn names(&self, rows: &[u64], name: impl Fn(u32) -> String) -> StringArray {
        let names: Vec<String> = (0..self.zipf.ranks()).map(name).collect();
        StringArray::from_iter_values(rows.iter().map(|&row| &names[self.rank_at(row) as usize]))
    }
}

/// The bucket of a user in the bucketed layout: a hash of its own, so that it can be told for any input.
#[must_use]
pub fn bucket_of(user_id: i32, buckets: u32) -> u32 {
    below(mix(u64::from(user_id.cast_unsigned()) ^ 0xB0C4_E7ED_5EED_0001), buckets)
}
