//! `hostproof inspect` and `hostproof doctor`: what this host is, and what on it disturbs measurements.

use std::path::Path;

use anyhow::Result;
use inventory::doctor::{self, Advice};
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
    let advice = doctor::advise(root, &inventory::take(root), &grant(root), Path::new("."));
    if args.json {
        print_json(&advice_as_json(&advice))?;
    } else if advice.is_empty() {
        print("nothing on this host is known to disturb measurements")?;
    } else {
        print(&advice_as_text(&advice))?;
    }
    let disturbed = args.strict && !advice.is_empty();
    Ok(if disturbed { Exit::NotComparable } else { Exit::Done })
}

/// A paragraph for each piece of advice.
pub(crate) fn advice_as_text(advice: &[Advice]) -> String {
    let paragraph = |advice: &Advice| {
        let [what, why, command] = [advice.what.as_str(), advice.why, advice.command.as_str()].map(terminal::clean);
        format!("{what}\n  {why}\n  {command}\n")
    };
    advice.iter().map(paragraph).collect()
}

pub(crate) fn advice_as_json(advice: &[Advice]) -> Value {
    advice
        .iter()
        .map(|advice| serde_json::json!({"what": advice.what, "why": advice.why, "command": advice.command}))
        .collect()
}
