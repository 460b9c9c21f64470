//! What a vendor sent, beside what was measured: each figure of another tool's output with what it can show of a host, what
//! speaks against it, and the same figure of the document, of the host and of physics.
//!
//! Invariant: none of it touches a verdict. A figure that somebody sent decides no acceptance.

mod caches;
mod memory;
mod rules;
mod shows;
mod storage;

use import::{Figure, Format, Import, Setting, Statistic};
use measure::{Definition, Facts, Labels, Quantity, Run, definition, metrics};

use crate::ceiling::{HostLimit, LimitKind, least_latency, limit_of};
use crate::result::{Found, find};
use crate::{Decision, Goal, Judgement, Measured, NoiseFloor};

/// How much a figure of another tool is worth on a host, the least at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worth {
    /// It can stand beside ours.
    Comparable,
    /// What would have to be known is not told, or too little was done.
    Inconclusive,
    /// It is a figure of something else.
    NotComparable,
    /// It cannot be this host's.
    Implausible,
}

impl Worth {
    /// All of them.
    pub const ALL: [Worth; 4] = [Worth::Comparable, Worth::Inconclusive, Worth::NotComparable, Worth::Implausible];

    /// The word in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Worth::Comparable => "COMPARABLE",
            Worth::Inconclusive => "INCONCLUSIVE",
            Worth::NotComparable => "NOT-COMPARABLE",
            Worth::Implausible => "IMPLAUSIBLE",
        }
    }
}

/// What is to be known of a vendor's figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The rule that says so.
    pub rule: &'static str,
    /// What the figure is worth at most because of it.
    pub worth: Worth,
    /// In words, with the arithmetic.
    pub says: String,
}

/// A vendor's figure beside the others.
#[derive(Clone, Debug, PartialEq)]
pub struct VendorRow {
    /// The figure as the file has it.
    pub figure: Figure,
    /// The metric of the catalogue that measures the same.
    pub metric: Option<&'static Definition>,
    /// The figure of the whole host, where the file has one of a process.
    pub value: Quantity,
    /// How that comes about.
    pub how: Option<String>,
    /// What it can show and what not.
    pub shows: &'static str,
    /// What it is worth.
    pub worth: Worth,
    /// Why, what weighs most first.
    pub remarks: Vec<Remark>,
    /// What the document promises by this metric: the id of the target, and its value.
    pub documented: Option<(String, Quantity)>,
    /// What was measured here: of a best the best, else the median.
    pub ours: Option<Quantity>,
    /// What this host could deliver at most, or the best that was measured on it.
    pub limit: Option<HostLimit>,
    /// Whether this host does what the vendor's figure says, where both can stand beside each other.
    pub reproduced: Option<Reproduced>,
}

/// Whether a host does what a figure says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reproduced {
    /// It does, or does more.
    Yes,
    /// Within the noise: neither can be said.
    WithinNoise,
    /// It does less, by more than the noise.
    No,
}

impl Reproduced {
    /// The words in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Reproduced::Yes => "reproduced",
            Reproduced::WithinNoise => "within noise",
            Reproduced::No => "NOT REPRODUCED",
        }
    }
}

/// What is known of the host that a file is said to be of.
#[derive(Clone, Copy, Debug)]
pub struct KnownHost<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its facts.
    pub facts: &'a Facts,
    /// A run of it, and how that was judged.
    pub judged: Option<(&'a Run, &'a Judgement)>,
}

/// A figure with all that rules ask for.
struct Case<'a> {
    import: &'a Import,
    figure: &'a Figure,
    metric: Option<&'static Definition>,
    value: Quantity,
    host: KnownHost<'a>,
    limit: Option<&'a HostLimit>,
    ours: Option<&'a Measured>,
}

impl Case<'_> {
    fn number(&self, setting: Setting) -> Option<f64> {
        self.import.number(self.figure, setting)
    }

    fn fact(&self, id: &str) -> Option<f64> {
        self.host.facts.number(id).filter(|value| value.is_finite() && *value > 0.0)
    }

    /// Whether the metric is the rate or time of memory.
    fn is_of_memory(&self) -> bool {
        self.metric.is_some_and(|metric| {
            metric.unit == measure::Unit::BytePerSecond && metric.family.name.starts_with("stream")
        })
    }
}

/// Examines all figures of a file for a host.
#[must_use]
pub fn examine(import: &Import, host: KnownHost<'_>) -> Vec<VendorRow> {
    import.figures.iter().map(|figure| row(import, figure, host)).collect()
}

fn row(import: &Import, figure: &Figure, host: KnownHost<'_>) -> VendorRow {
    let metric = figure.metric.as_deref().and_then(definition);
    let (value, how) = of_the_host(import, figure);
    let limit = metric.and_then(|metric| limit_of(metric, host.facts, host.judged.map(|(run, _)| run)));
    let least = metric.and_then(|metric| least_latency(metric, host.facts));
    let measured = measured(metric, figure.statistic, host);
    let case =
        Case { import, figure, metric, value, host, limit: limit.as_ref().or(least.as_ref()), ours: measured.as_ref() };
    let mut remarks: Vec<Remark> = rules::ALL.iter().filter_map(|rule| rule(&case)).collect();
    remarks.sort_by_key(|remark| std::cmp::Reverse(remark.worth));
    let worth = remarks.first().map_or(Worth::Comparable, |remark| remark.worth);
    let target = host.judged.and_then(|(_, judgement)| {
        let mut rows = judgement.rows.iter().filter(|row| row.companion_of.is_none() && row.series.is_empty());
        rows.find(|row| row.metric.is_some() && row.metric == metric)
    });
    let floor = target.map_or(NoiseFloor::ASSUMED, |row| row.noise_floor);
    let reproduced = metric
        .zip(measured.as_ref())
        .filter(|(_, measured)| worth < Worth::NotComparable && measured.value.unit == value.unit)
        .map(|(metric, measured)| reproduced(value.value, measured, metric, floor))
        // Of what may be a figure of something else nobody can say that this host misses it.
        .filter(|reproduced| *reproduced != Reproduced::No || worth == Worth::Comparable);
    VendorRow {
        figure: figure.clone(),
        metric,
        value,
        how,
        shows: shows::shows(import.format, figure),
        worth,
        remarks,
        documented: target.map(|row| (row.id.clone(), row.documented)),
        ours: measured.map(|measured| measured.value),
        limit,
        reproduced,
    }
}

/// A figure of one process while all work is a share of the host's.
fn of_the_host(import: &Import, figure: &Figure) -> (Quantity, Option<String>) {
    let is_share = import.format == Format::Hpcc && figure.name.starts_with("Star");
    let processes = import.number(figure, Setting::Processes).filter(|_| is_share);
    match processes.filter(|processes| *processes > 1.0) {
        Some(processes) => {
            let value = Quantity::new(figure.value.value * processes, figure.value.unit);
            (value, Some(format!("{} {} of a process × {processes} processes", figure.printed, figure.unit)))
        }
        None => (figure.value, None),
    }
}

/// What was measured of the same: of a best the best.
fn measured(metric: Option<&'static Definition>, statistic: Statistic, host: KnownHost<'_>) -> Option<Measured> {
    const BEST: [(&Definition, &Definition); 6] = [
        (&metrics::STREAM_READ, &metrics::STREAM_READ_BEST),
        (&metrics::STREAM_WRITE, &metrics::STREAM_WRITE_BEST),
        (&metrics::STREAM_COPY, &metrics::STREAM_COPY_BEST),
        (&metrics::STREAM_SCALE, &metrics::STREAM_SCALE_BEST),
        (&metrics::STREAM_ADD, &metrics::STREAM_ADD_BEST),
        (&metrics::STREAM_TRIAD, &metrics::STREAM_TRIAD_BEST),
    ];
    let (metric, (run, judgement)) = (metric?, host.judged?);
    let best = BEST.iter().find(|(median, _)| statistic == Statistic::Best && *median == metric).map(|(_, best)| *best);
    let of = |metric| match find(&[run], metric, &Labels::new()) {
        Found::Valid(measured) => Some(*measured),
        _ => None,
    };
    // Runs of several boots were judged together.
    let judged = || {
        let row = judgement.rows.iter().find(|row| row.metric == Some(metric) && row.series.is_empty())?;
        row.measured.clone()
    };
    best.and_then(of).or_else(judged).or_else(|| of(metric))
}

fn reproduced(theirs: f64, ours: &Measured, metric: &Definition, floor: NoiseFloor) -> Reproduced {
    let goal = Goal { value: theirs, tolerance: 0.0, better: metric.better };
    match goal.decide(&ours.boots, floor.share) {
        Decision::Met => Reproduced::Yes,
        Decision::Missed => Reproduced::No,
        Decision::Open { .. } => Reproduced::WithinNoise,
    }
}

/// Beyond what physics allows.
fn beyond(case: &Case<'_>) -> Option<Remark> {
    let (metric, limit) = (case.metric?, case.limit?);
    let is_physics = limit.kind == LimitKind::Ceiling && limit.value.unit == case.value.unit;
    (is_physics && limit.is_beyond(case.value.value, metric.better)).then(|| Remark {
        rule: "beyond the ceiling",
        worth: Worth::Implausible,
        says: format!("{} is beyond what this host can do at most, {}: {}.", case.value, limit.value, limit.how),
    })
}

#[cfg(test)]
mod tests;
