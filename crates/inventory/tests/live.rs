//! The inventory of the host that the tests run on: whatever it is, the basic facts are there and agree.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use inventory::doctor::{Grant, advise};
use inventory::{FilesOnly, inspect, take, take_with};

#[test]
fn the_running_host_has_the_basic_facts() {
    let facts = inspect(Path::new("/"));
    let number = |id: &str| facts.number(id).unwrap_or_else(|| panic!("{id}: {:?}", facts.0.get(id)));
    assert!(number("cpu.threads") >= number("cpu.cores"));
    assert!(number("cpu.cores") >= number("cpu.sockets"));
    assert!(number("memory.total") > 1e6);
    assert!(number("os.file_handles") >= 1.0);
    assert!(facts.value("os.kernel").is_some() && facts.value("os.smt").is_some());
}

#[test]
fn a_fingerprint_stays_the_same_under_load() {
    let root = Path::new("/");
    let first = take_with(root, &FilesOnly).fingerprint();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                std::hint::black_box((0..10_000_u64).sum::<u64>());
            }
        });
        let changed = (0..200).map(|_| take_with(root, &FilesOnly).fingerprint()).find(|print| *print != first);
        stop.store(true, Ordering::Relaxed);
        assert_eq!(changed.map(|print| print.changes_since(&first)), None);
    });
}

#[test]
fn advice_on_the_running_host_says_what_to_do() {
    let root = Path::new("/");
    for advice in advise(root, &take(root), &Grant::default(), Path::new(".")) {
        assert!(!advice.what.is_empty() && !advice.why.is_empty() && !advice.command.is_empty(), "{advice:?}");
    }
}
