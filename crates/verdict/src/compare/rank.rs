//! What differs between two fingerprints, by how well it explains which metrics moved.

use measure::{Change, Fingerprint, MetricId, Unit, Workload, definition};

use super::MetricChange;

/// A difference of the fingerprints.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// What differs.
    pub change: Change,
    /// How well it explains what moved and what did not, 0 to 1; 0 where nothing moved.
    pub score: f64,
    /// The metrics that moved and that it can touch.
    pub touches: Vec<MetricId>,
}

/// What a part of a host can touch: memory bandwidth, memory latency, computing, storage, power and heat; 0 to 1.
///
/// These weights are this suite's judgement of how directly each part acts, not measurements. They order suspects, and
/// decide nothing.
const REACH: &[(&str, [f64; 5])] = &[
    ("bios", [0.9, 0.8, 0.6, 0.3, 0.8]),
    ("bmc", [0.1, 0.1, 0.3, 0.0, 1.0]),
    ("board", [0.9, 0.8, 0.6, 0.5, 0.8]),
    ("chassis", [0.2, 0.1, 0.3, 0.2, 1.0]),
    ("cpu.microcode", [0.4, 0.5, 0.9, 0.3, 0.5]),
    ("cpu", [0.9, 0.9, 1.0, 0.3, 0.9]),
    ("dimm", [1.0, 1.0, 0.4, 0.0, 0.2]),
    ("drive", [0.0, 0.0, 0.0, 1.0, 0.1]),
    ("gpu", [0.0, 0.0, 0.1, 0.0, 0.5]),
    ("memory", [1.0, 1.0, 0.4, 0.0, 0.2]),
    ("os.cmdline", [0.4, 0.5, 0.2, 0.5, 0.4]),
    ("os.kernel", [0.3, 0.4, 0.2, 0.7, 0.3]),
    ("os.mitigations", [0.1, 0.3, 0.1, 0.8, 0.1]),
    ("os.zfs", [0.0, 0.0, 0.0, 0.9, 0.0]),
    ("storage", [0.0, 0.0, 0.0, 1.0, 0.1]),
];

/// Differences of the configuration and the platform, the likeliest cause first.
///
/// The score is recall × precision: how much of what moved the part can touch, times how much of what it can touch did
/// move. The firmware of the drives explains slow drives better than the BIOS, which would have moved the memory too.
#[must_use]
pub(super) fn suspects(before: &Fingerprint, after: &Fingerprint, rows: &[MetricChange]) -> Vec<Suspect> {
    let mut suspects: Vec<Suspect> =
        after.changes_since(before).into_iter().map(|change| suspect(change, rows)).collect();
    suspects.sort_by(|a, b| b.score.total_cmp(&a.score));
    suspects
}

fn suspect(change: Change, rows: &[MetricChange]) -> Suspect {
    let judged = || rows.iter().filter(|row| row.critical && (row.effect.is_some() || row.finding.moved()));
    let moved = || judged().filter(|row| row.finding.moved());
    let reach = |row: &MetricChange| reach(&change.part, &row.id.name);
    let of_moved: f64 = moved().map(reach).sum();
    let of_all: f64 = judged().map(reach).sum();
    let count = moved().count() as f64;
    let score = if of_moved > 0.0 { (of_moved / count) * (of_moved / of_all) } else { 0.0 };
    let touches = moved().filter(|row| reach(row) > 0.0).map(|row| row.id.clone()).collect();
    Suspect { change, score, touches }
}

/// How directly a part acts on a metric. A part that is not listed may touch everything.
fn reach(part: &str, metric: &str) -> f64 {
    // The longest name that fits: `cpu.microcode` before `cpu`.
    let row = REACH.iter().filter(|(name, _)| part.starts_with(name)).max_by_key(|(name, _)| name.len());
    let [bandwidth, latency, compute, storage, power] = row.map_or([0.5; 5], |(_, reach)| *reach);
    // A feature workload uses all of them, and so may what this build does not know.
    let any = [bandwidth, latency, compute, storage].into_iter().fold(0.0, f64::max);
    let Some(metric) = definition(metric) else { return any };
    match metric.family.workload {
        Some(Workload::Stream) if metric.unit == Unit::Second => latency,
        Some(Workload::Stream) => bandwidth,
        Some(Workload::Dense) => compute,
        Some(Workload::Disk) => storage,
        Some(Workload::Tabular) => any,
        None => power,
    }
}
