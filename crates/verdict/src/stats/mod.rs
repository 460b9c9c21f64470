//! The statistics of comparisons, as pure functions of numbers.
//!
//! The scale is y = ln(metric), its sign turned so that more is better ([`gain`]): a difference of y is a relative
//! change, it is the same in every unit, and a rate and its reciprocal time give the same verdict. The unit of
//! replication is the boot: repetitions within a boot share its memory training and its page placement, so they are
//! reduced to their median ([`boot_value`]) and the boots are the sample.

mod distribution;
mod equivalence;
mod estimate;
mod fisher;
mod multiple;
mod noise;
mod permutation;
mod sample;
#[cfg(test)]
pub(crate) mod simulate;
#[cfg(test)]
pub(crate) mod tests;

pub use distribution::{f_above, normal_below, normal_quantile, t_below, t_quantile};
pub use equivalence::{Margin, SMALLEST_MARGIN};
pub use estimate::{ConfidenceInterval, Estimate, Method, paired, unpaired, welch};
pub use fisher::fisher;
pub use multiple::{benjamini_hochberg, holm};
pub use noise::{History, NOISIER_RISK, QUIETER_RISK};
pub use permutation::{MOST_BOOTS, Permutation, permute, sign_flips};
pub use sample::{Moments, boot_value, gain};

/// The error rate of one family of claims, one-sided.
pub const ALPHA: f64 = 0.05;
