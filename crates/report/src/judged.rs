//! What a report is made from.

use measure::Run;
use spec::System;
use spec::audit::Audit;
use verdict::Judgement;

use crate::BeforeAfter;

/// Runs of one host with the document that they were judged by.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// The runs, oldest first.
    pub runs: &'a [Run],
    /// The documented system.
    pub system: &'a System,
    /// What arithmetic says of the document.
    pub audit: &'a Audit,
    /// The runs judged together.
    pub judgement: &'a Judgement,
    /// Each run judged alone, in their order; of one run nothing.
    pub each: &'a [Judgement],
    /// Before and after, where the runs have two sides.
    pub change: Option<&'a BeforeAfter>,
}
