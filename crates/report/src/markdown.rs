//! Markdown: for a letter to the vendor.

use spec::System;
use spec::audit::{Audit, Finding};

use crate::text::{clean, documented};

/// The audit of a document: a table of its targets, then each finding in sentences.
#[must_use]
pub fn audit(system: &System, audit: &Audit) -> String {
    let mut text = format!("# Audit of {}\n\n{}\n\n", escape(&system.id), escape(&system.document));
    text +=
        "Every figure below follows from the document's own tables and from the published constants that are named.\n";
    if !audit.graded.is_empty() {
        text += "\n| target | documented | ceiling by its own tables | grade | arithmetic |\n|---|---:|---:|---|---|\n";
    }
    for graded in &audit.graded {
        let Some(target) = system.target(&graded.target) else { continue };
        let cells = [
            escape(&target.title),
            escape(&documented(target.value, target.approximate)),
            graded.ceiling.map_or(String::new(), |ceiling| ceiling.to_string()),
            graded.grade.name().to_owned(),
            escape(&graded.arithmetic),
        ];
        text += &format!("| {} |\n", cells.join(" | "));
    }
    for (number, finding) in audit.findings.iter().enumerate() {
        text += &section(number + 1, finding);
    }
    text
}

fn section(number: usize, finding: &Finding) -> String {
    let mut text = format!("\n## {number}. {} ({})\n\n", escape(finding.rule), finding.grade.name());
    text += &format!("{}\n\n", escape(&finding.says));
    text += &format!("- Arithmetic: {}\n", escape(&finding.arithmetic));
    text += &format!("- Consistent if: {}\n", escape(&finding.consistent_if));
    for row in &finding.rows {
        text += &format!("- The document, {}: “{}”\n", escape(&row.at), escape(&row.says));
    }
    for constant in &finding.constants {
        let source = escape(constant.source);
        text += &format!("- Taken from elsewhere: {} {} ({source})\n", constant.value, escape(constant.about));
    }
    text
}

/// A text from the outside, so that it is shown as it is: no markup of its own, one line.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in clean(text).chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_the_outside_has_no_markup() {
        let check = |text: &str, expect: &str| assert_eq!(escape(text), expect);
        check("<b>1|2</b>", "\\<b\\>1\\|2\\</b\\>");
        check("a\nb", "a\\\\u{a}b");
        check("~1.8 TB/s", "\\~1.8 TB/s");
    }
}
