//! What a report is made from.

use std::collections::BTreeMap;

use measure::{Quantity, Run};
use spec::System;
use spec::audit::Audit;
use verdict::{Acceptance, Judgement, Row, Verdict};

use crate::{BeforeAfter, VendorFile};

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
    pub each: &'a [JudgedAlone],
    /// Before and after, where the runs have two sides.
    pub change: Option<&'a BeforeAfter>,
    /// What a vendor sent, examined beside the last run.
    pub vendor: &'a [VendorFile],
}

/// What a judgement says of each criterion, in brief: of a thousand runs all must fit into memory.
#[derive(Clone, Debug)]
pub struct JudgedAlone {
    /// What it adds up to.
    pub acceptance: Acceptance,
    /// How many parts are demanded, how many of them are as documented, and whether one is another.
    pub parts: (usize, usize, bool),
    /// What it says of each target, by its id.
    pub rows: BTreeMap<String, JudgedRow>,
}

/// What a judgement says of a target, in brief.
#[derive(Clone, Copy, Debug)]
pub struct JudgedRow {
    /// The verdict.
    pub verdict: Verdict,
    /// The figure that is judged.
    pub measured: Option<Quantity>,
    /// The median of samples that were all disturbed.
    pub disturbed: Option<Quantity>,
    /// The figure's share of the documented value.
    pub share: Option<f64>,
}

impl JudgedAlone {
    /// The brief of a judgement.
    #[must_use]
    pub fn of(judgement: &Judgement) -> JudgedAlone {
        let demanded = || judgement.facts.iter().filter(|fact| fact.required);
        let count = |verdict| demanded().filter(|fact| fact.verdict == verdict).count();
        let row = |row: &Row| JudgedRow {
            verdict: row.verdict,
            measured: row.measured.as_ref().map(|measured| measured.value),
            disturbed: row.disturbed,
            share: row.share_of_target,
        };
        JudgedAlone {
            acceptance: judgement.acceptance(),
            parts: (demanded().count(), count(Verdict::Pass), count(Verdict::Fail) > 0),
            rows: judgement.rows.iter().map(|one| (one.id.clone(), row(one))).collect(),
        }
    }
}
