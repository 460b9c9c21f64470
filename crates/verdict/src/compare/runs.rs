//! Runs in the compact form in which thousands are compared: who they are, and the numbers of each series in one list.

use std::collections::BTreeMap;
use std::sync::Arc;

use measure::{Build, Digest, Ending, FailureCount, Fingerprint, Metric, MetricId, Profile, Series, definition};

use crate::foreign::foreign;

/// Runs of a host, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    pub(super) heads: Vec<Head>,
    pub(super) columns: BTreeMap<MetricId, Column>,
    /// Run and count, by series or workload.
    pub(super) failures: BTreeMap<MetricId, Vec<(usize, FailureCount)>>,
}

/// What a run is, without its series.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) id: String,
    pub(crate) started: String,
    pub(crate) host: String,
    pub(crate) boot_id: Option<String>,
    pub(crate) profile: Profile,
    pub(crate) build: Arc<Build>,
    pub(crate) fingerprint: Arc<Fingerprint>,
    pub(crate) ending: Ending,
    /// A series in another unit or direction than its metric's, which is left out.
    pub(crate) foreign: Option<String>,
}

/// One series in all runs.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) metric: Metric,
    pub(super) entries: Vec<Entry>,
    /// The medians of the repetitions of all entries, in their order.
    pub(super) medians: Vec<f64>,
}

/// The series in one run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) run: usize,
    pub(super) repetitions: u32,
    pub(super) valid: u32,
    pub(super) tainted: u32,
}

impl Runs {
    /// Adds a run.
    pub fn push(&mut self, digest: Digest) {
        let run = self.heads.len();
        let mut strange = None;
        for (id, series) in digest.series {
            let column = match self.columns.get_mut(&id) {
                Some(column) => column,
                None => self.columns.entry(id).or_insert_with_key(|id| Column::new(id, &series.metric)),
            };
            match foreign(&digest.id, &series.metric, &column.metric) {
                None => column.push(run, &series),
                found => strange = found,
            }
        }
        for (id, count) in digest.failures {
            self.failures.entry(id).or_default().push((run, count));
        }
        // Most runs have the build and the fingerprint of the one before.
        let last = self.heads.last();
        let build = last.filter(|last| *last.build == digest.build).map(|last| Arc::clone(&last.build));
        let same = last.filter(|last| *last.fingerprint == digest.fingerprint);
        let fingerprint = same.map(|last| Arc::clone(&last.fingerprint));
        self.heads.push(Head {
            build: build.unwrap_or_else(|| Arc::new(digest.build)),
            fingerprint: fingerprint.unwrap_or_else(|| Arc::new(digest.fingerprint)),
            id: digest.id,
            started: digest.started,
            host: digest.host,
            boot_id: digest.boot_id,
            profile: digest.profile,
            ending: digest.ending,
            foreign: strange,
        });
    }

    /// The runs without their series.
    pub(crate) fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// How many runs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }
}

impl FromIterator<Digest> for Runs {
    fn from_iter<I: IntoIterator<Item = Digest>>(digests: I) -> Runs {
        let mut runs = Runs::default();
        digests.into_iter().for_each(|digest| runs.push(digest));
        runs
    }
}

impl Column {
    /// Of a metric as the catalogue has it; of one that it does not know, as it was first seen.
    fn new(id: &MetricId, seen: &Metric) -> Column {
        let metric = definition(&id.name).map_or_else(|| seen.clone(), Metric::from);
        Column { metric, entries: Vec::new(), medians: Vec::new() }
    }

    fn push(&mut self, run: usize, series: &Series) {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.medians.extend_from_slice(&series.medians);
        self.entries.push(Entry {
            run,
            repetitions: count(series.medians.len()),
            valid: count(series.valid),
            tainted: count(series.tainted),
        });
    }
}
