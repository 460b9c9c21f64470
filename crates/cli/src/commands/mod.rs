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
    verdict::judge_boots(run, &earlier, &specification.system, &audit.graded, &companions)
}

/// How to print on this terminal: its width, in a pipe that of `COLUMNS`; colour unless `NO_COLOR` is set or it is no
/// terminal; ASCII where the locale is not UTF-8.
pub(crate) fn look() -> Look {
    let stdout = io::stdout();
    let terminal = stdout.is_terminal();
    let size = rustix::termios::tcgetwinsize(&stdout).ok().map(|size| size.ws_col).filter(|&columns| columns > 0);
    let wanted = env::var("COLUMNS").ok().and_then(|typed| typed.parse().ok()).filter(|&columns| columns > 0);
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Look {
        width: size.filter(|_| terminal).or(wanted).unwrap_or(120),
        colour: terminal && !no_color,
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
    if look().ascii { print_as_is(&::report::to_ascii(text)) } else { print_as_is(text) }
}

/// Prints a text that programs read; a reader that went away is an error that `main` knows.
pub(crate) fn print_as_is(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        stdout.write_all(b"\n")?;
    }
    Ok(stdout.flush()?)
}

/// Prints JSON for machines.
pub(crate) fn print_json(value: &Value) -> Result<()> {
    print_as_is(&::report::json::pretty(value))
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
