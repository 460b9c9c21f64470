//! The exit codes: the only place where an answer becomes a number.

use std::process::ExitCode;

/// How the program ends; README.md lists what each means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Accepted, or the command did its work.
    Done = 0,
    /// Rejected, or a regression.
    Rejected = 1,
    /// Wrong use, or it could not run.
    Unusable = 2,
    /// Not decided.
    Inconclusive = 3,
    /// Another machine than the specified one, or a tainted run.
    NotComparable = 4,
    /// Stopped by the user.
    Interrupted = 130,
}

impl Exit {
    /// All of them, by their numbers.
    pub(crate) const ALL: [Exit; 6] =
        [Exit::Done, Exit::Rejected, Exit::Unusable, Exit::Inconclusive, Exit::NotComparable, Exit::Interrupted];

    /// What it says, for people.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Exit::Done => "accepted, not worse, or the command did its work",
            Exit::Rejected => "rejected, or a regression",
            Exit::Unusable => "wrong use, or it could not run",
            Exit::Inconclusive => "not decided",
            Exit::NotComparable => "another machine than the specified one, or every sample was disturbed",
            Exit::Interrupted => "stopped by the user",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}
