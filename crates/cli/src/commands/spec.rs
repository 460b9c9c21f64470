//! `hostproof spec`: the documented systems as data.

use std::path::Path;

use anyhow::{Context, Result, bail};
use measure::{Better, Definition, metrics};
use spec::System;

use crate::args::SpecCommand;
use crate::commands::{look, print, print_as_is, print_json};
use crate::exit::Exit;
use crate::locations::Specification;
use crate::output::say;

pub(crate) fn spec(command: &SpecCommand) -> Result<Exit> {
    match command {
        SpecCommand::List => print(&report::terminal::systems(spec::builtin(), look()))?,
        SpecCommand::Show { spec, coverage: true, .. } => coverage(spec)?,
        SpecCommand::Show { spec, toml: true, .. } => {
            print_as_is(&spec::to_toml(&[Specification::load(spec)?.system]))?;
        }
        SpecCommand::Show { spec, .. } => {
            print(&report::terminal::system(&Specification::load(spec)?.system, look()))?;
        }
        SpecCommand::Check { file } => check(file)?,
        SpecCommand::Derive { id } => {
            let facts = inventory::inspect(Path::new("/"));
            print_as_is(&format!("{}{}", spec::to_toml(&[spec::derive(&facts, id)]), spec::to_fill_in(&facts)))?;
            for (metric, missing) in spec::underived(&facts) {
                say(&format!("no target for {}: this host does not report {}", metric.id, missing.join(", ")));
            }
        }
        SpecCommand::Schema => print_json(&spec::schema())?,
        SpecCommand::Metrics { json: true } => print_json(&serde_json::json!(metrics::ALL))?,
        SpecCommand::Metrics { json: false } => print(&catalogue())?,
    }
    Ok(Exit::Done)
}

/// Where each statement of the system's document lives.
fn coverage(id: &str) -> Result<()> {
    let Some(statements) = spec::coverage(id) else {
        bail!("the statements of {id} are not numbered: there is a list for PY-HPC-2024.Q3 alone");
    };
    print(&report::terminal::coverage(statements, look()))
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
    let text = record::input::read_text(file).with_context(|| format!("could not read {}", file.display()))?;
    let systems = spec::parse(&text, &file.display().to_string())?;
    for system in &systems {
        let (facts, targets) = (counted(system.facts.len(), "fact"), counted(system.targets.len(), "target"));
        let limits = counted(system.limits.len(), "limit");
        print(&format!("{}: {facts}, {targets}, {limits}: good", system.id))?;
        print(&demanded(system))?;
    }
    Ok(())
}

/// `1 target`, `2 targets`.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What `accept` will demand of a host by this system, and what it will only tell.
fn demanded(system: &System) -> String {
    let demands = system.demands();
    if demands.is_empty() {
        return "  demands nothing that this suite measures: `accept` will refuse it".to_owned();
    }
    let listed = |ids: &[&str], what: &str| {
        let named = if ids.is_empty() { String::new() } else { format!(" ({})", ids.join(", ")) };
        counted(ids.len(), &format!("required {what}")) + &named
    };
    let (targets, facts) = (listed(&demands.targets, "target"), listed(&demands.facts, "fact"));
    let mut text = format!("  demands: {targets}, {facts}, {}", listed(&demands.limits, "limit"));
    let targets = system.targets.iter().filter(|target| !target.required).map(|target| target.id.as_str());
    let facts = system.facts.iter().map(|fact| fact.id.as_str()).filter(|id| !demands.facts.contains(id));
    let limits = system.limits.iter().map(|limit| limit.fact.as_str()).filter(|id| !demands.limits.contains(id));
    for (what, ids) in [("targets", targets.collect()), ("facts", once(facts)), ("limits", once(limits))] {
        let ids: Vec<&str> = ids;
        if !ids.is_empty() {
            text += &format!("\n  optional {what}: {}", ids.join(", "));
        }
    }
    text
}

/// Each once, in the order of the document.
fn once<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for id in ids {
        if !found.contains(&id) {
            found.push(id);
        }
    }
    found
}
