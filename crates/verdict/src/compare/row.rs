//! One series before and after.

use measure::{Better, Metric, MetricId};

use super::{BootRuns, ChangeFinding, Order, P, Tests, Tolerances, decide, metrics, reason};
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
    /// How many boots on each side would decide: where these do not, were they to go on as they did.
    pub boots_needed: Option<u32>,
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
pub(crate) fn change(gain: f64, better: Better) -> f64 {
    match better {
        Better::Higher => gain.exp_m1(),
        Better::Lower => (-gain).exp_m1(),
    }
}

/// The boots that a comparison looks at.
pub(crate) struct Boots<'a, 'b> {
    pub(crate) before: &'b [BootRuns<'a>],
    pub(crate) after: &'b [BootRuns<'a>],
    /// Other boots, by configuration.
    pub(crate) history: &'b [Vec<&'b BootRuns<'a>>],
}

/// A row that waits for the correction by its family.
struct Draft {
    row: MetricChange,
    found: Option<(Estimate, Option<Permutation>)>,
}

/// A row for every series that a side has. Critical ones are corrected by Holm, the others by Benjamini and Hochberg.
pub(crate) fn rows(boots: &Boots<'_, '_>, tolerances: &Tolerances, order: Order) -> Vec<MetricChange> {
    let runs = boots.before.iter().chain(boots.after).flat_map(|boot| boot.runs.iter().copied());
    let drafts = metrics(runs).into_iter().map(|(id, metric)| draft(boots, tolerances, order, id, metric));
    let (critical, advisory): (Vec<Draft>, Vec<Draft>) = drafts.partition(|draft| draft.row.critical);
    let mut rows = finish(critical, holm);
    rows.extend(finish(advisory, benjamini_hochberg));
    rows
}

fn draft(boots: &Boots<'_, '_>, tolerances: &Tolerances, order: Order, id: &MetricId, metric: &Metric) -> Draft {
    let values = |boots: &[BootRuns<'_>]| boots.iter().map(|boot| boot.value(id, metric.better)).collect::<Vec<_>>();
    let (mut before, mut after) = (values(boots.before), values(boots.after));
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
    let row = MetricChange {
        id: id.clone(),
        metric: metric.clone(),
        critical: tolerances.critical(id),
        before: side(boots.before, id, metric.better, &before),
        after: side(boots.after, id, metric.better, &after),
        margin: tolerances.margin(id),
        effect: None,
        finding: ChangeFinding::Inconclusive,
        reason: String::new(),
    };
    let found = match order {
        Order::Paired => paired(&before, &after).map(|estimate| (estimate, sign_flips(&before, &after))),
        Order::Separate => {
            let past =
                |group: &Vec<&BootRuns<'_>>| group.iter().filter_map(|boot| boot.value(id, metric.better)).collect();
            let history = History::of(&boots.history.iter().map(past).collect::<Vec<Vec<f64>>>());
            unpaired(&before, &after, history).map(|estimate| (estimate, permute(&before, &after)))
        }
    };
    Draft { row, found }
}

fn side(boots: &[BootRuns<'_>], id: &MetricId, better: Better, values: &[f64]) -> SideSummary {
    let series = || boots.iter().flat_map(|boot| &boot.runs).filter_map(|run| run.series.get(id));
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    SideSummary {
        boots: values.len(),
        value: (!values.is_empty()).then(|| change(mean, better) + 1.0),
        valid: series().map(|series| series.valid).sum(),
        tainted: series().map(|series| series.tainted).sum(),
    }
}

/// Corrects a family and decides each of its rows.
fn finish(drafts: Vec<Draft>, correct: fn(&[f64]) -> Vec<f64>) -> Vec<MetricChange> {
    let estimated: Vec<(Estimate, Option<Permutation>)> = drafts.iter().filter_map(|draft| draft.found).collect();
    let worse = tests(&estimated, correct, |estimate| estimate.p_below(0.0), |permutation| permutation.worse);
    let better = tests(&estimated, correct, |estimate| estimate.p_above(0.0), |permutation| permutation.better);
    let family = estimated.len();
    let mut tests = worse.into_iter().zip(better);
    let mut rows = Vec::with_capacity(drafts.len());
    for Draft { mut row, found } in drafts {
        let judged = found.and_then(|(estimate, _)| tests.next().map(|(worse, better)| (estimate, worse, better)));
        match judged {
            Some((estimate, worse, better)) => {
                row.finding = decide(&estimate, row.margin, &worse, &better);
                row.effect = Some(effect(&row, &estimate, (worse, better), family));
            }
            None => row.finding = without_estimate(&row),
        }
        row.reason = reason::of(&row);
        rows.push(row);
    }
    rows
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

fn effect(row: &MetricChange, estimate: &Estimate, (worse, better): (Tests, Tests), family: usize) -> Effect {
    let boots = |side: &SideSummary| u32::try_from(side.boots).unwrap_or(u32::MAX);
    let (before, after) = (boots(&row.before), boots(&row.after));
    let (design, history) = match estimate.method {
        Method::Welch => (Design::Unpaired { before, after }, None),
        Method::Paired => (Design::Paired { pairs: before }, None),
        Method::Moderated(history) => (Design::Moderated { before, after, history }, Some(history)),
    };
    let noise = estimate.error / design.spread();
    // The first step of Holm's procedure.
    let alpha = if row.critical { ALPHA / family as f64 } else { ALPHA };
    let boots_needed = match row.finding {
        ChangeFinding::CannotBeJudged => power::boots_needed(noise, row.margin, history),
        ChangeFinding::Inconclusive => power::boots_to_decide(estimate.difference, noise, row.margin, alpha),
        _ => None,
    };
    Effect {
        estimate: *estimate,
        better: row.metric.better,
        worse_tests: worse,
        better_tests: better,
        noise,
        power: power::of_not_worse(design, noise, row.margin, 0.0),
        smallest_detectable: power::smallest_detectable(design, noise, row.margin, alpha),
        boots_needed,
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
