//! A judged run: the table of targets, and the reasons below it.

use measure::{Ending, Run};
use spec::audit::Grade;
use verdict::{Judgement, Measured, Row, Verdict};

use super::grid::{Cell, Grid, Paint};
use super::{metrics, warnings};
use crate::text::{clean, documented, share, spread, wrap};
use crate::{Look, gate};

/// What a run ends with: the verdict on each target, the reasons, and what was remarkable.
#[must_use]
pub fn judged_run(run: &Run, judgement: &Judgement, look: Look) -> String {
    let id = &run.id;
    let more = format!("All figures: hostproof show {id}; as a page: hostproof report {id} --html FILE");
    with_figures(run, judgement, "", look) + "\n" + &wrap(&more, 0, look.width)
}

/// The same with all that was measured: some hundred rows.
#[must_use]
pub fn shown_run(run: &Run, judgement: &Judgement, look: Look) -> String {
    let figures = heading("All that was measured: median, spread (MAD), extremes") + &metrics(run, look);
    with_figures(run, judgement, &figures, look)
}

fn with_figures(run: &Run, judgement: &Judgement, figures: &str, look: Look) -> String {
    let mut text = head(run, judgement, look);
    text += &targets(judgement, look);
    text += &parts(judgement, look);
    text += &conclusion(judgement, look);
    text += &heading("Why");
    text += &reasons(judgement, look);
    text += figures;
    let warnings = warnings(run, look);
    if !warnings.is_empty() {
        text += &heading("Warnings");
        text += &warnings;
    }
    text
}

/// What the parts of a host decide before anything is measured: their table, why, and the answer as the last line.
#[must_use]
pub fn judged_parts(judgement: &Judgement, look: Look) -> String {
    let mut text = wrap(&format!("{} · {}", judgement.system, judgement.system_name), 0, look.width);
    text += &parts(judgement, look);
    text += &heading("Why");
    text += &reasons(judgement, look);
    text + "\n" + &wrap(&gate::answer(judgement), 0, look.width)
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
    let lines = [
        format!("{} · {}", judgement.system, judgement.system_name),
        format!("host {} · run {} · profile {}{ending}", run.host, run.id, run.profile.name()),
        format!(
            "hostproof {} · {} · {} · built with profile {}",
            build.version, build.revision, build.compiler, build.profile
        ),
    ];
    lines.iter().map(|line| wrap(line, 0, look.width)).collect::<String>() + "\n"
}

/// The table of targets: documented, the document's ceiling, measured, the shares, the verdict.
#[must_use]
pub fn targets(judgement: &Judgement, look: Look) -> String {
    let header = ["Target", "Documented", "Its ceiling", "Measured", "Of documented", "Of this host", "Verdict"];
    let mut grid = Grid::new(&header, &[1, 2, 3, 4, 5]);
    for row in &judgement.rows {
        grid.row(target(row));
        for baseline in &row.baselines {
            let ratio = baseline.ratio.map(share).unwrap_or_default();
            let name = format!("· beside {}", baseline.system);
            let value = documented(baseline.value, baseline.approximate);
            grid.row([name, value, String::new(), String::new(), ratio, String::new(), String::new()].map(Cell::from));
        }
    }
    grid.render(look)
}

/// The parts that acceptance demands, and others that are not as documented.
fn parts(judgement: &Judgement, look: Look) -> String {
    let mut grid = Grid::new(&["Part", "Documented", "This host", "Verdict", "Why"], &[]);
    let mut any = false;
    for row in gate::concerning(judgement) {
        any = true;
        grid.row([
            optional(&row.title, row.required).into(),
            row.documented.as_str().into(),
            row.found.as_deref().unwrap_or_default().into(),
            Cell::painted(row.verdict.name(), paint_of(row.verdict)),
            gate::why(row).into(),
        ]);
    }
    if any { format!("\n{}", grid.render(look)) } else { String::new() }
}

/// What acceptance does not demand is marked wherever it stands.
pub(super) fn optional(title: &str, required: bool) -> String {
    if required { title.to_owned() } else { format!("{title} (optional)") }
}

fn target(row: &Row) -> [Cell; 7] {
    let title = optional(&row.title, row.required);
    let name = if row.companion_of.is_some() { format!("· achievable: {title}") } else { title };
    let ceiling = row.ceiling.map(|ceiling| ceiling.to_string()).unwrap_or_default();
    // A documented value above its own ceiling is the finding; it must be seen without reading on.
    let paint = if row.grade == Some(Grade::Impossible) { Paint::Bad } else { Paint::Plain };
    let figure =
        |measured: &Measured| format!("{} {}", measured.value, spread(&measured.summary)).trim_end().to_owned();
    let measured = row.measured.as_ref().map(figure);
    let of_host = row.host_limit.as_ref().zip(row.share_of_host);
    [
        name.into(),
        documented(row.documented, row.approximate).into(),
        Cell::painted(&ceiling, paint),
        measured.unwrap_or_default().into(),
        row.share_of_target.map(share).unwrap_or_default().into(),
        of_host.map(|(limit, of)| format!("{} of {}", share(of), limit.kind.name())).unwrap_or_default().into(),
        Cell::painted(row.verdict.name(), paint_of(row.verdict)),
    ]
}

pub(super) fn paint_of(verdict: Verdict) -> Paint {
    match verdict {
        Verdict::Pass => Paint::Good,
        Verdict::Fail | Verdict::Implausible => Paint::Bad,
        Verdict::Inconclusive | Verdict::Tainted | Verdict::NotMeasured => Paint::Doubtful,
        Verdict::Infeasible | Verdict::NotComparable => Paint::Faint,
    }
}

fn conclusion(judgement: &Judgement, look: Look) -> String {
    let counts: Vec<String> = Verdict::ALL
        .iter()
        .filter(|verdict| judgement.count(**verdict) > 0)
        .map(|verdict| format!("{} {verdict}", judgement.count(*verdict)))
        .collect();
    wrap(&format!("Targets: {}.", counts.join(", ")), 0, look.width) + &wrap(&gate::answer(judgement), 0, look.width)
}

/// The reason of each verdict in full sentences; targets with one reason share it.
#[must_use]
pub fn reasons(judgement: &Judgement, look: Look) -> String {
    let mut text = String::new();
    for remark in &judgement.remarks {
        text += &wrap(remark, 0, look.width);
    }
    let mut groups: Vec<(&Row, Vec<&str>)> = Vec::new();
    for row in &judgement.rows {
        let told = |row: &Row| {
            (row.verdict, row.reason.clone(), row.remarks.clone(), row.host_limit.clone(), row.arithmetic.clone())
        };
        match groups.iter_mut().find(|(first, _)| told(first) == told(row)) {
            Some((_, ids)) => ids.push(&row.id),
            None => groups.push((row, vec![&row.id])),
        }
    }
    for (row, ids) in groups {
        let verdict = paint_of(row.verdict).on(row.verdict.name(), look);
        let ids = wrap(&format!("{}:", ids.join(", ")), 0, look.width);
        text.extend([ids.trim_end(), " ", &verdict, "\n"]);
        text += &wrap(&row.reason, 2, look.width);
        for remark in &row.remarks {
            text += &wrap(remark, 2, look.width);
        }
        if let (Some(limit), Some(_)) = (&row.host_limit, row.share_of_host) {
            let kind = limit.kind.name();
            text += &wrap(&format!("Its {kind} on this host is {}: {}.", limit.value, limit.how), 2, look.width);
        }
        if let (Some(arithmetic), false) = (&row.arithmetic, row.grade == Some(Grade::Impossible)) {
            text += &wrap(&format!("By the document: {}.", clean(arithmetic).trim_end_matches('.')), 2, look.width);
        }
    }
    text
}
