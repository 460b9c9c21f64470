//! Empty, truncated and random content in every file that a watch reads: nothing panics, and one interval is told.

#[path = "../../inventory/tests/fixture/mod.rs"]
mod fixture;
#[path = "../../inventory/tests/fixture/spoil.rs"]
mod spoil;

use std::time::Duration;

use fixture::{Host, documented};
use proptest::prelude::*;
use proptest::test_runner::Config;
use spoil::{WORDS, overwrite, truncate};
use telemetry::{Watch, Watcher};

fn watch(host: &Host) {
    let watch = Watch {
        root: host.root().to_owned(),
        interval: Duration::from_hours(1),
        processes: vec![1],
        workers: "0-1".parse().unwrap(),
    };
    assert_eq!(Watcher::start(watch).unwrap().stop().points.len(), 1);
}

#[test]
fn an_empty_root_is_watched() {
    let host = documented(1);
    for folder in ["sys", "proc", "run", "dev"] {
        host.remove(folder);
    }
    watch(&host);
}

proptest! {
    #![proptest_config(Config { cases: 24, ..Config::default() })]

    #[test]
    fn truncated_files_are_watched(keep in 0_usize..12, every in 1_usize..5) {
        let host = documented(1);
        truncate(host.root(), keep, every);
        watch(&host);
    }

    #[test]
    fn random_files_are_watched(
        noise in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..12),
        every in 1_usize..4,
    ) {
        let host = documented(1);
        overwrite(host.root(), &noise, every);
        watch(&host);
    }

    #[test]
    fn hostile_words_are_watched(word in prop::sample::select(&WORDS[..])) {
        let host = documented(1);
        overwrite(host.root(), &[word], 1);
        watch(&host);
    }
}
