//! A report of many runs: what it takes of memory for each, and that it says the same of all.

#[allow(dead_code, reason = "other test programs use the rest of it")]
mod support;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use support::{hostproof, output, said};

/// Bytes that a run more may take: with the page, a thousand must fit into 200 MB.
const EACH: u64 = 150_000;

/// Runs of boots of their own: copies of a whole one of the tests' records. Every second one has another configuration.
fn store(folder: &Path, runs: usize) -> Vec<String> {
    let record = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/0.1.0/complete/run.jsonl");
    let text = fs::read_to_string(record).unwrap();
    let (head, rest) = text.split_once('\n').unwrap();
    let run = |number: usize| {
        let (hour, minute) = (number / 60, number % 60);
        let id = format!("20260101T{hour:02}{minute:02}00Z-{number:04x}");
        let head = head
            .replace("20261129T020817Z-f349", &id)
            .replace("2026-11-29T02:08:17Z", &format!("2026-01-01T{hour:02}:{minute:02}:00Z"))
            .replace("\"boot_id\":\"5d1b6c0e", &format!("\"boot_id\":\"{number:08x}"))
            .replace("\"config\":{", &format!("\"config\":{{\"bios.version\":\"1.{}\",", number % 2));
        let place = folder.join("here/hosts/vm").join(&id);
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("run.jsonl"), format!("{head}\n{rest}")).unwrap();
        id
    };
    (0..runs).map(run).collect()
}

/// The most memory that a report takes: when its first byte comes out, all of it is made.
fn peak(folder: &Path, ids: &[String]) -> u64 {
    let mut report = hostproof(folder)
        .arg("report")
        .args(ids)
        .args(["--out", "here", "--html", "-", "--csv", "all.csv"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut page = report.stdout.take().unwrap();
    page.read_exact(&mut [0]).unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", report.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    let mut rest = Vec::new();
    page.read_to_end(&mut rest).unwrap();
    assert!(rest.len() > 100_000, "the page is longer than a pipe holds");
    assert!(report.wait().unwrap().success());
    kib * 1024
}

#[test]
fn a_run_more_takes_little_memory() {
    const FEW: usize = 40;
    const MANY: usize = 160;
    let folder = tempfile::tempdir().unwrap();
    let ids = store(folder.path(), MANY);
    // The index is made before: it lists all runs of the store in both cases.
    let listed = output(folder.path(), ["store", "list", "--out", "here"]);
    assert_eq!(listed.status.code(), Some(0), "{}", said(&listed));
    let (few, many) = (peak(folder.path(), &ids[..FEW]), peak(folder.path(), &ids));
    let each = many.saturating_sub(few) / (MANY - FEW) as u64;
    assert!(each < EACH, "{each} bytes for a run more: {few} of {FEW}, {many} of {MANY}");
    let table = fs::read_to_string(folder.path().join("all.csv")).unwrap();
    let of = |id: &String| table.lines().filter(|line| line.starts_with(id.as_str())).count();
    assert!(of(&ids[0]) > 100 && ids.iter().all(|id| of(id) == of(&ids[0])), "each run has all its samples");
}
