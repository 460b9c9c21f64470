//! Runs of a store.

use std::collections::BTreeSet;

use measure::{Digest, Ending, Series};
use serde_json::{Value, json};

use crate::Look;
use crate::terminal::grid::{Cell, Give, Grid};
use crate::text::{quantity, wrap};

/// A row for each run, with what people call it.
#[must_use]
pub fn runs(runs: &[(&Digest, &BTreeSet<String>)], look: Look) -> String {
    if runs.is_empty() {
        return "no runs\n".to_owned();
    }
    let header = ["Run", "Host", "Profile", "BIOS", "Microcode", "Kernel", "Ending", "Tags"];
    let mut grid = Grid::new(&header, &[]).packed();
    for (run, tags) in runs {
        let part = |part: &str| run.fingerprint.config.get(part).cloned().unwrap_or_default();
        let cells = [
            run.id.clone(),
            run.host.clone(),
            run.profile.name().to_owned(),
            part("bios.version"),
            part("cpu.microcode"),
            part("os.kernel"),
            ending(run.ending).to_owned(),
            joined(tags),
        ];
        grid.row(cells.map(Cell::from));
    }
    grid.lines_or_list(&[Give::Column(5), Give::Column(4), Give::Column(3), Give::Ends(7, 8), Give::Column(2)], look)
}

fn joined(tags: &BTreeSet<String>) -> String {
    tags.iter().cloned().collect::<Vec<_>>().join(", ")
}

/// One run: what it is, how its host was set up, and the median of each series.
#[must_use]
pub fn run(run: &Digest, tags: &BTreeSet<String>, look: Look) -> String {
    let (build, print) = (&run.build, &run.fingerprint);
    let lines = [
        format!("run {}, {}, {}", run.id, run.started, ending(run.ending)),
        format!(
            "host {}, boot {}, profile {}",
            run.host,
            run.boot_id.as_deref().unwrap_or("unknown"),
            run.profile.name()
        ),
        format!("hostproof {} {}, built with profile {}", build.version, build.revision, build.profile),
        format!("platform {}, configuration {}", print.platform_id, print.config_id),
        format!("tags: {}", if tags.is_empty() { "none".to_owned() } else { joined(tags) }),
    ];
    let mut text: String = lines.iter().map(|line| wrap(line, 0, look)).collect();
    let mut parts = Grid::new(&["Configuration", "Value"], &[]);
    for (part, value) in &print.config {
        parts.row([Cell::from(part), Cell::from(value)]);
    }
    let mut grid = Grid::new(&["Metric", "Median", "Repetitions", "Samples", "Tainted"], &[1, 2, 3, 4]).packed();
    for (id, series) in &run.series {
        let cells = [
            id.to_string(),
            median(series).map_or_else(|| "none".to_owned(), |value| quantity(value, series.metric.unit)),
            series.medians.len().to_string(),
            series.valid.to_string(),
            series.tainted.to_string(),
        ];
        grid.row(cells.map(Cell::from));
    }
    for (grid, given) in [(parts, Give::Ends(1, 20)), (grid, Give::Column(2))] {
        if !grid.is_empty() {
            text += &format!("\n{}", grid.lines_or_list(&[given], look));
        }
    }
    text
}

fn median(series: &Series) -> Option<f64> {
    measure::median(&series.medians)
}

/// The same for machines.
#[must_use]
pub fn run_json(run: &Digest, tags: &BTreeSet<String>) -> Value {
    let series = run.series.iter().map(|(id, series)| {
        json!({
            "name": id.name, "labels": id.labels, "unit": series.metric.unit.symbol(), "median": median(series),
            "medians": series.medians, "valid_samples": series.valid, "tainted_samples": series.tainted,
        })
    });
    let mut value = brief(run, tags);
    value["platform"] = json!(run.fingerprint.platform);
    value["metrics"] = series.collect();
    value
}

/// The same for machines.
#[must_use]
pub fn runs_json(runs: &[(&Digest, &BTreeSet<String>)]) -> Value {
    runs.iter().map(|(run, tags)| brief(run, tags)).collect()
}

fn brief(run: &Digest, tags: &BTreeSet<String>) -> Value {
    let print = &run.fingerprint;
    json!({
        "id": run.id, "started": run.started, "host": run.host, "boot_id": run.boot_id, "profile": run.profile,
        "version": run.build.version, "ending": run.ending, "tags": tags,
        "platform_id": print.platform_id, "config_id": print.config_id, "config": print.config,
    })
}

fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Complete => "complete",
        Ending::Interrupted => "interrupted",
        Ending::Cut => "cut",
    }
}
