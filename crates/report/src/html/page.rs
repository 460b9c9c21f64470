//! What the page shows, in the order in which it shows it.

use measure::{Change, Ending, FactValue, Facts, Reading, Run, Scope, Warning, fact_kind};
use serde::Serialize;
use spec::audit::{Finding, Grade};
use spec::{Standing, System};
use verdict::{Acceptance, FactMatch, Judgement, Row, Verdict};

use super::Error;
use super::change::ChangeView;
use super::charts::{self, Figure, Section};
use super::methods::{self, Method};
use super::raw::{self, Raw};
use crate::judged::Judged;
use crate::series;
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
    meaning: &'static str,
    counts: Vec<(&'static str, &'static str, usize)>,
    deciding: Vec<Deciding>,
    remarks: Vec<String>,
    runs: Vec<RunLine>,
    boots: usize,
    targets: Vec<Target>,
    targets_figure: Option<Figure>,
    audit: Audit,
    change: Option<ChangeView>,
    sections: Vec<Section>,
    facts: Vec<FactLine>,
    fingerprint: Vec<Part>,
    changes: Vec<Changes>,
    warnings: Vec<(Vec<String>, String)>,
    raw: Vec<Raw>,
    /// How many earlier runs have no table of their own.
    without_raw: usize,
    methods: &'static [Method],
}

/// Targets that decide the acceptance for one reason.
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
    profile: String,
    build: String,
    ending: &'static str,
    spec_sha256: String,
}

/// A row of the table of targets with what stands behind it.
#[derive(Debug, Serialize)]
struct Target {
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
    notes: Vec<(&'static str, String)>,
    method: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Audit {
    grades: Vec<(&'static str, usize)>,
    graded: Vec<(String, String, String, &'static str, String)>,
    findings: Vec<FindingView>,
}

#[derive(Debug, Serialize)]
struct FindingView {
    rule: &'static str,
    grade: &'static str,
    says: String,
    arithmetic: String,
    consistent_if: String,
    rows: Vec<(String, String)>,
    constants: Vec<(String, &'static str, &'static str)>,
}

#[derive(Debug, Serialize)]
struct FactLine {
    id: String,
    about: &'static str,
    host: String,
    documented: String,
    class: &'static str,
    agrees: &'static str,
    source: String,
}

#[derive(Debug, Serialize)]
struct Part {
    scope: &'static str,
    id: String,
    parts: Vec<(String, String)>,
}

/// What a run's fingerprint has otherwise than the one before it.
#[derive(Debug, Serialize)]
struct Changes {
    from: String,
    to: String,
    rows: Vec<(&'static str, String, String, String)>,
}

impl Page {
    /// The page of judged runs. Charts, facts and fingerprint are those of the last one.
    pub(super) fn of(judged: &Judged<'_>) -> Result<Page, Error> {
        let Judged { runs, system, judgement, .. } = *judged;
        let Some(last) = runs.last() else { return Err(Error::Chart("there is no run".to_owned())) };
        let series = series::series(last);
        let newest = &runs[runs.len().saturating_sub(RAW)..];
        let (acceptance, class, meaning) = accepted(judgement.acceptance());
        let counts = Verdict::ALL.iter().map(|verdict| (verdict.name(), class_of(*verdict), judgement.count(*verdict)));
        Ok(Page {
            host: judgement.host.clone(),
            system: judgement.system.clone(),
            system_name: judgement.system_name.clone(),
            document: system.document.clone(),
            acceptance,
            class,
            meaning,
            counts: counts.filter(|count| count.2 > 0).collect(),
            deciding: deciding(judgement),
            remarks: judgement.remarks.clone(),
            runs: runs.iter().map(run_line).collect(),
            boots: judgement.boots,
            targets: judgement.rows.iter().map(target).collect(),
            targets_figure: charts::targets(judgement)?,
            audit: audit(judged),
            change: judged.change.map(ChangeView::of).transpose()?,
            sections: charts::sections(last, &series, system, judgement)?,
            facts: facts(&last.facts, system),
            fingerprint: fingerprint(last),
            changes: changes(runs),
            warnings: series::warnings(last),
            raw: newest.iter().map(raw::of).collect(),
            without_raw: runs.len() - newest.len(),
            methods: methods::METHODS,
        })
    }
}

fn accepted(acceptance: Acceptance) -> (&'static str, &'static str, &'static str) {
    match acceptance {
        Acceptance::Accepted => ("ACCEPTED", "good", "Nothing speaks against this host."),
        Acceptance::Rejected => ("REJECTED", "bad", "A required target is not met."),
        Acceptance::Inconclusive => ("INCONCLUSIVE", "doubt", "A required target is open."),
        Acceptance::NotComparable => (
            "NOT-COMPARABLE",
            "faint",
            "A required target speaks of another machine or build, or the environment disturbed it.",
        ),
    }
}

fn class_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "good",
        Verdict::Fail | Verdict::Implausible => "bad",
        Verdict::Inconclusive | Verdict::Tainted | Verdict::NotMeasured => "doubt",
        Verdict::Infeasible | Verdict::NotComparable => "faint",
    }
}

/// The verdicts of required targets, those with one reason together, and what was decided before what is open.
fn deciding(judgement: &Judgement) -> Vec<Deciding> {
    let mut all: Vec<Deciding> = Vec::new();
    let mut rows: Vec<&Row> =
        judgement.rows.iter().filter(|row| row.required && row.verdict != Verdict::Pass).collect();
    rows.sort_by_key(|row| row.verdict != Verdict::Fail);
    for row in rows {
        match all.iter_mut().find(|one| one.reason == row.reason && one.verdict == row.verdict.name()) {
            Some(one) => one.titles.push(row.title.clone()),
            None => all.push(Deciding {
                titles: vec![row.title.clone()],
                verdict: row.verdict.name(),
                class: class_of(row.verdict),
                reason: row.reason.clone(),
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
        boot: run.boot_id.clone().unwrap_or_else(|| "not told".to_owned()),
        profile: run.profile.clone(),
        build: format!("{} ({}, {}, {})", build.version, build.revision, build.profile, build.compiler),
        ending: match run.ending {
            Ending::Complete => "complete",
            Ending::Interrupted => "stopped by the user",
            Ending::Cut => "cut: the process or the machine went down",
        },
        spec_sha256: run.spec.sha256.clone(),
    }
}

fn target(row: &Row) -> Target {
    let measured = row.measured.as_ref();
    let of_host = row.host_limit.as_ref().zip(row.share_of_host);
    Target {
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
        method: row.metric.as_deref().and_then(methods::prefix),
    }
}

/// What is to be known of a target beside its figures, each with what it is.
fn notes(row: &Row) -> Vec<(&'static str, String)> {
    let mut notes: Vec<(&'static str, String)> = vec![("Document", row.place.clone())];
    notes.extend(row.metric.iter().map(|metric| ("Metric", metric.clone())));
    notes.push(("Tolerance", share(row.tolerance)));
    notes.extend(row.arithmetic.iter().map(|text| ("Document's ceiling", text.clone())));
    notes.extend(row.host_limit.iter().map(|limit| ("Host's limit", format!("{}: {}", limit.value, limit.how))));
    notes.extend(row.remarks.iter().map(|remark| ("Remark", remark.clone())));
    for baseline in &row.baselines {
        let ratio = baseline.ratio.map(|ratio| format!(": {} of it", share(ratio))).unwrap_or_default();
        let value = documented(baseline.value, baseline.approximate);
        notes.push(("Beside", format!("{} {value}{ratio}", baseline.system)));
    }
    for difference in &row.comparability.differs {
        let text = format!("{}: documented {}, here {}", difference.fact, difference.documented, difference.host);
        notes.push(("Differs", text));
    }
    for unknown in &row.comparability.unknown {
        notes.push(("Not known", format!("{}: {}", unknown.fact, unknown.why)));
    }
    if let Some(measured) = &row.measured {
        let summary = &measured.summary;
        notes.push(("Samples", format!("{} valid, {} disturbed", summary.n, measured.tainted)));
        notes.extend(measured.context.iter().map(|(key, value)| ("Measured with", format!("{key} = {value}"))));
        notes.extend(measured.warnings.iter().map(|warning: &Warning| ("Warning", warning.to_string())));
    }
    notes
}

fn audit(judged: &Judged<'_>) -> Audit {
    let audit = judged.audit;
    let count = |grade| audit.graded.iter().filter(|graded| graded.grade == grade).count();
    let grades = Grade::ALL.into_iter().map(|grade| (grade.name(), count(grade))).filter(|(_, count)| *count > 0);
    let rows = audit.graded.iter().filter_map(|graded| {
        let target = judged.system.target(&graded.target)?;
        let ceiling = graded.ceiling.map(|ceiling| ceiling.to_string()).unwrap_or_default();
        let value = documented(target.value, target.approximate);
        Some((target.title.clone(), value, ceiling, graded.grade.name(), graded.arithmetic.clone()))
    });
    Audit { grades: grades.collect(), graded: rows.collect(), findings: audit.findings.iter().map(finding).collect() }
}

fn finding(finding: &Finding) -> FindingView {
    let constants = finding.constants.iter();
    FindingView {
        rule: finding.rule,
        grade: finding.grade.name(),
        says: finding.says.clone(),
        arithmetic: finding.arithmetic.clone(),
        consistent_if: finding.consistent_if.clone(),
        rows: finding.rows.iter().map(|place| (place.at.clone(), place.says.clone())).collect(),
        constants: constants.map(|one| (one.value.to_string(), one.about, one.source)).collect(),
    }
}

/// What is known of the host beside what the document states, first where they differ.
fn facts(host: &Facts, system: &System) -> Vec<FactLine> {
    let mut lines: Vec<FactLine> = host
        .0
        .iter()
        .map(|(id, fact)| {
            let value = match &fact.reading {
                Reading::Present(value) => value.to_string(),
                Reading::Absent => "none, or not told".to_owned(),
                Reading::Denied { remedy } => format!("not allowed: {remedy}"),
                Reading::Failed { error } => format!("failed: {error}"),
            };
            let (class, agrees) = agreement(host, system, id);
            FactLine {
                id: id.clone(),
                about: fact_kind(id).map_or("", |kind| kind.about),
                host: value,
                documented: stated(system, id),
                class,
                agrees,
                source: fact.source.clone(),
            }
        })
        .collect();
    lines.sort_by_key(|line| match line.agrees {
        "differs" => 0,
        "not known" => 1,
        "as documented" => 2,
        _ => 3,
    });
    lines
}

fn agreement(host: &Facts, system: &System, id: &str) -> (&'static str, &'static str) {
    let answers: Vec<FactMatch> = system.stated(id).map(|stated| verdict::compare_fact(stated, host)).collect();
    if answers.is_empty() {
        ("", "")
    } else if answers.contains(&FactMatch::Match) {
        ("good", "as documented")
    } else if answers.iter().any(|answer| matches!(answer, FactMatch::Unknown { .. })) {
        ("doubt", "not known")
    } else {
        ("bad", "differs")
    }
}

/// What a document says of a fact, with whether it stands by it.
fn stated(system: &System, id: &str) -> String {
    let mut texts: Vec<String> = Vec::new();
    for fact in system.stated(id) {
        let value = match &fact.value {
            FactValue::Quantity(quantity) => documented(*quantity, fact.approximate),
            value => value.to_string(),
        };
        let text = match fact.standing {
            Standing::Firm => value,
            Standing::Placeholder(_) => format!("{value} (placeholder)"),
            Standing::Contradicted(_) => format!("{value} (contradicted)"),
        };
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts.join("; ")
}

fn fingerprint(run: &Run) -> Vec<Part> {
    let print = &run.fingerprint;
    let parts = |parts: &std::collections::BTreeMap<String, String>| {
        parts.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let all = [
        Part { scope: "Platform", id: print.platform_id.clone(), parts: parts(&print.platform) },
        Part { scope: "Configuration", id: print.config_id.clone(), parts: parts(&print.config) },
    ];
    all.into_iter().filter(|part| !part.id.is_empty()).collect()
}

/// What changed from run to run; those between which nothing did are left out.
fn changes(runs: &[Run]) -> Vec<Changes> {
    let pairs = runs.iter().zip(runs.iter().skip(1));
    let change = |(before, after): (&Run, &Run)| Changes {
        from: before.id.clone(),
        to: after.id.clone(),
        rows: after.fingerprint.changes_since(&before.fingerprint).into_iter().map(changed).collect(),
    };
    pairs.map(change).filter(|change| !change.rows.is_empty()).collect()
}

pub(super) fn changed(change: Change) -> (&'static str, String, String, String) {
    let scope = match change.scope {
        Scope::Platform => "platform",
        Scope::Config => "configuration",
    };
    let side = |value: Option<String>| value.unwrap_or_else(|| "not there".to_owned());
    (scope, change.part, side(change.before), side(change.after))
}
