//! No text makes the reader of job files panic, nor do files that include each other.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

/// Files that may be included, each written anew from the input.
const NAMES: [&str; 2] = ["a", "b"];

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("hostproof-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
});

fuzz_target!(|text: &str| {
    let mut parts = text.split('\0');
    let job = parts.next().unwrap_or_default();
    for name in NAMES {
        std::fs::write(FOLDER.join(name), parts.next().unwrap_or_default()).unwrap();
    }
    let _ = disk::jobfile::parse(job, &FOLDER);
});
