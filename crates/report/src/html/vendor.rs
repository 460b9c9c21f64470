//! What a vendor sent, on the page: a row for each figure beside ours, the document's and the ceiling.

use serde::Serialize;
use verdict::vendor::{Reproduced, Worth};

use crate::VendorFile;

/// A file of a vendor's.
#[derive(Debug, Serialize)]
pub(super) struct VendorView {
    name: String,
    tool: &'static str,
    version: Option<String>,
    untold: String,
    rows: Vec<FigureView>,
}

#[derive(Debug, Serialize)]
struct FigureView {
    name: String,
    line: usize,
    printed: String,
    value: String,
    ours: String,
    documented: String,
    limit: String,
    worth: &'static str,
    class: &'static str,
    here: &'static str,
    shows: &'static str,
    remarks: Vec<String>,
}

pub(super) fn views(files: &[VendorFile]) -> Vec<VendorView> {
    files.iter().map(view).collect()
}

fn view(file: &VendorFile) -> VendorView {
    let rows = crate::terminal::shown_of_vendor(&file.rows).into_iter().map(|row| FigureView {
        name: row.figure.name.clone(),
        line: row.figure.line,
        printed: crate::vendor::printed(row),
        value: row.value.to_string(),
        ours: row.ours.map(|ours| ours.to_string()).unwrap_or_default(),
        documented: row.documented.as_ref().map(|(_, value)| value.to_string()).unwrap_or_default(),
        limit: row.limit.as_ref().map(|limit| format!("{} ({})", limit.value, limit.kind.name())).unwrap_or_default(),
        worth: row.worth.name(),
        class: match row.worth {
            Worth::Comparable => "",
            Worth::Inconclusive => "open",
            Worth::NotComparable => "soft",
            Worth::Implausible => "bad",
        },
        here: row.reproduced.map_or("", Reproduced::name),
        shows: row.shows,
        remarks: row.remarks.iter().map(|remark| remark.says.clone()).collect(),
    });
    VendorView {
        name: file.name.clone(),
        tool: file.import.format.title(),
        version: file.import.version.as_ref().map(|told| told.text.clone()),
        untold: file.import.untold.join(", "),
        rows: rows.collect(),
    }
}
