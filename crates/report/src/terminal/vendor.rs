//! What a vendor sent, beside what was measured.

use import::{Import, Told};
use verdict::LimitKind;
use verdict::vendor::{Reproduced, VendorRow, Worth};

use super::grid::{Cell, Grid, Paint};
use crate::text::wrap;
use crate::{Look, VendorFile};

/// A file: what it says, what it does not say, a line for each figure, and what speaks against them.
#[must_use]
pub fn vendor_file(file: &VendorFile, all: bool, look: Look) -> String {
    let VendorFile { name, import, rows, .. } = file;
    let mut text = wrap(&headline(name, import), 0, look);
    text += &wrap(&format!("It does not say: {}.", import.untold.join(", ")), 2, look);
    text += &table(rows, all, look);
    for row in shown(rows, all) {
        if let Some(how) = &row.how {
            text += &wrap(&format!("{}: {how}.", row.figure.name), 2, look);
        }
    }
    text + &remarks(rows, all, look)
}

fn headline(name: &str, import: &Import) -> String {
    let told = |what: &str, told: &Option<Told>| told.as_ref().map(|told| format!("{what}{}", told.text));
    let parts: Vec<String> = [
        Some(format!("{name}: {}", import.format.title())),
        told("version ", &import.version),
        told("", &import.date),
        told("of ", &import.host),
    ]
    .into_iter()
    .flatten()
    .chain(import.settings.iter().map(|(setting, told)| format!("{} {}", setting.name(), told.text)))
    .collect();
    parts.join(" · ")
}

/// Of many figures those that the catalogue has, unless all are asked for; a file without one shows all.
pub(crate) fn shown(rows: &[VendorRow], all: bool) -> Vec<&VendorRow> {
    let of_catalogue: Vec<&VendorRow> = rows.iter().filter(|row| row.metric.is_some()).collect();
    if all || of_catalogue.is_empty() { rows.iter().collect() } else { of_catalogue }
}

fn table(rows: &[VendorRow], all: bool, look: Look) -> String {
    let header = ["Figure", "Line", "Vendor's", "Ours", "Documented", "Ceiling", "Worth", "Here"];
    let mut grid = Grid::new(&header, &[1, 2, 3, 4, 5]).packed();
    for row in shown(rows, all) {
        let ceiling = row.limit.as_ref().filter(|limit| limit.kind == LimitKind::Ceiling);
        let paint = match row.worth {
            Worth::Comparable => Paint::Plain,
            Worth::Inconclusive => Paint::Doubtful,
            Worth::NotComparable => Paint::Faint,
            Worth::Implausible => Paint::Bad,
        };
        let here = match row.reproduced {
            Some(Reproduced::No) => Cell::painted(Reproduced::No.name(), Paint::Bad),
            Some(other) => other.name().into(),
            None => "".into(),
        };
        grid.row([
            row.figure.name.as_str().into(),
            row.figure.line.to_string().into(),
            row.value.to_string().into(),
            row.ours.map(|ours| ours.to_string()).unwrap_or_default().into(),
            row.documented.as_ref().map(|(_, value)| value.to_string()).unwrap_or_default().into(),
            ceiling.map(|limit| limit.value.to_string()).unwrap_or_default().into(),
            Cell::painted(row.worth.name(), paint),
            here,
        ]);
    }
    grid.render(look)
}

/// What is to be known, each once with the figures that it concerns.
fn remarks(rows: &[VendorRow], all: bool, look: Look) -> String {
    let mut causes: Vec<(Worth, &str, &str, Vec<&str>)> = Vec::new();
    for row in shown(rows, all) {
        for remark in &row.remarks {
            match causes.iter_mut().find(|(_, _, says, _)| *says == remark.says) {
                Some((.., names)) => names.push(&row.figure.name),
                None => causes.push((remark.worth, remark.rule, &remark.says, vec![&row.figure.name])),
            }
        }
    }
    causes.sort_by_key(|(worth, ..)| std::cmp::Reverse(*worth));
    let mut text = String::new();
    for (worth, rule, says, names) in causes {
        let word = if worth == Worth::Comparable { "to be known" } else { worth.name() };
        text += &wrap(&format!("{} ({word}, {rule}):", names.join(", ")), 2, look);
        text += &wrap(says, 4, look);
    }
    text
}
