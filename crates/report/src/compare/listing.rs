//! Runs of a store.

use std::collections::BTreeSet;

use measure::{Digest, Ending};
use serde_json::{Value, json};

use crate::Look;
use crate::terminal::grid::{Cell, Grid};

/// A row for each run, with what people call it.
#[must_use]
pub fn runs(runs: &[(&Digest, &BTreeSet<String>)], look: Look) -> String {
    if runs.is_empty() {
        return "no runs\n".to_owned();
    }
    let header = ["Run", "Host", "Profile", "BIOS", "Microcode", "Kernel", "Series", "Ending", "Tags"];
    let mut grid = Grid::new(&header, &[]);
    for (run, tags) in runs {
        let part = |part: &str| run.fingerprint.config.get(part).cloned().unwrap_or_default();
        let cells = [
            run.id.clone(),
            run.host.clone(),
            run.profile.clone(),
            part("bios.version"),
            part("cpu.microcode"),
            part("os.kernel"),
            if run.series.is_empty() { String::new() } else { run.series.len().to_string() },
            ending(&run.ending).to_owned(),
            tags.iter().cloned().collect::<Vec<_>>().join(", "),
        ];
        grid.row(cells.map(Cell::from));
    }
    grid.render(look)
}

/// The same for machines.
#[must_use]
pub fn runs_json(runs: &[(&Digest, &BTreeSet<String>)]) -> Value {
    let row = |(run, tags): &(&Digest, &BTreeSet<String>)| {
        let print = &run.fingerprint;
        json!({
            "id": run.id, "started": run.started, "host": run.host, "boot_id": run.boot_id, "profile": run.profile,
            "version": run.build.version, "ending": ending(&run.ending), "tags": tags,
            "platform_id": print.platform_id, "config_id": print.config_id, "config": print.config,
        })
    };
    Value::Array(runs.iter().map(row).collect())
}

fn ending(ending: &Ending) -> &'static str {
    match ending {
        Ending::Complete => "complete",
        Ending::Interrupted => "interrupted",
        Ending::Cut => "cut",
    }
}
