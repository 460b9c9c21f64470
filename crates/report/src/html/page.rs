//! What the page shows, in the order in which it shows it.

use measure::{Ending, Profile, Run, StoragePlace, Warning};
use serde::Serialize;
use spec::Place;
use spec::audit::{Constant, Finding, Grade};
use verdict::{Judgement, Row, Verdict};

use super::Error;
use super::change::{ChangeView, OverallView, overall};
use super::charts::{self, Chart, Section};
use super::host::{self, Changes, FactLine, Half};
use super::machine;
use super::matrix::{self, Matrix};
use super::methods::{Method, Methods};
use super::parts::{Parts, class_of, class_of_acceptance};
use super::raw::{self, Raw};
use super::vendor::{self, VendorView};
use crate::gate;
use crate::judged::Judged;
use crate::series::{self, SharedWarning};
use crate::text::{documented, share, spread};

/// Runs whose figures are all on the page; of more, a page would be too large for a browser.
pub const RUNS_IN_FULL: usize = 8;

/// Hosts of which all is on a page of several.
const HOSTS: usize = 24;

/// A page of one host.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    /// Its runs beside each other, where there are several.
    matrix: Option<Matrix>,
    host: HostView,
    glance: Option<Chart>,
    sections: Vec<Section>,
    change: Option<ChangeView>,
    audit: AuditView,
    facts: Vec<FactLine>,
    fingerprint: Vec<Half>,
    changes: Vec<Changes>,
    raw: Vec<Raw>,
    /// How many earlier runs have no table of their own.
    without_raw: usize,
    methods: Vec<Method>,
}

/// A page of several hosts.
#[derive(Debug, Serialize)]
pub(super) struct HostsPage {
    matrix: Matrix,
    hosts: Vec<HostView>,
    /// How many hosts stand in the table alone.
    without_view: usize,
    /// What each document says against itself.
    audits: Vec<NamedAudit>,
    methods: Vec<Method>,
}

#[derive(Debug, Serialize)]
struct NamedAudit {
    system: String,
    audit: AuditView,
}

/// What is said of a host and its runs: the verdict, the machine, each criterion.
#[derive(Debug, Serialize)]
struct HostView {
    /// What its anchors begin with.
    prefix: String,
    host: String,
    system: String,
    system_name: String,
    document: String,
    acceptance: &'static str,
    class: &'static str,
    /// What the word does not say.
    caveat: Option<&'static str>,
    meaning: String,
    counts: Vec<VerdictCount>,
    remarks: Vec<String>,
    machine: Vec<machine::Line>,
    targets: Vec<TargetView>,
    parts: Parts,
    deciding: Vec<Deciding>,
    differs: Vec<Differing>,
    runs: Vec<RunLine>,
    boots: usize,
    /// What a reader of the last run should know.
    warnings: Vec<SharedWarning>,
    /// What the boots before and after add up to, where there are both.
    change: Option<OverallView>,
    /// What a vendor sent with it.
    vendor: Vec<VendorView>,
}

/// A fact that is not as the document says, or not known, with the targets that depend on it.
#[derive(Debug, Serialize)]
struct Differing {
    fact: String,
    documented: String,
    here: String,
    concerns: Vec<String>,
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
    /// Whether all of them are parts, whose table says it; on paper once is enough.
    elsewhere: bool,
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
    /// What was measured while the host was disturbed, in brackets.
    disturbed: String,
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
    /// Whether the page says it elsewhere too; on paper once is enough.
    elsewhere: bool,
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
        let newest = &runs[runs.len().saturating_sub(RUNS_IN_FULL)..];
        let methods = Methods::of(runs);
        Ok(Page {
            matrix: (runs.len() > 1).then(|| Matrix::of_runs(judged)),
            host: HostView::of(judged, &methods, ""),
            glance: charts::targets(judgement),
            sections: charts::sections(last, &series, system, judgement)?,
            change: judged.change.map(|change| ChangeView::of(change, &methods)),
            audit: audit(judged),
            facts: host::facts(&last.facts),
            fingerprint: host::fingerprint(last),
            changes: host::changes(runs),
            raw: newest.iter().map(|run| raw::of(run, &methods)).collect(),
            without_raw: runs.len() - newest.len(),
            methods: methods.explained(),
        })
    }
}

impl HostsPage {
    /// The page of several hosts, each with its runs.
    pub(super) fn of(hosts: &[Judged<'_>]) -> HostsPage {
        let methods = Methods::of(hosts.iter().flat_map(|judged| judged.runs));
        let shown = &hosts[..hosts.len().min(HOSTS)];
        let mut audits: Vec<NamedAudit> = Vec::new();
        for judged in hosts {
            if !audits.iter().any(|known| known.system == judged.system.id) {
                audits.push(NamedAudit { system: judged.system.id.clone(), audit: audit(judged) });
            }
        }
        let view = |(number, judged): (usize, &Judged<'_>)| HostView::of(judged, &methods, &matrix::prefix(number));
        HostsPage {
            matrix: Matrix::of_hosts(hosts, shown.len()),
            hosts: shown.iter().enumerate().map(view).collect(),
            without_view: hosts.len() - shown.len(),
            audits,
            methods: methods.explained(),
        }
    }
}

impl HostView {
    fn of(judged: &Judged<'_>, methods: &Methods, prefix: &str) -> HostView {
        let Judged { runs, system, judgement, .. } = *judged;
        let acceptance = judgement.acceptance();
        let word = gate::word(acceptance);
        // All names stand in the table.
        let answer = gate::brief_answer(judgement);
        let is_trial = runs.iter().any(|run| run.profile == Profile::Smoke);
        HostView {
            prefix: prefix.to_owned(),
            host: judgement.host.clone(),
            system: judgement.system.clone(),
            system_name: judgement.system_name.clone(),
            document: system.document.clone(),
            acceptance: word,
            class: class_of_acceptance(acceptance),
            caveat: is_trial.then_some("by the profile smoke, which tries the suite out"),
            // The word stands above it.
            meaning: answer.strip_prefix(word).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&answer).to_owned(),
            counts: counts(judgement),
            remarks: judgement.remarks.clone(),
            machine: machine::lines(runs),
            targets: judgement.rows.iter().map(|row| target(row, methods)).collect(),
            parts: Parts::of(judgement),
            deciding: deciding(judgement),
            differs: differs(judgement),
            runs: runs.iter().map(run_line).collect(),
            boots: judgement.boots,
            warnings: runs.last().map(series::warnings).unwrap_or_default(),
            change: judged.change.map(overall),
            vendor: vendor::views(judged.vendor),
        }
    }
}

/// What the targets depend on and the host has otherwise, or does not tell, each fact once.
fn differs(judgement: &Judgement) -> Vec<Differing> {
    let mut all: Vec<Differing> = Vec::new();
    let mut add = |fact: &str, documented: String, here: String, target: &str| {
        let target = target.to_owned();
        match all.iter_mut().find(|known| known.fact == fact && known.here == here) {
            Some(known) => known.concerns.push(target),
            None => all.push(Differing { fact: fact.to_owned(), documented, here, concerns: vec![target] }),
        }
    };
    for row in &judgement.rows {
        for one in &row.comparability.differs {
            add(&one.fact, one.documented.shown(&one.fact), one.host.shown(&one.fact), &row.id);
        }
        for one in &row.comparability.unknown {
            add(&one.fact, String::new(), format!("not known: {}", one.why), &row.id);
        }
    }
    all.sort_by_key(|one| one.documented.is_empty());
    all
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
    let targets = targets.map(|row| (&row.title, row.verdict, &row.reason, false));
    let parts = judgement.facts.iter().filter(|row| row.required);
    let parts = parts.map(|row| (&row.title, row.verdict, &row.reason, true));
    let mut rows: Vec<_> = targets.chain(parts).filter(|(_, verdict, ..)| *verdict != Verdict::Pass).collect();
    rows.sort_by_key(|(_, verdict, ..)| *verdict != Verdict::Fail);
    let mut all: Vec<Deciding> = Vec::new();
    for (title, verdict, reason, elsewhere) in rows {
        match all.iter_mut().find(|one| one.reason == *reason && one.verdict == verdict.name()) {
            Some(one) => {
                one.titles.push(title.clone());
                one.elsewhere &= elsewhere;
            }
            None => all.push(Deciding {
                titles: vec![title.clone()],
                verdict: verdict.name(),
                class: class_of(verdict),
                reason: reason.clone(),
                elsewhere,
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
        disturbed: row.disturbed.map(|value| format!("[{value}]")).unwrap_or_default(),
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
    // The audit says it of each target.
    notes.extend(row.arithmetic.iter().map(|text| Note { elsewhere: true, ..note("Document's ceiling", text) }));
    notes.extend(row.host_limit.iter().map(|limit| note("Host's limit", format!("{}: {}", limit.value, limit.how))));
    // What is not known of the host has a list of its own.
    let is_told = |remark: &str| row.comparability.unknown.iter().any(|unknown| remark.contains(&unknown.why));
    notes.extend(row.remarks.iter().map(|text| Note { elsewhere: is_told(text), ..note("Remark", text) }));
    for baseline in &row.baselines {
        let ratio = baseline.ratio.map(|ratio| format!(": {} of it", share(ratio))).unwrap_or_default();
        let value = documented(baseline.value, baseline.approximate);
        notes.push(note("Beside", format!("{} {value}{ratio}", baseline.system)));
    }
    for difference in &row.comparability.differs {
        let shown = [&difference.documented, &difference.host].map(|value| value.shown(&difference.fact));
        let text = format!("{}: documented {}, here {}", difference.fact, shown[0], shown[1]);
        notes.push(Note { elsewhere: true, ..note("Differs", text) });
    }
    for unknown in &row.comparability.unknown {
        notes.push(Note { elsewhere: true, ..note("Not known", format!("{}: {}", unknown.fact, unknown.why)) });
    }
    if let Some(measured) = &row.measured {
        let summary = &measured.summary;
        notes.push(note("Samples", format!("{} valid, {} disturbed", summary.n, measured.tainted)));
        let context: Vec<String> = measured.context.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        if !context.is_empty() {
            notes.push(note("Measured with", context.join(", ")));
        }
        // All warnings of the run have a list of their own.
        let warning = |warning: &Warning| Note { elsewhere: true, ..note("Warning", warning.to_string()) };
        notes.extend(measured.warnings.iter().map(warning));
    }
    notes
}

fn note(kind: &'static str, text: impl Into<String>) -> Note {
    Note { kind, text: text.into(), elsewhere: false }
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
