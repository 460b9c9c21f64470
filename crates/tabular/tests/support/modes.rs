//! A data set in, a result out, by each mode in this process, and by the reference.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use std::path::Path;

use tabular::Error;
use tabular::pipeline::{self, Cache, Job, Mode};
use tabular::verify::{Options, verify};

pub const MODES: [Mode; 3] = [Mode::Phased, Mode::Fused, Mode::Bucketed];

/// Runs a mode; the result is gone at the end where it is not kept.
pub fn run(mode: Mode, input: &Path, output: &Path) -> Result<(), Error> {
    let (input, output) = (input.to_owned(), output.to_owned());
    pipeline::run(&Job { input, output, mode, cache: Cache::Warm, replace: false, resume: false }, &mut |_| ())
        .map(|_| ())
}

/// Sees that each mode makes of an input what the reference makes of it, where that is taken; else what each mode and the
/// reference say, with the path of `input` as IN.
pub fn outcomes(input: &Path) -> Vec<(String, Result<(), String>)> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = |error: Error| error.to_string().replace(&input.display().to_string(), "IN");
    let of = |mode: Mode| {
        let output = folder.path().join(mode.name());
        let ran = run(mode, input, &output).map_err(text);
        ran.map(|()| verify(&output, input, &Options::default(), &|_| ()).map(|_| ()).expect("the result is right"))
    };
    let mut outcomes: Vec<_> = MODES.map(|mode| (mode.name().to_owned(), of(mode))).into();
    let reference = tabular::reference::save(input, &folder.path().join("reference.parquet")).map_err(text);
    outcomes.push(("reference".to_owned(), reference));
    outcomes
}

/// Sees that an input is taken by every mode and by the reference, with one result.
pub fn taken(input: &Path) {
    for (by, outcome) in outcomes(input) {
        assert_eq!(outcome, Ok(()), "{by}");
    }
}

/// Sees that an input is refused by every mode and by the reference in the same words.
pub fn refused(input: &Path, words: &str) {
    for (by, outcome) in outcomes(input) {
        assert_eq!(outcome, Err(words.to_owned()), "{by}");
    }
}
