//! One series over the fleet: each node's figure among those of its cohort.

use std::collections::BTreeMap;

use measure::{Metric, MetricId};
use verdict::compare::{Tolerances, change};
use verdict::stats::{Margin, f_above, t_quantile};

use crate::account::value;
use crate::cohort::Cohort;
use crate::robust::{Centre, FEWEST, level_of_one, limit};
use crate::{Figure, FleetNode};

/// The risk at which a node's own noise counts as larger than the spread of its cohort.
const NOISIER_RISK: f64 = 0.05;

/// One series over the fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// Which series.
    pub id: MetricId,
    /// Unit and direction.
    pub metric: Metric,
    /// δ: what is less off is the same for every purpose.
    pub margin: Margin,
    /// Ids of the targets that are judged by it.
    pub targets: Vec<String>,
    /// What it is in each cohort, the largest first.
    pub cohorts: Vec<CohortSpread>,
    /// Each node with a figure, in the order of the fleet.
    pub places: Vec<NodePlace>,
}

/// A series in one cohort.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CohortSpread {
    /// Which cohort, by its place.
    pub cohort: usize,
    /// Nodes with a figure.
    pub nodes: usize,
    /// The median, in the metric's unit.
    pub median: f64,
    /// The robust standard deviation, as a share.
    pub deviation: f64,
    /// How many of those off is an outlier; `None` with too few nodes to compare.
    pub limit: Option<f64>,
    /// How much worse a node must be, as a share, to be named with a chance of 80 %.
    pub detectable: Option<f64>,
}

/// A node's figure among those of its cohort.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NodePlace {
    /// Which node, by its place in the fleet.
    pub node: usize,
    /// Its figure, in the metric's unit.
    pub value: f64,
    /// How many robust standard deviations it is better than the median; `None` with too few nodes to compare.
    pub z: Option<f64>,
    /// By which share of the median the metric is more or less.
    pub off: f64,
    /// What that means.
    pub among: Among,
}

/// How a node stands among its siblings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Among {
    /// As the others.
    Alike,
    /// Worse than chance and margin let pass.
    Outlier,
    /// Better than chance and margin let pass: told, and nobody's fault.
    Unusual,
    /// It is off, and so noisy itself that the next run may well be as the others.
    OwnNoise,
    /// Too few of its kind to tell.
    TooFew,
}

impl Among {
    /// The word in tables and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Among::Alike => "alike",
            Among::Outlier => "OUTLIER",
            Among::Unusual => "unusually good",
            Among::OwnNoise => "within its own noise",
            Among::TooFew => "too few to compare",
        }
    }
}

/// A figure of a node.
type Placed<'a> = (usize, &'a Figure);

/// The distributions of all series, in the order of their ids, and how many figures were held against a limit.
pub(crate) fn distributions(
    nodes: &[FleetNode],
    cohorts: &[Cohort],
    tolerances: &Tolerances,
) -> (Vec<Distribution>, usize) {
    let mut series: BTreeMap<&MetricId, Vec<Vec<Placed<'_>>>> = BTreeMap::new();
    for (number, cohort) in cohorts.iter().enumerate() {
        for &place in &cohort.nodes {
            for (id, figure) in nodes[place].account().into_iter().flat_map(|account| &account.figures) {
                let groups = series.entry(id).or_insert_with(|| vec![Vec::new(); cohorts.len()]);
                groups[number].push((place, figure));
            }
        }
    }
    let compared = series.values().flatten().map(Vec::len).filter(|count| *count >= FEWEST);
    let tests = compared.sum();
    let all = series.into_iter().filter_map(|(id, groups)| {
        let (_, first) = groups.iter().flatten().next()?;
        let mut found = Distribution {
            id: id.clone(),
            metric: first.metric.clone(),
            margin: tolerances.margin(id),
            targets: targets(nodes, id),
            cohorts: Vec::new(),
            places: Vec::new(),
        };
        for (cohort, group) in groups.iter().enumerate().filter(|(_, group)| !group.is_empty()) {
            found.add(cohort, group, tests);
        }
        found.places.sort_by_key(|place| place.node);
        Some(found)
    });
    (all.collect(), tests)
}

fn targets(nodes: &[FleetNode], id: &MetricId) -> Vec<String> {
    let account = nodes.iter().find_map(FleetNode::account);
    let own = account.into_iter().flat_map(|account| &account.targets);
    own.filter(|target| target.series.as_ref() == Some(id)).map(|target| target.id.clone()).collect()
}

impl Distribution {
    fn add(&mut self, cohort: usize, group: &[Placed<'_>], tests: usize) {
        let gains: Vec<f64> = group.iter().map(|(_, figure)| figure.gain).collect();
        let Some(centre) = Centre::of(&gains) else { return };
        let limit = (centre.n >= FEWEST).then(|| limit(centre.n, tests));
        let (better, margin) = (self.metric.better, self.margin.log());
        self.cohorts.push(CohortSpread {
            cohort,
            nodes: centre.n,
            median: value(centre.median, better),
            deviation: centre.deviation.exp_m1(),
            limit,
            detectable: limit.map(|limit| -(-centre.detectable(limit, margin)).exp_m1()),
        });
        self.places.extend(group.iter().map(|(node, figure)| NodePlace {
            node: *node,
            value: figure.value(),
            z: limit.map(|_| centre.z(figure.gain)),
            off: change(figure.gain - centre.median, better),
            among: limit.map_or(Among::TooFew, |limit| among(&centre, figure, limit, margin, tests)),
        }));
    }

    /// The nodes that stand so.
    pub fn nodes(&self, among: Among) -> impl Iterator<Item = &NodePlace> {
        self.places.iter().filter(move |place| place.among == among)
    }
}

fn among(centre: &Centre, figure: &Figure, limit: f64, margin: f64, tests: usize) -> Among {
    let off = figure.gain - centre.median;
    let is_far = off.abs() > margin && centre.z(figure.gain).abs() > limit;
    match is_far {
        false => Among::Alike,
        true if off > 0.0 => Among::Unusual,
        true if is_within_own_noise(centre, figure, off, tests) => Among::OwnNoise,
        true => Among::Outlier,
    }
}

/// Whether a node is noisier than its cohort spreads, and not further off than its own noise reaches at the same level.
fn is_within_own_noise(centre: &Centre, figure: &Figure, off: f64, tests: usize) -> bool {
    let Some(noise) = figure.noise else { return false };
    let ratio = (noise.error / centre.deviation).powi(2);
    let is_noisier = f_above(ratio, noise.degrees_of_freedom, centre.degrees_of_freedom()) < NOISIER_RISK;
    is_noisier && -off <= -t_quantile(level_of_one(tests), noise.degrees_of_freedom) * noise.error
}
