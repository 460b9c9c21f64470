//! Everything that a run measured, and what it could not.

use measure::{Outcome, Run, definition};

use super::grid::{Cell, Give, Grid, Paint};
use crate::Look;
use crate::series::{self, RunSeries, SharedWarning};
use crate::text::{quantity, spread, wrap};

const HEADER: [&str; 7] = ["Metric", "Median", "Spread", "Least", "Most", "n", ""];
const NUMBERS: [usize; 5] = [1, 2, 3, 4, 5];
/// The extremes say least, then how many samples there are.
const GIVEN: [Give; 3] = [Give::Column(4), Give::Column(3), Give::Column(5)];

/// A line for each metric, of several series their range; below, what has no result. With `how` the conditions too.
#[must_use]
pub fn metrics(run: &Run, how: bool, look: Look) -> String {
    let mut grid = Grid::new(&HEADER, &NUMBERS);
    let all = series::series(run);
    for group in series::by_metric(&all, |one| &one.id) {
        let (whole, parts): (Vec<&RunSeries>, Vec<&RunSeries>) =
            group.into_iter().partition(|one| one.id.labels.is_empty());
        for one in whole {
            grid.row(row(one));
        }
        match parts.as_slice() {
            [] => {}
            [one] => grid.row(row(one)),
            several => grid.row(range(several)),
        }
    }
    let mut text = if grid.is_empty() { "nothing was measured\n".to_owned() } else { grid.lines_or_list(&GIVEN, look) };
    if how {
        text += &conditions(&all, look);
    }
    for missing in series::missing(run) {
        text += &wrap(&format!("{}: {}", missing.id, missing.reason), 0, look);
    }
    text
}

/// The metric of this id, or all whose ids begin with it: what it means, each series, and how it was measured. `None` where the
/// run has no such series.
#[must_use]
pub fn metric(run: &Run, wanted: &str, look: Look) -> Option<String> {
    let all = series::series(run);
    let exact = all.iter().any(|one| one.id.name == wanted || one.id.to_string() == wanted);
    let is_wanted = |one: &RunSeries| {
        if exact { one.id.name == wanted || one.id.to_string() == wanted } else { one.id.name.starts_with(wanted) }
    };
    let found: Vec<RunSeries> = all.into_iter().filter(is_wanted).collect();
    let first = found.first()?;
    let mut text = String::new();
    if let Some(known) = definition(&first.id.name).filter(|_| found.iter().all(|one| one.id.name == first.id.name)) {
        text += &wrap(&format!("{}: {} {}", known.id, known.means, known.family.how), 0, look);
        text.push('\n');
    }
    let mut grid = Grid::new(&HEADER, &NUMBERS);
    for one in &found {
        grid.row(row(one));
    }
    text += &grid.lines_or_list(&GIVEN, look);
    let disturbed = disturbances(run, &found);
    if !disturbed.is_empty() {
        text += &wrap(&format!("Disturbed: {}.", disturbed.join("; ")), 0, look);
    }
    Some(text + "\n" + &conditions(&found, look))
}

/// What disturbed samples of series, each once.
fn disturbances(run: &Run, series: &[RunSeries]) -> Vec<String> {
    let mut all = Vec::new();
    let measured = run.outcomes().filter_map(Outcome::measured);
    for one in measured.filter(|one| series.iter().any(|series| series.id == one.id())) {
        for taint in one.samples.iter().filter_map(|sample| sample.taint.as_ref()).map(ToString::to_string) {
            if !all.contains(&taint) {
                all.push(taint);
            }
        }
    }
    all
}

/// How series were measured, each way once.
fn conditions(series: &[RunSeries], look: Look) -> String {
    let mut ways: Vec<(String, Vec<String>)> = Vec::new();
    for one in series {
        let pairs: Vec<String> = one.last.context.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let way = pairs.join(" ");
        match ways.iter_mut().find(|(known, _)| *known == way) {
            Some((_, ids)) => ids.push(one.id.to_string()),
            None => ways.push((way, vec![one.id.to_string()])),
        }
    }
    let line = |(way, ids): &(String, Vec<String>)| {
        let who = match ids.as_slice() {
            [first, _, _, .., last] => format!("{first} to {last} ({} series)", ids.len()),
            few => few.join(", "),
        };
        wrap(&format!("{who}: {way}"), 0, look)
    };
    ways.iter().filter(|(way, _)| !way.is_empty()).map(line).collect()
}

/// Several series of one metric: by what they differ, between which medians they lie, and how many there are.
fn range(series: &[&RunSeries]) -> [Cell; 7] {
    let first = series[0];
    let medians = || series.iter().filter_map(|one| one.summary.map(|summary| summary.median));
    let bounds = medians().min_by(f64::total_cmp).zip(medians().max_by(f64::total_cmp));
    let of = |value: f64| quantity(value, first.unit);
    let bounds =
        bounds.map_or_else(|| "none valid".to_owned(), |(least, most)| format!("{} … {}", of(least), of(most)));
    let none = || Cell::from("");
    let disturbed: usize = series.iter().map(|one| one.tainted).sum();
    [
        series::family_name(&first.id).into(),
        bounds.into(),
        format!("{} series", series.len()).into(),
        none(),
        none(),
        none(),
        of_disturbed(disturbed),
    ]
}

fn of_disturbed(samples: usize) -> Cell {
    let text = if samples > 0 { format!("{samples} disturbed") } else { String::new() };
    Cell::painted(&text, Paint::Doubtful)
}

fn row(series: &RunSeries) -> [Cell; 7] {
    let name = series.id.to_string();
    let disturbed = of_disturbed(series.tainted);
    let Some(summary) = series.summary else {
        let none = || Cell::from("");
        return [name.into(), "none valid".into(), none(), none(), none(), "0".into(), disturbed];
    };
    let value = |number: f64| Cell::from(quantity(number, series.unit));
    [
        name.into(),
        value(summary.median),
        spread(&summary).into(),
        value(summary.min),
        value(summary.max),
        summary.n.to_string().into(),
        disturbed,
    ]
}

/// Each warning once, with what it concerns; empty where there is none.
#[must_use]
pub fn warnings(run: &Run, look: Look) -> String {
    /// More names than this say nothing more.
    const NAMES: usize = 4;
    let line = |SharedWarning { concerns, text, .. }: SharedWarning| {
        let more = match concerns.len().saturating_sub(NAMES) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let who = concerns.into_iter().take(NAMES).collect::<Vec<_>>().join(", ");
        wrap(&format!("{who}{more}: {text}"), 0, look)
    };
    series::warnings(run).into_iter().map(line).collect()
}
