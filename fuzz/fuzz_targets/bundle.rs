//! Any bytes are an exported run or an error.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = record::bundle::read(bytes, Path::new("fuzz.run"));
});
