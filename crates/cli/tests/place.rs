//! Storage is judged on the drives that a specification names: records of synthetic hosts through the binary.

#[allow(dead_code, reason = "other test programs use the rest of it")]
mod simulate;
mod support;

use std::fs;
use std::path::Path;

use measure::random::SplitMix64;
use measure::{DrivesBelow, Outcome, Run, SpecSource, StoragePlace, Unit, Workload};
use serde_json::Value;
use simulate::Host;
use support::{output, said};

/// A drive that every host has, and a rate that the simulated hosts reach.
const SYSTEM: &str = r#"
[[system]]
id = "PLACE"
name = "A volume"
document = "test"

[[system.fact]]
id = "storage.scratch.drives"
value = 1
required = true
at = "1"
says = "one drive"

[[system.fact]]
id = "storage.scratch.media"
value = "nvme"
required = true
at = "1"
says = "NVMe"

[[system.target]]
id = "storage.read"
title = "Sequential read"
metric = "disk.seqread.bandwidth"
value = "0.5 GB/s"
better = "higher"
required = true
at = "2"
says = "0.5 GB/s"
depends_on = ["storage.scratch.drives", "storage.scratch.media"]
"#;

/// A record of a host whose volume is one drive of this kind, and whose files lay there.
fn record(folder: &Path, system: &str, media: &str, drives: Option<DrivesBelow>) -> String {
    let mut run = Host::usual().run(1, &mut SplitMix64::new(7));
    run.spec = SpecSource { id: "PLACE".into(), sha256: String::new(), text: system.to_owned() };
    run.facts.quantity("storage.scratch.drives", 1.0, Unit::Count, "test");
    run.facts.text("storage.scratch.media", media, "test");
    run.facts.text("storage.scratch.devices", "nvme1n1", "test");
    place(&mut run, drives);
    let path = folder.join("run.jsonl");
    simulate::write(&path, &run);
    path.to_str().unwrap().to_owned()
}

fn place(run: &mut Run, drives: Option<DrivesBelow>) {
    let place = drives.map(|drives| StoragePlace {
        path: "/mnt/x".into(),
        mount_point: "/mnt".into(),
        file_system: "xfs".into(),
        source: "/dev/mapper/x".into(),
        drives,
        free: Some(2_000_000_000_000),
    });
    for attempt in run.attempts.iter_mut().filter(|attempt| attempt.workload == Workload::Disk) {
        for outcome in &mut attempt.outcomes {
            if let Outcome::Measured(one) = outcome {
                one.place = place.clone().map(Box::new);
            }
        }
    }
}

/// The acceptance of a record, and the row of its only target.
fn judged(folder: &Path, record: &str) -> (String, Value) {
    let run = output(folder, ["judge", record, "--json"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let judged: Value = serde_json::from_slice(&run.stdout).unwrap();
    (judged["acceptance"].as_str().unwrap().to_owned(), judged["targets"][0].clone())
}

#[test]
fn files_on_other_drives_or_on_unknown_ones_are_never_accepted() {
    let check =
        |system: &str, media: &str, drives: Option<DrivesBelow>, acceptance: &str, verdict: &str, words: &str| {
            let folder = tempfile::tempdir().unwrap();
            let record = record(folder.path(), system, media, drives.clone());
            let (answer, row) = judged(folder.path(), &record);
            assert_eq!((answer.as_str(), row["verdict"].as_str().unwrap()), (acceptance, verdict), "{row}");
            let text = format!("{} {}", row["reason"], row["remarks"]);
            assert!(text.contains(words), "{text}");
            // People see where the files lay, in the head of the table.
            let shown = output(folder.path(), ["judge", &record]);
            let shown = String::from_utf8(shown.stdout).unwrap();
            assert_eq!(shown.contains("test files in /mnt/x: "), drives.is_some(), "{shown}");
        };
    let known = |name: &str| Some(DrivesBelow::Known(vec![name.to_owned()]));
    let by_hypervisor = || Some(DrivesBelow::Virtual(vec!["nvme1n1".to_owned()]));
    let of_lvm = || Some(DrivesBelow::Unknown("dm-0 is a map of other devices".to_owned()));
    let virtual_one = SYSTEM.replace("value = \"nvme\"", "value = \"virtio\"");
    let without = SYSTEM
        .replace("storage.scratch", "storage.boot")
        .replace("depends_on = [\"storage.boot.drives\", \"storage.boot.media\"]", "depends_on = []");
    let without = without.replace("required = true\nat = \"1\"", "at = \"1\"");

    check(SYSTEM, "nvme", known("nvme1n1"), "accepted", "PASS", "above");
    check(
        SYSTEM,
        "nvme",
        known("nvme0n1"),
        "not-comparable",
        "NOT-COMPARABLE",
        "lay on nvme0n1 (xfs on /mnt, 2 TB free)",
    );
    check(SYSTEM, "nvme", of_lvm(), "inconclusive", "INCONCLUSIVE", "dm-0 is a map of other devices");
    check(SYSTEM, "nvme", by_hypervisor(), "inconclusive", "INCONCLUSIVE", "the hypervisor does not say");
    check(SYSTEM, "nvme", None, "inconclusive", "INCONCLUSIVE", "does not say where they were");
    check(&virtual_one, "virtio", by_hypervisor(), "accepted", "PASS", "above");
    check(&virtual_one, "virtio", of_lvm(), "inconclusive", "INCONCLUSIVE", "dm-0");
    let said = "states no volume: judged where the files lay, on nvme0n1";
    check(&without, "nvme", known("nvme0n1"), "accepted", "PASS", said);
    check(&without, "nvme", of_lvm(), "accepted", "PASS", "judged where the files lay, on unknown drives");
}

#[test]
fn a_record_says_where_its_test_files_lay() {
    if disk::available().is_err() {
        return println!("nothing is measured: there is no io_uring");
    }
    let folder = tempfile::tempdir().unwrap();
    let run = output(folder.path(), ["run", "--profile", "smoke", "--only", "disk", "--out", "here"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let text = String::from_utf8(run.stdout).unwrap();
    let line = text.lines().find(|line| line.starts_with("test files in ")).unwrap_or_else(|| panic!("{text}"));
    assert!(line.contains("/here: "), "{line}");
    let records = support::files(&folder.path().join("here"));
    let record = records.iter().find(|path| path.ends_with("run.jsonl")).unwrap();
    let lines = fs::read_to_string(record).unwrap();
    let measured: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_disk = |line: &&Value| {
        let name = line.pointer("/event/measured/name").and_then(Value::as_str);
        name.is_some_and(|name| name.starts_with("disk."))
    };
    let places: Vec<&Value> =
        measured.iter().filter(of_disk).map(|line| line.pointer("/event/measured/place").unwrap()).collect();
    assert!(!places.is_empty());
    assert!(places.iter().all(|place| place["path"].as_str().unwrap().ends_with("/here")), "{:?}", places[0]);
}
