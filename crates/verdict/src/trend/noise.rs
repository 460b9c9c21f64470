//! How noisy each metric of a host is, and what it can therefore be judged for: before anybody relies on it.

use measure::{Metric, MetricId};

use super::of_newest;
use crate::compare::{Runs, Slice, Tolerances, Values};
use crate::power::{self, Design};
use crate::stats::{ALPHA, History, Margin};

/// The boots on each side that a campaign makes unless told otherwise.
pub const PLANNED_BOOTS: u32 = 5;

/// The noise of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Noise {
    /// Which series.
    pub id: MetricId,
    /// What it measures.
    pub metric: Metric,
    /// δ.
    pub margin: Margin,
    /// Boots with a value.
    pub boots: usize,
    /// Between boots of one configuration; `None` where no configuration has two.
    pub between: Option<History>,
    /// Between the repetitions of a boot, a standard deviation of y; `None` where no boot has two.
    pub within: Option<f64>,
    /// The chance that [`PLANNED_BOOTS`] on each side show NOT-WORSE where nothing changed.
    pub power: Option<f64>,
    /// The smallest worsening, as a share, that they call a regression with 80 % power, as one of the critical metrics.
    pub smallest_detectable: Option<f64>,
    /// How many boots on each side are needed; `None` where no number is enough.
    pub boots_needed: Option<u32>,
}

impl Noise {
    /// Whether [`PLANNED_BOOTS`] on each side can judge it: they show NOT-WORSE with 80 % power.
    #[must_use]
    pub fn can_be_judged(&self) -> bool {
        self.power.is_some_and(|power| power >= power::PLANNED)
    }
}

/// The noise of every critical metric, from runs on which nothing but the configuration changed. Configurations do not
/// mix. Runs that do not belong with the newest one are left out.
#[must_use]
pub fn noise(runs: Runs, tolerances: &Tolerances) -> Vec<Noise> {
    let Some(boots) = of_newest(runs, &[]).map(|(boots, _)| boots) else { return Vec::new() };
    let groups = boots.all().by_configuration();
    let critical: Vec<_> = boots.columns().filter(|(id, _)| tolerances.critical(id)).collect();
    let family = critical.len() as f64;
    critical
        .into_iter()
        .map(|(id, values)| of_metric(id, values, &groups, tolerances.margin(id), ALPHA / family))
        .collect()
}

/// The noise and margin of each metric of which the noise is known: what [`power::boots_for_family`] plans by.
#[must_use]
pub fn family(noise: &[Noise]) -> Vec<(f64, Margin)> {
    noise.iter().filter_map(|row| Some((row.between?.deviation(), row.margin))).collect()
}

fn of_metric(id: &MetricId, values: &Values, groups: &[Slice<'_>], margin: Margin, alpha: f64) -> Noise {
    let of_group = |group: &Slice<'_>| -> Vec<f64> { group.gains(id).into_iter().flatten().collect() };
    let gains: Vec<Vec<f64>> = groups.iter().map(of_group).collect();
    let between = History::of(&gains);
    let noise = between.map(|history| history.deviation());
    let design = Design::Unpaired { before: PLANNED_BOOTS, after: PLANNED_BOOTS };
    let (squares, degrees_of_freedom) = values.within;
    Noise {
        id: id.clone(),
        metric: values.metric.clone(),
        margin,
        boots: gains.iter().map(Vec::len).sum(),
        between,
        within: (degrees_of_freedom > 0.0).then(|| (squares / degrees_of_freedom).sqrt()),
        power: noise.map(|noise| power::of_not_worse(design, noise, margin, 0.0)),
        smallest_detectable: noise.and_then(|noise| power::smallest_detectable(design, noise, margin, alpha)),
        boots_needed: noise.and_then(|noise| power::boots_needed(noise, margin, None)),
    }
}
