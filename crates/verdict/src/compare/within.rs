//! Runs of one boot before and after what changes without a reboot: a sysctl, the firmware of a drive.
//!
//! Such runs share the training of memory and much of what is in the host, so that they say nothing of the next boot:
//! the answer has words of its own. Neighbouring runs are alike, too. They are therefore compared in pairs that follow one
//! another at once and turn their order, and at a level of 2.5 %, so that correlations of up to 0.5 between neighbouring
//! runs leave the false alarms below 5 % (`crate::tables` simulates it).

use std::fmt;

use measure::{Change, Metric, MetricId};

use super::refusal::{Refusal, check};
use super::runs::{Head, Runs};
use super::{Boots, P, Tolerances, change};
use crate::stats::{Estimate, Margin, holm, paired};

/// The fewest pairs of neighbouring runs that are compared.
pub const LEAST_ALTERNATIONS: usize = 8;

/// The one-sided level of its claims.
pub(crate) const LEVEL: f64 = 0.025;

/// Parts of the configuration that a boot has once: what they change shows between boots.
const OF_A_BOOT: [&str; 4] = ["bios.", "cpu.microcode", "os.kernel", "os.cmdline"];

/// What became of a metric within a boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WithinFinding {
    /// It is worse, and by the margin or more.
    Worse,
    /// The runs do not decide.
    Open,
    /// It is not worse by the margin.
    NotWorse,
    /// It is better, and by the margin or more.
    Better,
}

impl WithinFinding {
    /// The word in tables and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            WithinFinding::Worse => "WORSE-IN-THIS-BOOT",
            WithinFinding::Open => "OPEN-IN-THIS-BOOT",
            WithinFinding::NotWorse => "NOT-WORSE-IN-THIS-BOOT",
            WithinFinding::Better => "BETTER-IN-THIS-BOOT",
        }
    }

    /// Whether it shows that the metric is not worse by the margin.
    #[must_use]
    pub fn holds(self) -> bool {
        matches!(self, WithinFinding::NotWorse | WithinFinding::Better)
    }
}

impl fmt::Display for WithinFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A critical metric within a boot.
#[derive(Clone, Debug, PartialEq)]
pub struct WithinRow {
    /// Which series.
    pub id: MetricId,
    /// What it measures.
    pub metric: Metric,
    /// Pairs in which both runs have a value.
    pub pairs: usize,
    /// Repetitions that failed, before and after.
    pub failed: [u32; 2],
    /// δ.
    pub margin: Margin,
    /// The change of y; `None` with fewer than two pairs.
    pub estimate: Option<Estimate>,
    /// The p value of "it did not get worse".
    pub worse: P,
    /// The verdict.
    pub finding: WithinFinding,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct WithinBoot {
    /// Name of the host.
    pub host: String,
    /// The kernel's id of the boot.
    pub boot: String,
    /// Pairs of neighbouring runs.
    pub pairs: usize,
    /// A row for each critical metric, the gravest first.
    pub rows: Vec<WithinRow>,
    /// What differs in the fingerprint.
    pub changes: Vec<Change>,
}

impl WithinRow {
    /// The change of the metric itself, as a share: +0.05 is 5 % more, better or not.
    #[must_use]
    pub fn change(&self) -> Option<f64> {
        self.estimate.map(|estimate| change(estimate.difference, self.metric.better))
    }

    /// The 95 % interval of that change, its lower end first.
    #[must_use]
    pub fn interval(&self) -> Option<[f64; 2]> {
        self.estimate.map(|estimate| {
            let gain = estimate.interval(0.95);
            let (a, b) = (change(gain.low, self.metric.better), change(gain.high, self.metric.better));
            [a.min(b), a.max(b)]
        })
    }
}

impl WithinBoot {
    /// The gravest finding of all critical metrics; without any, nothing is decided.
    #[must_use]
    pub fn overall(&self) -> WithinFinding {
        let gravest = self.rows.iter().map(|row| row.finding).min();
        match gravest {
            Some(WithinFinding::Better) => WithinFinding::NotWorse,
            Some(finding) => finding,
            None => WithinFinding::Open,
        }
    }
}

/// Compares runs of one boot that were made in turn.
pub fn within_boot(before: Runs, after: Runs, tolerances: &Tolerances) -> Result<WithinBoot, Refusal> {
    check(&before, &after)?;
    let order = alternations(&before, &after)?;
    let newest = |runs: &Runs| runs.heads().last().cloned();
    let (Some(first), Some(last)) = (newest(&before), newest(&after)) else { return Err(Refusal::Empty("after")) };
    let changes = last.fingerprint.changes_since(&first.fingerprint);
    if let Some(change) = changes.iter().find(|change| OF_A_BOOT.iter().any(|part| change.part.starts_with(part))) {
        return refuse(format!("{} differs, and it changes with a reboot: compare boots", change.part));
    }
    let (before, after) = (Boots::of_runs(before), Boots::of_runs(after));
    let (first, second) = (before.slice(order.iter().map(|pair| pair.0)), after.slice(order.iter().map(|pair| pair.1)));
    let mut metrics = first.metrics();
    metrics.extend(second.metrics());
    metrics.retain(|id, _| tolerances.critical(id));
    let mut rows: Vec<WithinRow> = Vec::new();
    for (id, metric) in metrics {
        let both = first.gains(id).into_iter().zip(second.gains(id)).filter_map(|(before, after)| before.zip(after));
        let (y_before, y_after): (Vec<f64>, Vec<f64>) = both.unzip();
        let failed = [&first, &second].map(|side| side.tried(id).failures.all());
        rows.push(WithinRow {
            id: id.clone(),
            metric,
            pairs: y_before.len(),
            failed,
            margin: tolerances.margin(id),
            estimate: paired(&y_before, &y_after),
            worse: P { raw: 1.0, adjusted: 1.0 },
            finding: WithinFinding::Open,
        });
    }
    decide(&mut rows);
    rows.sort_by(|a, b| (a.finding, &a.id).cmp(&(b.finding, &b.id)));
    Ok(WithinBoot { host: last.host, boot: last.boot_id.unwrap_or_default(), pairs: order.len(), rows, changes })
}

/// Decides the rows of a family, corrected by Holm.
fn decide(rows: &mut [WithinRow]) {
    let p = |of: fn(&Estimate) -> f64| -> Vec<f64> {
        rows.iter().map(|row| row.estimate.as_ref().map_or(1.0, of)).collect()
    };
    let (worse, better) = (p(|estimate| estimate.p_below(0.0)), p(|estimate| estimate.p_above(0.0)));
    let adjusted = (holm(&worse), holm(&better));
    for (index, row) in rows.iter_mut().enumerate() {
        row.worse = P { raw: worse[index], adjusted: adjusted.0[index] };
        let Some(estimate) = row.estimate.filter(|_| row.pairs >= LEAST_ALTERNATIONS) else { continue };
        row.finding = finding(&estimate, row.margin, adjusted.0[index], adjusted.1[index]);
        // What fails more often is not shown to be as good.
        if row.finding.holds() && row.failed[1] > row.failed[0] {
            row.finding = WithinFinding::Open;
        }
    }
}

/// By the corrected p values of "worse" and "better".
fn finding(estimate: &Estimate, margin: Margin, worse: f64, better: f64) -> WithinFinding {
    if worse <= LEVEL && estimate.difference <= -margin.log() {
        WithinFinding::Worse
    } else if better <= LEVEL && estimate.difference >= margin.log() {
        WithinFinding::Better
    } else if margin.p_not_worse(estimate) <= LEVEL {
        WithinFinding::NotWorse
    } else {
        WithinFinding::Open
    }
}

fn refuse<T>(why: String) -> Result<T, Refusal> {
    Err(Refusal::Within(why))
}

/// The pairs of neighbouring runs, as indices into both sides: every two runs that follow one another are of both sides, and
/// as many pairs begin with the one as with the other, so that a drift of the host falls on both alike.
fn alternations(before: &Runs, after: &Runs) -> Result<Vec<(usize, usize)>, Refusal> {
    let all = || before.heads().iter().chain(after.heads());
    let boot = &before.heads()[0].boot_id;
    if boot.is_none() || all().any(|run| run.boot_id != *boot) {
        return refuse("the runs are not all of one boot: leave --within-boot out, and boots are compared".to_owned());
    }
    let side = |runs: &Runs, is_after: bool| -> Vec<(bool, usize, Head)> {
        runs.heads().iter().cloned().enumerate().map(|(index, run)| (is_after, index, run)).collect()
    };
    let mut turns = [side(before, false), side(after, true)].concat();
    turns.sort_by(|a, b| (&a.2.started, &a.2.id).cmp(&(&b.2.started, &b.2.id)));
    let mut pairs = Vec::new();
    let mut begins_with_after = 0;
    for pair in turns.chunks(2) {
        match pair {
            [first, second] if first.0 != second.0 => {
                begins_with_after += usize::from(first.0);
                pairs.push(if first.0 { (second.1, first.1) } else { (first.1, second.1) });
            }
            [first, ..] => {
                return refuse(format!("run {} has no neighbour of the other side: runs are made in turn", first.2.id));
            }
            [] => {}
        }
    }
    if pairs.len() < LEAST_ALTERNATIONS {
        return refuse(format!("{} pairs are too few: {LEAST_ALTERNATIONS} are the least", pairs.len()));
    }
    if 2 * begins_with_after != pairs.len() {
        return refuse(format!(
            "{begins_with_after} of {} pairs begin with a run after: half of them must, so that a drift of the host falls on \
             both sides alike",
            pairs.len()
        ));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::{Digest, Ending, Fingerprint, Profile, Series, metrics};

    use crate::stats::simulate::{Random, autoregressive};

    /// Runs of one boot in the order ABBA, whose correlation is 0.3; those after are worse by a share.
    fn runs(pairs: usize, worse: f64, edit: impl Fn(usize, &mut Digest)) -> (Runs, Runs) {
        let mut random = Random::seed(5);
        let noise = autoregressive(2 * pairs, 0.3, &mut random);
        let (mut before, mut after) = (Runs::default(), Runs::default());
        for (turn, noise) in noise.iter().enumerate() {
            let is_after = [false, true, true, false][turn % 4];
            let step = if is_after { (1.0 - worse).ln() } else { 0.0 };
            let metric = Metric::from(&metrics::DISK_RANDREAD_IOPS);
            let series = Series { metric, medians: vec![(0.005 * noise + step).exp()], valid: 1, tainted: 0 };
            let firmware = [("drive S1 firmware".to_owned(), if is_after { "B" } else { "A" }.to_owned())];
            let mut run = Digest {
                id: format!("run{turn:02}"),
                started: format!("2026-07-01T00:{turn:02}:00Z"),
                host: "h".into(),
                boot_id: Some("one".into()),
                profile: Profile::Full,
                build: measure::Build { version: "1.0.0".into(), ..measure::Build::default() },
                fingerprint: Fingerprint { config: firmware.into(), ..Fingerprint::default() },
                ending: Ending::Complete,
                series: [(metrics::DISK_RANDREAD_IOPS.series(), series)].into(),
                failures: [].into(),
            };
            edit(turn, &mut run);
            if is_after { after.push(run) } else { before.push(run) }
        }
        (before, after)
    }

    #[test]
    fn runs_in_turn_are_compared_in_words_of_their_own() {
        let check = |worse: f64, expect: WithinFinding| {
            let (before, after) = runs(8, worse, |_, _| ());
            let found = within_boot(before, after, &Tolerances::default()).unwrap();
            let row = &found.rows[0];
            assert_eq!((found.overall(), row.pairs, found.changes.len()), (expect, 8, 1), "{row:?}");
            let [low, high] = row.interval().unwrap();
            assert!(low <= -worse && -worse <= high, "{row:?}");
        };
        check(0.05, WithinFinding::Worse);
        check(0.0, WithinFinding::NotWorse);
        check(0.018, WithinFinding::Open);
        let (before, after) = runs(8, -0.05, |_, _| ());
        assert_eq!(within_boot(before, after, &Tolerances::default()).unwrap().rows[0].finding, WithinFinding::Better);
    }

    #[test]
    fn a_metric_that_fails_after_is_open() {
        let failed = measure::FailureCount { wrong: 1, ..measure::FailureCount::default() };
        let (before, after) = runs(10, 0.0, |turn, run| {
            if turn == 1 {
                run.failures.insert(metrics::DISK_RANDREAD_IOPS.series(), failed);
            }
        });
        let found = within_boot(before, after, &Tolerances::default()).unwrap();
        assert_eq!((found.rows[0].finding, found.rows[0].failed), (WithinFinding::Open, [0, 1]));
    }

    #[test]
    fn what_is_no_alternation_is_refused() {
        let check = |pairs: usize, alter: fn(usize, &mut Digest), expect: &str| {
            let (before, after) = runs(pairs, 0.0, alter);
            let refusal = within_boot(before, after, &Tolerances::default()).unwrap_err().to_string();
            assert!(refusal.contains(expect), "{refusal}");
        };
        check(7, |_, _| (), "7 pairs are too few: 8 are the least");
        check(9, |_, _| (), "4 of 9 pairs begin with a run after");
        check(8, |turn, run| run.boot_id = Some(format!("boot{}", turn / 8)), "not all of one boot");
        check(8, |_, run| run.boot_id = None, "not all of one boot");
        check(
            8,
            |turn, run| {
                if turn == 0 {
                    run.started = "2026-07-02".into();
                }
            },
            "run run01 has no neighbour of the other side",
        );
        check(
            8,
            |turn, run| {
                let bios = if [1, 2].contains(&(turn % 4)) { "2" } else { "1" };
                run.fingerprint.config.insert("bios.version".into(), bios.into());
            },
            "bios.version differs, and it changes with a reboot",
        );
    }
}
