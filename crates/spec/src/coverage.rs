//! Where each statement of a document lives: criterion, finding of the audit, remark, or prose.

use std::sync::LazyLock;

use serde::Deserialize;

/// What became of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It has a verdict, measured or inspected.
    Criterion,
    /// The audit finds something in it.
    Finding,
    /// It stands beside a row.
    Remark,
    /// There is nothing to check in it.
    Prose,
}

impl Status {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Status; 4] = [Status::Criterion, Status::Finding, Status::Remark, Status::Prose];

    /// The word, for one and for several.
    #[must_use]
    pub fn name(self, count: usize) -> &'static str {
        match (self, count) {
            (Status::Criterion, 1) => "criterion",
            (Status::Criterion, _) => "criteria",
            (Status::Finding, 1) => "finding",
            (Status::Finding, _) => "findings",
            (Status::Remark, 1) => "remark",
            (Status::Remark, _) => "remarks",
            (Status::Prose, _) => "prose",
        }
    }
}

/// A statement of a document.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Its number in the document.
    pub id: usize,
    /// Its section.
    pub section: String,
    /// Its words, short.
    pub quote: String,
    /// What became of it.
    pub status: Status,
    /// What answers it: `fact cpu.sockets`, `target memory.stream`, `finding power.card`.
    pub home: String,
    /// Id of the system whose that is.
    #[serde(default = "of_the_document")]
    pub system: String,
}

/// The system that the covered document is about.
const DOCUMENTED: &str = "PY-HPC-2024.Q3";

fn of_the_document() -> String {
    DOCUMENTED.to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    statement: Vec<Statement>,
}

static STATEMENTS: LazyLock<Vec<Statement>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../coverage.toml")).expect("the file is read in the tests");
    file.statement
});

/// The statements of the document that a system was taken from; nothing where they were not numbered.
#[must_use]
pub fn coverage(system: &str) -> Option<&'static [Statement]> {
    system.eq_ignore_ascii_case(DOCUMENTED).then(|| STATEMENTS.as_slice())
}
