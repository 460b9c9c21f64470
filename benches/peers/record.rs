//! What was compared, as JSON and as a table.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use comfy_table::{Cell, CellAlignment, Table, presets};
use measure::Quantity;
use serde::Serialize;

use crate::picture::Phases;
use crate::ratio::{Estimate, estimate};
use crate::side::{Places, Side};
use crate::table::{Figure, Wanted};

/// One run.
#[derive(Serialize)]
pub(crate) struct Record {
    /// Start, UTC.
    started: String,
    cpu: String,
    kernel: String,
    threads: usize,
    pairs: u32,
    /// The cargo profile of our side.
    build: String,
    pub(crate) rows: Vec<Row>,
}

/// One figure.
#[derive(Serialize)]
pub(crate) struct Row {
    id: &'static str,
    what: &'static str,
    unit: &'static str,
    ours: Program,
    peer: Program,
    wanted: String,
    /// Whether the median ratio is as wanted; `None` where nothing is wanted, or nothing was measured.
    met: Option<bool>,
    outcome: Outcome,
    #[serde(skip)]
    quantity: measure::Unit,
}

#[derive(Serialize)]
struct Program {
    name: &'static str,
    command: String,
    version: Option<String>,
}

/// What came of a figure.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// Pairs of ours and theirs, in the base unit.
    Measured {
        pairs: Vec<[f64; 2]>,
        medians: [f64; 2],
        /// Of ours / theirs.
        ratio: Estimate,
        /// What both said of how they measure.
        how: [String; 2],
    },
    /// A side is missing or failed.
    Missing { why: String },
}

impl Outcome {
    /// The outcomes of so many figures of a side that is missing.
    pub(crate) fn missing(error: &anyhow::Error, figures: usize) -> Vec<Outcome> {
        (0..figures).map(|_| Outcome::Missing { why: format!("{error:#}") }).collect()
    }

    /// An outcome of pairs.
    pub(crate) fn measured(pairs: Vec<[f64; 2]>, how: [String; 2]) -> Outcome {
        let median = |values: Vec<f64>| estimate(&values).map(|estimate| estimate.median);
        let of = |side: usize| median(pairs.iter().map(|pair| pair[side]).collect());
        let ratio = estimate(&pairs.iter().map(|[ours, theirs]| ours / theirs).collect::<Vec<_>>());
        match (of(0), of(1), ratio) {
            (Some(own), Some(theirs), Some(ratio)) => Outcome::Measured { medians: [own, theirs], pairs, ratio, how },
            _ => Outcome::Missing { why: "no pair was taken".into() },
        }
    }
}

impl Wanted {
    fn text(self) -> String {
        match self {
            Wanted::AtLeast(ratio) => format!("≥ {ratio:.2}"),
            Wanted::AtMost(ratio) => format!("≤ {ratio:.2}"),
            Wanted::Within(share) => format!("1 ± {share:.3}"),
            Wanted::Any => String::new(),
        }
    }

    fn met(self, ratio: f64) -> Option<bool> {
        match self {
            Wanted::AtLeast(least) => Some(ratio >= least),
            Wanted::AtMost(most) => Some(ratio <= most),
            Wanted::Within(share) => Some((ratio - 1.0).abs() <= share),
            Wanted::Any => None,
        }
    }
}

impl Row {
    pub(crate) fn new([ours, peer]: [&Side; 2], figure: &Figure, places: &Places, outcome: Outcome) -> Row {
        let program = |side: &Side| Program {
            name: side.name,
            command: places.command_line(side),
            version: places.version(side),
        };
        let met = match &outcome {
            Outcome::Measured { ratio, .. } => figure.wanted.met(ratio.median),
            Outcome::Missing { .. } => None,
        };
        Row {
            id: figure.id,
            what: figure.what,
            unit: figure.unit.symbol(),
            ours: program(ours),
            peer: program(peer),
            wanted: figure.wanted.text(),
            met,
            outcome,
            quantity: figure.unit,
        }
    }

    fn cells(&self) -> Vec<Cell> {
        let mut texts = vec![self.id.to_owned(), self.peer.name.to_owned()];
        match &self.outcome {
            Outcome::Measured { pairs, medians, ratio, .. } => {
                texts.extend(medians.map(|value| Quantity::new(value, self.quantity).to_string()));
                texts.push(format!("{:.3}", ratio.median));
                texts.push(ratio.interval.map_or("–".into(), |[low, high]| format!("{low:.3} to {high:.3}")));
                texts.push(pairs.len().to_string());
                texts.push(self.wanted.clone());
                texts.push(self.met.map_or("", |met| if met { "yes" } else { "no" }).to_owned());
            }
            Outcome::Missing { .. } => texts.extend(["–", "missing"].map(str::to_owned)),
        }
        texts.into_iter().map(Cell::new).collect()
    }
}

impl Record {
    pub(crate) fn start(places: &Places, pairs: u32) -> anyhow::Result<Record> {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let line = cpuinfo.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
            line.unwrap_or("unknown").trim().to_owned()
        };
        Ok(Record {
            started: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            // Virtual machines hide the name of the model behind that of the maker.
            cpu: format!("{}, family {}, model {}", field("model name"), field("cpu family"), field("model")),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").context("the kernel's release")?.trim().to_owned(),
            threads: places.threads,
            pairs,
            build: places.profile(),
            rows: Vec::new(),
        })
    }

    /// The table, and below it why a side is missing.
    pub(crate) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(["figure", "peer", "ours", "theirs", "ratio", "95 % interval", "pairs", "wanted", "met"]);
        for column in 2..7 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        for row in &self.rows {
            table.add_row(row.cells());
        }
        let missing = self.rows.iter().filter_map(|row| match &row.outcome {
            Outcome::Missing { why } => Some(format!("\n{}: {why}", row.id)),
            Outcome::Measured { .. } => None,
        });
        format!("{table}{}", missing.collect::<String>())
    }

    /// The phases of the feature workload, where they were measured.
    fn phases(&self) -> Phases {
        let mut phases = Phases::default();
        for row in &self.rows {
            let (Some(engine_and_phase), Outcome::Measured { medians: [ours, theirs], .. }) =
                (row.id.strip_prefix("features-"), &row.outcome)
            else {
                continue;
            };
            let phase = match engine_and_phase.split_once('-') {
                Some(_) => row.what.trim_start_matches("the same: "),
                None => "everything",
            };
            phases.add(row.ours.name, phase, *ours);
            phases.add(row.peer.name, phase, *theirs);
        }
        phases
    }

    /// Writes all forms; the path without its ending.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        let stem = folder.join(self.started.replace(':', ""));
        let json = serde_json::to_string_pretty(self)? + "\n";
        let Record { cpu, threads, kernel, build, started, .. } = self;
        let heading =
            format!("{cpu}, {threads} threads, kernel {kernel}, our side built with profile {build}, {started}");
        let rows = self.rows.iter().map(|row| format!("{}: {}; {}", row.id, row.what, row.peer.command));
        let text = format!("{heading}\n\n{}\n\n{}\n", self.table(), rows.collect::<Vec<_>>().join("\n"));
        let write = || {
            fs::create_dir_all(folder)?;
            fs::write(stem.with_extension("json"), json)?;
            if let Some(picture) = self.phases().svg() {
                fs::write(stem.with_extension("svg"), picture)?;
            }
            fs::write(stem.with_extension("txt"), text)
        };
        write().with_context(|| format!("{} cannot be written", folder.display()))?;
        Ok(stem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_of_a_ratio() {
        let check = |wanted: Wanted, ratio: f64, expect: Option<bool>| assert_eq!(wanted.met(ratio), expect);
        check(Wanted::AtLeast(1.05), 1.05, Some(true));
        check(Wanted::AtLeast(1.05), 1.049, Some(false));
        check(Wanted::AtMost(0.7), 0.7, Some(true));
        check(Wanted::AtMost(0.7), 0.71, Some(false));
        check(Wanted::AtMost(0.7), f64::NAN, Some(false));
        check(Wanted::Within(0.03), 1.04, Some(false));
        check(Wanted::Within(0.03), 0.98, Some(true));
        check(Wanted::Any, 0.1, None);
        check(Wanted::AtLeast(1.0), f64::NAN, Some(false));
    }
}
