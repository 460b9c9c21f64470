//! Empty, truncated and random content in every file that an inventory reads: nothing panics, everything is answered.

mod fixture;
#[path = "fixture/spoil.rs"]
mod spoil;

use std::path::Path;

use fixture::{Host, bare, documented};
use inventory::doctor::{Grant, advise};
use inventory::take_with;
use proptest::prelude::*;
use proptest::test_runner::Config;
use spoil::{WORDS, overwrite, truncate};

/// The noise matters, not the number of CPUs.
fn small() -> Host {
    documented(1)
}

/// Everything that reads the tree.
fn read_all(host: &Host) {
    let inventory = take_with(host.root(), host);
    assert!(inventory.facts.0.len() > 40);
    let _ = (inventory.tables(), inventory.fingerprint());
    let _ = advise(host.root(), &inventory, &Grant::default(), host.root());
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
    let facts = inventory::inspect(Path::new("/there/is/no/such/folder"));
    assert!(facts.value("cpu.model").is_none());
}

proptest! {
    #![proptest_config(Config { cases: 24, ..Config::default() })]

    #[test]
    fn truncated_files_are_answered(keep in 0_usize..12, every in 1_usize..5) {
        let host = small();
        truncate(host.root(), keep, every);
        read_all(&host);
    }

    #[test]
    fn random_files_are_answered(
        noise in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..12),
        every in 1_usize..4,
    ) {
        let host = small();
        overwrite(host.root(), &noise, every);
        read_all(&host);
    }

    #[test]
    fn hostile_words_are_answered(word in prop::sample::select(&WORDS[..])) {
        let host = small();
        overwrite(host.root(), &[word], 1);
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
        let _ = inventory::parse_smbios(bytes);
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
