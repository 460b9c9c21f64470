//! `hostproof inspect` and `hostproof doctor`: what this host is, and what on it disturbs measurements.

use std::path::Path;

use anyhow::Result;
use machine::doctor;
use machine::inventory;

use crate::args::{DoctorArgs, InspectArgs};
use crate::commands::{look, print, print_json};
use crate::exit::Exit;
use crate::locations::Specification;

pub(crate) fn inspect(args: &InspectArgs) -> Result<Exit> {
    let specification = args.spec.as_deref().map(Specification::load).transpose()?;
    let facts = inventory::inspect(Path::new("/"));
    let system = specification.as_ref().map(|specification| &specification.system);
    if args.json {
        print_json(&report::json::facts(&facts, system))?;
    } else {
        print(&report::terminal::facts(&facts, system, look()))?;
    }
    Ok(Exit::Done)
}

pub(crate) fn doctor(args: &DoctorArgs) -> Result<Exit> {
    let advice = doctor::advise(Path::new("/"));
    if args.json {
        let advice: Vec<_> = advice
            .iter()
            .map(|advice| serde_json::json!({"what": advice.what, "why": advice.why, "command": advice.command}))
            .collect();
        print_json(&serde_json::Value::Array(advice))?;
    } else if advice.is_empty() {
        print("nothing on this host is known to disturb measurements")?;
    } else {
        for advice in &advice {
            print(&format!("{}\n  {}\n  {}", advice.what, advice.why, advice.command))?;
        }
    }
    let disturbed = args.strict && !advice.is_empty();
    Ok(if disturbed { Exit::NotComparable } else { Exit::Done })
}
