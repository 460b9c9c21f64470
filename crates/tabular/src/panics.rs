//! Decoders of damaged files panic now and then: that is an error like any other, and is told like one.

use std::fmt::Display;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

/// What the last panic said, and where it was.
static LAST: Mutex<String> = Mutex::new(String::new());

/// Keeps panics from writing to stderr: whoever catches one says what it means.
pub fn keep_quiet() {
    panic::set_hook(Box::new(|panic| *LAST.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string()));
}

/// What the last panic said since they are quiet, and where it was.
#[must_use]
pub fn last() -> String {
    LAST.lock().unwrap_or_else(PoisonError::into_inner).replace('\n', " ")
}

/// Runs a decoder. It panics on some damaged files, which is an error like any other.
pub(crate) fn guarded<T, E: Display>(decode: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("the decoder gave up on it".to_owned()),
    }
}
