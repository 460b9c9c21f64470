//! One series before and after.

use std::collections::BTreeMap;

use measure::{Better, FailureCount, Metric, MetricId};

use super::{ChangeFinding, Order, P, Slice, Tests, Tolerances, decide, failing, reason};
use crate::power::{self, Design};
use crate::stats::{
    ALPHA, ConfidenceInterval, Estimate, History, Margin, Method, Permutation, benjamini_hochberg, holm, paired,
    permute, sign_flips, unpaired,
};

/// A series with its verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricChange {
    /// Which series.
    pub id: MetricId,
    /// What it measures.
    pub metric: Metric,
    /// Whether it decides, or is for information.
    pub critical: bool,
    /// What was measured before.
    pub before: SideSummary,
    /// What was measured after.
    pub after: SideSummary,
    /// δ.
    pub margin: Margin,
    /// The change; `None` where there are not enough boots for one.
    pub effect: Option<Effect>,
    /// Whether it fails more often after than before: Fisher's exact test on the boots; `None` where nothing failed.
    pub failure_test: Option<P>,
    /// How many boots on each side would decide, where these do not; were they to go on as they did.
    pub boots_needed: Option<u32>,
    /// The verdict.
    pub finding: ChangeFinding,
    /// Why, in a sentence.
    pub reason: String,
}

/// A side of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SideSummary {
    /// Boots with a value.
    pub boots: usize,
    /// Geometric mean over boots, in the metric's unit.
    pub value: Option<f64>,
    /// Samples that counted.
    pub valid: usize,
    /// Samples that were left out because something disturbed them.
    pub tainted: usize,
    /// Repetitions with a value.
    pub with_value: u32,
    /// Repetitions that failed.
    pub failures: FailureCount,
    /// Boots in which it was tried.
    pub tried_boots: usize,
    /// Boots in which a repetition failed.
    pub failed_boots: usize,
}

impl SideSummary {
    /// Repetitions with a value, and those that failed.
    #[must_use]
    pub fn repetitions(&self) -> u32 {
        self.with_value + self.failures.all()
    }
}

/// How much a metric changed, and how sure that is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// The change of y: positive is better.
    pub estimate: Estimate,
    /// Which direction of the metric is better.
    pub better: Better,
    /// The tests of "worse".
    pub worse_tests: Tests,
    /// The tests of "better".
    pub better_tests: Tests,
    /// The standard deviation of y between boots that the error stands for, about a share of the metric.
    pub noise: f64,
    /// The chance that boots like these show NOT-WORSE where nothing changed.
    pub power: f64,
    /// The smallest worsening, as a share, that boots like these call a regression with 80 % power.
    pub smallest_detectable: Option<f64>,
}

impl Effect {
    /// The change of the metric itself, as a share: +0.05 is 5 % more, better or not.
    #[must_use]
    pub fn change(&self) -> f64 {
        change(self.estimate.difference, self.better)
    }

    /// The interval of the change of the metric itself, as shares.
    #[must_use]
    pub fn interval(&self, confidence: f64) -> ConfidenceInterval {
        let gain = self.estimate.interval(confidence);
        let (a, b) = (change(gain.low, self.better), change(gain.high, self.better));
        ConfidenceInterval { low: a.min(b), high: a.max(b) }
    }
}

/// The share by which a metric changes when y changes by `gain`.
#[must_use]
pub fn change(gain: f64, better: Better) -> f64 {
    match better {
        Better::Higher => gain.exp_m1(),
        Better::Lower => (-gain).exp_m1(),
    }
}

/// The boots that a comparison looks at.
pub(crate) struct Sides<'a> {
    pub(crate) before: Slice<'a>,
    pub(crate) after: Slice<'a>,
    /// Other boots, by configuration.
    pub(crate) history: Vec<Slice<'a>>,
}

/// A row that waits for the correction by its family.
struct Draft {
    row: MetricChange,
    found: Option<(Estimate, Option<Permutation>)>,
    history: Option<History>,
}

/// A row for every series that a side has. Critical ones are corrected by Holm, the others by Benjamini and Hochberg.
pub(crate) fn rows(sides: &Sides<'_>, tolerances: &Tolerances, order: Order, wanted: Wanted) -> Vec<MetricChange> {
    let mut metrics: BTreeMap<&MetricId, Metric> = sides.before.metrics();
    metrics.extend(sides.after.metrics());
    metrics.retain(|id, _| wanted == Wanted::All || tolerances.critical(id));
    let drafts = metrics.into_iter().map(|(id, metric)| draft(sides, tolerances, order, id, metric));
    let drafts = drafts.filter(|draft| draft.row.before.tried_boots + draft.row.after.tried_boots > 0);
    let (critical, advisory): (Vec<Draft>, Vec<Draft>) = drafts.partition(|draft| draft.row.critical);
    let mut rows = finish(critical, holm);
    rows.extend(finish(advisory, benjamini_hochberg));
    rows.sort_by(|a, b| (!a.critical, a.finding, &a.id).cmp(&(!b.critical, b.finding, &b.id)));
    rows
}

/// Which series a comparison is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    All,
    Critical,
}

fn draft(sides: &Sides<'_>, tolerances: &Tolerances, order: Order, id: &MetricId, metric: Metric) -> Draft {
    let (mut before, mut after) = (sides.before.gains(id), sides.after.gains(id));
    if order == Order::Paired && before.len() == after.len() {
        // A pair with a gap is no pair.
        for (first, second) in before.iter_mut().zip(&mut after) {
            if first.is_none() || second.is_none() {
                (*first, *second) = (None, None);
            }
        }
    }
    let known = |values: Vec<Option<f64>>| values.into_iter().flatten().collect::<Vec<f64>>();
    let (before, after) = (known(before), known(after));
    let past = || sides.history.iter().map(|group| known(group.gains(id))).collect::<Vec<Vec<f64>>>();
    let (found, history) = match order {
        Order::Paired => (paired(&before, &after).map(|estimate| (estimate, sign_flips(&before, &after))), None),
        Order::Separate => {
            let history = History::of(&past());
            (unpaired(&before, &after, history).map(|estimate| (estimate, permute(&before, &after))), history)
        }
    };
    let row = MetricChange {
        id: id.clone(),
        critical: tolerances.critical(id),
        before: side(&sides.before, id, metric.better, &before),
        after: side(&sides.after, id, metric.better, &after),
        metric,
        margin: tolerances.margin(id),
        effect: None,
        failure_test: None,
        boots_needed: None,
        finding: ChangeFinding::Inconclusive,
        reason: String::new(),
    };
    Draft { row, found, history }
}

fn side(boots: &Slice<'_>, id: &MetricId, better: Better, values: &[f64]) -> SideSummary {
    let tried = boots.tried(id);
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    SideSummary {
        boots: values.len(),
        value: (!values.is_empty()).then(|| change(mean, better) + 1.0),
        valid: tried.valid,
        tainted: tried.tainted,
        with_value: tried.repetitions,
        failures: tried.failures,
        tried_boots: tried.boots,
        failed_boots: tried.failed_boots,
    }
}

/// Corrects a family and decides each of its rows.
fn finish(drafts: Vec<Draft>, correct: fn(&[f64]) -> Vec<f64>) -> Vec<MetricChange> {
    let estimated: Vec<(Estimate, Option<Permutation>)> = drafts.iter().filter_map(|draft| draft.found).collect();
    let worse = tests(&estimated, correct, |estimate| estimate.p_below(0.0), |permutation| permutation.worse);
    let better = tests(&estimated, correct, |estimate| estimate.p_above(0.0), |permutation| permutation.better);
    // What never failed cannot be found by the test of failures, and is no member of its family: Tarone (1990),
    // Biometrics 46, 515.
    let failing: Vec<Option<f64>> =
        drafts.iter().map(|draft| failing::p(&draft.row.before, &draft.row.after)).collect();
    let mut failing_adjusted = correct(&failing.iter().flatten().copied().collect::<Vec<f64>>()).into_iter();
    // The first step of Holm's procedure.
    let alpha = |row: &MetricChange| if row.critical { ALPHA / estimated.len().max(1) as f64 } else { ALPHA };
    let mut tests = worse.into_iter().zip(better);
    let mut rows = Vec::with_capacity(drafts.len());
    for (draft, failing) in drafts.into_iter().zip(failing) {
        let failing = failing.and_then(|raw| Some(P { raw, adjusted: failing_adjusted.next()? }));
        let by_value = draft.found.and_then(|(estimate, _)| tests.next().map(|tests| (estimate, tests)));
        let alpha = alpha(&draft.row);
        rows.push(decided(draft, by_value, failing, alpha));
    }
    rows
}

/// The row with its finding: by its values where there are enough, and by what failed.
fn decided(draft: Draft, by_value: Option<(Estimate, (Tests, Tests))>, failing: Option<P>, alpha: f64) -> MetricChange {
    let Draft { mut row, history, .. } = draft;
    if let Some((estimate, (worse, better))) = by_value {
        row.finding = decide(&estimate, row.margin, &worse, &better);
        let effect = effect(&row, &estimate, (worse, better), alpha);
        row.boots_needed = boots_needed(&row, &effect, alpha);
        row.effect = Some(effect);
    } else {
        row.finding = without_estimate(&row);
        let noise = history.filter(|_| row.finding == ChangeFinding::CannotBeJudged);
        row.boots_needed = noise.and_then(|past| power::boots_needed(past.deviation(), row.margin, Some(past)));
    }
    row.failure_test = failing;
    row.reason = reason::of(&row);
    let by_value = row.finding;
    row.finding = failing::with_failures(by_value, &row.before, &row.after, failing);
    row.reason = reason::with_failures(&row, by_value);
    row
}

fn tests(
    estimated: &[(Estimate, Option<Permutation>)],
    correct: fn(&[f64]) -> Vec<f64>,
    by_t: fn(&Estimate) -> f64,
    by_permutation: fn(&Permutation) -> f64,
) -> Vec<Tests> {
    let t: Vec<f64> = estimated.iter().map(|(estimate, _)| by_t(estimate)).collect();
    // Where there is no permutation test, the t test stands in its place in the family.
    let permuted: Vec<f64> =
        estimated.iter().zip(&t).map(|((_, found), t)| found.as_ref().map_or(*t, by_permutation)).collect();
    let (t_adjusted, permuted_adjusted) = (correct(&t), correct(&permuted));
    (0..estimated.len())
        .map(|i| Tests {
            t: P { raw: t[i], adjusted: t_adjusted[i] },
            permutation: estimated[i].1.map(|_| P { raw: permuted[i], adjusted: permuted_adjusted[i] }),
            smallest: estimated[i].1.map_or(1.0, |permutation| permutation.smallest),
        })
        .collect()
}

fn effect(row: &MetricChange, estimate: &Estimate, (worse, better): (Tests, Tests), alpha: f64) -> Effect {
    let boots = |side: &SideSummary| u32::try_from(side.boots).unwrap_or(u32::MAX);
    let (before, after) = (boots(&row.before), boots(&row.after));
    let design = match estimate.method {
        Method::Welch => Design::Unpaired { before, after },
        Method::Paired => Design::Paired { pairs: before },
        Method::Moderated(history) => Design::Moderated { before, after, history },
    };
    let noise = estimate.error / design.spread();
    Effect {
        estimate: *estimate,
        better: row.metric.better,
        worse_tests: worse,
        better_tests: better,
        noise,
        power: power::of_not_worse(design, noise, row.margin, 0.0),
        smallest_detectable: power::smallest_detectable(design, noise, row.margin, alpha),
    }
}

fn boots_needed(row: &MetricChange, effect: &Effect, alpha: f64) -> Option<u32> {
    let history = match effect.estimate.method {
        Method::Moderated(history) => Some(history),
        Method::Welch | Method::Paired => None,
    };
    match row.finding {
        ChangeFinding::CannotBeJudged => power::boots_needed(effect.noise, row.margin, history),
        ChangeFinding::Inconclusive => {
            power::boots_to_decide(effect.estimate.difference, effect.noise, row.margin, alpha)
        }
        _ => None,
    }
}

/// The verdict where there are not enough boots for an estimate.
fn without_estimate(row: &MetricChange) -> ChangeFinding {
    let disturbed = |side: &SideSummary| side.valid == 0 && side.tainted > 0;
    let measured = row.before.boots > 0 && row.after.boots > 0;
    if disturbed(&row.before) || disturbed(&row.after) {
        ChangeFinding::Tainted
    } else if measured {
        ChangeFinding::CannotBeJudged
    } else {
        ChangeFinding::Inconclusive
    }
}
