//! Everything that a run measured, and what it could not.

use measure::Run;

use super::grid::{Cell, Grid, Paint};
use crate::Look;
use crate::series::{self, RunSeries, SharedWarning};
use crate::text::{quantity, spread, wrap};

/// All series, grouped by their names, and below what has no result.
#[must_use]
pub fn metrics(run: &Run, look: Look) -> String {
    let mut grid = Grid::new(&["Metric", "Median", "Spread", "Least", "Most", "n", "How"], &[1, 2, 3, 4, 5]).packed();
    let mut name = String::new();
    for series in series::series(run) {
        // Of a group, the first names the metric and the others only their labels.
        let id = series.id.to_string();
        let first = name != series.id.name;
        let shown = if first { id } else { format!("· {}", id.trim_start_matches(&name)) };
        name.clone_from(&series.id.name);
        grid.row(row(&shown, &series));
    }
    let mut text = if grid.is_empty() { "nothing was measured\n".to_owned() } else { grid.render(look) };
    for missing in series::missing(run) {
        text += &wrap(&format!("{}: {}", missing.id, missing.reason), 0, look.width);
    }
    text
}

fn row(name: &str, series: &RunSeries) -> [Cell; 7] {
    let context: Vec<String> = series.last.context.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let mut how = context.join(" ");
    if series.tainted > 0 {
        how = format!("{} disturbed {how}", series.tainted);
    }
    let paint = if series.tainted > 0 { Paint::Doubtful } else { Paint::Plain };
    let Some(summary) = series.summary else {
        let none = || Cell::from("");
        return [name.into(), "none valid".into(), none(), none(), none(), "0".into(), Cell::painted(&how, paint)];
    };
    let value = |number: f64| Cell::from(quantity(number, series.unit));
    [
        name.into(),
        value(summary.median),
        spread(&summary).into(),
        value(summary.min),
        value(summary.max),
        summary.n.to_string().into(),
        Cell::painted(&how, paint),
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
        wrap(&format!("{who}{more}: {text}"), 0, look.width)
    };
    series::warnings(run).into_iter().map(line).collect()
}
