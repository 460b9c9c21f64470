//! What a run raises before it measures, through the real binary.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::{files, output, said};

#[test]
fn a_scratch_folder_that_cannot_be_used_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let check = |scratch: &str, expect: &str| {
        for dry in [&["--dry-run"][..], &[]] {
            let arguments = ["run", "--profile", "smoke", "--only", "stream", "--out", "here", "--scratch", scratch];
            let run = output(folder.path(), [&arguments[..], dry].concat());
            assert_eq!(run.status.code(), Some(2), "{scratch}: {}", said(&run));
            let text = String::from_utf8_lossy(&run.stderr).into_owned();
            assert!(text.contains(&format!("--scratch {scratch}")) && text.contains(expect), "{scratch}: {text}");
            assert!(!folder.path().join("here").exists(), "nothing is made for a run that is refused");
        }
    };
    check("nowhere", "there is no such folder");
    check("nowhere/below", "there is no such folder");
    check("file", "no folder");
    // A folder that even root cannot make files in.
    check("/proc", "no files can be made there");
}

#[test]
fn records_that_cannot_be_written_are_known_to_a_dry_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = output(folder.path(), ["run", "--dry-run", "--only", "stream", "--out", "/proc/none"]);
    assert_eq!(run.status.code(), Some(2), "{}", said(&run));
    assert!(said(&run).contains("--out"), "{}", said(&run));
}

#[test]
fn the_plan_says_where_test_files_go() {
    let folder = tempfile::tempdir().unwrap();
    let scratch = folder.path().join("scratch");
    fs::create_dir(&scratch).unwrap();
    let arguments =
        ["run", "--dry-run", "--profile", "smoke", "--only", "stream", "--out", "here", "--scratch", "scratch"];
    let run = output(folder.path(), arguments);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let text = String::from_utf8(run.stdout).unwrap();
    let line = text.lines().find(|line| line.starts_with("test files would go to")).unwrap();
    assert!(line.contains("scratch: ") && line.contains(" free)"), "{line}");

    let run = output(folder.path(), [&arguments[..], &["--json"]].concat());
    let place = &serde_json::from_slice::<Value>(&run.stdout).unwrap()["scratch"];
    assert!(place["folder"].as_str().unwrap().ends_with("/scratch"), "{place}");
    assert!(place["free"].is_u64() && place["file_system"].is_string() && place["devices"].is_array(), "{place}");
}

#[test]
fn one_folder_for_records_and_test_files_is_made() {
    let folder = tempfile::tempdir().unwrap();
    for dry in [&["--dry-run"][..], &[]] {
        let arguments = ["run", "--profile", "smoke", "--only", "stream", "--out", "both", "--scratch", "both"];
        let run = output(folder.path(), [&arguments[..], dry].concat());
        assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    }
}

#[test]
fn an_environment_for_pandas_is_one_or_the_run_does_not_begin() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    for environment in ["empty", "nowhere"] {
        let arguments = ["run", "--profile", "smoke", "--only", "stream", "--out", "here", "--pandas", environment];
        for dry in [&["--dry-run"][..], &[]] {
            let run = output(folder.path(), [&arguments[..], dry].concat());
            assert_eq!(run.status.code(), Some(2), "{}", said(&run));
            let expect = format!("--pandas {environment} is not a Python environment: it has no bin/python");
            assert!(
                said(&run).contains(&expect) && said(&run).contains("pip install pandas pyarrow"),
                "{}",
                said(&run)
            );
        }
    }
    assert!(!folder.path().join("here").exists() || files(&folder.path().join("here")).is_empty());
}

#[test]
fn a_cluster_has_an_input_or_the_run_does_not_begin() {
    let folder = tempfile::tempdir().unwrap();
    let check = |more: &[&str], expect: &str| {
        let arguments = ["run", "--profile", "smoke", "--only", "stream", "--out", "here", "--dry-run"];
        let run = output(folder.path(), [&arguments[..], more].concat());
        assert_eq!(run.status.code(), Some(2), "{}", said(&run));
        assert!(said(&run).contains(expect), "{}", said(&run));
    };
    check(&["--cluster", "local:2"], "--cluster-data <DIR>");
    check(&["--cluster-data", "data"], "--cluster <CLUSTER>");
    check(&["--cluster", "local:2", "--cluster-data", "nowhere"], "--cluster-data nowhere is no folder");
    let counts = ["--cluster", "local:2", "--cluster-data", ".", "--cluster-workers", "1,0"];
    check(&counts, "--cluster-workers <COUNTS>");
}

/// A specification that requires a figure of the feature workload.
const NEEDS_FEATURES: &str = r#"
[[system]]
id = "NODE"
name = "A node"
document = "order 4711"

[[system.target]]
id = "features.time"
title = "Feature engineering on 500 GB"
metric = "tabular.time_500gb"
value = "20 min"
better = "lower"
required = true
at = "position 1"
says = "20 minutes"
"#;

/// A run with a worker of the feature workload that does this instead.
fn with_feature_worker(folder: &Path, script: &str) -> std::process::Output {
    let program = folder.join("hostproof");
    fs::copy(env!("CARGO_BIN_EXE_hostproof"), &program).unwrap();
    let worker = folder.join("hostproof-tabular");
    fs::write(&worker, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&worker, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.join("node.toml"), NEEDS_FEATURES).unwrap();
    let arguments =
        ["run", "--profile", "smoke", "--only", "stream,tabular", "--spec", "node.toml", "--out", "here", "--json"];
    Command::new(&program).args(arguments).current_dir(folder).env("HOSTPROOF_BESIDE", "1").output().unwrap()
}

#[test]
fn a_worker_that_fails_is_a_reason_and_never_the_end_of_the_run() {
    let check = |script: &str, expect: &str| {
        let folder = tempfile::tempdir().unwrap();
        let run = with_feature_worker(folder.path(), script);
        assert_eq!(run.status.code(), Some(0), "{script}: {}", said(&run));
        let early = String::from_utf8_lossy(&run.stderr).into_owned();
        let (before, _) = early.split_once("stream: starts").unwrap();
        assert!(before.contains("warning: tabular cannot run here") && before.contains(expect), "{script}: {early}");
        assert!(before.contains("required and therefore not measured: features.time"), "{script}: {early}");
        let record = files(&folder.path().join("here")).remove(0);
        assert!(fs::read_to_string(record).unwrap().contains("\"worker_died\""), "{script}");
    };
    check("kill -9 $$", "SIGKILL");
    check("exit 3", "exit code 3");
    check("echo nonsense", "it sent a bad line");
}

#[test]
fn a_run_is_judged_where_its_store_cannot_be_indexed() {
    let check = |spoil: fn(&Path), warns: bool| {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("here");
        fs::create_dir(&store).unwrap();
        spoil(&store);
        let run = output(folder.path(), ["run", "--profile", "smoke", "--only", "stream", "--out", "here", "--json"]);
        assert_eq!(run.status.code(), Some(0), "{}", said(&run));
        serde_json::from_slice::<Value>(&run.stdout).unwrap();
        let warned = String::from_utf8_lossy(&run.stderr).contains("it is not sealed");
        assert_eq!(warned, warns, "{}", said(&run));
    };
    check(|store| fs::write(store.join("chain.jsonl"), "no link\n").unwrap(), true);
    // The index lives in memory then.
    check(|store| fs::create_dir(store.join(".index.sqlite")).unwrap(), false);
}
