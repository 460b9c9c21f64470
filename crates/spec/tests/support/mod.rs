//! A sound machine as a document, in which the tests plant faults.

use spec::{System, parse};

pub(crate) const CONSISTENT: &str = include_str!("../data/consistent.toml");

pub(crate) fn system(text: &str) -> System {
    parse(text, "consistent.toml").unwrap_or_else(|error| panic!("{error}")).remove(0)
}

/// The consistent text with each `from` replaced wherever it stands.
pub(crate) fn planted(replace: &[(&str, &str)]) -> String {
    replace.iter().fold(CONSISTENT.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "`{from}` is not in the text");
        text.replace(from, to)
    })
}

/// 24 DIMMs on the 24 channels of sockets that have 16.
pub(crate) const TWELVE_CHANNELS: [(&str, &str); 6] = [
    ("\"memory.channels_per_socket\", value = 8", "\"memory.channels_per_socket\", value = 12"),
    ("\"memory.channels\", value = 16", "\"memory.channels\", value = 24"),
    ("\"memory.dimms_per_socket\", value = 8", "\"memory.dimms_per_socket\", value = 12"),
    ("\"memory.dimms\", value = 16", "\"memory.dimms\", value = 24"),
    ("1024 GiB", "1536 GiB"),
    ("1 TiB", "1536 GiB"),
];
