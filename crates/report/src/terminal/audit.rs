//! What arithmetic says of a document, without measuring.

use spec::System;
use spec::audit::{Audit, Finding, Grade};

use super::grid::{Cell, Grid, Paint};
use crate::Look;
use crate::text::{documented, wrap};

/// The grade of every target, then the findings, the heaviest first.
#[must_use]
pub fn audit(system: &System, audit: &Audit, look: Look) -> String {
    let mut text = wrap(&format!("Audit of {} · {}", system.id, system.name), 0, look);
    text += &wrap(&totals(audit), 0, look);
    if !audit.graded.is_empty() {
        text += "\n";
        text += &grades(system, audit).render(look);
    }
    for (number, finding) in audit.findings.iter().enumerate() {
        text += "\n";
        text += &paragraph(number + 1, finding, look);
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
    let mut grid = Grid::new(&["Target", "Documented", "Ceiling", "Grade", "Arithmetic"], &[1, 2]);
    for graded in &audit.graded {
        let Some(target) = system.target(&graded.target) else { continue };
        let ceiling = graded.ceiling.map_or(String::new(), |ceiling| ceiling.to_string());
        grid.row([
            (&target.title).into(),
            documented(target.value, target.approximate).into(),
            ceiling.into(),
            Cell::painted(graded.grade.name(), paint(graded.grade)),
            (&graded.arithmetic).into(),
        ]);
    }
    grid
}

fn paragraph(number: usize, finding: &Finding, look: Look) -> String {
    let heading = wrap(&format!("{number}. {} ({})", finding.rule, finding.grade.name()), 0, look);
    let mut text = paint(finding.grade).on(&heading, look);
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
