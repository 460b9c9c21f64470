//! `hostproof spec`: the documented systems as data.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use measure::{Better, Definition, metrics};
use spec::System;

use crate::args::SpecCommand;
use crate::commands::{look, print, print_as_is, print_json};
use crate::exit::Exit;
use crate::locations::Specification;

pub(crate) fn spec(command: &SpecCommand) -> Result<Exit> {
    match command {
        SpecCommand::List => print(&report::terminal::systems(spec::builtin(), look()))?,
        SpecCommand::Show { spec } => {
            print(&report::terminal::system(&Specification::load(spec)?.system, look()))?;
        }
        SpecCommand::Check { file } => check(file)?,
        SpecCommand::Derive { id } => {
            let facts = inventory::inspect(Path::new("/"));
            print_as_is(&spec::to_toml(&[spec::derive(&facts, id)]))?;
            for (metric, missing) in spec::underived(&facts) {
                eprintln!("no target for {}: this host does not report {}", metric.id, missing.join(", "));
            }
        }
        SpecCommand::Schema => print_json(&spec::schema())?,
        SpecCommand::Metrics { json: true } => print_json(&serde_json::json!(metrics::ALL))?,
        SpecCommand::Metrics { json: false } => print(&catalogue())?,
    }
    Ok(Exit::Done)
}

/// The metrics, a line each.
fn catalogue() -> String {
    let line = |metric: &&Definition| {
        let direction = match metric.better {
            Better::Higher => "higher",
            Better::Lower => "lower",
        };
        let labels = if metric.labels.is_empty() { String::new() } else { format!(" {{{}}}", metric.labels.join(",")) };
        let Definition { id, unit, means, .. } = metric;
        format!("{id:42} {:10} {direction:6} {means}{labels}\n", unit.symbol())
    };
    format!("{:42} {:10} {:6} {}\n", "metric", "unit", "better", "what it means, and the labels of its series")
        + &metrics::ALL.iter().map(line).collect::<String>()
}

fn check(file: &Path) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))?;
    let systems = spec::parse(&text, &file.display().to_string())?;
    for system in &systems {
        print(&format!("{}: {} facts, {} targets: good", system.id, system.facts.len(), system.targets.len()))?;
        print(&demanded(system))?;
    }
    Ok(())
}

/// What `accept` will demand of a host by this system.
fn demanded(system: &System) -> String {
    let demands = system.demands();
    if demands.is_empty() {
        return "  demands nothing that this suite measures: `accept` will refuse it".to_owned();
    }
    let listed = |count: &[&str], what: &str| {
        let ids = if count.is_empty() { String::new() } else { format!(" ({})", count.join(", ")) };
        let plural = if count.len() == 1 { "" } else { "s" };
        format!("{} required {what}{plural}{ids}", count.len())
    };
    let (targets, facts) = (listed(&demands.targets, "target"), listed(&demands.facts, "fact"));
    let limits = listed(&demands.limits, "limit");
    let optional = system.targets.iter().filter(|target| !target.required).map(|target| target.id.as_str());
    let optional = optional.collect::<Vec<_>>();
    let optional = if optional.is_empty() { String::new() } else { format!("; optional: {}", optional.join(", ")) };
    format!("  demands: {targets}, {facts}, {limits}{optional}")
}
