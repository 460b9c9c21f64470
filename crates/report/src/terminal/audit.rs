//! What arithmetic says of a document, without measuring.

use spec::System;
use spec::audit::{Audit, Finding, Grade};

use super::grid::{Cell, Give, Grid, Paint};
use crate::Look;
use crate::text::{documented, wrap};

/// The findings, the heaviest last, then the grade of every target and how many have which: what a terminal shows last is what
/// matters most. A `summary` has no findings.
#[must_use]
pub fn audit(system: &System, audit: &Audit, summary: bool, look: Look) -> String {
    let mut text = wrap(&format!("Audit of {} · {}", system.id, system.name), 0, look);
    text += &wrap(&totals(audit), 0, look);
    if !summary {
        for (number, finding) in audit.findings.iter().enumerate().rev() {
            text += "\n";
            text += &paragraph(number + 1, system, finding, look);
        }
    }
    if !audit.graded.is_empty() {
        text += "\n";
        text += &grades(system, audit).lines_or_list(&[Give::Ends(4, 20), Give::Ends(1, 16), Give::Column(3)], look);
        text += "\n";
        text += &wrap(&totals(audit), 0, look);
    }
    text
}

fn totals(audit: &Audit) -> String {
    let count = |grade| audit.graded.iter().filter(|graded| graded.grade == grade).count();
    let grades: Vec<_> = Grade::ALL
        .into_iter()
        .filter(|&grade| count(grade) > 0)
        .map(|grade| format!("{} {}", count(grade), grade.name()))
        .collect();
    let findings = audit.findings.len();
    format!("{} targets: {}. {findings} findings.", audit.graded.len(), grades.join(", "))
}

fn grades(system: &System, audit: &Audit) -> Grid {
    let mut grid = Grid::new(&["Target", "", "Documented", "Ceiling", "Arithmetic", "Grade"], &[2, 3]);
    for graded in &audit.graded {
        let Some(target) = system.target(&graded.target) else { continue };
        let ceiling = graded.ceiling.map_or(String::new(), |ceiling| ceiling.to_string());
        grid.row([
            (&target.id).into(),
            (&target.title).into(),
            documented(target.value, target.approximate).into(),
            ceiling.into(),
            (&graded.arithmetic).into(),
            Cell::painted(graded.grade.name(), paint(graded.grade)),
        ]);
    }
    grid
}

/// A finding below what it is about: the targets that it grades, or its rule.
fn paragraph(number: usize, system: &System, finding: &Finding, look: Look) -> String {
    let title = |id: &String| system.target(id).map_or_else(|| id.clone(), |target| format!("{id} · {}", target.title));
    let about: Vec<String> = finding.targets.iter().map(title).collect();
    let about = if about.is_empty() { finding.rule.to_owned() } else { about.join(", ") };
    let heading = wrap(&format!("{number}. {about} ({})", finding.grade.name()), 0, look);
    let mut text = paint(finding.grade).on(heading.trim_end(), look) + "\n";
    let mut line = |label: &str, words: &str| text += &wrap(&format!("{label}{words}"), 3, look);
    line("", &finding.says);
    line("Arithmetic: ", &finding.arithmetic);
    line("Consistent if: ", &finding.consistent_if);
    for row in &finding.rows {
        line("Row: ", &format!("{} “{}”", row.at, row.says));
    }
    for constant in &finding.constants {
        line("Taken from elsewhere: ", &format!("{} {} ({})", constant.value, constant.about, constant.source));
    }
    line("Rule: ", finding.rule);
    text
}

fn paint(grade: Grade) -> Paint {
    match grade {
        Grade::Impossible | Grade::Contradictory => Paint::Bad,
        Grade::Aggressive => Paint::Doubtful,
        Grade::Plausible => Paint::Good,
        Grade::Loose => Paint::Plain,
        Grade::Unknown => Paint::Faint,
    }
}
