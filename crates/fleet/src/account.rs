//! What a fleet keeps of a judged run: thousands of nodes fit into memory, their samples do not.

use std::collections::{BTreeMap, BTreeSet};

use measure::{Better, Digest, Metric, MetricId, Quantity, Run, definition, metrics};
use verdict::stats::{Moments, boot_value, t_quantile};
use verdict::{Acceptance, FactRow, Judgement, Row, Verdict};

use crate::cohort::{MethodFacts, facts_that_matter};

/// Fewer degrees of freedom tell too little of a node's own noise.
const FEWEST_DEGREES: f64 = 4.0;
/// The standard error of the median of normal values over that of their mean, √(π/2).
const OF_MEDIAN: f64 = 1.253_314;

/// A judged node in brief.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Ids of the runs that were judged together, the newest last.
    pub runs: Vec<String>,
    /// When the newest of them began, RFC 3339 in UTC.
    pub started: String,
    /// Name of the host as it says itself.
    pub host: String,
    /// What the node is and how it was measured, in the parts by which cohorts are formed.
    pub facts: MethodFacts,
    /// What its criteria add up to.
    pub acceptance: Acceptance,
    /// The targets, in the order of the document.
    pub targets: Vec<TargetAnswer>,
    /// The parts that are demanded, or speak against the node.
    pub parts: Vec<PartAnswer>,
    /// What was measured of each series that is compared with those of other nodes.
    pub figures: BTreeMap<MetricId, Figure>,
    /// What concerns the whole run.
    pub remarks: Vec<String>,
}

/// One target on a node.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetAnswer {
    /// Id of the target.
    pub id: String,
    /// What it is, in a few words.
    pub title: String,
    /// The series that it is judged by.
    pub series: Option<MetricId>,
    /// The promised value.
    pub documented: Quantity,
    /// Whether `accept` demands it.
    pub required: bool,
    /// What was measured.
    pub value: Option<Quantity>,
    /// How much of the promised value was reached: 1 is all of it, and more is better.
    pub share: Option<f64>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
}

/// One part of a node against the document.
#[derive(Clone, Debug, PartialEq)]
pub struct PartAnswer {
    /// Id of the fact.
    pub id: String,
    /// What it is, in a few words.
    pub title: String,
    /// What the document says.
    pub documented: String,
    /// What the node has.
    pub found: Option<String>,
    /// Whether `accept` demands it.
    pub required: bool,
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
}

/// What a node measured of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Unit and direction.
    pub metric: Metric,
    /// y: the logarithm, its sign turned so that more is better; the mean over boots.
    pub gain: f64,
    /// How sure the node itself is of it.
    pub noise: Option<OwnNoise>,
}

/// How much a node's own figure would be another next time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OwnNoise {
    /// The standard error of y.
    pub error: f64,
    /// Degrees of freedom behind it.
    pub degrees_of_freedom: f64,
}

impl Figure {
    /// In the unit of the metric.
    #[must_use]
    pub fn value(&self) -> f64 {
        value(self.gain, self.metric.better)
    }
}

/// The value of which y is the logarithm.
pub(crate) fn value(gain: f64, better: Better) -> f64 {
    match better {
        Better::Higher => gain.exp(),
        Better::Lower => (-gain).exp(),
    }
}

impl Account {
    /// Of runs of one node, the newest last, and what they were judged together.
    #[must_use]
    pub fn of(last: &Run, earlier: &[&Run], judgement: &Judgement) -> Account {
        let counted = |run: &&Run| judgement.runs.contains(&run.id);
        let runs: Vec<Digest> = earlier.iter().copied().chain([last]).filter(counted).map(Digest::of).collect();
        let shown = judgement.rows.iter().filter(|row| row.companion_of.is_none() || row.required);
        let concerns = |row: &&FactRow| row.required || row.verdict == Verdict::Fail;
        let targets: Vec<TargetAnswer> = shown.map(target).collect();
        Account {
            runs: judgement.runs.clone(),
            started: last.started.clone(),
            host: last.host.clone(),
            facts: facts_that_matter(last),
            acceptance: judgement.acceptance(),
            figures: figures(&runs, last, &targets),
            targets,
            parts: judgement.facts.iter().filter(concerns).map(part).collect(),
            remarks: judgement.remarks.clone(),
        }
    }

    /// How many demanded criteria it misses.
    #[must_use]
    pub fn failed(&self) -> usize {
        let targets = self.targets.iter().map(|one| (one.required, one.verdict));
        let parts = self.parts.iter().map(|one| (one.required, one.verdict));
        targets.chain(parts).filter(|one| *one == (true, Verdict::Fail)).count()
    }
}

fn target(row: &Row) -> TargetAnswer {
    TargetAnswer {
        id: row.id.clone(),
        title: row.title.clone(),
        series: row.metric.map(|metric| MetricId { name: metric.id.to_owned(), labels: row.series.clone() }),
        documented: row.documented,
        required: row.required,
        value: row.measured.as_ref().map(|measured| measured.value),
        share: row.share_of_target,
        verdict: row.verdict,
        reason: row.reason.clone(),
    }
}

fn part(row: &FactRow) -> PartAnswer {
    PartAnswer {
        id: row.id.clone(),
        title: row.title.clone(),
        documented: row.documented.clone(),
        found: row.found.clone(),
        required: row.required,
        verdict: row.verdict,
        reason: row.reason.clone(),
    }
}

/// What the runs say of each series that is compared: those of targets, and every headline of the whole host. What is above
/// physics is compared with nothing.
fn figures(runs: &[Digest], last: &Run, targets: &[TargetAnswer]) -> BTreeMap<MetricId, Figure> {
    let headlines = metrics::ALL.iter().filter(|metric| metric.is_headline()).map(|metric| metric.series());
    let mut ids: BTreeSet<MetricId> =
        targets.iter().filter_map(|target| target.series.clone()).chain(headlines).collect();
    for target in targets.iter().filter(|target| target.verdict == Verdict::Implausible) {
        if let Some(wrong) = &target.series {
            ids.remove(wrong);
        }
    }
    ids.into_iter().filter_map(|id| figure(runs, last, &id).map(|figure| (id, figure))).collect()
}

fn figure(runs: &[Digest], last: &Run, id: &MetricId) -> Option<Figure> {
    let metric = definition(&id.name).map(Metric::from)?;
    let mut boots: BTreeMap<&Option<String>, Vec<f64>> = BTreeMap::new();
    for run in runs {
        let Some(series) = run.series.get(id).filter(|series| series.metric == metric) else { continue };
        boots.entry(&run.boot_id).or_default().extend(&series.medians);
    }
    let of_boots: Vec<f64> = boots.values().filter_map(|medians| boot_value(medians, metric.better)).collect();
    let moments = Moments::of(&of_boots)?;
    let history = last.noise.get(&id.name).filter(|_| id.labels.is_empty()).and_then(|noise| {
        let is_one = noise.floor.is_finite() && noise.floor > 0.0 && noise.degrees_of_freedom >= FEWEST_DEGREES;
        let deviation = noise.floor.ln_1p() / t_quantile(0.95, noise.degrees_of_freedom);
        is_one.then(|| OwnNoise { error: deviation / moments.n.sqrt(), degrees_of_freedom: noise.degrees_of_freedom })
    });
    let between = (moments.degrees_of_freedom() >= FEWEST_DEGREES).then(|| OwnNoise {
        error: (moments.variance / moments.n).sqrt(),
        degrees_of_freedom: moments.degrees_of_freedom(),
    });
    let noise = history.or(between).or_else(|| within(boots.values().next().filter(|_| boots.len() == 1)?));
    Some(Figure { metric, gain: moments.mean, noise })
}

/// What the repetitions of one boot tell: no more than how sure its median is.
fn within(repetitions: &[f64]) -> Option<OwnNoise> {
    let logs: Vec<f64> = repetitions.iter().map(|value| value.ln()).collect();
    let moments = Moments::of(&logs).filter(|moments| moments.degrees_of_freedom() >= FEWEST_DEGREES)?;
    let error = OF_MEDIAN * (moments.variance / moments.n).sqrt();
    Some(OwnNoise { error, degrees_of_freedom: moments.degrees_of_freedom() })
}
