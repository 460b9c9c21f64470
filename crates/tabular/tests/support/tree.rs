//! Folders before and after, and the program between.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// How a result is made: the three modes, and the peer.
pub const WAYS: [&[&str]; 4] =
    [&["--mode", "phased"], &["--mode", "fused"], &["--mode", "bucketed"], &["--engine", "pandas"]];

/// Everything below a folder by its path: the bytes of files, what links lead to, nothing of folders. Links are not followed.
pub fn tree(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut tree = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let kind = fs::symlink_metadata(&path).expect("it is there").file_type();
        let content = if kind.is_symlink() {
            Some(fs::read_link(&path).expect("a link").into_os_string().into_encoded_bytes())
        } else if kind.is_file() {
            Some(fs::read(&path).expect("a file"))
        } else {
            tree.append(&mut self::tree(&path));
            None
        };
        tree.insert(path, content);
    }
    tree
}

/// The program, with a stand-in for Python that ends with an error unless it is told otherwise.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hostproof-tabular"));
    command.env("HOSTPROOF_PYTHON", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/python.sh"));
    command.env("FAKE", "fail");
    command
}

/// Asks for a result.
pub fn run(input: &Path, out: impl AsRef<Path>, more: &[&str]) -> Output {
    program().arg("run").arg("--in").arg(input).arg("--out").arg(out.as_ref()).args(more).output().expect("it starts")
}

/// What a process said that must have been refused, as a sentence of one line.
pub fn said(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    said
}

/// Sees that a process ended well.
pub fn done(output: &Output) {
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
}
