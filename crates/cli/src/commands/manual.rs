//! `hostproof manual`: the manual pages and the completions of shells, for packages; and `hostproof completions`.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use roff::{Roff, roman};

use crate::args::Arguments;
use crate::commands::print_as_is;
use crate::completion::{self, CompletionShell};
use crate::exit::Exit;

/// What the program takes from its environment.
const ENVIRONMENT: [(&str, &str); 8] = [
    ("COLUMNS", "how wide to write where there is no terminal and no --width"),
    ("NO_COLOR", "if it is set to anything, --color auto is without colour"),
    ("LC_ALL, LC_CTYPE, LANG", "where the locale is not UTF-8, all output is ASCII"),
    (
        "HOSTPROOF_BESIDE",
        "if it is set to anything, measure although another measurement runs on this host (as --beside)",
    ),
    ("HOSTPROOF_BLAS", "the file of the BLAS library to measure with, instead of the system's"),
    ("HOSTPROOF_PYTHON", "the Python that `hostproof features run --engine` starts with a peer's script"),
    ("OPENBLAS_CORETYPE", "the kernels that OpenBLAS takes; the record says which they were"),
    ("XDG_STATE_HOME", "where records are without --out: hostproof/results below it"),
];

/// What it reads and writes.
const FILES: [(&str, &str); 3] = [
    ("results/", "the records, where the program is started in a checkout of its sources"),
    ("~/.local/state/hostproof/results", "the records elsewhere, unless --out or XDG_STATE_HOME says otherwise"),
    ("hosts/HOST/RUN/run.jsonl", "in either of them, a record: JSON lines, written as the run goes on"),
];

pub(crate) fn manual(folder: &Path) -> Result<Exit> {
    let pages = made(folder, "man1")?;
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    page_of(&command, &pages)?;
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

/// Writes the page of a command, and those of the commands below it.
fn page_of(command: &Command, folder: &Path) -> Result<()> {
    let man = Man::new(command.clone());
    let path = folder.join(man.get_filename());
    let write = || -> std::io::Result<()> {
        let mut page = File::create(&path)?;
        man.render_title(&mut page)?;
        man.render_name_section(&mut page)?;
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
        man.render_subcommands_section(&mut page)?;
        page.write_all(sections(command).to_roff().as_bytes())?;
        if command.get_version().is_some() { man.render_version_section(&mut page) } else { Ok(()) }
    };
    write().with_context(|| format!("could not write the manual page {}", path.display()))?;
    command.get_subcommands().filter(|below| !below.is_hide_set()).try_for_each(|below| page_of(below, folder))
}

/// The sections that the parser of arguments does not know of.
fn sections(command: &Command) -> Roff {
    let mut roff = Roff::new();
    if let Some(examples) = command.get_after_help() {
        let examples = examples.to_string();
        // The heading of the help is the section's here.
        let lines = examples.lines().filter(|line| !line.starts_with("Example")).map(str::trim_start);
        roff.control("SH", ["EXAMPLES"]).control("nf", []);
        lines.for_each(|line| _ = roff.text([roman(line)]));
        roff.control("fi", []);
    }
    let codes = Exit::ALL.map(|exit| ((exit as u8).to_string(), exit.meaning()));
    let codes: Vec<(&str, &str)> = codes.iter().map(|(code, meaning)| (code.as_str(), *meaning)).collect();
    for (heading, terms) in [("EXIT STATUS", codes.as_slice()), ("ENVIRONMENT", &ENVIRONMENT), ("FILES", &FILES)] {
        roff.control("SH", [heading]);
        for (term, meaning) in terms {
            roff.control("TP", []).text([roman(*term)]).text([roman(*meaning)]);
        }
    }
    roff
}

fn made(folder: &Path, name: &str) -> Result<PathBuf> {
    let folder = folder.join(name);
    fs::create_dir_all(&folder).with_context(|| format!("could not make the folder {}", folder.display()))?;
    Ok(folder)
}
