//! The feature workload: ten transformations of 4 million rows, from loading to saving.

use super::Comparison;

pub(super) const TABLE: &[Comparison] = &[];
