//! `hostproof manual`: the manual pages and the completions of shells, for packages; and `hostproof completions`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;

use crate::args::Arguments;
use crate::commands::print_as_is;
use crate::completion::{self, CompletionShell};
use crate::exit::Exit;

pub(crate) fn manual(folder: &Path) -> Result<Exit> {
    let pages = made(folder, "man1")?;
    clap_mangen::generate_to(Arguments::command(), &pages)
        .with_context(|| format!("could not write the manual pages to {}", pages.display()))?;
    let scripts = [
        (CompletionShell::Bash, "bash", "hostproof.bash"),
        (CompletionShell::Zsh, "zsh", "_hostproof"),
        (CompletionShell::Fish, "fish", "hostproof.fish"),
    ];
    for (shell, name, file) in scripts {
        let path = made(folder, name)?.join(file);
        fs::write(&path, completion::script(shell)?)
            .with_context(|| format!("could not write completions to {}", path.display()))?;
    }
    Ok(Exit::Done)
}

pub(crate) fn completions(shell: CompletionShell) -> Result<Exit> {
    print_as_is(&String::from_utf8(completion::script(shell)?)?)?;
    Ok(Exit::Done)
}

fn made(folder: &Path, name: &str) -> Result<std::path::PathBuf> {
    let folder = folder.join(name);
    fs::create_dir_all(&folder).with_context(|| format!("could not make the folder {}", folder.display()))?;
    Ok(folder)
}
