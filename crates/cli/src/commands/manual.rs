//! `hostproof manual`: the manual pages and the completions of shells, for packages.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Arguments;
use crate::exit::Exit;

pub(crate) fn manual(folder: &Path) -> Result<Exit> {
    let pages = made(folder, "man1")?;
    clap_mangen::generate_to(Arguments::command(), &pages)
        .with_context(|| format!("could not write the manual pages to {}", pages.display()))?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let completions = made(folder, &shell.to_string())?;
        clap_complete::generate_to(shell, &mut Arguments::command(), "hostproof", &completions)
            .with_context(|| format!("could not write completions to {}", completions.display()))?;
    }
    Ok(Exit::Done)
}

fn made(folder: &Path, name: &str) -> Result<std::path::PathBuf> {
    let folder = folder.join(name);
    fs::create_dir_all(&folder).with_context(|| format!("could not make the folder {}", folder.display()))?;
    Ok(folder)
}
