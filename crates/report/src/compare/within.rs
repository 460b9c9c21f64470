//! Runs of one boot before and after, for a terminal and for machines.

use serde_json::{Value, json};
use verdict::compare::{WithinBoot, WithinFinding, WithinRow};

use super::{probability, signed};
use crate::Look;
use crate::terminal::grid::{Cell, Give, Grid, Paint};
use crate::text::{share, wrap};

/// The critical metrics of one boot, with words of their own.
#[must_use]
pub fn within(answer: &WithinBoot, look: Look) -> String {
    let head = format!("host {}, boot {}: {} pairs of runs in turn", answer.host, answer.boot, answer.pairs);
    let mut text = wrap(&head, 0, look);
    for change in &answer.changes {
        let value = |value: &Option<String>| value.as_deref().unwrap_or("unknown").to_owned();
        text += &wrap(&format!("{}: {} → {}", change.part, value(&change.before), value(&change.after)), 2, look);
    }
    let mut grid = Grid::new(
        &["Metric", "Pairs", "Failed", "Change", "95 %", "p worse", "Margin", "Verdict"],
        &[1, 2, 3, 4, 5, 6],
    );
    for row in &answer.rows {
        grid.row(cells(row));
    }
    text += "\n";
    text += if grid.is_empty() { "no critical metric was measured" } else { "" };
    text += &grid.lines_or_list(&[Give::Column(6), Give::Column(1), Give::Column(5)], look);
    text += &format!("\n{}\n", paint(answer.overall()).on(answer.overall().name(), look));
    text + &wrap("What holds in one boot need not hold in the next: boots decide.", 2, look)
}

fn cells(row: &WithinRow) -> Vec<Cell> {
    let interval = row.interval().map(|[low, high]| format!("{} … {}", signed(low), signed(high)));
    vec![
        Cell::from(row.id.to_string()),
        Cell::from(row.pairs.to_string()),
        Cell::from(format!("{} + {}", row.failed[0], row.failed[1])),
        Cell::from(row.change().map(signed).unwrap_or_default()),
        Cell::from(interval.unwrap_or_default()),
        Cell::from(probability(row.worse.adjusted)),
        Cell::from(share(row.margin.share())),
        Cell::painted(row.finding.name(), paint(row.finding)),
    ]
}

fn paint(finding: WithinFinding) -> Paint {
    match finding {
        WithinFinding::Worse => Paint::Bad,
        WithinFinding::Open => Paint::Doubtful,
        WithinFinding::NotWorse | WithinFinding::Better => Paint::Good,
    }
}

/// The same for machines.
#[must_use]
pub fn within_json(answer: &WithinBoot) -> Value {
    let row = |row: &WithinRow| {
        json!({
            "metric": {"name": row.id.name, "labels": row.id.labels}, "pairs": row.pairs,
            "failed": {"before": row.failed[0], "after": row.failed[1]}, "margin": row.margin.share(),
            "change": row.change(), "interval_95": row.interval(),
            "worse": {"p": row.worse.raw, "adjusted": row.worse.adjusted}, "verdict": row.finding.name(),
        })
    };
    let changes = answer
        .changes
        .iter()
        .map(|change| json!({"part": change.part, "before": change.before, "after": change.after}));
    json!({
        "host": answer.host, "boot": answer.boot, "pairs": answer.pairs, "overall": answer.overall().name(),
        "changes": changes.collect::<Vec<_>>(), "metrics": answer.rows.iter().map(row).collect::<Vec<_>>(),
    })
}
