//! Empty, truncated and random content in every file that an inventory reads: nothing panics, everything is answered.

mod fixture;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fixture::{Host, bare, documented};
use machine::doctor::advise_on;
use machine::inventory::take_with;
use machine::telemetry::{Telemetry, Watch};
use proptest::prelude::*;
use proptest::test_runner::Config;

fn files(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files(&entry.path(), all);
        } else if kind.is_file() {
            all.push(entry.path());
        }
    }
}

/// The noise matters, not the number of CPUs.
fn small() -> Host {
    documented(1)
}

/// Everything that reads the tree.
fn read_all(host: &Host) {
    let inventory = take_with(host.root(), host);
    assert!(inventory.facts.0.len() > 40);
    let _ = (inventory.tables(), inventory.fingerprint(), advise_on(host.root(), &inventory, host.root()));
    let watch = Watch {
        root: host.root().to_owned(),
        interval: Duration::from_hours(1),
        processes: vec![1],
        workers: "0-1".parse().unwrap(),
    };
    assert_eq!(Telemetry::start(watch).unwrap().stop().points.len(), 1);
}

#[test]
fn an_empty_root_is_answered() {
    let host = small();
    for folder in ["sys", "proc", "run", "dev"] {
        host.remove(folder);
    }
    read_all(&host);
}

#[test]
fn a_root_that_does_not_exist_is_answered() {
    let facts = machine::inventory::inspect(Path::new("/there/is/no/such/folder"));
    assert!(facts.value("cpu.model").is_none());
}

proptest! {
    #![proptest_config(Config { cases: 24, ..Config::default() })]

    #[test]
    fn truncated_files_are_answered(keep in 0_usize..12, every in 1_usize..5) {
        let host = small();
        let mut all = Vec::new();
        files(host.root(), &mut all);
        for file in all.iter().step_by(every) {
            let mut bytes = fs::read(file).unwrap();
            bytes.truncate(keep);
            fs::write(file, bytes).unwrap();
        }
        read_all(&host);
    }

    #[test]
    fn random_files_are_answered(
        noise in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..12),
        every in 1_usize..4,
    ) {
        let host = small();
        let mut all = Vec::new();
        files(host.root(), &mut all);
        for (file, bytes) in all.iter().step_by(every).zip(noise.iter().cycle()) {
            fs::write(file, bytes).unwrap();
        }
        read_all(&host);
    }

    #[test]
    fn hostile_words_are_answered(word in prop::sample::select(vec![
        "18446744073709551615", "-9223372036854775808", "99999999999999999999999", "0x", "0xffffffffffffffff", "[", "]",
        "../../../../etc/passwd", ":", ")", "NaN", "inf", "1e400", "\0", "nvme0n1", "zfs_member", "TOTAL_ERR_COR",
    ])) {
        let host = small();
        let mut all = Vec::new();
        files(host.root(), &mut all);
        for file in &all {
            fs::write(file, word).unwrap();
        }
        read_all(&host);
    }

    #[test]
    fn a_table_with_flipped_bytes_is_answered(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40)) {
        let table = fixture::table(&fixture::DimmPlan::default(), "Supermicro", "2.1");
        let mut bytes = table;
        for (index, value) in flips {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        let _ = machine::inventory::parse_smbios(bytes);
    }

    #[test]
    fn any_answers_of_a_controller_are_read(
        mut answers in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..20),
        accepted in any::<bool>(),
    ) {
        let mut host = bare();
        if accepted {
            for answer in &mut answers {
                answer.insert(0, 0);
            }
        }
        host.babble = answers;
        read_all(&host);
    }

    #[test]
    fn a_controller_with_flipped_bits_is_read(flips in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..20)) {
        let mut host = bare();
        for (index, bits) in flips {
            host.controller.flip(|length| index.index(length), bits);
        }
        read_all(&host);
    }
}
