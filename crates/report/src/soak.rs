//! What a soak proved, for people and for programs.

use measure::{Quantity, SoakLog, Unit};
use serde_json::{Value, json};
use verdict::Verdict;
use verdict::soak::{Drift, ErrorRate, SoakJudgement};

use crate::Look;
use crate::terminal::grid::{Cell, Grid, Paint};
use crate::text::wrap;

/// Events that are shown one by one; the record has all.
const MOST_SHOWN: usize = 20;
const HOUR: f64 = 3600.0;

/// The answer of a soak with all that it rests on.
#[must_use]
pub fn soak(log: &SoakLog, judged: &SoakJudgement, sealed: &str, look: Look) -> String {
    let mut text = wrap(&format!("soak {} on {}: {sealed}", log.id, log.plan.host), 0, look);
    let mut errors = Grid::new(&["Errors", "Count", "An hour", "At most an hour (95 %)"], &[1, 2, 3]);
    for [what, count, rate, bound] in error_rows(judged) {
        let paint = if count == "0" { Paint::Good } else { Paint::Bad };
        errors.row([what.as_str().into(), Cell::painted(&count, paint), rate.as_str().into(), bound.as_str().into()]);
    }
    text += "\n";
    text += &errors.render(look);
    for (load, bytes) in &judged.compared {
        let compared = Quantity::new(*bytes, Unit::Byte);
        text += &wrap(&format!("{}: {compared} compared", load.name()), 0, look);
    }
    if !judged.drift.is_empty() {
        let mut drift =
            Grid::new(&["First hour against last", "First", "Last", "Change", "95 % interval"], &[1, 2, 3, 4]);
        for row in drift_rows(judged) {
            drift.row(row.each_ref().map(|cell| Cell::from(cell.as_str())));
        }
        text += "\n";
        text += &drift.render(look);
    }
    if let Some(throttled) = judged.throttled {
        text += &wrap(&format!("Processors were throttled for {:.2} % of the time", 100.0 * throttled), 0, look);
    }
    if let Some(line) = not_watched(judged) {
        text += &wrap(&line, 0, look);
    }
    for line in events(log) {
        text += &wrap(&line, 2, look);
    }
    text += "\n";
    for reason in &judged.reasons {
        text += &wrap(reason, 0, look);
    }
    text + &wrap(&answer(judged), 0, look)
}

/// What, how many, how many an hour, and at most how many.
pub(crate) fn error_rows(judged: &SoakJudgement) -> Vec<[String; 4]> {
    let row =
        |error: &ErrorRate| [error.what.clone(), error.count.to_string(), shown(error.per_hour), shown(error.at_most)];
    judged.errors.iter().map(row).collect()
}

/// The figure, its first and last mean, the change and its interval.
pub(crate) fn drift_rows(judged: &SoakJudgement) -> Vec<[String; 5]> {
    let row = |drift: &Drift| {
        let range = format!("{} to {}", percent(drift.interval.low), percent(drift.interval.high));
        let [first, last] = drift.means.map(|mean| Quantity::new(mean, drift.unit).to_string());
        [drift.figure.clone(), first, last, percent(drift.change), range]
    };
    judged.drift.iter().map(row).collect()
}

/// What no event can tell of.
pub(crate) fn not_watched(judged: &SoakJudgement) -> Option<String> {
    let list = judged.not_watched.join(", ");
    (!list.is_empty()).then(|| format!("Not watched, because nothing here tells of it: {list}"))
}

/// What broke, in order, each with when in seconds since 1970.
pub(crate) fn broken(log: &SoakLog) -> Vec<(f64, String)> {
    let wrong = log.wrong.iter().map(|(at, wrong)| {
        let (found, expected) = (wrong.found, wrong.expected);
        (*at, format!("{}: {}: {found:#018x}, must be {expected:#018x}", wrong.part, wrong.place))
    });
    let incidents = log.incidents.iter().map(|incident| (incident.at, incident.says.clone()));
    let mut all: Vec<(f64, String)> = wrong.chain(incidents).collect();
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    all
}

/// The same one by one, with the hours under load before it, and how many more there were.
pub(crate) fn events(log: &SoakLog) -> Vec<String> {
    let told = |(at, says): (f64, String)| format!("after {:.2} h: {says}", log.seconds_until(at) / HOUR);
    let mut all: Vec<String> = broken(log).into_iter().map(told).collect();
    if all.len() > MOST_SHOWN {
        let more = all.len() - MOST_SHOWN;
        all.truncate(MOST_SHOWN);
        all.push(format!("and {more} more, which the record has"));
    }
    all
}

/// The last line: the verdict, and what it is of.
pub(crate) fn answer(judged: &SoakJudgement) -> String {
    let word = match judged.verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        _ => "NOT DECIDED",
    };
    format!("{word}: {}", hours(judged))
}

/// The hours, and how many of them were without an error.
pub(crate) fn hours(judged: &SoakJudgement) -> String {
    let [hours, planned, clean] = [judged.seconds, judged.planned, judged.clean].map(|seconds| seconds / HOUR);
    let is_clean = judged.errors.iter().all(|error| error.count == 0);
    let without =
        if is_clean { "without an error".to_owned() } else { format!("{clean:.2} of them before the first error") };
    format!("{hours:.2} of {planned:.2} hours under load, {without}")
}

fn shown(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        large if large.abs() >= 1e5 => format!("{large:.3e}"),
        small if small.abs() < 0.01 => format!("{small:.2e}"),
        value => format!("{value:.3}"),
    }
}

fn percent(share: f64) -> String {
    // What rounds to nothing has no sign.
    let rounded = (1e4 * share).round() / 100.0 + 0.0;
    format!("{rounded:+.2} %")
}

/// The same for machines.
#[must_use]
pub fn soak_json(log: &SoakLog, judged: &SoakJudgement) -> Value {
    let errors = judged.errors.iter().map(|error| {
        json!({"what": error.what, "count": error.count, "per_hour": finite(error.per_hour), "at_most_per_hour": finite(error.at_most)})
    });
    let drift = judged.drift.iter().map(|drift| {
        json!({"figure": drift.figure, "first": drift.means[0], "last": drift.means[1], "change": finite(drift.change),
            "interval": [finite(drift.interval.low), finite(drift.interval.high)]})
    });
    let wrong = log.wrong.iter().map(|(at, wrong)| {
        json!({"at": at, "load": wrong.load, "part": wrong.part, "place": wrong.place,
            "expected": format!("{:#018x}", wrong.expected), "found": format!("{:#018x}", wrong.found), "more": wrong.more})
    });
    let compared: serde_json::Map<String, Value> =
        judged.compared.iter().map(|(load, bytes)| (load.name().to_owned(), json!(bytes))).collect();
    json!({
        "soak": log.id, "host": log.plan.host, "verdict": judged.verdict.name(), "reasons": judged.reasons,
        "seconds": judged.seconds, "planned_seconds": judged.planned, "seconds_before_an_error": judged.clean,
        "compared_bytes": compared, "errors": errors.collect::<Vec<_>>(), "drift": drift.collect::<Vec<_>>(),
        "throttled_share": judged.throttled, "not_watched": judged.not_watched, "wrong": wrong.collect::<Vec<_>>(), "events": log.incidents,
        "boots": log.begun.iter().map(|(at, boot)| json!({"at": at, "boot_id": boot})).collect::<Vec<_>>(),
    })
}

/// A number that JSON has; none of no hours.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
