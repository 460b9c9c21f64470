//! The dense workload through the real binary, on the smoke profile: the library missing, and the library alone.

mod support;

use std::fs;
use std::path::Path;
use std::process::Output;

use support::{files, hostproof, output, said};

const SMOKE: [&str; 7] = ["run", "--profile", "smoke", "--only", "dense", "--out", "here"];

/// What the record of a run says that ended well.
fn record(folder: &Path, run: &Output) -> String {
    assert_eq!(run.status.code(), Some(0), "{}", said(run));
    fs::read_to_string(&files(&folder.join("here"))[0]).unwrap()
}

#[test]
fn a_missing_library_is_a_reason_in_the_record_and_ends_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let run = hostproof(folder.path()).args(SMOKE).env("HOSTPROOF_BLAS", "libnone.so.7").output().unwrap();
    let text = record(folder.path(), &run);
    let line = |metric: &str| {
        let name = format!("\"{metric}\"");
        text.lines().find(|line| line.contains(&name)).unwrap_or_else(|| panic!("{metric} is missing:\n{text}"))
    };
    for metric in ["dense.dgemm", "dense.hpl"] {
        assert!(line(metric).contains("libnone.so.7") && line(metric).contains("apt-get install"), "{}", line(metric));
    }
    assert!(line("dense.fma").contains("samples"), "{}", line("dense.fma"));
}

#[test]
fn the_library_alone_solves_the_systems_where_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let run = output(folder.path(), SMOKE.into_iter().chain(["--engine", "lapack"]));
    let text = record(folder.path(), &run);
    assert!(text.contains("\"dense.hpl.lapack\""), "{text}");
    assert!(!text.contains("\"dense.hpl.curve\""), "{text}");
}
