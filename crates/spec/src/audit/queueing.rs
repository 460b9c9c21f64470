//! Little's law: what throughput and latency together say of the requests in flight.

use measure::{Better, Quantity, Unit, Workload};

use super::constants::{DRIVE_DEPTH, P99_TAIL};
use super::document::{Document, condition, count, show, sizes};
use super::storage::Volume;
use super::{Finding, Grade, Notes};
use crate::Target;

/// A throughput and a p99 that are promised together.
struct Pair<'a> {
    target: &'a Target,
    /// Requests a second.
    rate: f64,
    /// Seconds.
    p99: f64,
    block: Quantity,
    /// The throughput in its own words.
    words: String,
}

impl<'a> Pair<'a> {
    fn of(target: &'a Target) -> Option<Self> {
        let constraint = target.constraint.as_ref()?;
        let block = condition(target, "block").filter(|block| block.unit == Unit::Byte && block.value > 0.0)?;
        let (throughput, latency) = match (target.value.unit, constraint.bound.unit) {
            (Unit::Second, _) if constraint.better == Better::Higher => (constraint.bound, target.value),
            (_, Unit::Second) if target.better == Better::Higher => (target.value, constraint.bound),
            _ => return None,
        };
        let rate = match throughput.unit {
            Unit::BytePerSecond => throughput.value / block.value,
            Unit::IoPerSecond => throughput.value,
            _ => return None,
        };
        (rate > 0.0 && latency.value > 0.0).then(|| Pair {
            target,
            rate,
            p99: latency.value,
            block,
            words: format!("{throughput} in blocks of {}", sizes(block.value, Unit::Byte)),
        })
    }
}

pub(super) fn audit(document: &Document<'_>, notes: &mut Notes) {
    let Some(volume) = Volume::of(document) else { return };
    let pairs: Vec<Pair<'_>> = document.measured_by(Workload::Disk).filter_map(Pair::of).collect();
    for pair in &pairs {
        // A pair that is stated from both sides is judged once: at its latency.
        let is_rate = pair.target.value.unit != Unit::Second;
        let other =
            |of: &Pair<'_>| Some(&of.target.id) != Some(&pair.target.id) && of.target.value.unit == Unit::Second;
        if is_rate && pairs.iter().any(|of| other(of) && (of.rate - pair.rate).abs() < pair.rate * 1e-9) {
            continue;
        }
        if transfer(&volume, pair, notes) {
            continue;
        }
        match condition(pair.target, "depth") {
            Some(depth) => stated_depth(&volume, pair, depth.value, notes),
            None => open_depth(&volume, pair, notes),
        }
    }
}

/// A block that does not pass the links in the promised time, however it is spread; whether there is one.
fn transfer(volume: &Volume<'_>, pair: &Pair<'_>, notes: &mut Notes) -> bool {
    let least = pair.block.value / volume.ceiling();
    if least <= pair.p99 {
        return false;
    }
    let p99 = show(pair.p99, Unit::Second);
    let arithmetic = format!(
        "{} / {} = {}; promised {p99}",
        pair.block,
        show(volume.ceiling(), Unit::BytePerSecond),
        show(least, Unit::Second)
    );
    notes.find(Finding {
        rule: "storage.transfer",
        grade: Grade::Impossible,
        factor: least / pair.p99,
        targets: vec![pair.target.id.clone()],
        concerns: Vec::new(),
        says: format!(
            "A block takes {} over the links of all drives together, longer than {p99}.",
            show(least, Unit::Second)
        ),
        arithmetic,
        rows: volume.places(pair.target),
        consistent_if: format!("the latency is at least {}", show(least, Unit::Second)),
        constants: Vec::new(),
    });
    true
}

/// L = X × W, with the p99 in the place of the mean.
fn in_flight(pair: &Pair<'_>) -> String {
    format!(
        "L = X × W = {} × {} = {:.1} in flight",
        show(pair.rate, Unit::IoPerSecond),
        show(pair.p99, Unit::Second),
        pair.rate * pair.p99
    )
}

/// The mean that the slowest requests must have so that the mean of all is `mean` although the p99 is lower.
fn tail_mean(mean: f64, p99: f64) -> f64 {
    (mean - (1.0 - P99_TAIL.value) * p99) / P99_TAIL.value
}

/// The depth is not stated: the only ones that agree leave the drives without a queue.
fn open_depth(volume: &Volume<'_>, pair: &Pair<'_>, notes: &mut Notes) {
    let drives = volume.drives.value;
    let most = pair.rate * pair.p99;
    let arithmetic = format!("{}, {:.2} a drive over {} drives", in_flight(pair), most / drives, count(drives));
    if most / drives >= DRIVE_DEPTH.value {
        notes.grade(&pair.target.id, Grade::Plausible, None, arithmetic);
        return;
    }
    let depth = DRIVE_DEPTH.value * drives;
    let mean = depth / pair.rate;
    let p99 = show(pair.p99, Unit::Second);
    let each = show(pair.block.value / (pair.rate * pair.block.value / drives), Unit::Second);
    notes.find(Finding {
        rule: "storage.little",
        grade: Grade::Aggressive,
        factor: DRIVE_DEPTH.value * drives / most,
        targets: vec![pair.target.id.clone()],
        concerns: vec!["storage.scratch.drives".to_owned()],
        says: format!(
            "{} with a p99 of {p99} leaves room for {most:.1} requests in flight, {:.2} a drive: with one in flight on each, a \
             drive takes {each} for a block, and hardly any request may wait. Little's law speaks of the mean, and a p99 does not \
             bound it: with {} a drive the mean is {}, and the p99 could hold only if the requests above it took {} on average.",
            pair.words,
            most / drives,
            count(DRIVE_DEPTH.value),
            show(mean, Unit::Second),
            show(tail_mean(mean, pair.p99), Unit::Second)
        ),
        arithmetic,
        rows: volume.places(pair.target),
        consistent_if: format!(
            "the queue depth is stated and is at most {}, or the latency is {} or more at a depth of {}",
            count(most.floor()),
            show(mean, Unit::Second),
            count(depth)
        ),
        constants: vec![DRIVE_DEPTH, P99_TAIL],
    });
}

/// The depth is stated: it gives the mean, and a mean above the p99 needs a heavy tail.
fn stated_depth(volume: &Volume<'_>, pair: &Pair<'_>, depth: f64, notes: &mut Notes) {
    let mean = depth / pair.rate;
    let arithmetic = format!(
        "W = L / X = {} / {} = {}; promised p99 {}",
        count(depth),
        show(pair.rate, Unit::IoPerSecond),
        show(mean, Unit::Second),
        show(pair.p99, Unit::Second)
    );
    if mean <= pair.p99 {
        notes.grade(&pair.target.id, Grade::Plausible, None, arithmetic);
        return;
    }
    notes.find(Finding {
        rule: "storage.little",
        grade: Grade::Aggressive,
        factor: mean / pair.p99,
        targets: vec![pair.target.id.clone()],
        concerns: Vec::new(),
        says: format!(
            "{} at a queue depth of {} has a mean latency of {}, above the p99 of {}: possible only if the requests above it take {} on \
             average.",
            pair.words,
            count(depth),
            show(mean, Unit::Second),
            show(pair.p99, Unit::Second),
            show(tail_mean(mean, pair.p99), Unit::Second)
        ),
        arithmetic,
        rows: volume.places(pair.target),
        consistent_if: format!(
            "the queue depth is at most {}, or the latency is {} or more",
            count((pair.rate * pair.p99).floor()),
            show(mean, Unit::Second)
        ),
        constants: vec![P99_TAIL],
    });
}
