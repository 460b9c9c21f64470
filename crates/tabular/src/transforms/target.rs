//! t07: the mean label of a value in the other folds, drawn to the mean of all rows where the value is rare.

use polars_core::prelude::*;
use polars_core::runtime::RAYON;
use rayon::prelude::*;

use super::columns::full;
use super::vocabulary::{FOLDS, Mark, NULL_SLOT, Slot, Tally, Vocabulary, parts};

/// How many rows the mean of all counts for.
const WEIGHT: f64 = 20.0;

/// The mean label of all rows outside of each fold; 0 where there are none.
pub(crate) fn means(total: &Tally) -> [f64; FOLDS] {
    std::array::from_fn(|fold| {
        let (labels, rows) = total.outside(fold);
        if rows == 0 { 0.0 } else { labels as f64 / rows as f64 }
    })
}

/// What the rows of each value are told, by fold. Values are fewer than rows, and a row looks at one number.
pub(crate) struct Encoded {
    /// By the shards of the vocabulary.
    shards: Vec<Vec<[f64; FOLDS]>>,
    null: [f64; FOLDS],
}

impl Encoded {
    pub(crate) fn new(vocabulary: &Vocabulary, means: &[f64; FOLDS]) -> Encoded {
        let of_tally = |tally: &Tally| {
            std::array::from_fn(|fold| {
                let (labels, rows) = tally.outside(fold);
                (labels as f64 + WEIGHT * means[fold]) / (rows as f64 + WEIGHT)
            })
        };
        let of_shard = |shard: &Vec<Tally>| shard.iter().map(of_tally).collect();
        let (shards, null) = vocabulary.tallies();
        // A thread of the pool would begin other work while it waits.
        let shards = if rayon::current_thread_index().is_some() {
            shards.iter().map(of_shard).collect()
        } else {
            RAYON.install(|| shards.par_iter().map(of_shard).collect())
        };
        Encoded { shards, null: of_tally(null) }
    }

    /// `te_` and the name.
    pub(crate) fn column(&self, name: &str, slots: &[Slot], marks: &[Mark]) -> Column {
        let encode = |(&slot, mark): (&Slot, &Mark)| {
            if slot == NULL_SLOT {
                return self.null[mark.fold()];
            }
            let (shard, place) = parts(slot);
            self.shards[shard][place][mark.fold()]
        };
        full::<Float64Type>(format!("te_{name}"), slots.iter().zip(marks).map(encode).collect())
    }
}
