//! No text makes the readers of other tools' output panic, whichever tool it is said to be of; each figure stands in a line.
#![no_main]

use import::{Format, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for format in Format::ALL.map(Some).into_iter().chain([None]) {
        if let Ok(import) = read(text, format) {
            let lines = text.lines().count();
            assert!(import.figures.iter().all(|figure| (1..=lines).contains(&figure.line)), "{text}");
        }
    }
});
