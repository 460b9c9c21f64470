//! Lines of JSON: of messages, and of everything that is kept in files of such lines.

use serde::{Deserialize, Serialize};

/// One line of JSON with its line feed.
///
/// # Panics
///
/// If the type refuses to become JSON, as a map with keys that are neither text nor numbers does: none of ours.
#[must_use]
pub fn to_line(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string(value).expect("the types of the lines always become JSON");
    text.push('\n');
    text
}

/// Reads one line of JSON.
///
/// # Errors
///
/// What was expected and at which column.
pub fn from_line<'de, T: Deserialize<'de>>(line: &'de [u8]) -> Result<T, String> {
    serde_json::from_slice(line).map_err(|error| {
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text);
        format!("column {}: {what}", error.column())
    })
}
