//! The messages between a worker process and the program that started it, one JSON line each.
//!
//! A worker is the same program, or the feature workload's own, of the same build: it says which it is before anything else,
//! so that one that was replaced during a run, or is left over from an older build, is found and not measured.

use measure::{Build, Event};
use serde::{Deserialize, Serialize};

use crate::request::Planned;
use crate::{SCHEMA, from_line, to_line};

/// What came is no message: what was expected, and at which column.
#[derive(Debug, thiserror::Error)]
#[error("a message of the worker cannot be read: {0}")]
pub struct Malformed(String);

/// Who a side is: the first message of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Its build.
    pub build: Build,
    /// The schema that it speaks.
    pub schema: u32,
}

impl Hello {
    /// The greeting of this build.
    #[must_use]
    pub fn new(build: Build) -> Hello {
        Hello { build, schema: SCHEMA }
    }
}

/// A message on the pipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Who the side is.
    Hello(Hello),
    /// The workload sized for this host.
    Plan(Planned),
    /// What the workload does.
    Event(Event),
    /// All was told.
    Done,
    /// The workload ended with an error.
    Failed(String),
}

/// The message as one line, with its line feed.
#[must_use]
pub fn encode(message: &Message) -> String {
    to_line(message)
}

/// Reads one line, with or without its line feed.
pub fn decode(line: &str) -> Result<Message, Malformed> {
    from_line(line.as_bytes()).map_err(Malformed)
}

#[cfg(test)]
mod tests {
    use measure::Needs;

    use super::*;
    use crate::request::Room;

    #[test]
    fn every_message_comes_back() {
        let check = |message: &Message| {
            let line = encode(message);
            assert_eq!(line.matches('\n').count(), 1, "{line}");
            assert_eq!(decode(&line).unwrap(), *message);
        };
        check(&Message::Hello(Hello::new(Build::default())));
        let needs = Needs { seconds: 1.5, memory: 1 << 30, disk: 0 };
        let planned = Planned::new(&serde_json::json!({"array_bytes": 4096, "share": 0.1}), needs).unwrap();
        check(&Message::Plan(planned.clone()));
        check(&Message::Plan(planned.with_shared(Some(Room { folder: "/share".into(), bytes: 1 << 40 }))));
        // What events say is held where a whole run is at hand: by the tests of the record.
        check(&Message::Event(Event::Progress { done: 0.25, doing: "line\nfeed".into() }));
        check(&Message::Done);
        check(&Message::Failed("no memory".into()));
    }

    #[test]
    fn what_is_no_message_says_why() {
        let error = decode("{\"event\":{\"measured\":{\"labels\":3}}}").unwrap_err().to_string();
        assert!(error.contains("column 32: invalid type: integer `3`, expected a map"), "{error}");
        assert!(decode("thread 'main' panicked").is_err());
        assert!(decode("").is_err());
    }
}
