//! t07: the mean label of a value in the other folds, drawn to the mean of all rows where the value is rare.

use polars_core::prelude::*;

use super::columns::full;
use super::vocabulary::{FOLDS, Mark, Slot, Tally, Vocabulary};

/// How many rows the mean of all counts for.
const WEIGHT: f64 = 20.0;

/// The mean label of all rows outside of each fold; 0 where there are none.
pub(crate) fn means(total: &Tally) -> [f64; FOLDS] {
    std::array::from_fn(|fold| {
        let (labels, rows) = total.outside(fold);
        if rows == 0 { 0.0 } else { labels as f64 / rows as f64 }
    })
}

/// `te_` and the name.
pub(crate) fn column(
    name: &str,
    vocabulary: &Vocabulary,
    slots: &[Slot],
    marks: &[Mark],
    means: &[f64; FOLDS],
) -> Column {
    let encode = |(&slot, mark): (&Slot, &Mark)| {
        let fold = mark.fold();
        let (labels, rows) = vocabulary.tally(slot).outside(fold);
        (labels as f64 + WEIGHT * means[fold]) / (rows as f64 + WEIGHT)
    };
    full::<Float64Type>(format!("te_{name}"), slots.iter().zip(marks).map(encode).collect())
}
