//! The runs of a store, as the commands that look at many of them take them.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use measure::{Digest, MetricId};
use record::{Annotated, Chain, Index, Listed, Selector, Store};
use verdict::compare::{Comparison, Order, Question, Refusal, Runs, Tolerances};

use crate::args::Records;
use crate::locations::{self, Specification};
use crate::output::say;

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
        History::at(records.out.as_deref())
    }

    /// The store in the folder that was typed, or in the usual one.
    pub(crate) fn at(out: Option<&Path>) -> Result<History> {
        History::of(Store::at(&locations::results(out)?))
    }

    pub(crate) fn of(store: Store) -> Result<History> {
        let index = Index::open(&store)?;
        let (runs, annotated) = (index.runs()?, index.annotations()?);
        if let Some(trouble) = index.trouble() {
            say(&format!("warning: the records that have ended could not be sealed: {trouble}"));
        }
        let unreadable = index.unreadable()?;
        if let Some((path, why)) = unreadable.first() {
            say(&format!(
                "warning: {} records cannot be read, for instance {}: {why}",
                unreadable.len(),
                path.display()
            ));
        }
        Ok(History { store, annotated, runs, index })
    }

    /// The runs of a selection, the oldest first.
    pub(crate) fn select(&self, selector: &Selector) -> Vec<&Listed> {
        selector.select(&self.runs, &self.annotated)
    }

    /// That there is no run to work on, and what was probably meant.
    pub(crate) fn nothing_selected(&self, selector: Option<&Selector>) -> anyhow::Error {
        let meant = selector.and_then(|selector| selector.meant(&self.runs));
        let meant = meant.map_or_else(String::new, |meant| format!("did you mean `{meant}`? "));
        let root = self.store.root().display();
        anyhow!("no run in {root} is selected: {meant}`hostproof store list` shows what there is")
    }

    /// The runs of a selection, or all; of those the ones of the host of the newest.
    pub(crate) fn of_one_host(&self, selector: Option<&Selector>) -> Result<Vec<&Listed>> {
        let mut runs = selector.map_or_else(|| self.runs.iter().collect(), |selector| self.select(selector));
        let Some(newest) = runs.last() else { return Err(self.nothing_selected(selector)) };
        let host = newest.digest.host.clone();
        runs.retain(|run| run.digest.host == host);
        Ok(runs)
    }

    /// One run with all its series.
    pub(crate) fn digest(&self, run: &Listed) -> Result<Digest> {
        Ok(self.index.load(&[run], None)?.remove(0))
    }

    /// The runs with those of their series that `names` picks.
    pub(crate) fn load(&self, runs: &[&Listed], names: Option<&dyn Fn(&MetricId) -> bool>) -> Result<Runs> {
        let mut loaded = Runs::default();
        self.index.each(runs, names, |digest| loaded.push(digest))?;
        Ok(loaded)
    }

    /// All runs of a host but those that are named: its history.
    pub(crate) fn past(&self, host: &str, but: &HashSet<&str>) -> Result<Runs> {
        let other = |run: &&Listed| run.digest.host == host && !but.contains(run.digest.id.as_str());
        self.load(&self.runs.iter().filter(other).collect::<Vec<_>>(), None)
    }

    /// Ids of a host's sealed runs in the order of sealing.
    pub(crate) fn sealed(&self, host: &str) -> Result<Vec<String>> {
        Ok(Chain::at(self.store.root()).sealed(host)?)
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
        let history = self.past(&newest.digest.host, &compared)?;
        let (before, after) = (self.load(before, None)?, self.load(after, None)?);
        Ok(verdict::compare::compare(Question { before, after, history, tolerances, order }))
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
