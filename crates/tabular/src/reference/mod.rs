//! The ten transformations once more, as plainly as they can be written: one value after the other over vectors.
//!
//! It shares no code with the pipeline; both follow the same table. It is slow, and what it says is right. Where the rows
//! of interest are a sample, what a transformation needs of all rows (means, counts, quantiles) is still taken from all.

mod numbers;
mod ranks;
mod save;
mod sequences;
mod source;
mod texts;
mod vocabulary;

use crate::cells::Cells;
use crate::error::Error;
pub use save::save;
pub(crate) use source::{RowChoice, Source, is_sampled};

/// The columns of transformation `index` (0 for t01) for the rows of a source, in the order of the schema.
///
/// # Errors
/// The input cannot be read, or holds what the schema rules out.
pub(crate) fn transform(index: usize, source: &Source) -> Result<Vec<Cells>, Error> {
    match index {
        0 => numbers::impute_clip_log(source),
        1 => numbers::normalise(source),
        2 => sequences::calendar_cyclic(source),
        3 => texts::text_extract(source),
        4 => vocabulary::categorify(source),
        5 => vocabulary::hashed_cross(source),
        6 => vocabulary::target_encode(source),
        7 => sequences::user_lag_session(source),
        8 => sequences::window_join(source),
        _ => ranks::quantile_rank(source),
    }
}
