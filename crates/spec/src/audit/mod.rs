//! The audit: what could ever be met, by the specification's own tables. Pure arithmetic, no measurement.

mod compute;
pub mod constants;
mod document;
mod family;
mod latency;
mod memory;
mod parts;
mod platform;
mod power;
mod queueing;
mod ratios;
mod restated;
mod storage;
mod sums;
mod time;

use std::collections::BTreeMap;

use measure::{Better, Ceiling, Definition, Quantity, Unit};
use serde::Serialize;

use crate::{Place, System, Target};
pub use constants::{Constant, Kind};
use document::Document;

/// What arithmetic says of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
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

impl Grade {
    /// All grades, the worst first.
    pub const ALL: [Grade; Grade::Unknown as usize + 1] =
        [Grade::Impossible, Grade::Contradictory, Grade::Aggressive, Grade::Plausible, Grade::Loose, Grade::Unknown];

    /// The grade as a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Grade::Impossible => "impossible",
            Grade::Contradictory => "contradictory",
            Grade::Aggressive => "aggressive",
            Grade::Plausible => "plausible",
            Grade::Loose => "loose",
            Grade::Unknown => "unknown",
        }
    }
}

/// The grade of one target with its arithmetic.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Graded {
    /// Id of the target.
    pub target: String,
    /// The grade.
    pub grade: Grade,
    /// The most that the document's own tables allow (the least, where less is better), where it can be derived.
    pub ceiling: Option<Quantity>,
    /// The arithmetic in one line, with numbers and units.
    pub arithmetic: String,
}

/// Something that the document's own figures say against it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Finding {
    /// The rule that found it.
    pub rule: &'static str,
    /// What it means; targets in `targets` are graded no better.
    pub grade: Grade,
    /// By what factor the figures miss one another; orders the findings of a grade.
    pub factor: f64,
    /// Ids of the targets that it grades.
    pub targets: Vec<String>,
    /// Ids of the facts and other targets that it concerns.
    pub concerns: Vec<String>,
    /// What is wrong, in plain sentences with numbers and units.
    pub says: String,
    /// The arithmetic in one line.
    pub arithmetic: String,
    /// The rows of the document that were used.
    pub rows: Vec<Place>,
    /// What the document would have to say to be consistent.
    pub consistent_if: String,
    /// The numbers that are not the document's.
    pub constants: Vec<Constant>,
}

impl Default for Grade {
    /// A finding that names no grade says that the document contradicts itself.
    fn default() -> Self {
        Grade::Contradictory
    }
}

/// What the audit of a document found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Audit {
    /// The findings, the heaviest first.
    pub findings: Vec<Finding>,
    /// The grade of every documented target, in the order of the document.
    pub graded: Vec<Graded>,
    /// The grade of every claimed ratio.
    pub claims: Vec<Graded>,
}

impl Audit {
    /// Whether nothing in the document excludes anything else in it: ambitious it may be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.iter().all(|finding| finding.grade > Grade::Contradictory)
    }

    /// The grades of targets and claims: what a judgement needs.
    #[must_use]
    pub fn grades(&self) -> Vec<Graded> {
        [self.graded.as_slice(), &self.claims].concat()
    }

    /// The grade of a target.
    #[must_use]
    pub fn grade(&self, target: &str) -> Option<&Graded> {
        self.graded.iter().find(|graded| graded.target == target)
    }
}

/// What the rules write down.
#[derive(Default)]
struct Notes {
    findings: Vec<Finding>,
    graded: Vec<Graded>,
}

impl Notes {
    /// Grades a target without a finding.
    fn grade(&mut self, target: &str, grade: Grade, ceiling: Option<Quantity>, arithmetic: String) {
        self.graded.push(Graded { target: target.to_owned(), grade, ceiling, arithmetic });
    }

    /// Adds a finding, and grades its targets by it.
    fn find(&mut self, finding: Finding) {
        for target in &finding.targets {
            self.graded.push(Graded {
                target: target.clone(),
                grade: finding.grade,
                ceiling: None,
                arithmetic: finding.arithmetic.clone(),
            });
        }
        self.findings.push(finding);
    }
}

/// Audits a document; `others` may hold the other documents of its family, among any.
#[must_use]
pub fn audit(system: &System, others: &[System]) -> Audit {
    const RULES: &[fn(&Document<'_>, &mut Notes)] = &[
        memory::audit,
        latency::audit,
        compute::audit,
        storage::audit,
        queueing::audit,
        platform::audit,
        parts::audit,
        power::audit,
        sums::audit,
        restated::audit,
        time::audit,
        ratios::audit,
        family::audit,
    ];
    let document = Document::new(system, others);
    let mut notes = Notes::default();
    for rule in RULES {
        rule(&document, &mut notes);
    }
    let mut findings = notes.findings;
    findings
        .sort_by(|a, b| (a.grade, -a.factor).partial_cmp(&(b.grade, -b.factor)).unwrap_or(std::cmp::Ordering::Equal));
    let targets = system.targets.iter().filter(|target| target.companion_of.is_none());
    let graded: Vec<Graded> = targets.map(|target| combine(target, &notes.graded)).collect();
    let claims = system.claimed().into_iter().map(|target| {
        let claim = system.claims.iter().find(|claim| claim.id == target.id);
        let of_target = graded.iter().find(|row| claim.is_some_and(|claim| claim.target == row.target));
        claimed(combine(&target, &notes.graded), &target, of_target)
    });
    Audit { claims: claims.collect(), findings, graded }
}

/// A claim asks no less of a machine than the target that it would be met by.
fn claimed(graded: Graded, claim: &Target, of_target: Option<&Graded>) -> Graded {
    let ceiling = of_target.and_then(|row| Some((row, row.ceiling?)));
    match ceiling {
        Some((row, ceiling)) if claim.better == Better::Higher && document::at_least(claim) > ceiling.value => Graded {
            grade: Grade::Impossible,
            ceiling: Some(ceiling),
            arithmetic: format!("{} is asked for; {}", claim.value, row.arithmetic),
            ..graded
        },
        _ => graded,
    }
}

/// The worst grade that a rule gave, with its arithmetic, and the first ceiling that one derived.
fn combine(target: &Target, graded: &[Graded]) -> Graded {
    let all = || graded.iter().filter(|row| row.target == target.id);
    let ceiling = all().find_map(|row| row.ceiling);
    match all().min_by_key(|row| row.grade) {
        Some(worst) => Graded { ceiling, ..worst.clone() },
        None => Graded {
            target: target.id.clone(),
            grade: Grade::Unknown,
            ceiling: None,
            arithmetic: missing(target.value.unit).to_owned(),
        },
    }
}

/// What a bound would need where no rule found enough.
fn missing(unit: Unit) -> &'static str {
    match unit {
        Unit::Watt => "missing: the power of the parts in this state",
        Unit::Celsius => "missing: inlet temperature, and the cooling of the parts",
        Unit::Score => "a third party's score follows from no hardware table",
        Unit::Second => "missing: what the time is made of",
        _ => "no table of the document and no standard bounds this figure",
    }
}

/// What bounds a metric under these conditions by every reading of the tables, in its unit and with the arithmetic: what
/// achievable targets are derived from.
pub(crate) fn sure_ceiling(
    system: &System,
    metric: &Definition,
    conditions: &BTreeMap<String, String>,
) -> Option<(f64, String)> {
    let document = Document::new(system, &[]);
    match metric.ceiling? {
        Ceiling::MemoryBandwidth => memory::sure_ceiling(&document),
        Ceiling::FlopRate => compute::sure_ceiling(&document),
        Ceiling::DriveLinks { block: None } => storage::sure_ceiling(&document),
        Ceiling::DriveLinks { block: Some(_) } => {
            storage::sure_operations(&document, document::quantity(conditions, "block")?.value)
        }
        // Floors, from which nothing achievable follows.
        Ceiling::DramLatency | Ceiling::NandLatency => None,
    }
}
