//! Two runs beside each other, in the tables that a run is shown in.

use measure::{Better, Run, Scope};
use verdict::compare::ChangeFinding;
use verdict::{Judgement, Row};

use super::grid::{Cell, Give, Grid, Paint, paint_of};
use crate::compare::{paint, signed};
use crate::series::{by_metric, family_name};
use crate::text::{documented, quantity, wrap};
use crate::{BeforeAfter, ChangeLine, Figure, Look};

/// A run with its judgement.
#[derive(Clone, Copy, Debug)]
pub struct JudgedRun<'a> {
    /// The run.
    pub run: &'a Run,
    /// How it was judged, by the same specification as the other.
    pub judgement: &'a Judgement,
}

/// Two runs, before and after: targets, everything that was measured, and what differs in the host. A metric of many series is one
/// line, unless `all` is wanted.
#[must_use]
pub fn diff(sides: &[JudgedRun<'_>; 2], change: &BeforeAfter, all: bool, look: Look) -> String {
    let [before, after] = sides;
    let mut text = wrap(&format!("{} · {}", after.judgement.system, after.judgement.system_name), 0, look);
    for (name, side) in [("before", before), ("after ", after)] {
        let Run { id, host, profile, build, .. } = side.run;
        let line = format!(
            "{name} {id} · host {host} · profile {} · hostproof {} {}",
            profile.name(),
            build.version,
            build.revision
        );
        text += &wrap(&line, 0, look);
    }
    text += "\n";
    text += &targets(before.judgement, after.judgement, change, look);
    text += "\nAll that was measured: medians, change, 95 % interval\n";
    text += &metrics(change, all, look);
    text += &differences(change, look);
    text + "\n" + &conclusion(change, look)
}

fn targets(before: &Judgement, after: &Judgement, change: &BeforeAfter, look: Look) -> String {
    let header = ["Target", "Documented", "Before", "After", "Change", "Was", "Is"];
    let mut grid = Grid::new(&header, &[1, 2, 3, 4]);
    for row in &after.rows {
        let was = before.rows.iter().find(|was| was.id == row.id);
        let measured = |row: &Row| row.measured.as_ref().map(|measured| measured.value.to_string()).unwrap_or_default();
        let verdict = |row: &Row| Cell::painted(row.verdict.name(), paint_of(row.verdict));
        let name = if row.companion_of.is_some() { format!("· achievable: {}", row.title) } else { row.title.clone() };
        let line = change.lines.iter().find(|line| row.is_judged_by(&line.id));
        grid.row([
            name.into(),
            documented(row.documented, row.approximate).into(),
            was.map(measured).unwrap_or_default().into(),
            measured(row).into(),
            line.map_or_else(|| Cell::from(""), changed),
            was.map_or_else(|| Cell::from(""), verdict),
            verdict(row),
        ]);
    }
    grid.lines_or_list(&[Give::Column(1), Give::Ends(0, 20)], look)
}

/// The change with the colour of its verdict: without one it has none.
fn changed(line: &ChangeLine) -> Cell {
    let text = line.change.map(signed).unwrap_or_default();
    let moved = line.decision.as_ref().filter(|decision| decision.finding.moved());
    Cell::painted(&text, moved.map_or(Paint::Plain, |decision| paint(decision.finding)))
}

fn metrics(change: &BeforeAfter, all: bool, look: Look) -> String {
    let header = ["Metric", "Before", "After", "Change", "95 %", "Better", "Verdict"];
    let mut grid = Grid::new(&header, &[1, 2, 3, 4]);
    for family in by_metric(&change.lines, |line| &line.id) {
        // What decides is never folded: a sum must not hide the socket or the drive that is worse.
        let (folds, own): (Vec<&ChangeLine>, Vec<&ChangeLine>) =
            family.into_iter().partition(|line| !all && !line.critical && !line.id.labels.is_empty());
        for line in own {
            grid.row(figures(line));
        }
        match folds.as_slice() {
            [] => {}
            [one] => grid.row(figures(one)),
            several => grid.row(folded(several)),
        }
    }
    if grid.is_empty() {
        return "nothing was measured\n".to_owned();
    }
    grid.lines_or_list(&[Give::Column(5), Give::Column(1), Give::Column(4)], look)
}

fn better(line: &ChangeLine) -> Cell {
    Cell::from(if line.better == Better::Higher { "more" } else { "less" })
}

fn figures(line: &ChangeLine) -> [Cell; 7] {
    let value = |side: Option<Figure>| side.map_or_else(String::new, |figure| quantity(figure.value, line.unit));
    let interval = line.interval.map(|ends| format!("{} … {}", signed(ends.low), signed(ends.high)));
    let verdict = match line.decided() {
        Some(finding) if line.critical => Cell::painted(finding.name(), paint(finding)),
        Some(ChangeFinding::Regression) => "worse".into(),
        Some(ChangeFinding::Improved) => "better".into(),
        None | Some(_) => Cell::from(""),
    };
    [
        line.id.to_string().into(),
        value(line.before).into(),
        value(line.after).into(),
        changed(line),
        interval.unwrap_or_default().into(),
        better(line),
        verdict,
    ]
}

/// Several series of one metric: how many, and between which bounds they changed.
fn folded(family: &[&ChangeLine]) -> [Cell; 7] {
    let first = family[0];
    let changes = || family.iter().filter_map(|line| line.change);
    let bounds = changes().min_by(f64::total_cmp).zip(changes().max_by(f64::total_cmp));
    let count = |finding: ChangeFinding| family.iter().filter(|line| line.decided() == Some(finding)).count();
    let sides = [(ChangeFinding::Regression, "worse"), (ChangeFinding::Improved, "better")];
    let mut words: Vec<String> = sides
        .into_iter()
        .filter(|(finding, _)| count(*finding) > 0)
        .map(|(finding, word)| format!("{} of {} {word}", count(finding), family.len()))
        .collect();
    // A drive that vanished has no change.
    let alone = |has: fn(&ChangeLine) -> bool, word: &str| {
        let count = family.iter().filter(|line| has(line)).count();
        (count > 0).then(|| format!("{count} only {word}"))
    };
    words.extend(alone(|line| line.after.is_none(), "before"));
    words.extend(alone(|line| line.before.is_none(), "after"));
    let series = |has: fn(&ChangeLine) -> bool| match family.iter().filter(|line| has(line)).count() {
        0 => String::new(),
        count => format!("{count} series"),
    };
    [
        family_name(&first.id).into(),
        series(|line| line.before.is_some()).into(),
        series(|line| line.after.is_some()).into(),
        bounds.map_or_else(String::new, |(least, most)| format!("{} … {}", signed(least), signed(most))).into(),
        "".into(),
        better(first),
        words.join("; ").into(),
    ]
}

/// What of the host is not the same.
fn differences(change: &BeforeAfter, look: Look) -> String {
    let mut grid = Grid::new(&["What differs", "Of", "Before", "After"], &[]);
    for one in &change.fingerprint {
        let scope = if one.scope == Scope::Platform { "the machine" } else { "its set-up" };
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "not present".to_owned());
        grid.row([one.part.clone(), scope.to_owned(), side(&one.before), side(&one.after)].map(Cell::from));
    }
    let known = |id: &str| change.fingerprint.iter().any(|one| one.part == id);
    for fact in change.facts.iter().filter(|fact| !known(&fact.id)) {
        grid.row([fact.id.as_str(), "a fact", &fact.before, &fact.after].map(Cell::from));
    }
    if grid.is_empty() {
        return "\nNothing in the fingerprint and the facts differs.\n".to_owned();
    }
    format!("\n{}", grid.render(look))
}

fn conclusion(change: &BeforeAfter, look: Look) -> String {
    let boots = change.lines.iter().any(|line| line.interval.is_some());
    let text = match &change.overall {
        Err(why) => format!("No verdict on the change: {why}."),
        Ok(_) if !boots => {
            "No verdict on the change: boots are the sample, and each side has one; `hostproof compare` takes several."
                .to_owned()
        }
        Ok(word) => {
            let worse: Vec<String> = change
                .lines
                .iter()
                .filter(|line| line.critical && line.decided() == Some(ChangeFinding::Regression))
                .map(|line| line.id.to_string())
                .collect();
            if worse.is_empty() { (*word).to_owned() } else { format!("{word}: {}", worse.join(", ")) }
        }
    };
    wrap(&text, 0, look)
}
