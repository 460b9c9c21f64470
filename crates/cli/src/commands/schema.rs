//! `hostproof schema`: what the JSON of each command holds.

use anyhow::{Context, Result};
use report::schema;

use crate::commands::print_json;
use crate::exit::Exit;

pub(crate) fn schema(command: &[String]) -> Result<Exit> {
    if command.is_empty() {
        print_json(&schema::all()?)?;
        return Ok(Exit::Done);
    }
    let command = command.join(" ");
    let schema = schema::of(&command)?.with_context(|| {
        format!(
            "`{command}` prints no JSON that has a schema here; those that do are {}",
            schema::COMMANDS.map(|(name, _)| name).join(", ")
        )
    })?;
    print_json(&schema)?;
    Ok(Exit::Done)
}
