//! `hostproof spec`: the documented systems as data.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::args::SpecCommand;
use crate::commands::{look, print, print_json};
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
            let facts = machine::inventory::inspect(Path::new("/"));
            print(&spec::to_toml(&[spec::derive(&facts, id)]))?;
            for (metric, missing) in spec::underived(&facts) {
                eprintln!("no target for {metric}: this host does not tell {}", missing.join(", "));
            }
        }
        SpecCommand::Schema => print_json(&spec::schema())?,
    }
    Ok(Exit::Done)
}

fn check(file: &Path) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))?;
    let systems = spec::parse(&text, &file.display().to_string())?;
    for system in &systems {
        print(&format!("{}: {} facts, {} targets: good", system.id, system.facts.len(), system.targets.len()))?;
    }
    Ok(())
}
