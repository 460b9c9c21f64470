//! The runs of a store, as the commands that look at many of them take them.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use measure::Digest;
use record::{Annotated, Index, Listed, Selector, Store};
use verdict::compare::{Comparison, Order, Question, Refusal, Tolerances};

use crate::args::Records;
use crate::locations::{self, Specification};

/// The newest other runs of a host that tell how noisy it is. More would not narrow an interval that anybody reads, and
/// old ones are of another time.
const PAST: usize = 500;

/// A store with its index.
pub(crate) struct History {
    pub(crate) store: Store,
    pub(crate) annotated: Annotated,
    /// Every run, the oldest first.
    pub(crate) runs: Vec<Listed>,
    index: Index,
}

impl History {
    pub(crate) fn open(records: &Records) -> Result<History> {
        History::of(Store::at(&locations::results(records.out.as_deref())?))
    }

    pub(crate) fn of(store: Store) -> Result<History> {
        let index = Index::open(&store)?;
        let (runs, annotated) = (index.runs()?, index.annotations()?);
        let unreadable = index.unreadable()?;
        if let Some((path, why)) = unreadable.first() {
            eprintln!("warning: {} records cannot be read, for instance {}: {why}", unreadable.len(), path.display());
        }
        Ok(History { store, annotated, runs, index })
    }

    /// The runs of a selection, the oldest first.
    pub(crate) fn select(&self, selector: &Selector) -> Vec<&Listed> {
        selector.select(&self.runs, &self.annotated)
    }

    /// The runs of a selection, or all; of those the ones of the host of the newest.
    pub(crate) fn of_one_host(&self, selector: Option<&Selector>) -> Result<Vec<&Listed>> {
        let mut runs = selector.map_or_else(|| self.runs.iter().collect(), |selector| self.select(selector));
        let Some(newest) = runs.last() else {
            bail!("no run in {} is selected: `hostproof store list` shows what there is", self.store.root().display())
        };
        let host = newest.digest.host.clone();
        runs.retain(|run| run.digest.host == host);
        Ok(runs)
    }

    /// The runs with those of their series that `names` picks.
    pub(crate) fn load(
        &self,
        runs: &[&Listed],
        names: Option<&dyn Fn(&measure::MetricId) -> bool>,
    ) -> Result<Vec<Digest>> {
        Ok(self.index.load(runs, names)?)
    }

    /// The newest runs of a host but those that are left out.
    pub(crate) fn past(&self, host: &str, without: &HashSet<&str>) -> Vec<&Listed> {
        let is_past = |run: &&Listed| run.digest.host == host && !without.contains(run.digest.id.as_str());
        self.runs.iter().rev().filter(is_past).take(PAST).collect()
    }

    /// Compares runs of one host, with its other runs as its history.
    pub(crate) fn compare(
        &self,
        (before, after): (&[&Listed], &[&Listed]),
        order: Order,
        spec: Option<&str>,
    ) -> Result<Result<Comparison, Refusal>> {
        let Some(newest) = after.last() else { return Ok(Err(Refusal::Empty("after"))) };
        let tolerances = tolerances(newest, spec)?;
        let compared: HashSet<&str> = before.iter().chain(after).map(|run| run.digest.id.as_str()).collect();
        let past = self.past(&newest.digest.host, &compared);
        let (before, after, past) = (self.load(before, None)?, self.load(after, None)?, self.load(&past, None)?);
        Ok(verdict::compare::compare(&Question {
            before: before.iter().collect(),
            after: after.iter().collect(),
            history: past.iter().collect(),
            tolerances,
            order,
        }))
    }
}

/// The tolerances of the specification: the one that was typed, else the run's own.
pub(crate) fn tolerances(run: &Listed, typed: Option<&str>) -> Result<Tolerances> {
    let specification = match typed {
        Some(typed) => Specification::load(typed)?,
        None => own_specification(&run.path)?,
    };
    Ok(Tolerances::of(&specification.system))
}

fn own_specification(record: &Path) -> Result<Specification> {
    let run = record::read(record)?;
    Specification::parse(&run.spec.text, "the record", Some(&run.spec.id))
        .with_context(|| format!("the specification in {} cannot be used; give one with --spec", record.display()))
}
