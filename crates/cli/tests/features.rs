//! The feature workload, whose program lies beside this one or does not.

#[allow(dead_code, reason = "other test programs use the rest of it")]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::{files, said};

/// The program alone in a folder, as where the feature workload is not built.
fn alone(folder: &Path) -> PathBuf {
    let program = folder.join("hostproof");
    fs::copy(env!("CARGO_BIN_EXE_hostproof"), &program).unwrap();
    program
}

fn output(program: &Path, arguments: &[&str]) -> std::process::Output {
    let folder = program.parent().unwrap();
    Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("HOSTPROOF_BESIDE", "1")
        .output()
        .unwrap()
}

#[test]
fn where_it_is_not_built_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let program = alone(folder.path());
    for arguments in
        [&["features", "verify", "result", "--in", "data"][..], &["run", "--only", "tabular", "--out", "here"]]
    {
        let refused = output(&program, arguments);
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(text.contains("cargo build --release -p tabular"), "{text}");
    }
}

#[test]
fn without_it_a_run_goes_on_and_two_runs_are_judged_together() {
    let folder = tempfile::tempdir().unwrap();
    let program = alone(folder.path());
    let first = output(&program, &["run", "--profile", "smoke", "--only", "stream,tabular", "--out", "here"]);
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    let record = fs::read_to_string(&files(&folder.path().join("here"))[0]).unwrap();
    assert!(record.contains("\"not_built\""), "{record}");

    let both = output(
        &program,
        &["run", "--profile", "smoke", "--only", "stream", "--with", "latest", "--out", "here", "--json"],
    );
    assert_eq!(both.status.code(), Some(0), "{}", said(&both));
    let shown: Value = serde_json::from_slice(&both.stdout).unwrap();
    let text = shown.to_string();
    assert!(text.contains("not built"), "{text}");
}

#[test]
fn arguments_are_handed_over() {
    let folder = tempfile::tempdir().unwrap();
    let program = alone(folder.path());
    let other = folder.path().join("hostproof-tabular");
    fs::write(&other, "#!/bin/sh\necho \"$@\"\nexit 7\n").unwrap();
    fs::set_permissions(&other, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let handed = output(&program, &["features", "run", "--in", "data", "--help"]);
    assert_eq!(handed.status.code(), Some(7), "{}", said(&handed));
    assert_eq!(String::from_utf8_lossy(&handed.stdout), "run --in data --help\n");
}

#[test]
fn a_cluster_reaches_the_worker_with_absolute_paths() {
    let folder = tempfile::tempdir().unwrap();
    let program = alone(folder.path());
    let other = folder.path().join("hostproof-tabular");
    fs::write(&other, "#!/bin/sh\ncat > \"$(dirname \"$0\")/request\"\nexit 7\n").unwrap();
    fs::set_permissions(&other, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    let run = ["run", "--dry-run", "--only", "tabular", "--out", "here", "--cluster", "tcp://n1:8786"];
    let more = [
        "--cluster-data",
        "data",
        "--cluster-workers",
        "1,2",
        "--cluster-python",
        "python3",
        "--cluster-program",
        "bin/p",
    ];
    output(&program, &[&run[..], &more].concat());
    let request: Value = serde_json::from_slice(&fs::read(folder.path().join("request")).unwrap()).unwrap();
    let choice = request.pointer("/task/Plan/choices/cluster");
    let path = |name: &str| folder.path().canonicalize().unwrap().join(name).display().to_string();
    let expect = serde_json::json!({
        "cluster": "tcp://n1:8786", "data": path("data"), "workers": [1, 2], "python": "python3", "program": path("bin/p"),
    });
    assert_eq!(choice, Some(&expect), "{request}");
}
