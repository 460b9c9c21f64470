//! Any bytes are a record or an error, and any text is a message or an error.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = record::parse(bytes, Path::new("run.jsonl"));
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = pipe::message::decode(text);
    }
});
