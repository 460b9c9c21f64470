//! The one way out: what is printed on stdout, and what is said on stderr.
//!
//! Text from files, firmware and other processes passes here, so that none of it steers a terminal. What is said on stderr
//! never fails: a terminal that was closed, a full disk behind a redirection or a reader that went away must not end a
//! measurement. No other file prints; a lint holds it.

use std::env;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

use anyhow::{Context, Result};
use report::{Look, terminal};
use serde_json::Value;

use crate::args::{ColorWhen, OutputArgs};

/// What was typed of how to print; nothing was where `set` was not called, as in a worker.
static WANTED: OnceLock<OutputArgs> = OnceLock::new();

/// Takes what was typed, once, before anything is printed.
pub(crate) fn set(wanted: OutputArgs) {
    WANTED.get_or_init(|| wanted);
}

fn wanted() -> OutputArgs {
    WANTED.get().copied().unwrap_or_default()
}

/// Whether only results and errors are wanted.
pub(crate) fn quiet() -> bool {
    wanted().quiet
}

/// How to print: as wide as `--width` says, else as the terminal is, in a pipe as `COLUMNS` says; in colour as `--color` says,
/// else on a terminal unless `NO_COLOR` is set; in ASCII where the locale is not UTF-8.
pub(crate) fn look() -> Look {
    let stdout = io::stdout();
    let terminal = stdout.is_terminal();
    let size = rustix::termios::tcgetwinsize(&stdout).ok().map(|size| size.ws_col).filter(|&columns| columns > 0);
    let columns = env::var("COLUMNS").ok().and_then(|typed| typed.parse().ok()).filter(|&columns| columns > 0);
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Look {
        width: wanted().width.or(size.filter(|_| terminal)).or(columns).unwrap_or(120),
        colour: match wanted().color {
            ColorWhen::Auto => terminal && !no_color,
            ColorWhen::Always => true,
            ColorWhen::Never => false,
        },
        ascii: !shows_utf8(|name| env::var(name).ok()),
    }
}

/// Whether the locale's characters are UTF-8; where none is set, all terminals of today are.
fn shows_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
    locale.is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// Prints a text for people, in ASCII where the terminal shows nothing else.
pub(crate) fn print(text: &str) -> Result<()> {
    let look = look();
    let clean = terminal::clean_lines(text, look.colour);
    if look.ascii { write(&report::to_ascii(&clean)) } else { write(&clean) }
}

/// Prints a text that programs read byte for byte, unless somebody would look at it.
pub(crate) fn print_as_is(text: &str) -> Result<()> {
    if io::stdout().is_terminal() { write(&terminal::clean_lines(text, false)) } else { write(text) }
}

/// Prints JSON for machines.
pub(crate) fn print_json(value: &Value) -> Result<()> {
    write(&report::json::pretty(value))
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

/// Says something to whoever watches, unless quiet is wanted. Nobody may be there.
pub(crate) fn say(text: &str) {
    if !quiet() {
        say_anyway(text);
    }
}

fn say_anyway(text: &str) {
    let line = terminal::clean_lines(text, false) + "\n";
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Says why it did not work. A text from outside that has several lines cannot pass for other messages: they are indented.
pub(crate) fn say_error(error: &anyhow::Error) {
    say_anyway(&format!("error: {}", crate::failure::message(error).trim_end().replace('\n', "\n  ")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_says_whether_it_shows_utf8() {
        let check = |set: &[(&str, &str)], expect: bool| {
            let variable = |name: &str| set.iter().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(shows_utf8(variable), expect, "{set:?}");
        };
        check(&[], true);
        check(&[("LANG", "C.UTF-8")], true);
        check(&[("LANG", "de_DE.utf8")], true);
        check(&[("LANG", "C")], false);
        check(&[("LC_ALL", "POSIX"), ("LANG", "en_US.UTF-8")], false);
        check(&[("LC_ALL", ""), ("LC_CTYPE", "en_US.UTF-8"), ("LANG", "C")], true);
    }
}
