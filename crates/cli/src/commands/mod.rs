//! One file for each command: it takes what was typed, calls the libraries, prints, and says how to exit.

pub(crate) mod audit;
pub(crate) mod baseline;
pub(crate) mod campaign;
pub(crate) mod compare;
pub(crate) mod disk;
pub(crate) mod dossier;
pub(crate) mod features;
pub(crate) mod inspect;
pub(crate) mod judge;
pub(crate) mod manual;
pub(crate) mod noise;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod show;
pub(crate) mod spec;
pub(crate) mod store;
pub(crate) mod trend;

use std::env;
use std::io::{self, IsTerminal, Write};

use ::report::Look;
use anyhow::Result;
use measure::Run;
use serde_json::Value;
use verdict::Judgement;

use crate::locations::Specification;

/// Judges a run, together with earlier ones of its host, by a specification, its audit and the companions that the audit
/// makes necessary.
pub(crate) fn judgement(run: &Run, earlier: &[Run], specification: &Specification) -> Judgement {
    let audit = ::spec::audit::audit(&specification.system, &specification.siblings);
    let companions = ::spec::companions(&specification.system, &audit);
    let earlier: Vec<&Run> = earlier.iter().collect();
    verdict::judge_boots(run, &earlier, &specification.system, &audit.grades(), &companions)
}

/// How to print on this terminal: its width, and colour unless `NO_COLOR` is set or it is no terminal.
pub(crate) fn look() -> Look {
    let stdout = io::stdout();
    let terminal = stdout.is_terminal();
    let width = rustix::termios::tcgetwinsize(&stdout).ok().map(|size| size.ws_col).filter(|&columns| columns > 0);
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Look { width: width.filter(|_| terminal).unwrap_or(120), colour: terminal && !no_color }
}

/// Prints a text; a reader that went away is an error that `main` knows.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        stdout.write_all(b"\n")?;
    }
    Ok(stdout.flush()?)
}

/// Prints JSON for machines.
pub(crate) fn print_json(value: &Value) -> Result<()> {
    print(&::report::json::pretty(value))
}
