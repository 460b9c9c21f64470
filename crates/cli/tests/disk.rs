//! `hostproof disk`: what is typed, what is printed, and what is said of mistakes.

#[allow(dead_code, reason = "other test programs use the rest of it")]
mod support;

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use support::{hostproof, output, said};

/// Runs it in a folder; `None` where the kernel has no `io_uring` for us.
fn ran(folder: &Path, arguments: &[&str]) -> Option<Output> {
    let done = output(folder, std::iter::once("disk").chain(arguments.iter().copied()));
    if String::from_utf8_lossy(&done.stderr).contains("io_uring") {
        println!("nothing is run: {}", said(&done));
        return None;
    }
    assert!(done.status.success(), "{}", said(&done));
    Some(done)
}

/// What a command said beside its results, but for the warning that somebody measures at the same time: other tests do.
fn notes(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines().filter(|line| !line.contains("another measurement runs")).map(str::to_owned).collect()
}

#[test]
fn options_of_the_command_line_are_a_job() {
    let dir = tempfile::tempdir().unwrap();
    let typed = [
        "--bs=8k",
        "--name=a",
        "--rw=randrw",
        "--size",
        "1m",
        "--stonewall",
        "--name=b",
        "--rw=write",
        "--size=64k",
        "--write_bw_log=speed",
        "--output-format=json",
    ];
    let Some(done) = ran(dir.path(), &typed) else { return };
    let document: Value = serde_json::from_slice(&done.stdout).unwrap();
    let row = |job: usize| {
        (document["jobs"][job]["jobname"].as_str().unwrap(), document["jobs"][job]["write"]["total_ios"].as_u64())
    };
    assert_eq!((row(0).0, row(1)), ("a", ("b", Some(8))));
    assert_eq!(document["global options"]["bs"], "8k");
    assert_eq!(notes(&done), [] as [&str; 0], "no progress where nobody looks");
    assert!(dir.path().join("speed_bw.2.log").is_file());
}

#[test]
fn text_has_totals_and_short_lines() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    fs::write(
        dir.path().join("sub/job.fio"),
        "[a]\nrw=randrw\nsize=4m\niodepth=8\nioengine=libaio\nverify_backlog=8\n",
    )
    .unwrap();
    let typed = ["sub/job.fio", "--output=result", "--output-format=normal,json", "--eta=never"];
    let Some(done) = ran(dir.path(), &typed) else { return };
    assert!(done.stdout.is_empty(), "{}", said(&done));
    let text = fs::read_to_string(dir.path().join("result")).unwrap();
    let (text, json) = text.split_once("\n{").unwrap();
    for part in
        ["hostproof-", "a (1 worker)", " MiB/s (", " MB/s); ", " MiB in ", "mean ", "standard deviation ", "p99.99 "]
    {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    let document: Value = serde_json::from_str(&format!("{{{json}")).unwrap();
    assert_eq!(document["jobs"][0]["jobname"], "a");
    // An earlier result is replaced, nothing else is.
    assert!(ran(dir.path(), &typed).is_some());
    fs::write(dir.path().join("result"), "somebody's thesis").unwrap();
    let refused = output(dir.path(), std::iter::once("disk").chain(typed));
    assert!(said(&refused).contains("result is there already"), "{}", said(&refused));
    assert_eq!(fs::read_to_string(dir.path().join("result")).unwrap(), "somebody's thesis");
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "a test file lies in the working folder and has no name: {names:?}");
}

#[test]
fn mistakes_are_said_once_and_end_with_2() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.fio"), "[a]\nsize=1m\nbs=${BLOCK}\n").unwrap();
    let check = |arguments: &[&str], expect: &str| {
        let mut command = hostproof(dir.path());
        let done = command.arg("disk").args(arguments).env_remove("BLOCK").output().unwrap();
        assert_eq!(done.status.code(), Some(2), "{}", said(&done));
        assert_eq!(notes(&done), [format!("error: {expect}")]);
    };
    check(&["a.fio"], "a.fio:3: bs has no value (a variable that is not set is empty)");
    check(&["b.fio"], "cannot read b.fio: No such file or directory (os error 2)");
    check(
        &["--name=a", "--rw=read"],
        "command line:1: it has neither a size in bytes nor a file: say size=, or name what is there with filename=",
    );
    check(
        &["--name=a", "--size=1m", "--filename=no/such/folder/x"],
        "no/such/folder could not be examined: No such file or directory (os error 2)",
    );
    check(&[], "command line:0: no job defined: add a section such as [read], or --name=read");
    check(
        &["--name=a", "--size=1m", "--filename=/dev/zero"],
        "/dev/zero is a character device: jobs run on files and block devices",
    );
}

#[test]
fn parse_only_does_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.fio");
    fs::write(&path, "[a]\nrw=write\nfilename=${FILE}\nsize=1m\n").unwrap();
    let run =
        |file: &str| hostproof(dir.path()).args(["disk", "--parse-only", "a.fio"]).env("FILE", file).output().unwrap();
    let taken = run("a.fio");
    assert!(taken.status.success() && taken.stdout.is_empty(), "{}", said(&taken));
    assert_eq!(run("").status.code(), Some(2));
    assert!(fs::read_to_string(&path).unwrap().starts_with("[a]"));
}
