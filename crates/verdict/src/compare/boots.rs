//! Runs grouped by boot, and what a series says of each boot.

use std::collections::BTreeMap;

use measure::{Better, Digest, Metric, MetricId};

use crate::stats::boot_value;

/// The runs of one boot, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct BootRuns<'a> {
    pub(crate) runs: Vec<&'a Digest>,
}

impl<'a> BootRuns<'a> {
    /// The first run.
    pub(crate) fn first(&self) -> &'a Digest {
        self.runs[0]
    }

    /// y of a series: the median over all repetitions of all runs of the boot.
    pub(crate) fn value(&self, id: &MetricId, better: Better) -> Option<f64> {
        let series = self.runs.iter().filter_map(|run| run.series.get(id));
        let medians: Vec<f64> = series.flat_map(|series| series.medians.iter().copied()).collect();
        boot_value(&medians, better)
    }
}

/// Runs by boot, the oldest boot first. Runs that do not know their boot are taken for one, which claims the least.
pub(crate) fn boots<'a>(runs: &[&'a Digest]) -> Vec<BootRuns<'a>> {
    let mut sorted: Vec<&Digest> = runs.to_vec();
    sorted.sort_by(|a, b| (&a.started, &a.id).cmp(&(&b.started, &b.id)));
    let mut place: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    let mut boots: Vec<BootRuns<'a>> = Vec::new();
    for run in sorted {
        let index = *place.entry(run.boot_id.as_deref()).or_insert(boots.len());
        if index == boots.len() {
            boots.push(BootRuns { runs: Vec::new() });
        }
        boots[index].runs.push(run);
    }
    boots
}

/// The boots of each configuration, in the order in which the configurations came first.
pub(crate) fn by_configuration<'a, 'b>(boots: &'b [BootRuns<'a>]) -> Vec<Vec<&'b BootRuns<'a>>> {
    let mut place: BTreeMap<&BTreeMap<String, String>, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<&BootRuns<'a>>> = Vec::new();
    for boot in boots {
        let index = *place.entry(&boot.first().fingerprint.config).or_insert(groups.len());
        if index == groups.len() {
            groups.push(Vec::new());
        }
        groups[index].push(boot);
    }
    groups
}

/// Every series of some runs with its metric.
pub(crate) fn metrics<'a>(runs: impl Iterator<Item = &'a Digest>) -> BTreeMap<&'a MetricId, &'a Metric> {
    runs.flat_map(|run| run.series.iter().map(|(id, series)| (id, &series.metric))).collect()
}
