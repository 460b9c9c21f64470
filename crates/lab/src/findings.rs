//! What was checked of a machine, and what did not hold.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// Checks that held and checks that did not.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    held: usize,
    wrong: Vec<String>,
}

impl Findings {
    /// Notes a check; `what` says what should hold, and what was seen.
    pub(crate) fn check(&mut self, holds: bool, what: impl Display) {
        if holds {
            self.held += 1;
        } else {
            self.wrong.push(what.to_string());
        }
    }

    /// Notes a comparison.
    pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: &T, expected: &T) {
        self.check(found == expected, format!("{what}: expected {expected:?}, found {found:?}"));
    }

    pub(crate) fn wrong(&self) -> impl Iterator<Item = &String> {
        self.wrong.iter()
    }

    pub(crate) fn summary(&self) -> String {
        if self.wrong.is_empty() {
            format!("held in {} checks", self.held)
        } else {
            format!("FAILED in {} of {} checks", self.wrong.len(), self.wrong.len() + self.held)
        }
    }
}

/// What a step printed.
pub(crate) struct Printed {
    pub(crate) code: String,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Printed {
    /// Of the step `name` of what came back.
    pub(crate) fn of(back: &Path, name: &str) -> Result<Printed> {
        let read = |file: &str| {
            let path = back.join(name).join(file);
            fs::read_to_string(&path).with_context(|| format!("the step {name} left no {}", path.display()))
        };
        Ok(Printed { code: read("code")?, stdout: read("stdout")?, stderr: read("stderr")? })
    }

    /// Its output as JSON.
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout)
            .with_context(|| format!("no JSON was printed; stderr: {}", self.stderr.trim()))
    }
}
