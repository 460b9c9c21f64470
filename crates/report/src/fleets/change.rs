//! A fleet before and after an update, for a terminal.

use fleet::{FleetChange, SeriesChange};
use measure::fold;
use verdict::compare::{ChangeFinding, Overall};

use crate::Look;
use crate::compare::signed;
use crate::terminal::grid::{Cell, Give, Grid, Paint};
use crate::text::{share, wrap};

/// Facts that changed and nodes without a pair that are listed.
const LISTED: usize = 12;

/// The critical series, what moved of the others, who got worse, and the answer as the last line.
#[must_use]
pub fn change(change: &FleetChange, all: bool, look: Look) -> String {
    let mut text = wrap(
        &format!("{} nodes with an answer before and after: each is its own control", change.pairs.len()),
        0,
        look,
    );
    for (fact, before, after, nodes) in change.facts.iter().take(LISTED) {
        text += &wrap(&format!("{fact}: {before} → {after} on {nodes} of {}", change.pairs.len()), 2, look);
    }
    if change.facts.is_empty() {
        text += &wrap("nothing that is known of the nodes is another", 2, look);
    }
    for (node, why) in change.unpaired.iter().take(LISTED) {
        text += &wrap(&format!("{node} is left out: {why}"), 2, look);
    }
    if change.unpaired.len() > LISTED {
        text += &wrap(&format!("{} more are left out", change.unpaired.len() - LISTED), 2, look);
    }
    text += "\n";
    text += &rows(change, all, look);
    let worse = worse(change, look);
    if !worse.is_empty() {
        text += &format!("\n{}{worse}", wrap("Nodes that got worse although their siblings did not", 0, look));
    }
    text + "\n" + &conclusion(change, look)
}

fn rows(change: &FleetChange, all: bool, look: Look) -> String {
    let mut grid = Grid::new(
        &["Metric", "Nodes", "Fleet", "95 % interval", "δ", "Between nodes", "Worse", "Finding"],
        &[1, 2, 3, 4, 5, 6],
    );
    let is_shown = |row: &&SeriesChange| all || row.critical || row.finding.moved() || !row.worse.is_empty();
    for row in change.rows.iter().filter(is_shown) {
        let (moved, interval) = row.change().map_or_else(Default::default, |(moved, [low, high])| {
            (signed(moved), format!("{} … {}", signed(low), signed(high)))
        });
        let finding = if row.critical { row.finding.name().to_owned() } else { format!("{} (optional)", row.finding) };
        let worse = if row.worse.is_empty() { String::new() } else { row.worse.len().to_string() };
        grid.row([
            Cell::from(row.id.to_string()),
            row.nodes.to_string().into(),
            moved.into(),
            interval.into(),
            share(row.margin.share()).into(),
            row.deviation.map_or_else(|| "too few".to_owned(), share).into(),
            Cell::painted(&worse, Paint::Bad),
            Cell::painted(&finding, paint(row.finding)),
        ]);
    }
    grid.lines_or_list(&[Give::Column(5), Give::Column(4), Give::Column(3)], look)
}

fn paint(finding: ChangeFinding) -> Paint {
    match finding {
        ChangeFinding::Regression => Paint::Bad,
        finding if finding.holds() => Paint::Good,
        _ => Paint::Doubtful,
    }
}

fn worse(change: &FleetChange, look: Look) -> String {
    let mut text = String::new();
    for row in &change.rows {
        for one in &row.worse {
            let said = format!(
                "{}: {} {}, its siblings {} (z {:.1})",
                one.node,
                row.id,
                signed(one.change),
                signed(one.siblings),
                one.z
            );
            text += &wrap(&said, 2, look);
        }
    }
    text
}

/// The word of the fleet, and who got worse.
fn conclusion(change: &FleetChange, look: Look) -> String {
    let overall = change.overall();
    let critical = || change.rows.iter().filter(|row| row.critical);
    let named = |wanted: fn(ChangeFinding) -> bool| {
        let rows: Vec<String> = critical().filter(|row| wanted(row.finding)).map(|row| row.id.to_string()).collect();
        rows.join(", ")
    };
    let sentence = match overall {
        Overall::NotWorse => {
            format!("not one of {} critical metrics is worse by its margin over the fleet", critical().count())
        }
        Overall::Regression => {
            format!("worse over the fleet: {}", named(|finding| finding == ChangeFinding::Regression))
        }
        Overall::Tainted | Overall::Inconclusive if critical().next().is_none() => {
            "no critical metric was measured on both sides".to_owned()
        }
        Overall::Tainted | Overall::Inconclusive => format!("not decided: {}", named(|finding| !finding.holds())),
    };
    let worse = change.worse();
    let nodes = match worse.len() {
        0 => String::new(),
        1 => format!("; 1 node got worse although the fleet did not: {}", fold(worse)),
        many => format!("; {many} nodes got worse although the fleet did not: {}", fold(worse)),
    };
    wrap(&format!("{}: {sentence}{nodes}.", overall.name()), 0, look)
}
