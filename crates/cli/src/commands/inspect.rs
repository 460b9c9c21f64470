//! `hostproof inspect` and `hostproof doctor`: what this host is, and what on it disturbs measurements.

use std::path::Path;

use anyhow::Result;
use inventory::doctor::{self, Advice, Checkup, Fine};
use inventory::{Inventory, Table, Unavailable};
use measure::FactValue;
use report::{json, terminal};
use serde_json::Value;
use spec::System;

use crate::args::{DoctorArgs, InspectArgs};
use crate::commands::{look, print, print_json};
use crate::exit::Exit;
use crate::grant::grant;
use crate::locations::Specification;

pub(crate) fn inspect(args: &InspectArgs) -> Result<Exit> {
    let specification = args.spec.as_deref().map(Specification::load).transpose()?;
    let system = specification.as_ref().map(|specification| &specification.system);
    let inventory = inventory::take(Path::new("/"));
    if args.json {
        print_json(&as_json(&inventory, system))?;
    } else {
        print(&as_text(&inventory, system, args.all))?;
    }
    Ok(Exit::Done)
}

fn as_text(inventory: &Inventory, system: Option<&System>, all: bool) -> String {
    let look = look();
    let comparison = system.map(|system| terminal::comparison(&inventory.facts, system, all, look));
    if let Some(comparison) = &comparison
        && !all
    {
        return format!("{comparison}\nwith --all: what is as documented, and all facts of this host");
    }
    let mut parts: Vec<String> = comparison.into_iter().collect();
    parts.push(terminal::facts(&inventory.facts, look));
    for table in inventory.tables() {
        let rows = rows(&table);
        let rows = rows.as_ref().map(Vec::as_slice).map_err(String::as_str);
        parts.push(terminal::list(table.title, table.columns, rows, look));
    }
    parts.push(terminal::fingerprint(&inventory.fingerprint(), look));
    parts.join("\n")
}

fn as_json(inventory: &Inventory, system: Option<&System>) -> Value {
    let tables = inventory.tables().into_iter().map(|table| {
        let mut entry = serde_json::json!({"title": table.title, "columns": table.columns, "source": table.source});
        match rows(&table) {
            Ok(rows) => entry["rows"] = rows.into(),
            Err(why) => entry["missing"] = why.into(),
        }
        entry
    });
    let mut value = serde_json::json!({
        "facts": json::facts(&inventory.facts), "lists": tables.collect::<Vec<_>>(),
        "fingerprint": json::fingerprint(&inventory.fingerprint()),
    });
    if let Some(system) = system {
        value["comparison"] = json::comparison(&inventory.facts, system);
    }
    value
}

/// The rows of a list as text, or why there are none.
fn rows(table: &Table) -> Result<Vec<Vec<Option<String>>>, String> {
    let text = |cell: &Option<FactValue>| cell.as_ref().map(ToString::to_string);
    match &table.rows {
        Ok(rows) => Ok(rows.iter().map(|row| row.iter().map(text).collect()).collect()),
        Err(Unavailable::Absent) => Err(format!("not present or not reported ({})", table.source)),
        Err(Unavailable::Denied { remedy }) => Err(format!("permission denied; to fix: {remedy}")),
        Err(Unavailable::Failed { error }) => Err(format!("failed: {error}")),
    }
}

pub(crate) fn doctor(args: &DoctorArgs) -> Result<Exit> {
    let root = Path::new("/");
    let Checkup { advice, fine } = doctor::examine(root, &inventory::take(root), &grant(root), Path::new("."));
    if args.json {
        print_json(&advice_as_json(&advice))?;
    } else {
        print(&checkup_as_text(&advice, &fine, args.all))?;
    }
    let disturbed = args.strict && !advice.is_empty();
    Ok(if disturbed { Exit::NotComparable } else { Exit::Done })
}

/// What is to be mended, where asked for what is fine, and how many there are of both.
fn checkup_as_text(advice: &[Advice], fine: &[Fine], all: bool) -> String {
    let (found, silent): (Vec<&Fine>, Vec<&Fine>) = fine.iter().partition(|fine| fine.found.is_some());
    let mut text = advice_as_text(advice);
    if all {
        let rows: Vec<Vec<Option<String>>> =
            found.iter().map(|fine| vec![Some(fine.what.to_owned()), fine.found.clone()]).collect();
        text += &terminal::list("Fine", &["What", "Found"], Ok(&rows), look());
        for fine in &silent {
            text += &terminal::paragraph(&format!("not told by this host: {}", fine.what), 0, look());
        }
    }
    let mend = match advice.len() {
        0 => "nothing on this host is known to disturb measurements".to_owned(),
        many => format!("{many} to mend"),
    };
    let rest = if all { "" } else { "; with --all: what they are" };
    let counted = format!("{mend}; {} fine, {} not told by this host{rest}", found.len(), silent.len());
    text + &terminal::paragraph(&counted, 0, look())
}

/// A paragraph for each piece of advice.
pub(crate) fn advice_as_text(advice: &[Advice]) -> String {
    let paragraph = |advice: &Advice| {
        let [what, why] = [(advice.what.as_str(), 0), (advice.why, 2)]
            .map(|(text, indent)| terminal::paragraph(text, indent, look()));
        // It is typed as it stands.
        format!("{what}{why}  {}\n", terminal::clean(&advice.command))
    };
    advice.iter().map(paragraph).collect()
}

pub(crate) fn advice_as_json(advice: &[Advice]) -> Value {
    advice
        .iter()
        .map(|advice| serde_json::json!({"what": advice.what, "why": advice.why, "command": advice.command}))
        .collect()
}
