//! What a shell completes while somebody types: runs, specifications, selections and tags as they are at that moment.
//!
//! A shell's script, which `hostproof completions` prints, asks this program with [`VARIABLE`] set. Nothing is written and
//! nothing is said: what cannot be read completes to nothing.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use clap::Command;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter};
use clap_complete::env::{CompleteEnv, Shells};
use record::{Annotations, Imported, Store};

use crate::locations;

/// The environment variable by which a shell asks; not the usual `COMPLETE`, which a user may have set for something else.
const VARIABLE: &str = "HOSTPROOF_COMPLETE";
const NAME: &str = "hostproof";

/// Answers a shell that asks, and ends the program then.
pub(crate) fn answer_a_shell(command: fn() -> Command) {
    CompleteEnv::with_factory(command).var(VARIABLE).complete();
}

/// The shells that there are scripts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum CompletionShell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

/// The script that a shell is told about this program by.
pub(crate) fn script(shell: CompletionShell) -> io::Result<Vec<u8>> {
    let name = match shell {
        CompletionShell::Bash => "bash",
        CompletionShell::Elvish => "elvish",
        CompletionShell::Fish => "fish",
        CompletionShell::Powershell => "powershell",
        CompletionShell::Zsh => "zsh",
    };
    let shells = Shells::builtins();
    let completer = shells.completer(name).ok_or_else(|| io::Error::other(format!("no completions for {name}")))?;
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, NAME, NAME, NAME, &mut script)?;
    Ok(script)
}

/// A run: `latest`, the ids of the store that is used without `--out`, else a path.
pub(crate) fn run() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| or_paths(typed, beginning(typed, runs())))
}

/// An imported record: its id in that store, else a path.
pub(crate) fn imported() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let all = store().map(|store| Imported::list(&store)).unwrap_or_default();
        let host = |path: &Path| path.ancestors().nth(2)?.file_name()?.to_str().map(str::to_owned);
        let all = all.into_iter().map(|(id, path)| named(&id, &host(&path).unwrap_or_default()));
        or_paths(typed, beginning(typed, all))
    })
}

/// A specification: the id of a built-in system, else a path.
pub(crate) fn specification() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let builtin = spec::builtin().iter().map(|system| named(&system.id, &system.name));
        or_paths(typed, beginning(typed, builtin))
    })
}

/// A metric of the catalogue.
pub(crate) fn metric() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        beginning(typed, measure::metrics::ALL.iter().map(|metric| named(metric.id, metric.means)))
    })
}

/// A tag that a run has already.
pub(crate) fn tag() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| beginning(typed, tags().into_iter().map(CompletionCandidate::new)))
}

/// The last term of a selection.
pub(crate) fn selection() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let tags = tags().into_iter().map(|tag| CompletionCandidate::new(format!("tag={tag}")));
        let words = ["baseline", "host=", "profile=", "version="].map(CompletionCandidate::new);
        last_term(&typed.to_string_lossy(), runs().chain(tags).chain(words))
    })
}

/// What begins as the last term does, behind the terms before it.
fn last_term(typed: &str, all: impl Iterator<Item = CompletionCandidate>) -> Vec<CompletionCandidate> {
    let (before, last) = typed.split_at(typed.rfind(',').map_or(0, |comma| comma + 1));
    beginning(OsStr::new(last), all).into_iter().map(|candidate| candidate.add_prefix(before)).collect()
}

fn named(value: &str, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(value).help(Some(help.to_owned().into()))
}

fn beginning(typed: &OsStr, all: impl Iterator<Item = CompletionCandidate>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    all.filter(|candidate| candidate.get_value().to_string_lossy().starts_with(typed.as_ref())).collect()
}

fn or_paths(typed: &OsStr, found: Vec<CompletionCandidate>) -> Vec<CompletionCandidate> {
    if found.is_empty() { PathCompleter::any().complete(typed) } else { found }
}

fn store() -> Option<Store> {
    locations::results(None).ok().map(|root| Store::at(&root))
}

fn runs() -> impl Iterator<Item = CompletionCandidate> {
    let entries = store().and_then(|store| store.list().ok()).unwrap_or_default();
    let latest = (!entries.is_empty()).then(|| named("latest", "the run that was sealed last"));
    latest.into_iter().chain(entries.into_iter().map(|entry| named(&entry.id, &entry.host)))
}

fn tags() -> Vec<String> {
    let annotated = store().and_then(|store| Annotations::at(store.root()).read().ok());
    let mut tags: Vec<String> = annotated.into_iter().flat_map(|all| all.tags.into_values().flatten()).collect();
    tags.sort();
    tags.dedup();
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_term_is_completed_behind_the_others() {
        let check = |typed: &str, expect: &[&str]| {
            let all = ["tag=good", "tag=quiet", "baseline"].map(CompletionCandidate::new);
            let found = last_term(typed, all.into_iter());
            let found: Vec<_> = found.iter().map(|candidate| candidate.get_value().to_string_lossy()).collect();
            assert_eq!(found, expect, "{typed}");
        };
        check("", &["tag=good", "tag=quiet", "baseline"]);
        check("tag=q", &["tag=quiet"]);
        check("bios=1.2,tag=g", &["bios=1.2,tag=good"]);
        check("bios=1.2,", &["bios=1.2,tag=good", "bios=1.2,tag=quiet", "bios=1.2,baseline"]);
        check("no", &[]);
    }
}
