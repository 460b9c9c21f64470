//! Prometheus text for the textfile collector of `node_exporter`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use measure::Labels;
use verdict::{Acceptance, Verdict};

use super::{Error, is_complete, last, unit_name};
use crate::json;
use crate::judged::Judged;

/// What a family says of itself, and its lines: labels and value.
pub(super) struct MetricFamily {
    help: String,
    lines: BTreeMap<String, f64>,
}

pub(super) type Families = BTreeMap<String, MetricFamily>;

/// The median of each series of the last run, in base units that the names tell, the state of each verdict, and when the run
/// began.
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
        let target = labels(&[("target", &row.id), ("required", flag(row.required))]);
        if let Some(share) = row.share_of_target {
            let help = "How much of the documented value was reached; 1 is all of it and more is better.";
            add(&mut families, "hostproof_target_reached_ratio", help, &target, share);
        }
        let help = "The verdict on a target: 1 for the one that it has, 0 for the others.";
        states(&mut families, "hostproof_target_verdict", help, &target, verdicts(row.verdict));
    }
    for row in &judgement.facts {
        let part = labels(&[("part", &row.id), ("required", flag(row.required))]);
        let help = "The verdict on a part: 1 for the one that it has, 0 for the others.";
        states(&mut families, "hostproof_part_verdict", help, &part, verdicts(row.verdict));
    }
    let acceptance = judgement.acceptance();
    let answers = Acceptance::ALL.map(|one| ("acceptance", json::acceptance_word(one), one == acceptance));
    let help = "What the verdicts add up to: 1 for the answer, 0 for the others.";
    states(&mut families, "hostproof_acceptance", help, &Labels::new(), answers);
    if let Ok(started) = run.started.parse::<Timestamp>() {
        let help = "When the last run began, in seconds since 1970.";
        add(
            &mut families,
            "hostproof_run_started_timestamp_seconds",
            help,
            &Labels::new(),
            started.as_duration().as_secs_f64(),
        );
    }
    let complete = f64::from(u8::from(is_complete(run)));
    add(&mut families, "hostproof_run_complete", "Whether the last run came to its end.", &Labels::new(), complete);
    let info = labels(&[
        ("run", &run.id),
        ("started", &run.started),
        ("host", run.name()),
        ("profile", run.profile.name()),
        ("version", &run.build.version),
        ("revision", &run.build.revision),
        ("system", &judgement.system),
    ]);
    add(&mut families, "hostproof_run_info", "Which run these figures are of; always 1.", &info, 1.0);
    Ok(families.iter().map(text).collect())
}

pub(super) fn flag(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn verdicts(found: Verdict) -> [(&'static str, &'static str, bool); Verdict::ALL.len()] {
    Verdict::ALL.map(|verdict| ("verdict", verdict.name(), verdict == found))
}

/// A series for each state: one that had the state as its only label would end when the state changes, and alerts with it.
fn states<const N: usize>(
    families: &mut Families,
    name: &str,
    help: &str,
    of: &Labels,
    all: [(&'static str, &'static str, bool); N],
) {
    for (label, state, holds) in all {
        let mut labels = of.clone();
        labels.extend([(label.to_owned(), state.to_owned())]);
        add(families, name, help, &labels, f64::from(u8::from(holds)));
    }
}

pub(super) fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub(super) fn add(families: &mut Families, name: &str, help: &str, labels: &Labels, value: f64) {
    let family = families
        .entry(name.to_owned())
        .or_insert_with(|| MetricFamily { help: help.to_owned(), lines: BTreeMap::new() });
    let pairs: Vec<String> =
        labels.iter().map(|(key, value)| format!("{}=\"{}\"", identifier(key), escape(value))).collect();
    let key = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
    family.lines.insert(key, value);
}

pub(super) fn text((name, family): (&String, &MetricFamily)) -> String {
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
