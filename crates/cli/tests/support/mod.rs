//! Starts the real binary.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The binary under test, in a folder of its own, so that nothing is taken from this checkout.
pub(crate) fn hostproof(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hostproof"));
    // Tests measure beside each other: what they measure decides nothing.
    command.current_dir(folder).env("NO_COLOR", "1").env("HOSTPROOF_BESIDE", "1");
    command
}

/// Runs it to its end.
pub(crate) fn output<S: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = S>) -> Output {
    hostproof(folder).args(arguments).output().unwrap()
}

/// All files below a folder, but for the index and the chain that a store keeps of its records.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    let of_store = |path: &PathBuf| {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        name.starts_with(".index.sqlite") || name == "chain.jsonl"
    };
    found.retain(|path| !of_store(path));
    found.sort();
    found
}

/// What it printed, for messages of failed assertions.
pub(crate) fn said(output: &Output) -> String {
    format!(
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
