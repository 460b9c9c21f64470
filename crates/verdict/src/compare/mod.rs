//! Two sets of boots of one host: what became better or worse between them, by how much, and what may have done it.

mod attribution;
mod boots;
mod critical;
mod finding;
mod rank;
mod reason;
mod refusal;
mod row;
#[cfg(test)]
mod tests;

use measure::{Digest, Fingerprint};

pub use attribution::{Attribution, Cause, Share};
use attribution::{WORKLOADS, attribute};
pub use critical::Tolerances;
pub use finding::{ChangeFinding, P, Tests, decide};
pub use rank::Suspect;
use rank::suspects;
pub use refusal::Refusal;
pub use row::{Effect, MetricChange, SideSummary};

pub(crate) use boots::{BootRuns, boots, by_configuration, metrics};
pub(crate) use refusal::same_kind;
pub(crate) use row::{Boots, rows};

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
pub struct Question<'a> {
    /// The runs before.
    pub before: Vec<&'a Digest>,
    /// The runs after.
    pub after: Vec<&'a Digest>,
    /// Other runs of the host, for its noise; those of a boot on either side, and those that are not comparable, are left
    /// out.
    pub history: Vec<&'a Digest>,
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
pub fn compare(question: &Question<'_>) -> Result<Comparison, Refusal> {
    refusal::check(&question.before, &question.after)?;
    let (before, after) = (boots(&question.before), boots(&question.after));
    let used = |run: &Digest| before.iter().chain(&after).any(|boot| boot.first().boot_id == run.boot_id);
    let other = |run: &&&Digest| same_kind(question.before[0], run) && !used(run);
    let others: Vec<&Digest> = question.history.iter().filter(other).copied().collect();
    let others = boots(&others);
    let sides = Boots { before: &before, after: &after, history: &by_configuration(&others) };
    let mut rows = rows(&sides, &question.tolerances, question.order);
    rows.sort_by(|a, b| (!a.critical, a.finding, &a.id).cmp(&(!b.critical, b.finding, &b.id)));
    let (before_runs, after_runs) = (run_set(&before), run_set(&after));
    Ok(Comparison {
        host: question.after[0].host.clone(),
        suspects: suspects(&before_runs.fingerprint, &after_runs.fingerprint, &rows),
        attributions: WORKLOADS.iter().filter_map(|workload| attribute(workload, &rows, &before, &after)).collect(),
        remarks: remarks(question, &before, &after),
        before: before_runs,
        after: after_runs,
        rows,
    })
}

fn run_set(boots: &[BootRuns<'_>]) -> RunSet {
    let runs = boots.iter().flat_map(|boot| &boot.runs);
    RunSet {
        runs: runs.clone().map(|run| run.id.clone()).collect(),
        boots: boots.len(),
        fingerprint: runs.last().map(|run| run.fingerprint.clone()).unwrap_or_default(),
    }
}

fn remarks(question: &Question<'_>, before: &[BootRuns<'_>], after: &[BootRuns<'_>]) -> Vec<String> {
    let mut remarks = Vec::new();
    for (name, boots) in [("before", before), ("after", after)] {
        let configurations = by_configuration(boots).len();
        if configurations > 1 {
            remarks.push(format!(
                "the boots {name} have {configurations} configurations: what differs between them counts as noise"
            ));
        }
        if boots.iter().any(|boot| boot.first().boot_id.is_none()) {
            remarks.push(format!("runs {name} that do not know their boot are taken for one boot"));
        }
    }
    if question.order == Order::Paired && before.len() != after.len() {
        remarks.push("the sides have not equally many boots, so that nothing could be paired".to_owned());
    }
    let runs = || question.before.iter().chain(&question.after);
    let unfinished = runs().filter(|run| run.ending != measure::Ending::Complete).count();
    if unfinished > 0 {
        remarks.push(format!("{unfinished} of the runs did not come to their end; what they measured counts"));
    }
    let compiler = &question.before[0].build.compiler;
    if let Some(other) = runs().find(|run| run.build.compiler != *compiler) {
        remarks.push(format!("two compilers made the builds: {compiler} and {}", other.build.compiler));
    }
    remarks
}
