//! The dense workload through the real binary, on the smoke profile: the library missing, and the library alone.

mod support;

use std::fs;

use support::{files, hostproof, said};

/// What the record of a run with this BLAS and these further arguments says.
fn record(blas: Option<&str>, further: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut run = hostproof(folder.path());
    run.args(["run", "--profile", "smoke", "--only", "dense", "--out", "here"]).args(further);
    run.envs(blas.map(|file| ("HOSTPROOF_BLAS", file)));
    let run = run.output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    fs::read_to_string(&files(&folder.path().join("here"))[0]).unwrap()
}

#[test]
fn a_missing_library_is_a_reason_in_the_record_and_ends_nothing_else() {
    let text = record(Some("libnone.so.7"), &[]);
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
    let text = record(None, &["--engine", "lapack"]);
    assert!(text.contains("\"dense.hpl.lapack\""), "{text}");
    assert!(!text.contains("\"dense.hpl.curve\""), "{text}");
}
