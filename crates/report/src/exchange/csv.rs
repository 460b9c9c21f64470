//! CSV in the long form: one line for each sample.

use measure::{Better, Measurement, Outcome, Run};

use super::Error;
use crate::text::clean;

const HEADER: [&str; 16] = [
    "run",
    "host",
    "boot",
    "profile",
    "workload",
    "repetition",
    "metric",
    "labels",
    "unit",
    "better",
    "sample",
    "value",
    "taint",
    "not_measured",
    "start_ns",
    "end_ns",
];

/// Every sample of every run; what has no value is a line with its reason. When a sample was taken is in nanoseconds of
/// the host's `CLOCK_MONOTONIC_RAW`, which all series of a boot share, so that they can be joined.
pub fn csv<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Result<String, Error> {
    let mut table = csv_header();
    for run in runs {
        table += &csv_rows(run)?;
    }
    Ok(table)
}

/// The first line of the table.
#[must_use]
pub fn csv_header() -> String {
    HEADER.join(",") + "\n"
}

/// The lines of one run.
pub fn csv_rows(run: &Run) -> Result<String, Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    for attempt in &run.attempts {
        let start = [
            &run.id,
            run.name(),
            run.boot_id.as_deref().unwrap_or_default(),
            run.profile.name(),
            attempt.workload.name(),
            &attempt.repetition.to_string(),
        ]
        .map(cell);
        for end in attempt.outcomes.iter().flat_map(lines) {
            let line = [start.as_slice(), end.as_slice()].concat();
            table.write_record(line).map_err(|error| Error::Csv(error.to_string()))?;
        }
    }
    let bytes = table.into_inner().map_err(|error| Error::Csv(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Error::Csv(error.to_string()))
}

/// What follows the run and the attempt in each line of an outcome.
fn lines(outcome: &Outcome) -> Vec<[String; 10]> {
    match outcome {
        Outcome::Measured(one) => samples(one),
        Outcome::NotMeasured(missing) => {
            let [metric, labels] = name(&missing.id);
            let reason = cell(&missing.reason.to_string());
            let none = String::new;
            vec![[metric, labels, none(), none(), none(), none(), none(), reason, none(), none()]]
        }
    }
}

fn samples(one: &Measurement) -> Vec<[String; 10]> {
    let better = match one.metric.better {
        Better::Higher => "higher",
        Better::Lower => "lower",
    };
    let line = |(index, sample): (usize, &measure::Sample)| {
        let [metric, labels] = name(&one.id());
        let taint = sample.taint.as_ref().map(|taint| cell(&taint.to_string())).unwrap_or_default();
        let unit = one.metric.unit.symbol().to_owned();
        let moment =
            |of: fn(measure::Interval) -> u64| sample.interval.map(of).map_or_else(String::new, |ns| ns.to_string());
        let (start, end) = (moment(|interval| interval.start), moment(|interval| interval.end));
        let (better, index, value) = (better.to_owned(), index.to_string(), sample.value.to_string());
        [metric, labels, unit, better, index, value, taint, String::new(), start, end]
    };
    one.samples.iter().enumerate().map(line).collect()
}

/// The name, and the labels as `key=value` separated by spaces.
fn name(id: &measure::MetricId) -> [String; 2] {
    let labels: Vec<String> = id.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    [cell(&id.name), cell(&labels.join(" "))]
}

/// A text from the outside as a cell. A spreadsheet takes one that begins like a formula for one, and computes it: an
/// apostrophe before it says that it is text.
pub(super) fn cell(text: &str) -> String {
    let text = clean(text);
    let begins = text.trim_start().chars().next();
    let is_formula = begins.is_some_and(|c| matches!(c, '=' | '+' | '-' | '@' | '|' | '＝' | '＋' | '－' | '＠'));
    if is_formula { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_like_a_formula() {
        let check = |text: &str, expect: &str| assert_eq!(cell(text), expect);
        check("node-1", "node-1");
        check("", "");
        check("=1+1", "'=1+1");
        check("+1", "'+1");
        check("-1", "'-1");
        check("@a", "'@a");
        check(" =1", "' =1");
        check("＝1", "'＝1");
        check("\t=1", "\\u{9}=1");
    }
}
