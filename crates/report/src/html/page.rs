//! What the page shows, in the order in which it shows it.

use measure::{Ending, Run, StoragePlace, Warning};
use serde::Serialize;
use spec::Place;
use spec::audit::{Constant, Finding, Grade};
use verdict::{Acceptance, Judgement, Row, Verdict};

use super::Error;
use super::change::ChangeView;
use super::charts::{self, Chart, Section};
use super::host::{self, Changes, FactLine, Half};
use super::methods::{Method, Methods};
use super::parts::{Parts, class_of};
use super::raw::{self, Raw};
use crate::gate;
use crate::judged::Judged;
use crate::series::{self, SharedWarning};
use crate::text::{documented, share, spread};

/// Runs whose figures are all on the page; of more, a page would be too large for a browser.
const RAW: usize = 8;

/// All of the page.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    host: String,
    system: String,
    system_name: String,
    document: String,
    acceptance: &'static str,
    class: &'static str,
    meaning: String,
    counts: Vec<VerdictCount>,
    deciding: Vec<Deciding>,
    remarks: Vec<String>,
    runs: Vec<RunLine>,
    boots: usize,
    targets: Vec<TargetView>,
    targets_chart: Option<Chart>,
    parts: Parts,
    audit: AuditView,
    change: Option<ChangeView>,
    sections: Vec<Section>,
    facts: Vec<FactLine>,
    fingerprint: Vec<Half>,
    changes: Vec<Changes>,
    warnings: Vec<SharedWarning>,
    raw: Vec<Raw>,
    /// How many earlier runs have no table of their own.
    without_raw: usize,
    methods: Vec<Method>,
}

/// How many targets have a verdict.
#[derive(Debug, Serialize)]
struct VerdictCount {
    verdict: &'static str,
    class: &'static str,
    count: usize,
}

/// Criteria that decide the acceptance for one reason.
#[derive(Debug, Serialize)]
struct Deciding {
    titles: Vec<String>,
    verdict: &'static str,
    class: &'static str,
    reason: String,
}

#[derive(Debug, Serialize)]
struct RunLine {
    id: String,
    started: String,
    boot: String,
    profile: &'static str,
    build: String,
    ending: &'static str,
    places: Vec<String>,
    spec_sha256: String,
}

/// A row of the table of targets with what is behind it.
#[derive(Debug, Serialize)]
struct TargetView {
    id: String,
    title: String,
    companion: bool,
    required: bool,
    documented: String,
    ceiling: String,
    impossible: bool,
    measured: String,
    spread: String,
    of_documented: String,
    of_host: String,
    verdict: &'static str,
    class: &'static str,
    reason: String,
    notes: Vec<Note>,
    /// Where the page tells how its metric is measured.
    method: Option<String>,
}

/// A remark on a target, with what it is.
#[derive(Debug, Serialize)]
struct Note {
    kind: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct AuditView {
    grades: Vec<GradeCount>,
    graded: Vec<GradedTarget>,
    findings: Vec<FindingView>,
}

/// How many targets have a grade.
#[derive(Debug, Serialize)]
struct GradeCount {
    grade: &'static str,
    count: usize,
}

#[derive(Debug, Serialize)]
struct GradedTarget {
    title: String,
    documented: String,
    ceiling: String,
    grade: &'static str,
    arithmetic: String,
}

#[derive(Debug, Serialize)]
struct FindingView {
    rule: &'static str,
    grade: &'static str,
    says: String,
    arithmetic: String,
    consistent_if: String,
    rows: Vec<Place>,
    constants: Vec<ConstantView>,
}

/// A figure that a finding takes from elsewhere.
#[derive(Debug, Serialize)]
struct ConstantView {
    value: String,
    about: &'static str,
    source: &'static str,
}

impl Page {
    /// The page of judged runs. Charts, facts and fingerprint are those of the last one.
    pub(super) fn of(judged: &Judged<'_>) -> Result<Page, Error> {
        let Judged { runs, system, judgement, .. } = *judged;
        let Some(last) = runs.last() else { return Err(Error::Chart("there is no run".to_owned())) };
        let series = series::series(last);
        let newest = &runs[runs.len().saturating_sub(RAW)..];
        let acceptance = judgement.acceptance();
        let methods = Methods::of(runs);
        let change = judged.change.map(|change| ChangeView::of(change, &methods)).transpose()?;
        Ok(Page {
            host: judgement.host.clone(),
            system: judgement.system.clone(),
            system_name: judgement.system_name.clone(),
            document: system.document.clone(),
            acceptance: gate::word(acceptance),
            class: class_of_acceptance(acceptance),
            meaning: gate::answer(judgement),
            counts: counts(judgement),
            deciding: deciding(judgement),
            remarks: judgement.remarks.clone(),
            runs: runs.iter().map(run_line).collect(),
            boots: judgement.boots,
            targets: judgement.rows.iter().map(|row| target(row, &methods)).collect(),
            targets_chart: charts::targets(judgement)?,
            parts: Parts::of(judgement),
            audit: audit(judged),
            change,
            sections: charts::sections(last, &series, system, judgement)?,
            facts: host::facts(&last.facts),
            fingerprint: host::fingerprint(last),
            changes: host::changes(runs),
            warnings: series::warnings(last),
            raw: newest.iter().map(|run| raw::of(run, &methods)).collect(),
            without_raw: runs.len() - newest.len(),
            methods: methods.explained(),
        })
    }
}

fn class_of_acceptance(acceptance: Acceptance) -> &'static str {
    match acceptance {
        Acceptance::Accepted => "good",
        Acceptance::Rejected => "bad",
        Acceptance::Inconclusive => "doubt",
        Acceptance::NotComparable => "faint",
    }
}

fn counts(judgement: &Judgement) -> Vec<VerdictCount> {
    let count = |verdict: &Verdict| VerdictCount {
        verdict: verdict.name(),
        class: class_of(*verdict),
        count: judgement.count(*verdict),
    };
    Verdict::ALL.iter().map(count).filter(|one| one.count > 0).collect()
}

/// The verdicts of required targets and parts, those with one reason together, and what was decided before what is open.
fn deciding(judgement: &Judgement) -> Vec<Deciding> {
    let targets = judgement.rows.iter().filter(|row| row.required);
    let targets = targets.map(|row| (&row.title, row.verdict, &row.reason));
    let parts = judgement.facts.iter().filter(|row| row.required);
    let parts = parts.map(|row| (&row.title, row.verdict, &row.reason));
    let mut rows: Vec<_> = targets.chain(parts).filter(|(_, verdict, _)| *verdict != Verdict::Pass).collect();
    rows.sort_by_key(|(_, verdict, _)| *verdict != Verdict::Fail);
    let mut all: Vec<Deciding> = Vec::new();
    for (title, verdict, reason) in rows {
        match all.iter_mut().find(|one| one.reason == *reason && one.verdict == verdict.name()) {
            Some(one) => one.titles.push(title.clone()),
            None => all.push(Deciding {
                titles: vec![title.clone()],
                verdict: verdict.name(),
                class: class_of(verdict),
                reason: reason.clone(),
            }),
        }
    }
    all
}

fn run_line(run: &Run) -> RunLine {
    let build = &run.build;
    RunLine {
        id: run.id.clone(),
        started: run.started.clone(),
        boot: run.boot_id.clone().unwrap_or_else(|| "not reported".to_owned()),
        profile: run.profile.name(),
        build: format!("{} ({}, {}, {})", build.version, build.revision, build.profile, build.compiler),
        ending: match run.ending {
            Ending::Complete => "complete",
            Ending::Interrupted => "stopped by the user",
            Ending::Cut => "cut: the process or the machine went down",
        },
        places: run.places().into_iter().map(StoragePlace::in_full).collect(),
        spec_sha256: run.spec.sha256.clone(),
    }
}

fn target(row: &Row, methods: &Methods) -> TargetView {
    let measured = row.measured.as_ref();
    let of_host = row.host_limit.as_ref().zip(row.share_of_host);
    TargetView {
        id: row.id.clone(),
        title: row.title.clone(),
        companion: row.companion_of.is_some(),
        required: row.required,
        documented: documented(row.documented, row.approximate),
        ceiling: row.ceiling.map(|ceiling| ceiling.to_string()).unwrap_or_default(),
        impossible: row.grade == Some(Grade::Impossible),
        measured: measured.map(|measured| measured.value.to_string()).unwrap_or_default(),
        spread: measured.map(|measured| spread(&measured.summary)).unwrap_or_default(),
        of_documented: row.share_of_target.map(share).unwrap_or_default(),
        of_host: of_host.map(|(limit, of)| format!("{} of {}", share(of), limit.kind.name())).unwrap_or_default(),
        verdict: row.verdict.name(),
        class: class_of(row.verdict),
        reason: row.reason.clone(),
        notes: notes(row),
        method: row.metric.and_then(|metric| methods.anchor(metric.id)),
    }
}

/// What is to be known of a target beside its figures.
fn notes(row: &Row) -> Vec<Note> {
    let mut notes = vec![note("Document", &row.place)];
    notes.extend(row.metric.map(|metric| note("Metric", metric.id)));
    notes.push(note("Tolerance", share(row.tolerance)));
    notes.extend(row.arithmetic.iter().map(|text| note("Document's ceiling", text)));
    notes.extend(row.host_limit.iter().map(|limit| note("Host's limit", format!("{}: {}", limit.value, limit.how))));
    notes.extend(row.remarks.iter().map(|remark| note("Remark", remark)));
    for baseline in &row.baselines {
        let ratio = baseline.ratio.map(|ratio| format!(": {} of it", share(ratio))).unwrap_or_default();
        let value = documented(baseline.value, baseline.approximate);
        notes.push(note("Beside", format!("{} {value}{ratio}", baseline.system)));
    }
    for difference in &row.comparability.differs {
        let text = format!("{}: documented {}, here {}", difference.fact, difference.documented, difference.host);
        notes.push(note("Differs", text));
    }
    for unknown in &row.comparability.unknown {
        notes.push(note("Not known", format!("{}: {}", unknown.fact, unknown.why)));
    }
    if let Some(measured) = &row.measured {
        let summary = &measured.summary;
        notes.push(note("Samples", format!("{} valid, {} disturbed", summary.n, measured.tainted)));
        notes.extend(measured.context.iter().map(|(key, value)| note("Measured with", format!("{key} = {value}"))));
        notes.extend(measured.warnings.iter().map(|warning: &Warning| note("Warning", warning.to_string())));
    }
    notes
}

fn note(kind: &'static str, text: impl Into<String>) -> Note {
    Note { kind, text: text.into() }
}

fn audit(judged: &Judged<'_>) -> AuditView {
    let audit = judged.audit;
    let grade = |grade: Grade| GradeCount {
        grade: grade.name(),
        count: audit.graded.iter().filter(|graded| graded.grade == grade).count(),
    };
    let rows = audit.graded.iter().filter_map(|graded| {
        let target = judged.system.target(&graded.target)?;
        Some(GradedTarget {
            title: target.title.clone(),
            documented: documented(target.value, target.approximate),
            ceiling: graded.ceiling.map(|ceiling| ceiling.to_string()).unwrap_or_default(),
            grade: graded.grade.name(),
            arithmetic: graded.arithmetic.clone(),
        })
    });
    AuditView {
        grades: Grade::ALL.into_iter().map(grade).filter(|one| one.count > 0).collect(),
        graded: rows.collect(),
        findings: audit.findings.iter().map(finding).collect(),
    }
}

fn finding(finding: &Finding) -> FindingView {
    let constant = |one: &Constant| ConstantView { value: one.value.to_string(), about: one.about, source: one.source };
    FindingView {
        rule: finding.rule,
        grade: finding.grade.name(),
        says: finding.says.clone(),
        arithmetic: finding.arithmetic.clone(),
        consistent_if: finding.consistent_if.clone(),
        rows: finding.rows.clone(),
        constants: finding.constants.iter().map(constant).collect(),
    }
}
