//! What the machine is to do, as the host tells it: a file in the initial file system.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where the scenario lies in the initial file system.
pub(crate) const SCENARIO: &str = "/scenario.json";
/// Where the machine's first process finds the kernel's modules.
pub(crate) const MODULES: &str = "/modules";
/// The folder on the mirror that holds what comes back.
pub(crate) const OUT: &str = "/lab";

/// Everything from the first process to the last.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Scenario {
    /// File names of kernel modules, in the order in which they depend on each other.
    pub(crate) modules: Vec<String>,
    /// CPUs that are switched off before the first step.
    pub(crate) offline: Vec<u32>,
    /// What is run, in order.
    pub(crate) steps: Vec<Step>,
}

impl Scenario {
    /// Only these steps.
    pub(crate) fn of(steps: impl IntoIterator<Item = Step>) -> Scenario {
        Scenario { steps: steps.into_iter().collect(), ..Scenario::default() }
    }
}

/// A command and its limits.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Step {
    /// Its folder in `OUT`: `stdout`, `stderr` and `code` lie there afterwards.
    pub(crate) name: String,
    /// Program and arguments. `{SERIAL}` becomes the device of the drive with that serial number.
    pub(crate) command: Vec<String>,
    /// Files that are written before it starts; `{SERIAL}` as above.
    pub(crate) files: BTreeMap<String, String>,
    /// It is killed after this many seconds.
    pub(crate) seconds: u64,
}

impl Step {
    /// A command of the suite under test.
    pub(crate) fn hostproof(name: &str, seconds: u64, arguments: &[&str]) -> Step {
        let command = std::iter::once("/hostproof").chain(arguments.iter().copied()).map(str::to_owned).collect();
        Step { name: name.to_owned(), command, seconds, ..Step::default() }
    }

    /// With a file beside it.
    pub(crate) fn with_file(mut self, path: &str, text: &str) -> Step {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }
}
