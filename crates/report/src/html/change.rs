//! Before and after, as the page shows it.

use measure::Better;
use serde::Serialize;
use verdict::compare::ChangeFinding;

use super::charts::{self, Chart};
use super::host::PartChange;
use super::methods::Methods;
use crate::compare::signed;
use crate::text::quantity;
use crate::{BeforeAfter, ChangeLine, FactChange, Figure};

/// Two sides beside each other.
#[derive(Debug, Serialize)]
pub(super) struct ChangeView {
    before: String,
    after: String,
    overall: OverallView,
    chart: Option<Chart>,
    /// What decides, and what moved.
    first: Vec<ChangeRow>,
    /// The rest.
    rest: Vec<ChangeRow>,
    fingerprint: Vec<PartChange>,
    facts: Vec<FactChange>,
    remarks: Vec<String>,
}

/// What the boots add up to, in a word and a sentence.
#[derive(Debug, Serialize)]
pub(super) struct OverallView {
    word: String,
    class: &'static str,
    meaning: String,
}

#[derive(Debug, Serialize)]
struct ChangeRow {
    id: String,
    before: String,
    before_span: String,
    after: String,
    after_span: String,
    change: String,
    interval: String,
    better: &'static str,
    verdict: &'static str,
    class: &'static str,
    reason: String,
    /// Where the page tells how it is measured.
    method: Option<String>,
}

impl ChangeView {
    pub(super) fn of(change: &BeforeAfter, methods: &Methods) -> ChangeView {
        let first =
            |line: &&ChangeLine| line.critical || line.moved() || change.overall.is_err() && line.id.labels.is_empty();
        let (first, rest): (Vec<&ChangeLine>, Vec<&ChangeLine>) = change.lines.iter().partition(first);
        ChangeView {
            before: runs(&change.before),
            after: runs(&change.after),
            overall: overall(change),
            chart: charts::change(change),
            first: first.into_iter().map(|line| row(line, methods)).collect(),
            rest: rest.into_iter().map(|line| row(line, methods)).collect(),
            fingerprint: change.fingerprint.iter().cloned().map(PartChange::from).collect(),
            facts: change.facts.clone(),
            remarks: change.remarks.clone(),
        }
    }
}

/// Few runs by their ids, many by the first and the last.
fn runs(ids: &[String]) -> String {
    match ids {
        [first, .., last] if ids.len() > 6 => format!("{} runs from {first} to {last}", ids.len()),
        few => few.join(", "),
    }
}

pub(super) fn overall(change: &BeforeAfter) -> OverallView {
    let boots = change.lines.iter().any(|line| line.interval.is_some());
    let view =
        |word: &str, class, meaning: &str| OverallView { word: word.to_owned(), class, meaning: meaning.to_owned() };
    match &change.overall {
        Err(why) => {
            view("NOT COMPARED", "faint", &format!("The figures stand beside each other without a verdict: {why}."))
        }
        Ok(_) if !boots => {
            view("NOT DECIDED", "doubt", "Boots are the sample, and one on each side is not enough for an interval.")
        }
        Ok(word) => {
            let class = match *word {
                "REGRESSION" => "bad",
                "NOT-WORSE" => "good",
                _ => "doubt",
            };
            view(word, class, "What all critical metrics add up to.")
        }
    }
}

fn row(line: &ChangeLine, methods: &Methods) -> ChangeRow {
    let value = |side: Option<Figure>| side.map_or_else(String::new, |one| quantity(one.value, line.unit));
    let span = |side: Option<Figure>, number: usize| {
        let spread = side.filter(|one| one.least < one.most);
        let spread =
            spread.map(|one| format!("{} to {}", quantity(one.least, line.unit), quantity(one.most, line.unit)));
        let failed = line.failed.map(|sides| format!("{} of {} failed", sides[number].0, sides[number].1));
        [spread, failed].into_iter().flatten().collect::<Vec<_>>().join("; ")
    };
    let interval = line.interval.map(|ends| format!("{} to {}", signed(ends.low), signed(ends.high)));
    ChangeRow {
        id: line.id.to_string(),
        before: value(line.before),
        before_span: span(line.before, 0),
        after: value(line.after),
        after_span: span(line.after, 1),
        change: line.change.map(signed).unwrap_or_default(),
        interval: interval.unwrap_or_default(),
        better: if line.better == Better::Higher { "more" } else { "less" },
        verdict: line.decided().map_or("", ChangeFinding::name),
        class: line.decided().map_or("", class),
        reason: line.decision.as_ref().map(|decision| decision.reason.clone()).unwrap_or_default(),
        method: methods.anchor(&line.id.name),
    }
}

pub(super) fn class(finding: ChangeFinding) -> &'static str {
    match finding {
        ChangeFinding::Regression => "bad",
        ChangeFinding::NotWorse | ChangeFinding::ChangedWithinMargin | ChangeFinding::Improved => "good",
        ChangeFinding::Tainted | ChangeFinding::Inconclusive | ChangeFinding::CannotBeJudged => "doubt",
    }
}
