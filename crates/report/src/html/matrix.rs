//! Hosts and their runs beside each other: a row for each, a column for each criterion.

use serde::Serialize;

use super::parts::{class_of, class_of_acceptance, glyph};
use crate::gate;
use crate::judged::{Judged, JudgedAlone, JudgedRow};
use crate::text::share;

/// The table.
#[derive(Debug, Serialize)]
pub(super) struct Matrix {
    /// The ids of the targets: those that are demanded, or all where none is.
    targets: Vec<String>,
    rows: Vec<MatrixRow>,
}

/// What one judgement says of each criterion.
#[derive(Debug, Serialize)]
struct MatrixRow {
    name: String,
    /// Where the page says more of it.
    anchor: Option<String>,
    /// Whether it is one of the runs of the row above.
    is_part: bool,
    profile: &'static str,
    acceptance: &'static str,
    class: &'static str,
    parts: String,
    parts_class: &'static str,
    cells: Vec<Cell>,
}

/// What it says of one target; all empty where the document of this host does not have it.
#[derive(Debug, Default, Serialize)]
struct Cell {
    verdict: &'static str,
    glyph: &'static str,
    class: &'static str,
    /// How much of the documented value was reached.
    share: String,
    figure: String,
}

/// What the anchors of a host begin with.
pub(super) fn prefix(host: usize) -> String {
    format!("host-{}-", host + 1)
}

impl Matrix {
    /// The runs of one host, below what they add up to.
    pub(super) fn of_runs(judged: &Judged<'_>) -> Matrix {
        Matrix::of(std::slice::from_ref(judged), |_| None)
    }

    /// Hosts, each with its runs below it where it has several; the first `viewed` have a place of their own on the page.
    pub(super) fn of_hosts(hosts: &[Judged<'_>], viewed: usize) -> Matrix {
        Matrix::of(hosts, |number| (number < viewed).then(|| format!("{}verdict", prefix(number))))
    }

    fn of(hosts: &[Judged<'_>], anchor: impl Fn(usize) -> Option<String>) -> Matrix {
        let demands = hosts.iter().flat_map(|judged| &judged.judgement.rows).any(|row| row.required);
        let mut targets: Vec<String> = Vec::new();
        for row in hosts.iter().flat_map(|judged| &judged.judgement.rows) {
            if (row.required || !demands) && !targets.contains(&row.id) {
                targets.push(row.id.clone());
            }
        }
        let mut rows = Vec::new();
        for (number, judged) in hosts.iter().enumerate() {
            let several = judged.runs.len() > 1;
            let name = if several {
                format!("{}, {} runs together", judged.judgement.host, judged.runs.len())
            } else {
                judged.judgement.host.clone()
            };
            let profile = judged.runs.last().map_or("", |run| run.profile.name());
            let top = MatrixRow {
                anchor: anchor(number),
                ..row(&JudgedAlone::of(judged.judgement), &targets, name, profile)
            };
            rows.push(top);
            if several {
                let each = judged.runs.iter().zip(judged.each);
                rows.extend(each.map(|(run, alone)| MatrixRow {
                    is_part: true,
                    ..row(alone, &targets, run.id.clone(), run.profile.name())
                }));
            }
        }
        Matrix { targets, rows }
    }
}

fn row(alone: &JudgedAlone, targets: &[String], name: String, profile: &'static str) -> MatrixRow {
    let (demanded, met, failed) = alone.parts;
    MatrixRow {
        name,
        anchor: None,
        is_part: false,
        profile,
        acceptance: gate::word(alone.acceptance),
        class: class_of_acceptance(alone.acceptance),
        parts: if demanded == 0 { String::new() } else { format!("{met} of {demanded}") },
        parts_class: if failed {
            "bad"
        } else if met < demanded {
            "doubt"
        } else {
            "good"
        },
        cells: targets.iter().map(|target| alone.rows.get(target).map(cell).unwrap_or_default()).collect(),
    }
}

fn cell(row: &JudgedRow) -> Cell {
    let measured = row.measured.map(|value| value.to_string());
    let disturbed = row.disturbed.map(|value| format!("[{value}]"));
    Cell {
        verdict: row.verdict.name(),
        glyph: glyph(row.verdict),
        class: class_of(row.verdict),
        share: row.share.map(share).unwrap_or_default(),
        figure: measured.or(disturbed).unwrap_or_else(|| "no figure".to_owned()),
    }
}
