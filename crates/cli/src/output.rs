//! The one way out: what is printed on stdout, and what is said on stderr.
//!
//! Text from files, firmware and other processes passes here, so that none of it steers a terminal. What is said on stderr
//! never fails: a terminal that was closed, a full disk behind a redirection or a reader that went away must not end a
//! measurement. No other file prints; a lint holds it.

use std::io::{self, ErrorKind, IsTerminal, Write};

use anyhow::{Context, Result};
use report::{Look, terminal};
use serde_json::Value;

/// How to print on this terminal: its width, and colour unless `NO_COLOR` is set or it is no terminal.
pub(crate) fn look() -> Look {
    let stdout = io::stdout();
    let terminal = stdout.is_terminal();
    let width = rustix::termios::tcgetwinsize(&stdout).ok().map(|size| size.ws_col).filter(|&columns| columns > 0);
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Look { width: width.filter(|_| terminal).unwrap_or(120), colour: terminal && !no_color }
}

/// Prints a text for people.
pub(crate) fn print(text: &str) -> Result<()> {
    write(&terminal::clean_lines(text, look().colour))
}

/// Prints JSON for machines.
pub(crate) fn print_json(value: &Value) -> Result<()> {
    write(&report::json::pretty(value))
}

/// Prints a file's contents byte for byte, unless somebody would look at them.
pub(crate) fn print_file(text: &str) -> Result<()> {
    if io::stdout().is_terminal() { print(text) } else { write(text) }
}

/// A reader that went away (`hostproof … | head`) is no error, and the exit code still says what was found.
fn write(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.write_all(end.as_bytes()));
    match written.and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("could not write to the standard output"),
    }
}

/// Says something to whoever watches. Nobody may be there.
pub(crate) fn say(text: &str) {
    let line = terminal::clean_lines(text, false) + "\n";
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Says why it did not work. A text from outside that has several lines cannot pass for other messages: they are indented.
pub(crate) fn say_error(error: &anyhow::Error) {
    say(&format!("error: {}", format!("{error:#}").trim_end().replace('\n', "\n  ")));
}
