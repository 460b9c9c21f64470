//! Two sets of boots of one host: what became better or worse between them, by how much, and what may have done it.

mod attribution;
mod boots;
mod critical;
mod failing;
mod finding;
mod rank;
mod reason;
mod refusal;
mod row;
mod runs;
#[cfg(test)]
mod tests;
mod within;

use std::collections::BTreeSet;

use measure::Fingerprint;

pub use attribution::{Attribution, Cause, Share};
use attribution::{WORKLOADS, attribute};
pub use critical::Tolerances;
pub use finding::{ChangeFinding, P, Tests, decide};
pub use rank::Suspect;
use rank::suspects;
pub use refusal::Refusal;
pub use row::{Effect, MetricChange, SideSummary, change};

pub use runs::Runs;
pub use within::{LEAST_ALTERNATIONS, WithinBoot, WithinFinding, WithinRow, within_boot};

pub(crate) use boots::{Boots, Slice, Values};
pub(crate) use refusal::same_kind;
pub(crate) use row::{Sides, Wanted, rows};
pub(crate) use runs::Head;
#[cfg(test)]
pub(crate) use within::LEVEL as LEVEL_WITHIN;

/// How the boots of the two sides belong together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Not at all.
    #[default]
    Separate,
    /// The i-th boot of a side with the i-th of the other, as a campaign in the order ABBA makes them.
    Paired,
}

/// What is compared.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The runs before.
    pub before: Runs,
    /// The runs after.
    pub after: Runs,
    /// Other runs of the host, for its noise; those of a boot on either side, and those that are not comparable, are left
    /// out.
    pub history: Runs,
    /// The tolerances of what the specification promises.
    pub tolerances: Tolerances,
    /// How the boots belong together.
    pub order: Order,
}

/// What all critical metrics add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overall {
    /// Every critical metric is shown to be not worse.
    NotWorse,
    /// A critical metric got worse.
    Regression,
    /// A critical metric is not decided.
    Inconclusive,
    /// A critical metric was disturbed.
    Tainted,
}

impl Overall {
    /// The word in tables and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Overall::NotWorse => "NOT-WORSE",
            Overall::Regression => "REGRESSION",
            Overall::Inconclusive => "INCONCLUSIVE",
            Overall::Tainted => "TAINTED",
        }
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Name of the host.
    pub host: String,
    /// Ids of the runs before, and the number of their boots.
    pub before: RunSet,
    /// The same after.
    pub after: RunSet,
    /// A row for each series, critical ones first, in each the gravest first.
    pub rows: Vec<MetricChange>,
    /// What differs in the fingerprint, the likeliest cause of what moved first.
    pub suspects: Vec<Suspect>,
    /// Where a large workload moved: what explains it.
    pub attributions: Vec<Attribution>,
    /// What else a reader should know.
    pub remarks: Vec<String>,
}

/// The runs of a side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunSet {
    /// Ids of the runs.
    pub runs: Vec<String>,
    /// How many boots they are.
    pub boots: usize,
    /// Fingerprint of the newest run.
    pub fingerprint: Fingerprint,
}

impl Comparison {
    /// What all critical metrics add up to: a regression if any is one; else tainted, else inconclusive if any is; else
    /// not worse. Without any critical metric nothing is decided.
    #[must_use]
    pub fn overall(&self) -> Overall {
        let any = |wanted: fn(ChangeFinding) -> bool| self.critical().any(|row| wanted(row.finding));
        if any(|finding| finding == ChangeFinding::Regression) {
            Overall::Regression
        } else if any(|finding| finding == ChangeFinding::Tainted) {
            Overall::Tainted
        } else if self.critical().next().is_none() || any(|finding| !finding.holds()) {
            Overall::Inconclusive
        } else {
            Overall::NotWorse
        }
    }

    /// The rows that decide.
    pub fn critical(&self) -> impl Iterator<Item = &MetricChange> {
        self.rows.iter().filter(|row| row.critical)
    }
}

/// Compares two sets of runs of one host.
pub fn compare(question: Question) -> Result<Comparison, Refusal> {
    let Question { before, after, history, tolerances, order } = question;
    refusal::check(&before, &after)?;
    let (before, after) = (Boots::of(before, |_| true), Boots::of(after, |_| true));
    refusal::check_boots(&before, &after, order)?;
    let used: BTreeSet<&Option<String>> = before.heads().iter().chain(after.heads()).map(|run| &run.boot_id).collect();
    let history = Boots::of(history, |run| same_kind(before.first(0), run) && !used.contains(&run.boot_id));
    let sides = Sides { before: before.all(), after: after.all(), history: history.all().by_configuration() };
    let rows = rows(&sides, &tolerances, order, Wanted::All);
    let (before_runs, after_runs) = (run_set(&before), run_set(&after));
    Ok(Comparison {
        host: after.first(0).host.clone(),
        suspects: suspects(&before_runs.fingerprint, &after_runs.fingerprint, &rows),
        attributions: WORKLOADS.iter().filter_map(|workload| attribute(workload, &rows, &sides)).collect(),
        remarks: remarks(&sides),
        before: before_runs,
        after: after_runs,
        rows,
    })
}

fn run_set(boots: &Boots) -> RunSet {
    let all = boots.all();
    let runs = all.heads();
    RunSet {
        fingerprint: all.heads().last().map(|run| (*run.fingerprint).clone()).unwrap_or_default(),
        runs: runs.map(|run| run.id.clone()).collect(),
        boots: boots.len(),
    }
}

fn remarks(sides: &Sides<'_>) -> Vec<String> {
    let mut remarks = Vec::new();
    for (name, boots) in [("before", &sides.before), ("after", &sides.after)] {
        let configurations = boots.by_configuration().len();
        if configurations > 1 {
            remarks.push(format!(
                "the boots {name} have {configurations} configurations: what differs between them counts as noise"
            ));
        }
        if boots.firsts().any(|run| run.boot_id.is_none()) {
            remarks.push(format!("runs {name} that do not know their boot are taken for one boot"));
        }
    }
    let runs = || sides.before.heads().chain(sides.after.heads());
    let unfinished = runs().filter(|run| run.ending != measure::Ending::Complete).count();
    if unfinished > 0 {
        remarks.push(format!("{unfinished} of the runs did not come to their end; what they measured counts"));
    }
    let compilers: BTreeSet<&str> = runs().map(|run| run.build.compiler.as_str()).collect();
    if compilers.len() > 1 {
        let compilers: Vec<&str> = compilers.into_iter().collect();
        remarks.push(format!("{} compilers made the builds: {}", compilers.len(), compilers.join(", ")));
    }
    remarks
}
