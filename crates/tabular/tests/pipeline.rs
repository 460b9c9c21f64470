//! The pipeline as a person starts it: every mode on both layouts is what the reference says, whatever the number of
//! threads; what is wrong with an input is said.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tabular::generate::{self, Config};
use tabular::manifest::Layout;
use tabular::verify::{self, Options, Verified};

const MODES: [&str; 3] = ["phased", "fused", "bucketed"];

/// Data of some thousand rows in many files, each of which is decoded as one piece, with users and items that the dimension tables lack.
fn data(folder: &Path, layout: Layout) -> PathBuf {
    let out = folder.join("data");
    let config = Config { layout, rows: 25_000, row_group_rows: 150, ..Config::smoke(out.clone()) };
    generate::generate(&config, &|_| ()).unwrap();
    out
}

fn run(input: &Path, output: &Path, more: &[&str]) -> Output {
    started(input, output, more).output().unwrap()
}

fn started(input: &Path, output: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hostproof-tabular"));
    command.arg("run").arg("--in").arg(input).arg("--out").arg(output).args(more);
    command
}

fn verified(input: &Path, output: &Path) -> Verified {
    let verified = verify::verify(output, input, &Options::default(), &|_| ()).unwrap();
    assert!(verified.is_full());
    verified
}

#[test]
fn every_mode_is_right_on_both_layouts_with_any_number_of_threads() {
    for layout in [Layout::Arrival, Layout::Bucketed] {
        let folder = tempfile::tempdir().unwrap();
        let input = data(folder.path(), layout);
        let mut digests = Vec::new();
        for mode in MODES {
            for threads in ["1", "2", "5"] {
                let output = folder.path().join(format!("{mode}-{threads}"));
                // As the workload sets it for the processes that it starts, which may be more than this host has.
                let mut command = started(&input, &output, &["--mode", mode]);
                command.env("POLARS_MAX_THREADS", threads).env("_RJEM_MALLOC_CONF", "thp:never");
                let ran = command.output().unwrap();
                assert!(ran.status.success(), "{mode}: {}", String::from_utf8_lossy(&ran.stderr));
                let columns = verified(&input, &output).columns;
                digests.push(
                    columns.into_iter().map(|column| (column.name, column.nulls, column.digest)).collect::<Vec<_>>(),
                );
            }
        }
        assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{layout:?}");
    }
}

#[test]
fn phases_come_as_lines_with_a_report_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let input = data(folder.path(), Layout::Arrival);
    let ran = run(&input, &folder.path().join("result"), &["--json", "--threads", "1", "--cache", "warm"]);
    let text = String::from_utf8(ran.stdout).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (last, phases) = lines.split_last().unwrap();
    let names: Vec<&str> = phases.iter().map(|phase| phase["phase"].as_str().unwrap()).collect();
    let expect = [
        "load.read",
        "load.decode",
        "t01",
        "t02",
        "t03",
        "t04",
        "t05",
        "t06",
        "t07",
        "t08",
        "t09",
        "t10",
        "save.encode",
        "save.sync",
    ];
    assert_eq!(names, expect);
    assert_eq!((last["report"]["rows"].as_u64(), last["report"]["threads"].as_u64()), (Some(25_000), Some(1)));
    assert!(phases.iter().all(|phase| phase["seconds"].as_f64().unwrap() > 0.0), "{text}");
}

/// A run that must fail and say `words`, and leave nothing under the output's name.
fn check_refused(input: &Path, output: &Path, words: &str) {
    for mode in MODES {
        let ran = run(input, output, &["--mode", mode]);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(2), "{mode}: {said}");
        assert!(said.contains(words), "{mode}: {said}");
        assert!(!output.exists(), "{mode}");
    }
}

#[test]
fn what_is_wrong_with_an_input_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("result");
    check_refused(&folder.path().join("nowhere"), &output, "nowhere");
    let input = data(folder.path(), Layout::Arrival);
    let events = input.join("events");
    let first = fs::read_dir(&events).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&first).unwrap();
    fs::write(&first, &whole[..whole.len() - 100]).unwrap();
    check_refused(&input, &output, "damaged");
    let mut disturbed = whole.clone();
    let middle = whole.len() / 3;
    disturbed[middle..middle + 5_000].fill(0xA5);
    fs::write(&first, &disturbed).unwrap();
    check_refused(&input, &output, first.file_name().unwrap().to_str().unwrap());
    fs::copy(fs::read_dir(input.join("users")).unwrap().next().unwrap().unwrap().path(), &first).unwrap();
    check_refused(&input, &output, "has no column `row_id`");
}

#[test]
fn threads_are_bounded_by_the_processors_and_what_is_left_out_by_the_whole() {
    let check = |arguments: &[&str], words: &str| {
        let ran = Command::new(env!("CARGO_BIN_EXE_hostproof-tabular")).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    };
    for threads in ["0", "-1", "1000000", "many"] {
        let threads = format!("--threads={threads}");
        check(&["run", "--in", "nowhere", "--out", "nowhere", &threads], "processors of this host");
        check(&["generate", "--size", "1MB", "--out", "nowhere", &threads], "processors of this host");
    }
    check(&["generate", "--size", "1MB", "--out", "nowhere", "--left-out", "1001"], "1001 is not in 0..=1000");
}

#[test]
fn an_error_of_the_operating_system_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(&folder.path().join("nowhere"), &folder.path().join("result"), &[]);
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(said.matches("No such file or directory").count(), 1, "{said}");
}
