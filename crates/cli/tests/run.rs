//! The main job through the real binary, on the smoke profile.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use support::{files, hostproof, output, said};

/// The records below a folder; the index, the chain and the marks lie beside them.
fn records(folder: &Path) -> Vec<PathBuf> {
    files(folder).into_iter().filter(|path| path.ends_with("run.jsonl")).collect()
}

#[test]
fn a_run_is_recorded_and_judged_again_with_the_same_answer() {
    let folder = tempfile::tempdir().unwrap();
    let run = output(folder.path(), ["run", "--profile", "smoke", "--only", "stream", "--out", "here", "--json"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let shown: Value = serde_json::from_slice(&run.stdout).unwrap();

    let records = records(&folder.path().join("here"));
    assert_eq!(records.len(), 1, "{records:?}");
    let record = records[0].to_str().unwrap();
    let again = output(folder.path(), ["judge", record, "--json"]);
    assert_eq!(serde_json::from_slice::<Value>(&again.stdout).unwrap(), shown);

    // Under another specification it is another judgement of the same figures.
    let other = output(folder.path(), ["judge", record, "--spec", "LAT-OPT-2024", "--json"]);
    assert_eq!(other.status.code(), Some(0), "{}", said(&other));
    assert_ne!(serde_json::from_slice::<Value>(&other.stdout).unwrap(), shown);
}

#[test]
fn what_stream_must_measure_is_in_the_record() {
    let folder = tempfile::tempdir().unwrap();
    let run = output(folder.path(), ["run", "--profile", "smoke", "--only", "stream", "--out", "here"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let text = fs::read_to_string(&records(&folder.path().join("here"))[0]).unwrap();
    for metric in ["stream.read", "stream.triad", "stream.triad.best", "stream.triad.bus", "stream.latency"] {
        assert!(text.contains(&format!("\"{metric}\"")), "{metric} is missing:\n{}", said(&run));
    }
}

#[test]
fn an_interrupted_run_ends_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("here");
    let mut child = hostproof(folder.path())
        .args(["run", "--profile", "full", "--only", "stream", "--out", "here"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while records(&out).is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it began a record");
        sleep(Duration::from_millis(20));
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{}", said(&ended));
    let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
    let lines: Vec<&str> = stderr.lines().rev().take(2).collect();
    assert!(lines[0].starts_with("record: ") && lines[1].starts_with("stopped by the user: "), "{}", said(&ended));
    assert!(ended.stdout.is_empty(), "no judgement of what was cut short: {}", said(&ended));
    let records = records(&out);
    assert_eq!(records.len(), 1, "{records:?}");
    let text = fs::read_to_string(&records[0]).unwrap();
    assert!(text.trim_end().lines().last().unwrap().contains("interrupted"), "{text}");
    let judged = output(folder.path(), ["judge".as_ref(), records[0].as_os_str()]);
    assert_eq!(judged.status.code(), Some(0), "{}", said(&judged));
}

#[test]
fn a_dry_run_measures_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = output(folder.path(), ["run", "--dry-run", "--out", "here"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let text = String::from_utf8(run.stdout).unwrap();
    for workload in ["stream", "dense", "disk"] {
        assert!(text.contains(workload), "{text}");
    }
    assert!(files(folder.path()).is_empty());
}

#[test]
fn a_strict_run_refuses_a_host_that_needs_mending() {
    let folder = tempfile::tempdir().unwrap();
    let program = hostproof(folder.path()).get_program().to_owned();
    for command in ["run", "accept"] {
        let run = std::process::Command::new("sh")
            .args(["-c", "ulimit -n 1000; exec \"$0\" \"$@\""])
            .arg(&program)
            .args([command, "--strict", "--profile", "smoke", "--only", "stream", "--out", "here"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(run.status.code(), Some(4), "{}", said(&run));
        let text = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(text.contains("a process may open 1000 files") && text.contains("prlimit --nofile"), "{text}");
        assert!(files(folder.path()).is_empty(), "nothing is recorded");
    }
}

/// A system with one target, which any host meets.
const EASY: &str = r#"
[[system]]
id = "EASY"
name = "Any host"
document = "test"

[[system.target]]
id = "memory.triad"
title = "STREAM triad"
metric = "stream.triad"
value = "1 kB/s"
better = "higher"
required = true
at = "1"
says = "1 kB/s"

[[system.fact]]
id = "cpu.sockets"
value = 1000
required = true
at = "2"
says = "1000 sockets"
"#;

#[test]
fn the_gate_ends_with_its_answer_and_takes_no_specification_that_demands_nothing() {
    let check = |text: &str, dry_run: bool, code: i32, expect: &str| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("easy.toml"), text).unwrap();
        let mut arguments =
            vec!["accept", "--spec", "easy.toml", "--profile", "smoke", "--only", "stream", "--out", "here"];
        arguments.extend(dry_run.then_some("--dry-run"));
        let output = output(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let last = if code == 2 { stderr.lines().last() } else { stdout.lines().last() };
        assert!(last.unwrap_or_default().contains(expect), "{}", said(&output));
        assert_eq!(code != 2, stderr.contains("profile smoke is a look"), "{stderr}");
    };
    let undemanding = EASY.replace("required = true\n", "");
    check(&undemanding, false, 2, "EASY demands nothing that this suite measures");
    check(&undemanding, true, 2, "EASY demands nothing that this suite measures");
    // A part that is another rejects, whatever was measured.
    check(EASY, false, 1, "REJECTED: 0 of 2 required criteria are met; failed: cpu.sockets");
}

#[test]
fn the_parts_can_decide_before_anything_is_measured() {
    let check = |text: &str, more: &[&str], code: i32, expect: &str| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("easy.toml"), text).unwrap();
        let usual = ["accept", "--facts-first", "--spec", "easy.toml", "--only", "stream", "--out", "here"];
        let output = output(folder.path(), usual.iter().chain(more));
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let told = if code == 2 { &stderr } else { &stdout };
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(expect), "{}", said(&output));
        if more.is_empty() && code != 2 && code != 0 {
            assert!(told.ends_with("not decided: memory.triad."), "the answer is the last line: {stdout}");
        }
        let is_measured = stdout.contains("judged by") || code == 2;
        assert_eq!(stderr.contains("nothing was measured"), !is_measured, "{stderr}");
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["easy.toml"], "nothing is written");
    };
    let rejected = "REJECTED: 0 of 2 required criteria are met; failed: cpu.sockets";
    check(EASY, &[], 1, rejected);
    check(EASY, &["--json"], 1, "\"acceptance\": \"rejected\"");
    check(EASY, &["--dry-run"], 1, rejected);
    // A fact that the target depends on, and that is not demanded itself.
    let dependent = EASY.replace("value = 1000\nrequired = true", "value = 1000");
    let dependent = dependent.replace("better = \"higher\"", "better = \"higher\"\ndepends_on = [\"cpu.sockets\"]");
    check(&dependent, &[], 4, "NOT DECIDED: 0 of 1 required criteria are met; not decided: memory.triad");
    // Nothing that is demanded hangs on it: it goes on as always, here to the plan.
    let harmless = EASY.replace("value = 1000\nrequired = true", "value = 1000");
    check(&harmless, &["--dry-run"], 0, "judged by EASY");
    check(&EASY.replace("required = true\n", ""), &[], 2, "EASY demands nothing that this suite measures");
}

#[test]
fn wrong_use_says_what_to_do_and_exits_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let check = |arguments: &[&str], expect: &str| {
        let output = output(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(expect), "{arguments:?}: {text}");
    };
    check(&["run", "--spec", "no-such-system"], "`hostproof spec list` lists them");
    check(&["run", "--spec", "PY-HPC-2024"], "did you mean PY-HPC-2024.Q3?");
    check(&["run", "--only", "streem"], "stream");
    check(&["judge", "no-such-run", "--out", "nowhere"], "no-such-run");
    check(&["spec", "check", "no-such-file.toml"], "no-such-file.toml");
    check(&["plan", "--topology", "pack:nonsense"], "pack:nonsense");
    check(&["run", "--out", "/proc/none"], "--out");
    check(&["run", "--only", "stream", "--isa", "mmx"], "mmx");
    check(&["run", "--only", "dense", "--engine", "gauss"], "gauss");
}

#[test]
fn a_member_of_a_closed_set_that_is_not_there_ends_with_the_possible_ones() {
    let folder = tempfile::tempdir().unwrap();
    let check = |arguments: [&str; 2], expect: &str| {
        let run = output(folder.path(), [["run", "--dry-run"], arguments].concat());
        assert_eq!(run.status.code(), Some(2), "{arguments:?}: {}", said(&run));
        assert!(said(&run).contains(expect), "{arguments:?}: {}", said(&run));
    };
    check(["--isa", "avx5122"], "possible values: scalar, avx2, avx512");
    check(["--engine", "laplack"], "possible values: team, lapack");
    check(["--profile", "quik"], "possible values: smoke, quick, full");
    check(["--only", "streem"], "possible values: stream, dense, disk, tabular");
}
