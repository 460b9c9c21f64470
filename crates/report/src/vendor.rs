//! What a vendor sent, as a report shows it.

use import::Import;
use measure::Run;
use serde_json::{Value, json};
use verdict::vendor::{Reproduced, VendorRow, Worth};

use crate::json::{host_limit, quantity};
use crate::markdown::escape;

/// A file of a vendor's with its figures, examined for a host.
#[derive(Clone, Debug)]
pub struct VendorFile {
    /// Its name.
    pub name: String,
    /// The id of its record.
    pub id: String,
    /// Whether somebody said of which host it is.
    pub host_was_named: bool,
    /// What was read from it.
    pub import: Import,
    /// Its figures beside the others.
    pub rows: Vec<VendorRow>,
}

/// The files, for machines.
#[must_use]
pub fn json(files: &[VendorFile]) -> Value {
    files.iter().map(file).collect::<Vec<_>>().into()
}

fn file(file: &VendorFile) -> Value {
    let import = &file.import;
    let told = |told: &Option<import::Told>| told.as_ref().map(|told| told.text.clone());
    json!({
        "file": file.name, "record": file.id, "tool": import.format.name(), "version": told(&import.version), "date": told(&import.date),
        "host": told(&import.host), "not_told": import.untold, "figures": file.rows.iter().map(row).collect::<Vec<_>>(),
        "settings": import.settings.iter().map(|(setting, told)| (setting.name().to_owned(), json!(told.text))).collect::<serde_json::Map<_, _>>(),
    })
}

fn row(row: &VendorRow) -> Value {
    json!({
        "name": row.figure.name, "line": row.figure.line, "printed": row.figure.printed, "printed_unit": row.figure.unit,
        "value": quantity(row.value), "how": row.how, "metric": row.metric.map(|metric| metric.id), "shows": row.shows,
        "worth": row.worth.name(), "target": row.documented.as_ref().map(|(id, _)| id),
        "documented": row.documented.as_ref().map(|(_, value)| quantity(*value)), "ours": row.ours.map(quantity),
        "host_limit": row.limit.as_ref().map(host_limit), "reproduced": row.reproduced.map(Reproduced::name),
        "remarks": row.remarks.iter().map(|remark| json!({
            "rule": remark.rule, "worth": remark.worth.name(), "says": remark.says,
        })).collect::<Vec<_>>(),
    })
}

/// The letter to who sent the files: what cannot stand, and what this host does not do.
#[must_use]
pub fn letter(run: &Run, files: &[VendorFile]) -> String {
    let mut text = format!("# What was sent with {}\n\n", escape(run.name()));
    let whose = if files.iter().all(|file| file.host_was_named) {
        "of the same host"
    } else {
        "of the host that they are taken to be of (not every file was said to be of it)"
    };
    text += &format!(
        "Your figures, held against the run {} {whose}. Each line number is of your file; each rule follows from what the tool \
         itself documents, or from the host's own inventory.\n",
        escape(&run.id)
    );
    let mut asked = 0;
    for file in files {
        let against: Vec<&VendorRow> = file.rows.iter().filter(|row| is_against(row)).collect();
        let tool = file.import.format.title();
        text += &format!("\n## {} ({tool})\n\n", escape(&file.name));
        text += &table(&shown(file));
        if against.is_empty() {
            text += if shown(file).iter().all(|row| is_confirmed(row)) {
                "\nNothing speaks against these figures.\n"
            } else {
                "\nNothing is asked about these figures. That confirms none that was not measured here too, or that cannot stand beside \
                 what was measured.\n"
            };
            continue;
        }
        text += "\n";
        for row in against {
            asked += 1;
            text += &section(asked, row);
        }
        text += &format!("\nThe file does not say: {}.\n", escape(&file.import.untold.join(", ")));
    }
    if asked > 0 {
        text += "\nPlease send the figures again with what is missing, or say what would have to be true instead.\n";
    }
    text
}

fn is_against(row: &VendorRow) -> bool {
    row.reproduced == Some(Reproduced::No)
        || (row.worth != Worth::Comparable && row.metric.is_some())
        || row.worth == Worth::Implausible
}

fn is_confirmed(row: &VendorRow) -> bool {
    row.worth == Worth::Comparable && row.reproduced == Some(Reproduced::Yes)
}

fn shown(file: &VendorFile) -> Vec<&VendorRow> {
    crate::terminal::shown_of_vendor(&file.rows)
}

/// A figure as its file has it, or how the host's comes about.
pub(crate) fn printed(row: &VendorRow) -> String {
    row.how.clone().unwrap_or_else(|| format!("{} {}", row.figure.printed, row.figure.unit))
}

fn table(rows: &[&VendorRow]) -> String {
    let mut text =
        "| figure | line | yours | measured here | documented | most that is possible | worth |\n|---|---:|---:|---:|---:|---:|---|\n".to_owned();
    for row in rows {
        let cells = [
            escape(&row.figure.name),
            row.figure.line.to_string(),
            escape(&printed(row)),
            row.ours.map(|ours| ours.to_string()).unwrap_or_default(),
            row.documented.as_ref().map(|(_, value)| value.to_string()).unwrap_or_default(),
            row.limit.as_ref().map(|limit| format!("{} ({})", limit.value, limit.kind.name())).unwrap_or_default(),
            row.worth.name().to_owned(),
        ];
        text += &format!("| {} |\n", cells.join(" | "));
    }
    text
}

fn section(number: usize, row: &VendorRow) -> String {
    let mut text =
        format!("{number}. **{}**, line {}: {}\n", escape(&row.figure.name), row.figure.line, escape(&printed(row)));
    if let (Some(Reproduced::No), Some(ours)) = (row.reproduced, row.ours) {
        text += &format!(
            "   - This host does not do it: {ours} was measured, and {} is said, by more than the noise.\n",
            row.value
        );
    }
    for remark in row.remarks.iter().filter(|remark| remark.worth != Worth::Comparable) {
        text += &format!("   - {}: {}\n", remark.worth.name(), escape(&remark.says));
    }
    text
}
