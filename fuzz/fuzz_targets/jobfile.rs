//! No text makes the reader of job files panic.
#![no_main]

use std::path::Path;

libfuzzer_sys::fuzz_target!(|text: &str| {
    // A folder that is not there, so that an `include` finds nothing.
    let _ = disk::jobfile::parse(text, Path::new("/nonexistent"));
});
