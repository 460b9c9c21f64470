//! A judged run: a line for each criterion, the reasons grouped by their cause, what comes next, and the answer as the last
//! line.

use measure::{Ending, Run};
use spec::audit::Grade;
use verdict::{Judgement, Row, Verdict};

use super::grid::paint_of;
use super::{criteria, metrics, warnings};
use crate::text::{clean, wrap};
use crate::{Look, gate};

/// How much of a judged run is shown, and how a command finds it again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent<'a> {
    /// Also what decides nothing: passed parts, companions, other systems, why a target passed, arithmetic.
    pub all: bool,
    /// What a command needs behind the run to find it: ` --out 'a folder'`, or nothing.
    pub store: &'a str,
}

/// What a run ends with: a line for each criterion, the reasons, what to do next, and the answer as the last line.
#[must_use]
pub fn judged_run(run: &Run, judgement: &Judgement, scope: Extent<'_>, look: Look) -> String {
    let mut text = with_figures(run, judgement, "", scope, look);
    text += &heading("Next");
    for (what, command) in next(run, judgement, scope.store) {
        let (line, command) = (format!("  {what}: {}", clean(&command)), clean(&command));
        // It is typed as it stands: a line that it does not fit into begins before it.
        let fits = line.chars().count() <= usize::from(look.width);
        text += &if fits { line + "\n" } else { format!("  {what}:\n    {command}\n") };
    }
    text + "\n" + &wrap(&gate::brief_answer(judgement), 0, look)
}

/// What the parts of a host decide before anything is measured: a line for each, why, and the answer as the last line.
#[must_use]
pub fn judged_parts(judgement: &Judgement, look: Look) -> String {
    let mut text = wrap(&format!("{} · {}", judgement.system, judgement.system_name), 0, look);
    text += &criteria::parts(judgement, false, look);
    text += &heading("Why");
    text += &reasons(judgement, false, look);
    text + "\n" + &wrap(&gate::brief_answer(judgement), 0, look)
}

/// The same with all that was measured, a line for each metric; with `how` also how each was measured.
#[must_use]
pub fn shown_run(run: &Run, judgement: &Judgement, how: bool, look: Look) -> String {
    let figures = heading("All that was measured: median, spread (MAD), extremes") + &metrics(run, how, look);
    let scope = Extent { all: how, store: "" };
    with_figures(run, judgement, &figures, scope, look) + "\n" + &wrap(&gate::brief_answer(judgement), 0, look)
}

fn with_figures(run: &Run, judgement: &Judgement, figures: &str, scope: Extent<'_>, look: Look) -> String {
    let mut text = head(run, judgement, look);
    text += &criteria::targets(judgement, scope.all, look);
    text += &criteria::parts(judgement, scope.all, look);
    let reasons = reasons(judgement, scope.all, look);
    if !reasons.is_empty() {
        text += &heading("Why");
        text += &reasons;
    }
    text += figures;
    let warnings = warnings(run, look);
    if !warnings.is_empty() {
        text += &heading("Warnings");
        text += &warnings;
    }
    text
}

fn heading(text: &str) -> String {
    format!("\n{text}\n")
}

fn head(run: &Run, judgement: &Judgement, look: Look) -> String {
    let ending = match run.ending {
        Ending::Complete => "",
        Ending::Interrupted => ", interrupted",
        Ending::Cut => ", cut",
    };
    let build = &run.build;
    let mut lines = vec![
        format!("{} · {}", judgement.system, judgement.system_name),
        format!("host {} · profile {}{ending} · run {}", run.name(), run.profile.name(), run.id),
        format!("hostproof {} · {} · built with profile {}", build.version, build.revision, build.profile),
    ];
    lines.extend(run.places().into_iter().map(|place| format!("test files in {}", place.in_full())));
    lines.iter().map(|line| wrap(line, 0, look)).collect::<String>() + "\n"
}

/// What a reader does next, and the command that does it, as it can be typed.
fn next(run: &Run, judgement: &Judgement, store: &str) -> Vec<(&'static str, String)> {
    let id = &run.id;
    let has = |verdict: Verdict| judgement.rows.iter().any(|row| row.required && row.verdict == verdict);
    let mut next = Vec::new();
    if has(Verdict::Tainted) || has(Verdict::Inconclusive) {
        next.push(("what disturbs this host, and how to mend it", "hostproof doctor".to_owned()));
    }
    // By its id a command finds only what is built in.
    if has(Verdict::Infeasible) && spec::builtin().iter().any(|system| system.id == judgement.system) {
        let audit = format!("hostproof audit --spec {} --markdown", judgement.system);
        next.push(("why a target could never be met, as a letter", audit));
    }
    next.push(("every metric, a line each", format!("hostproof show {id}{store}")));
    next.push(("a page to read and to sign", format!("hostproof report {id} --html {id}.html{store}")));
    next
}

/// Why each criterion has its verdict, each cause once with all that it concerns, what weighs most first.
#[must_use]
fn reasons(judgement: &Judgement, all: bool, look: Look) -> String {
    let mut text = String::new();
    for remark in &judgement.remarks {
        text += &wrap(remark, 2, look);
    }
    let mut causes: Vec<(Verdict, String, Vec<&str>)> = Vec::new();
    for row in &judgement.rows {
        for sentence in sentences(row, all) {
            match causes.iter_mut().find(|(_, known, _)| *known == sentence) {
                Some((_, _, ids)) if ids.last() == Some(&row.id.as_str()) => {}
                Some((_, _, ids)) => ids.push(&row.id),
                None => causes.push((row.verdict, sentence, vec![&row.id])),
            }
        }
    }
    let the_machine = if all { None } else { another_machine(judgement) };
    causes.sort_by_key(|(verdict, ..)| weight(*verdict));
    for (verdict, sentence, ids) in causes {
        let who = match ids.len() {
            n if n > 3 && n == judgement.rows.len() => "all targets".to_owned(),
            _ => ids.join(", "),
        };
        let who = wrap(&format!("{who}:"), 2, look);
        text += &paint_of(verdict).on(who.trim_end(), look);
        text.push('\n');
        text += &wrap(&sentence, 4, look);
    }
    text + &the_machine.map(|words| wrap(&words, 2, look)).unwrap_or_default()
}

/// That the host is another machine than the documented one, once for all figures that depend on it; of what it does not tell
/// also why, which is how to mend it.
fn another_machine(judgement: &Judgement) -> Option<String> {
    let mut differs: Vec<&str> = Vec::new();
    let mut unknown: Vec<(&str, Vec<&str>)> = Vec::new();
    let all = || judgement.rows.iter().map(|row| &row.comparability);
    for fact in all().flat_map(|one| &one.differs).map(|one| one.fact.as_str()) {
        if !differs.contains(&fact) {
            differs.push(fact);
        }
    }
    for one in all().flat_map(|one| &one.unknown) {
        match unknown.iter_mut().find(|(why, _)| *why == one.why) {
            Some((_, facts)) if facts.contains(&one.fact.as_str()) => {}
            Some((_, facts)) => facts.push(&one.fact),
            None => unknown.push((&one.why, vec![&one.fact])),
        }
    }
    let mut said: Vec<String> = Vec::new();
    if !differs.is_empty() {
        said.push(format!("this host is not the documented machine in {}", differs.join(", ")));
    }
    if !unknown.is_empty() {
        let each: Vec<String> = unknown.iter().map(|(why, facts)| format!("{} ({why})", facts.join(", "))).collect();
        said.push(format!("it does not tell {}", each.join(", ")));
    }
    let figures = all().filter(|one| !one.differs.is_empty() || !one.unknown.is_empty()).count();
    let who = if figures == judgement.rows.len() {
        "all".to_owned()
    } else {
        format!("{figures} of {}", judgement.rows.len())
    };
    (!said.is_empty()).then(|| format!("{who} figures: {}.", said.join("; ")))
}

/// What speaks against acceptance comes first.
fn weight(verdict: Verdict) -> usize {
    const ORDER: [Verdict; 8] = [
        Verdict::Fail,
        Verdict::Implausible,
        Verdict::Tainted,
        Verdict::Inconclusive,
        Verdict::NotMeasured,
        Verdict::NotComparable,
        Verdict::Infeasible,
        Verdict::Pass,
    ];
    ORDER.iter().position(|one| *one == verdict).unwrap_or(ORDER.len())
}

fn sentences(row: &Row, all: bool) -> Vec<String> {
    let is_told = all || row.verdict != Verdict::Pass;
    let mut sentences: Vec<String> = is_told.then(|| row.reason.clone()).into_iter().collect();
    sentences.extend(row.remarks.iter().cloned());
    if !all {
        sentences.retain(|sentence| !verdict::is_of_the_machine(sentence, &row.comparability));
        return sentences;
    }
    if let (Some(limit), Some(_)) = (&row.host_limit, row.share_of_host) {
        sentences.push(format!("Its {} on this host is {}: {}.", limit.kind.name(), limit.value, limit.how));
    }
    if let (Some(arithmetic), false) = (&row.arithmetic, row.grade == Some(Grade::Impossible)) {
        sentences.push(format!("By the document: {}.", clean(arithmetic).trim_end_matches('.')));
    }
    sentences.extend(row.baselines.iter().map(|baseline| {
        let ratio = baseline.ratio.map(|ratio| format!(", and this is {} of it", crate::text::share(ratio)));
        let value = crate::text::documented(baseline.value, baseline.approximate);
        format!("{} has {value}{}.", baseline.system, ratio.unwrap_or_default())
    }));
    sentences
}
