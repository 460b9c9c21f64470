//! Runs of one host with all that they are judged by: what a report shows and a dossier holds.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use measure::{Digest, Run};
use record::Store;
use report::{BeforeAfter, Earlier, Judged, JudgedAlone, ReportSide, VendorFile, html};
use spec::audit::Audit;
use verdict::Judgement;
use verdict::compare::{Question, Runs, Tolerances};

use crate::history::History;
use crate::locations::{self, Specification};

/// Runs, judged together.
pub(crate) struct Case {
    /// Oldest first. Of those that a page shows no figures of, what is not judged is left out.
    pub(crate) runs: Vec<Run>,
    pub(crate) specification: Specification,
    pub(crate) audit: Audit,
    pub(crate) judgement: Judgement,
    /// Each of several runs judged alone.
    each: Vec<JudgedAlone>,
    change: Option<BeforeAfter>,
    /// What a vendor sent, beside the last run.
    pub(crate) vendor: Vec<VendorFile>,
}

/// Runs of one host that are read one at a time.
pub(crate) struct Source<'a> {
    /// The runs without their attempts.
    pub(crate) heads: Vec<Head>,
    /// Reads the whole of one.
    pub(crate) load: &'a mut dyn FnMut(&Head) -> Result<Run>,
    /// Takes each when it is read, the oldest first.
    pub(crate) seen: &'a mut dyn FnMut(&Run) -> Result<()>,
}

/// What is known of a run before all of it is read.
pub(crate) struct Head {
    pub(crate) id: String,
    pub(crate) host: String,
    started: String,
    config: BTreeMap<String, String>,
    /// Where it is.
    pub(crate) path: PathBuf,
}

impl Head {
    pub(crate) fn of(run: &Run, path: PathBuf) -> Head {
        let config = run.fingerprint.config.clone();
        Head { id: run.id.clone(), host: run.name().to_owned(), started: run.started.clone(), config, path }
    }
}

impl Case {
    /// Judges runs by a specification: what was typed, or that of the newest run. Their host's other runs in a store are
    /// its history, as in `compare`.
    pub(crate) fn of(source: Source<'_>, typed: Option<&str>, store: Option<&History>) -> Result<Case> {
        let heads = in_order(source.heads)?;
        let newest = heads.last().context("give at least one run")?;
        let specification = specification(&(source.load)(newest)?, typed)?;
        let named: HashSet<&str> = heads.iter().map(|head| head.id.as_str()).collect();
        let past = store.map(|store| store.past(&newest.host, &named)).transpose()?;
        Case::judge(Source { heads, ..source }, specification, past.unwrap_or_default())
    }

    /// Judges runs by a specification, with the other runs of their host.
    pub(crate) fn judge(source: Source<'_>, specification: Specification, past: Runs) -> Result<Case> {
        let heads = in_order(source.heads)?;
        let audit = spec::audit::audit(&specification.system, &specification.siblings);
        let companions = spec::companions(&specification.system, &audit);
        let mut earlier = Earlier::new(&specification.system, &companions);
        let mut sides = Sides::of(&heads);
        let (mut runs, mut each) = (Vec::with_capacity(heads.len()), Vec::new());
        for (number, head) in heads.iter().enumerate() {
            let mut run = (source.load)(head)?;
            (source.seen)(&run)?;
            if heads.len() > 1 {
                let alone = verdict::judge(&run, &specification.system, &audit.grades(), &companions);
                each.push(JudgedAlone::of(&alone));
            }
            sides.push(&run, &head.config);
            if number + html::RUNS_IN_FULL < heads.len() {
                earlier.trim(&mut run);
            }
            runs.push(run);
        }
        let Some((last, before)) = runs.split_last() else { bail!("give at least one run") };
        let before: Vec<&Run> = before.iter().collect();
        let judgement = verdict::judge_boots(last, &before, &specification.system, &audit.grades(), &companions);
        let change = sides.compared(&specification, past);
        Ok(Case { runs, specification, audit, judgement, each, change, vendor: Vec::new() })
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
            vendor: &self.vendor,
        }
    }
}

/// Oldest first, each once; they must be of one host.
fn in_order(mut heads: Vec<Head>) -> Result<Vec<Head>> {
    heads.sort_by(|a, b| (&a.started, &a.id).cmp(&(&b.started, &b.id)));
    heads.dedup_by(|a, b| a.id == b.id);
    if let Some(pair) = heads.windows(2).find(|pair| pair[0].host != pair[1].host) {
        bail!("the runs are of different hosts ({} and {}); a report is of one", pair[0].host, pair[1].host);
    }
    Ok(heads)
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
#[derive(Default)]
struct Sides {
    /// The configuration of what is after; `None` where the order decides.
    newest: Option<BTreeMap<String, String>>,
    is_any: bool,
    is_begun: bool,
    before: (ReportSide, Runs),
    after: (ReportSide, Runs),
}

impl Sides {
    fn of(heads: &[Head]) -> Sides {
        let newest = heads.last().map(|head| head.config.clone()).filter(|_| heads.len() != 2);
        let is_any = match &newest {
            Some(newest) => heads.iter().any(|head| head.config != *newest),
            None => heads.len() == 2,
        };
        Sides { newest, is_any, ..Sides::default() }
    }

    /// Adds a run, the oldest first.
    fn push(&mut self, run: &Run, config: &BTreeMap<String, String>) {
        if !self.is_any {
            return;
        }
        let is_before = match &self.newest {
            Some(newest) => config != newest,
            None => !std::mem::replace(&mut self.is_begun, true),
        };
        let (side, digests) = if is_before { &mut self.before } else { &mut self.after };
        side.push(run);
        digests.push(Digest::of(run));
    }

    fn compared(self, specification: &Specification, history: Runs) -> Option<BeforeAfter> {
        self.is_any.then(|| compared(self.before, self.after, specification, history))
    }
}

/// Two sides beside each other, with what their boots say, and the other runs of their host.
fn compared(
    (side_before, before): (ReportSide, Runs),
    (side_after, after): (ReportSide, Runs),
    specification: &Specification,
    history: Runs,
) -> BeforeAfter {
    let tolerances = Tolerances::of(&specification.system);
    let question = Question { before, after, history, tolerances, ..Question::default() };
    let comparison = verdict::compare::compare(question).map_err(|refusal| refusal.to_string());
    BeforeAfter::of(side_before, side_after, comparison)
}

/// The same of two runs.
pub(crate) fn compared_runs(before: &Run, after: &Run, specification: &Specification, history: Runs) -> BeforeAfter {
    let side = |run: &Run| ([run].into_iter().collect(), [Digest::of(run)].into_iter().collect());
    compared(side(before), side(after), specification, history)
}
