//! The messages between a worker process and the program that started it, one JSON line each.
//!
//! A worker is the same binary. It says which build it is before anything else, so that a binary that was replaced
//! during a run is found and not measured.

use measure::{Build, Event};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::wire::{self, BuildDef, from_line, to_line};
use crate::{Error, SCHEMA};

/// Who a side is: the first message of each.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Who the side is.
    Hello(Hello),
    /// What is to be done, or what it needs: the workload's own configuration and needs as JSON.
    Plan(Value),
    /// What the workload tells.
    Event(Event),
    /// All was told.
    Done,
    /// The workload ended with an error.
    Failed(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wire {
    Hello {
        #[serde(with = "BuildDef")]
        build: Build,
        schema: u32,
    },
    Plan(Value),
    Event(wire::Event),
    Done {},
    Failed {
        error: String,
    },
}

/// The message as one line, with its line feed.
#[must_use]
pub fn encode(message: &Message) -> String {
    to_line(&match message {
        Message::Hello(hello) => Wire::Hello { build: hello.build.clone(), schema: hello.schema },
        Message::Plan(plan) => Wire::Plan(plan.clone()),
        Message::Event(event) => Wire::Event(wire::Event::of(event)),
        Message::Done => Wire::Done {},
        Message::Failed(error) => Wire::Failed { error: error.clone() },
    })
}

/// Reads one line, with or without its line feed.
pub fn decode(line: &str) -> Result<Message, Error> {
    Ok(match from_line(line.as_bytes()).map_err(Error::Message)? {
        Wire::Hello { build, schema } => Message::Hello(Hello { build, schema }),
        Wire::Plan(plan) => Message::Plan(plan),
        Wire::Event(event) => Message::Event(event.into_domain()),
        Wire::Done {} => Message::Done,
        Wire::Failed { error } => Message::Failed(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::run;

    fn check(message: &Message) {
        let line = encode(message);
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        // NaN is not equal to itself; its name is.
        assert_eq!(format!("{:?}", decode(&line).unwrap()), format!("{message:?}"));
    }

    #[test]
    fn every_message_comes_back() {
        check(&Message::Hello(Hello::new(run().build)));
        check(&Message::Plan(serde_json::json!({"array_bytes": 4096, "share": 0.1})));
        check(&Message::Event(Event::Progress { done: 0.25, doing: "line\nfeed".into() }));
        check(&Message::Done);
        check(&Message::Failed("no memory".into()));
        let run = run();
        for outcome in run.outcomes() {
            check(&Message::Event(Event::Outcome(outcome.clone())));
        }
        for warning in run.attempts.iter().flat_map(|attempt| &attempt.warnings) {
            check(&Message::Event(Event::Warning(warning.clone())));
        }
    }

    #[test]
    fn what_is_no_message_says_why() {
        let error = decode("{\"event\":{\"measured\":{\"name\":3}}}").unwrap_err().to_string();
        assert!(error.contains("expected a string"), "{error}");
        assert!(decode("thread 'main' panicked").is_err());
        assert!(decode("").is_err());
    }
}
