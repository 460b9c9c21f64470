//! How noisy each metric of a host is, and what it can therefore be judged for: before anybody relies on it.

use measure::{Digest, Metric, MetricId};

use crate::compare::{BootRuns, Tolerances, boots, by_configuration, metrics, same_kind};
use crate::power::{self, Design};
use crate::stats::{ALPHA, History, Margin, gain};

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
pub fn noise(runs: &[&Digest], tolerances: &Tolerances) -> Vec<Noise> {
    let Some(newest) = runs.iter().max_by(|a, b| (&a.started, &a.id).cmp(&(&b.started, &b.id))) else {
        return Vec::new();
    };
    let alike: Vec<&Digest> = runs.iter().filter(|run| same_kind(newest, run)).copied().collect();
    let boots = boots(&alike);
    let groups = by_configuration(&boots);
    let all = metrics(alike.iter().copied());
    let critical: Vec<_> = all.into_iter().filter(|(id, _)| tolerances.critical(id)).collect();
    let family = critical.len() as f64;
    critical
        .into_iter()
        .map(|(id, metric)| of_metric(id, metric, &groups, tolerances.margin(id), ALPHA / family))
        .collect()
}

fn of_metric(id: &MetricId, metric: &Metric, groups: &[Vec<&BootRuns<'_>>], margin: Margin, alpha: f64) -> Noise {
    let values = |group: &Vec<&BootRuns<'_>>| -> Vec<f64> {
        group.iter().filter_map(|boot| boot.value(id, metric.better)).collect()
    };
    let values: Vec<Vec<f64>> = groups.iter().map(values).collect();
    let between = History::of(&values);
    let noise = between.map(|history| history.deviation());
    let design = Design::Unpaired { before: PLANNED_BOOTS, after: PLANNED_BOOTS };
    Noise {
        id: id.clone(),
        metric: metric.clone(),
        margin,
        boots: values.iter().map(Vec::len).sum(),
        between,
        within: within(id, metric, groups),
        power: noise.map(|noise| power::of_not_worse(design, noise, margin, 0.0)),
        smallest_detectable: noise.and_then(|noise| power::smallest_detectable(design, noise, margin, alpha)),
        boots_needed: noise.and_then(|noise| power::boots_needed(noise, margin, None)),
    }
}

fn within(id: &MetricId, metric: &Metric, groups: &[Vec<&BootRuns<'_>>]) -> Option<f64> {
    let repetitions = |boot: &&BootRuns<'_>| -> Vec<f64> {
        let series = boot.runs.iter().filter_map(|run| run.series.get(id));
        let medians = series.flat_map(|series| series.medians.iter());
        medians.filter(|value| **value > 0.0).map(|value| gain(*value, metric.better)).collect()
    };
    let boots: Vec<Vec<f64>> = groups.iter().flatten().map(repetitions).collect();
    History::of(&boots).map(|history| history.deviation())
}
