//! Runs of one host with all that they are judged by: what a report shows and a dossier holds.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use measure::{Digest, Run};
use record::Store;
use report::{BeforeAfter, Judged};
use spec::audit::Audit;
use verdict::Judgement;
use verdict::compare::{Question, Runs, Tolerances};

use crate::history::History;
use crate::locations::{self, Specification};

/// Runs, judged together.
pub(crate) struct Case {
    /// Oldest first.
    pub(crate) runs: Vec<Run>,
    pub(crate) specification: Specification,
    pub(crate) audit: Audit,
    pub(crate) judgement: Judgement,
    /// Each of several runs judged alone.
    each: Vec<Judgement>,
    change: Option<BeforeAfter>,
}

impl Case {
    /// Judges runs by a specification: what was typed, or that of the newest run. Their host's other runs in a store are
    /// its history, as in `compare`.
    pub(crate) fn of(runs: Vec<Run>, typed: Option<&str>, store: Option<&History>) -> Result<Case> {
        let runs = in_order(runs)?;
        let newest = runs.last().context("give at least one run")?;
        let specification = specification(newest, typed)?;
        let named: HashSet<&str> = runs.iter().map(|run| run.id.as_str()).collect();
        let past = store.map(|store| store.past(newest.name(), &named)).transpose()?;
        Case::judge(runs, specification, past.unwrap_or_default())
    }

    /// Judges runs by a specification, with the other runs of their host.
    pub(crate) fn judge(runs: Vec<Run>, specification: Specification, past: Runs) -> Result<Case> {
        let runs = in_order(runs)?;
        let Some((last, earlier)) = runs.split_last() else { bail!("give at least one run") };
        let audit = spec::audit::audit(&specification.system, &specification.siblings);
        let companions = spec::companions(&specification.system, &audit);
        let earlier: Vec<&Run> = earlier.iter().collect();
        let judgement = verdict::judge_boots(last, &earlier, &specification.system, &audit.grades(), &companions);
        let alone = |run: &Run| verdict::judge(run, &specification.system, &audit.grades(), &companions);
        let each = if runs.len() > 1 { runs.iter().map(alone).collect() } else { Vec::new() };
        let change = change(&runs, &specification, past);
        Ok(Case { runs, specification, audit, judgement, each, change })
    }

    /// What reports are made from.
    pub(crate) fn judged(&self) -> Judged<'_> {
        Judged {
            runs: &self.runs,
            system: &self.specification.system,
            audit: &self.audit,
            judgement: &self.judgement,
            each: &self.each,
            change: self.change.as_ref(),
        }
    }
}

/// Oldest first, each once; they must be of one host.
fn in_order(mut runs: Vec<Run>) -> Result<Vec<Run>> {
    runs.sort_by(|a: &Run, b: &Run| (&a.started, &a.id).cmp(&(&b.started, &b.id)));
    runs.dedup_by(|a, b| a.id == b.id);
    if let Some(pair) = runs.windows(2).find(|pair| pair[0].name() != pair[1].name()) {
        bail!("the runs are of different hosts ({} and {}); a report is of one", pair[0].name(), pair[1].name());
    }
    Ok(runs)
}

/// The specification that was typed, or that of the record.
pub(crate) fn specification(run: &Run, typed: Option<&str>) -> Result<Specification> {
    if let Some(typed) = typed {
        return Specification::load(typed);
    }
    Specification::parse(&run.spec.text, "the record", Some(&run.spec.id))
        .with_context(|| format!("the specification of run {} cannot be used; give one with --spec", run.id))
}

/// The run that was typed, from the store at `out`.
pub(crate) fn find(typed: &str, out: Option<&Path>) -> Result<Run> {
    Ok(record::read(&Store::at(&locations::results(out)?).find(typed)?)?)
}

/// What is before and what after: of two runs the older and the newer; of more, those in the configuration of the newest
/// are after, and those in any other before. Runs of one configuration have no sides.
fn change(runs: &[Run], specification: &Specification, past: Runs) -> Option<BeforeAfter> {
    let (before, after): (Vec<&Run>, Vec<&Run>) = if let [before, after] = runs {
        (vec![before], vec![after])
    } else {
        let newest = runs.last()?;
        runs.iter().partition(|run| run.fingerprint.config != newest.fingerprint.config)
    };
    (!before.is_empty()).then(|| compared(&before, &after, specification, past))
}

/// Two sides beside each other, with what their boots say, and the other runs of their host.
pub(crate) fn compared(before: &[&Run], after: &[&Run], specification: &Specification, history: Runs) -> BeforeAfter {
    let digests = |runs: &[&Run]| runs.iter().map(|run| Digest::of(run)).collect();
    let question = Question {
        before: digests(before),
        after: digests(after),
        history,
        tolerances: Tolerances::of(&specification.system),
        ..Question::default()
    };
    let comparison = verdict::compare::compare(question).map_err(|refusal| refusal.to_string());
    BeforeAfter::of(before, after, comparison)
}
