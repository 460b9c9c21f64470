//! Where specifications, records and programs are.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use etcetera::BaseStrategy;
use measure::SpecSource;
use sha2::{Digest, Sha256};
use spec::System;

/// The folder of the records: what was typed, `results/` in a checkout of this project, or the user's state folder.
pub(crate) fn results(typed: Option<&Path>) -> Result<PathBuf> {
    if let Some(folder) = typed {
        return Ok(folder.to_owned());
    }
    let here = env::current_dir().context("could not find the current folder")?;
    if let Some(checkout) = here.ancestors().find(|folder| folder.join("crates/cli/src/locations.rs").is_file()) {
        return Ok(checkout.join("results"));
    }
    let base = etcetera::choose_base_strategy().context("could not find the home folder; give --out DIR")?;
    let state = base.state_dir().unwrap_or_else(|| base.data_dir());
    Ok(state.join("hostproof/results"))
}

/// The file name of the program with the feature workload.
pub(crate) const FEATURE_WORKER: &str = "hostproof-tabular";
/// What to do where it is not there.
pub(crate) const HOW_TO_BUILD_FEATURES: &str = "the feature workload is a program of its own: `cargo build --release -p tabular` makes it (about 9 minutes on two cores)";

/// This program's own file.
pub(crate) fn own_file() -> Result<PathBuf> {
    env::current_exe().context("could not find this program's own file")
}

/// Where the program with the feature workload is if it is there: beside this one.
pub(crate) fn feature_worker() -> Result<PathBuf> {
    Ok(own_file()?.with_file_name(FEATURE_WORKER))
}

/// A specification that was named on the command line, with its text for the record.
pub(crate) struct Specification {
    /// The system to judge by.
    pub(crate) system: System,
    /// All systems of its file: the audit compares those of one family.
    pub(crate) siblings: Vec<System>,
    /// The text that it was read from.
    pub(crate) source: SpecSource,
}

impl Specification {
    /// The built-in system with this id, or the system of a file.
    pub(crate) fn load(typed: &str) -> Result<Specification> {
        if let Some(spec::Source { file, text }) = spec::source(typed) {
            return Specification::parse(text, file, Some(typed));
        }
        let path = Path::new(typed);
        if !path.exists() {
            let near = spec::nearest_system(typed).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
            bail!("`{typed}` is neither a file nor a built-in system; {near}`hostproof spec list` lists them");
        }
        let text =
            record::input::read_text(path).with_context(|| format!("could not read the specification {typed}"))?;
        Specification::parse(&text, typed, None)
    }

    /// The system `id` of a text, or its only one.
    pub(crate) fn parse(text: &str, file: &str, id: Option<&str>) -> Result<Specification> {
        let siblings = spec::parse(text, file)?;
        let system = match id {
            Some(id) => siblings.iter().find(|system| system.id == id),
            None => siblings.first(),
        };
        let system = system
            .with_context(|| format!("{file} has no system{}", id.map_or(String::new(), |id| format!(" `{id}`"))))?;
        if id.is_none() && siblings.len() > 1 {
            bail!("{file} holds {} systems; a specification to judge by must hold one", siblings.len());
        }
        let source =
            SpecSource { id: system.id.clone(), sha256: hex::encode(Sha256::digest(text)), text: text.to_owned() };
        Ok(Specification { system: system.clone(), source, siblings })
    }
}
