//! Prometheus text for the textfile collector of `node_exporter`.

use std::collections::BTreeMap;

use measure::Labels;
use verdict::Acceptance;

use super::{Error, is_complete, last, unit_name};
use crate::json;
use crate::judged::Judged;

/// What a family says of itself, and its lines: labels and value.
struct MetricFamily {
    help: String,
    lines: BTreeMap<String, f64>,
}

type Families = BTreeMap<String, MetricFamily>;

/// The median of each series of the last run, in base units that the names tell, and the verdict of each target.
pub fn prometheus(judged: &Judged<'_>) -> Result<String, Error> {
    let (run, series) = last(judged)?;
    let judgement = judged.judgement;
    let mut families = Families::new();
    for one in &series {
        let Some(summary) = one.summary else { continue };
        let parts = ["hostproof", &identifier(&one.id.name), unit_name(one.unit)];
        let name = parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("_");
        let help = format!("Median of {} in the last run, in {}.", one.id.name, one.unit.symbol());
        add(&mut families, &name, &help, &one.id.labels, summary.median);
    }
    for row in &judgement.rows {
        let target = labels(&[("target", &row.id)]);
        if let Some(share) = row.share_of_target {
            let help = "How much of the documented value was reached; 1 is all of it and more is better.";
            add(&mut families, "hostproof_target_reached_ratio", help, &target, share);
        }
        let verdict = labels(&[("target", &row.id), ("verdict", row.verdict.name())]);
        add(&mut families, "hostproof_target_verdict", "The verdict on a target, as a label; always 1.", &verdict, 1.0);
    }
    for row in &judgement.facts {
        let verdict = labels(&[
            ("part", &row.id),
            ("required", if row.required { "true" } else { "false" }),
            ("verdict", row.verdict.name()),
        ]);
        add(&mut families, "hostproof_part_verdict", "The verdict on a part, as a label; always 1.", &verdict, 1.0);
    }
    let accepted = f64::from(u8::from(judgement.acceptance() == Acceptance::Accepted));
    let acceptance = labels(&[("acceptance", json::acceptance(judgement))]);
    add(&mut families, "hostproof_accepted", "Whether all required criteria are met.", &acceptance, accepted);
    let complete = f64::from(u8::from(is_complete(run)));
    add(&mut families, "hostproof_run_complete", "Whether the last run came to its end.", &Labels::new(), complete);
    let info = labels(&[
        ("run", &run.id),
        ("started", &run.started),
        ("host", &run.host),
        ("profile", run.profile.name()),
        ("version", &run.build.version),
        ("revision", &run.build.revision),
        ("system", &judgement.system),
    ]);
    add(&mut families, "hostproof_run_info", "Which run these figures are of; always 1.", &info, 1.0);
    Ok(families.iter().map(text).collect())
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn add(families: &mut Families, name: &str, help: &str, labels: &Labels, value: f64) {
    let family = families
        .entry(name.to_owned())
        .or_insert_with(|| MetricFamily { help: help.to_owned(), lines: BTreeMap::new() });
    let pairs: Vec<String> =
        labels.iter().map(|(key, value)| format!("{}=\"{}\"", identifier(key), escape(value))).collect();
    let key = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
    family.lines.insert(key, value);
}

fn text((name, family): (&String, &MetricFamily)) -> String {
    let mut text = format!("# HELP {name} {}\n# TYPE {name} gauge\n", escape(&family.help));
    for (labels, value) in &family.lines {
        text += &format!("{name}{labels} {value}\n");
    }
    text
}

/// A name as the format allows it: letters, digits and underscores, no digit in front.
fn identifier(name: &str) -> String {
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if safe.starts_with(|c: char| c.is_ascii_digit()) || safe.is_empty() { format!("_{safe}") } else { safe }
}

/// The three escapes of the format; what steers a terminal is written out first.
fn escape(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(crate::text::clean).collect();
    lines.join("\n").replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_as_the_format_wants_them() {
        let check = |name: &str, expect: &str| assert_eq!(identifier(name), expect);
        check("stream.triad.best", "stream_triad_best");
        check("4KiB page", "_4kib_page");
        check("", "_");
        assert_eq!(escape("a\"b\\c\nd\u{1b}"), "a\\\"b\\\\c\\nd\\\\u{1b}");
    }
}
