//! The audit: what could ever be met, by the specification's own tables. Pure arithmetic, no measurement.

use measure::Quantity;

/// What arithmetic says of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grade {
    /// No machine that matches the tables can reach it.
    Impossible,
    /// The document says two things that exclude one another.
    Contradictory,
    /// Only under the best of circumstances.
    Aggressive,
    /// Within what such machines deliver.
    Plausible,
    /// Far below what such machines deliver.
    Loose,
    /// An input is missing.
    Unknown,
}

/// The grade of one target with its arithmetic.
#[derive(Clone, Debug, PartialEq)]
pub struct Graded {
    /// Id of the target.
    pub target: String,
    /// The grade.
    pub grade: Grade,
    /// The most that the document's own tables allow, where it can be derived.
    pub ceiling: Option<Quantity>,
    /// The arithmetic in one line, with numbers and units.
    pub arithmetic: String,
}
