//! Many runs: what a report takes of memory for each, and what a fleet reads of each.

#[allow(dead_code, reason = "other test programs use the rest of it")]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use fleet::Account;
use measure::Run;
use sha2::{Digest, Sha256};
use spec::System;
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

/// Every system that is built in, with its siblings.
fn systems() -> Vec<(System, Vec<System>)> {
    let all = spec::SOURCES.iter().flat_map(|source| {
        let siblings = spec::parse(source.text, source.file).unwrap();
        siblings.clone().into_iter().map(move |system| (system, siblings.clone()))
    });
    all.collect()
}

#[test]
fn a_fleet_reads_of_a_record_what_it_is_judged_by_and_says_the_same() {
    for kind in ["complete", "interrupted"] {
        let record = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/0.1.0/{kind}/run.jsonl"));
        let bytes = fs::read(&record).unwrap();
        let whole = record::read(&record).unwrap();
        let sha256 = hex::encode(Sha256::digest(&bytes));
        let systems = systems();
        assert!(systems.len() > 15);
        for (system, siblings) in &systems {
            let audit = spec::audit::audit(system, siblings);
            let companions = spec::companions(system, &audit);
            let asked_for = verdict::asked_for(system, &companions);
            let part = record::read_sealed(&record, &sha256, &|metric| asked_for.contains(metric)).unwrap();
            let judge = |run: &Run| {
                let judgement = verdict::judge(run, system, &audit.grades(), &companions);
                (Account::of(run, &[], &judgement), judgement)
            };
            assert_eq!(judge(&part), judge(&whole), "{kind} by {}", system.id);
            let share = parsed(&bytes, &asked_for) as f64 / bytes.len() as f64;
            assert!(share < 0.35, "{kind} by {}: {share} of the bytes are parsed", system.id);
        }
    }
}

/// Bytes of the lines that are no measurement that nobody asks for.
fn parsed(record: &[u8], asked_for: &BTreeSet<&str>) -> usize {
    let is_parsed = |line: &&[u8]| {
        let line = std::str::from_utf8(line).unwrap();
        let name = line.strip_prefix("{\"event\":{\"measured\":{\"name\":\"").and_then(|rest| rest.split('"').next());
        name.is_none_or(|name| asked_for.contains(name))
    };
    record.split_inclusive(|byte| *byte == b'\n').filter(is_parsed).map(<[u8]>::len).sum()
}
