//! Before and after, as the page shows it.

use measure::Better;
use serde::Serialize;
use verdict::compare::Finding;

use super::Error;
use super::charts::{self, Figure};
use super::methods;
use super::page::changed;
use crate::compare::signed;
use crate::text::quantity;
use crate::{BeforeAfter, Line};

/// Two sides beside each other.
#[derive(Debug, Serialize)]
pub(super) struct ChangeView {
    before: String,
    after: String,
    /// What the boots add up to, its class, and a sentence.
    overall: (String, &'static str, String),
    figure: Option<Figure>,
    /// What decides, and what moved.
    first: Vec<Row>,
    /// The rest.
    rest: Vec<Row>,
    fingerprint: Vec<(&'static str, String, String, String)>,
    facts: Vec<(String, String, String)>,
    remarks: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Row {
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
    method: Option<&'static str>,
}

impl ChangeView {
    pub(super) fn of(change: &BeforeAfter) -> Result<ChangeView, Error> {
        let first = |line: &&Line| {
            let moved = line.finding.as_ref().is_some_and(|(finding, _)| finding.moved());
            line.critical || moved || change.overall.is_err() && line.id.labels.is_empty()
        };
        let (first, rest): (Vec<&Line>, Vec<&Line>) = change.lines.iter().partition(first);
        Ok(ChangeView {
            before: runs(&change.before),
            after: runs(&change.after),
            overall: overall(change),
            figure: charts::change(change)?,
            first: first.into_iter().map(row).collect(),
            rest: rest.into_iter().map(row).collect(),
            fingerprint: change.fingerprint.iter().cloned().map(changed).collect(),
            facts: change.facts.clone(),
            remarks: change.remarks.clone(),
        })
    }
}

/// Few runs by their ids, many by the first and the last.
fn runs(ids: &[String]) -> String {
    match ids {
        [first, .., last] if ids.len() > 6 => format!("{} runs from {first} to {last}", ids.len()),
        few => few.join(", "),
    }
}

fn overall(change: &BeforeAfter) -> (String, &'static str, String) {
    let boots = change.lines.iter().any(|line| line.interval.is_some());
    match &change.overall {
        Err(why) => (
            "NOT COMPARED".to_owned(),
            "faint",
            format!("The figures stand beside each other without a verdict: {why}."),
        ),
        Ok(_) if !boots => (
            "NOT DECIDED".to_owned(),
            "doubt",
            "Boots are the sample, and one on each side is not enough for an interval.".to_owned(),
        ),
        Ok(word) => {
            let class = match *word {
                "REGRESSION" => "bad",
                "NOT-WORSE" => "good",
                _ => "doubt",
            };
            ((*word).to_owned(), class, "What all critical metrics add up to.".to_owned())
        }
    }
}

fn row(line: &Line) -> Row {
    let value = |side: Option<crate::Figure>| side.map_or_else(String::new, |one| quantity(one.value, line.unit));
    let span = |side: Option<crate::Figure>| {
        let told = side.filter(|one| one.least < one.most);
        told.map_or_else(String::new, |one| {
            format!("{} to {}", quantity(one.least, line.unit), quantity(one.most, line.unit))
        })
    };
    let finding = line.finding.as_ref().filter(|_| line.interval.is_some());
    let interval = line.interval.map(|ends| format!("{} to {}", signed(ends.low), signed(ends.high)));
    Row {
        id: line.id.to_string(),
        before: value(line.before),
        before_span: span(line.before),
        after: value(line.after),
        after_span: span(line.after),
        change: line.change.map(signed).unwrap_or_default(),
        interval: interval.unwrap_or_default(),
        better: if line.better == Better::Higher { "more" } else { "less" },
        verdict: finding.map_or("", |(finding, _)| finding.name()),
        class: finding.map_or("", |(finding, _)| class(*finding)),
        reason: line.finding.as_ref().map(|(_, reason)| reason.clone()).unwrap_or_default(),
        method: methods::prefix(&line.id.name),
    }
}

fn class(finding: Finding) -> &'static str {
    match finding {
        Finding::Regression => "bad",
        Finding::NotWorse | Finding::ChangedWithinMargin | Finding::Improved => "good",
        Finding::Tainted | Finding::Inconclusive | Finding::CannotBeJudged => "doubt",
    }
}
