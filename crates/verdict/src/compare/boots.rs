//! Runs grouped by boot, and what a series says of each boot.

use std::collections::BTreeMap;

use measure::{FailureCount, Metric, MetricId, Workload, definition};

use super::runs::{Column, Head, Runs};
use crate::stats::{Moments, boot_value, gain};

/// The boots of some runs, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Boots {
    heads: Vec<Head>,
    /// The runs of each boot.
    runs: Vec<Vec<usize>>,
    columns: BTreeMap<MetricId, Values>,
    /// Boot and count, by series or workload.
    failures: BTreeMap<MetricId, Vec<(usize, FailureCount)>>,
}

/// One series over all boots.
#[derive(Clone, Debug)]
pub(crate) struct Values {
    pub(crate) metric: Metric,
    boots: Vec<BootValue>,
    /// Between the repetitions of a boot: the sum of squares of y, and its degrees of freedom.
    pub(crate) within: (f64, f64),
}

/// One series in one boot.
#[derive(Clone, Copy, Debug, Default)]
struct BootValue {
    /// y: the median over all repetitions of all runs of the boot.
    gain: Option<f64>,
    repetitions: u32,
    valid: u32,
    tainted: u32,
}

/// Some of the boots.
#[derive(Clone, Debug)]
pub(crate) struct Slice<'a> {
    all: &'a Boots,
    chosen: Vec<usize>,
}

/// What boots have of one series beside its values.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tried {
    /// Repetitions with a value.
    pub(crate) repetitions: u32,
    /// Samples that counted.
    pub(crate) valid: usize,
    /// Samples that did not.
    pub(crate) tainted: usize,
    /// Repetitions that failed.
    pub(crate) failures: FailureCount,
    /// Boots in which it was tried.
    pub(crate) boots: usize,
    /// Boots in which a repetition failed.
    pub(crate) failed_boots: usize,
}

impl Boots {
    /// Groups those of the runs that `keep` picks. Runs that do not know their boot are taken for one, which claims the
    /// least.
    pub(crate) fn of(runs: Runs, keep: impl Fn(&Head) -> bool) -> Boots {
        let mut place: BTreeMap<Option<String>, usize> = BTreeMap::new();
        let mut boots = Boots::default();
        let mut boot_of: Vec<Option<usize>> = Vec::with_capacity(runs.heads.len());
        for head in runs.heads {
            if !keep(&head) {
                boot_of.push(None);
                continue;
            }
            let index = *place.entry(head.boot_id.clone()).or_insert(boots.runs.len());
            if index == boots.runs.len() {
                boots.runs.push(Vec::new());
            }
            boots.runs[index].push(boots.heads.len());
            boots.heads.push(head);
            boot_of.push(Some(index));
        }
        let count = boots.runs.len();
        // One column after the other, so that the raw numbers go as the values come.
        boots.columns = runs.columns.into_iter().map(|(id, raw)| (id, Values::of(raw, &boot_of, count))).collect();
        boots.columns.retain(|_, values| values.boots.iter().any(|boot| boot.valid + boot.tainted > 0));
        for (id, counts) in runs.failures {
            let of_boots = counts.into_iter().filter_map(|(run, count)| Some((boot_of[run]?, count)));
            boots.failures.insert(id, of_boots.collect());
        }
        boots
    }

    /// Each run for itself, as if it were a boot.
    pub(crate) fn of_runs(mut runs: Runs) -> Boots {
        for head in &mut runs.heads {
            head.boot_id = Some(head.id.clone());
        }
        Boots::of(runs, |_| true)
    }

    pub(crate) fn len(&self) -> usize {
        self.runs.len()
    }

    pub(crate) fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// The first run of a boot.
    pub(crate) fn first(&self, boot: usize) -> &Head {
        &self.heads[self.runs[boot][0]]
    }

    /// The runs of a boot.
    pub(crate) fn runs(&self, boot: usize) -> impl Iterator<Item = &Head> {
        self.runs[boot].iter().map(|run| &self.heads[*run])
    }

    /// Every series with its values.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&MetricId, &Values)> {
        self.columns.iter()
    }

    pub(crate) fn all(&self) -> Slice<'_> {
        self.slice(0..self.len())
    }

    pub(crate) fn slice(&self, chosen: impl IntoIterator<Item = usize>) -> Slice<'_> {
        Slice { all: self, chosen: chosen.into_iter().collect() }
    }
}

impl Values {
    fn of(raw: Column, boot_of: &[Option<usize>], boots: usize) -> Values {
        let mut values = vec![BootValue::default(); boots];
        let mut within = (0.0, 0.0);
        // The numbers of each boot beside one another.
        let mut parts: Vec<(usize, std::ops::Range<usize>)> = Vec::with_capacity(raw.entries.len());
        let mut begin = 0;
        for entry in &raw.entries {
            let end = begin + entry.repetitions as usize;
            if let Some(boot) = boot_of[entry.run] {
                parts.push((boot, begin..end));
                values[boot].repetitions += entry.repetitions;
                values[boot].valid += entry.valid;
                values[boot].tainted += entry.tainted;
            }
            begin = end;
        }
        parts.sort_by_key(|(boot, _)| *boot);
        let mut medians = Vec::new();
        for group in parts.chunk_by(|a, b| a.0 == b.0) {
            medians.clear();
            for (_, range) in group {
                medians.extend_from_slice(&raw.medians[range.clone()]);
            }
            values[group[0].0].gain = boot_value(&medians, raw.metric.better);
            medians.retain(|value| *value > 0.0 && value.is_finite());
            for value in &mut medians {
                *value = gain(*value, raw.metric.better);
            }
            if let Some(moments) = Moments::of(&medians) {
                within.0 += moments.variance * moments.degrees_of_freedom();
                within.1 += moments.degrees_of_freedom();
            }
        }
        Values { metric: raw.metric, boots: values, within }
    }
}

impl<'a> Slice<'a> {
    pub(crate) fn len(&self) -> usize {
        self.chosen.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chosen.is_empty()
    }

    /// The runs of all of them, boot by boot.
    pub(crate) fn heads(&self) -> impl Iterator<Item = &'a Head> {
        let all = self.all;
        self.chosen.iter().flat_map(move |boot| all.runs(*boot))
    }

    /// The first run of each.
    pub(crate) fn firsts(&self) -> impl Iterator<Item = &'a Head> {
        let all = self.all;
        self.chosen.iter().map(move |boot| all.first(*boot))
    }

    /// y of a series in each, `None` where a boot has none.
    pub(crate) fn gains(&self, id: &MetricId) -> Vec<Option<f64>> {
        let values = self.all.columns.get(id);
        self.chosen.iter().map(|boot| values.and_then(|values| values.boots[*boot].gain)).collect()
    }

    /// What else they have of a series.
    pub(crate) fn tried(&self, id: &MetricId) -> Tried {
        let mut tried = Tried::default();
        let failed = self.failed(id);
        let values = self.all.columns.get(id);
        for boot in &self.chosen {
            let value = values.map_or_else(BootValue::default, |values| values.boots[*boot]);
            let failures = failed.get(boot).copied().unwrap_or_default();
            tried.repetitions += value.repetitions;
            tried.valid += value.valid as usize;
            tried.tainted += value.tainted as usize;
            tried.failures += failures;
            tried.boots += usize::from(value.valid + value.tainted + failures.all() > 0);
            tried.failed_boots += usize::from(failures.all() > 0);
        }
        tried
    }

    /// The failures of a series by boot: its own, and those of its workload as a whole.
    fn failed(&self, id: &MetricId) -> BTreeMap<usize, FailureCount> {
        let workload = definition(&id.name).and_then(|metric| metric.family.workload).map(Workload::name);
        let whole = workload.map(|name| MetricId { name: name.to_owned(), labels: BTreeMap::new() });
        let mut failed: BTreeMap<usize, FailureCount> = BTreeMap::new();
        for (boot, count) in
            [Some(id), whole.as_ref()].into_iter().flatten().filter_map(|id| self.all.failures.get(id)).flatten()
        {
            *failed.entry(*boot).or_default() += *count;
        }
        failed
    }

    /// The metrics of all series, also of those that only failed.
    pub(crate) fn metrics(&self) -> BTreeMap<&'a MetricId, Metric> {
        let failed = self.all.failures.keys();
        let failed = failed.filter_map(|id| Some((id, Metric::from(definition(&id.name)?))));
        failed.chain(self.all.columns.iter().map(|(id, values)| (id, values.metric.clone()))).collect()
    }

    /// The boots of each configuration, in the order in which the configurations came first.
    pub(crate) fn by_configuration(&self) -> Vec<Slice<'a>> {
        let mut place: BTreeMap<&BTreeMap<String, String>, usize> = BTreeMap::new();
        let mut groups: Vec<Slice<'a>> = Vec::new();
        for boot in &self.chosen {
            let index = *place.entry(&self.all.first(*boot).fingerprint.config).or_insert(groups.len());
            if index == groups.len() {
                groups.push(self.all.slice([]));
            }
            groups[index].chosen.push(*boot);
        }
        groups
    }
}
