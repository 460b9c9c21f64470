//! Which host this is and how it is set up, as two hashes and the parts that they are taken from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The identity of a host and of its configuration.
///
/// `platform_id` changes when parts are exchanged, `config_id` when firmware or system software changes. Volatile
/// readings are in neither, so both are the same on every boot and under any load.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// SHA-256 of the parts in `platform`, in hexadecimal.
    pub platform_id: String,
    /// SHA-256 of the parts in `config`, in hexadecimal.
    pub config_id: String,
    /// Model, serial numbers, DIMMs, drives.
    pub platform: BTreeMap<String, String>,
    /// Firmware of board, processor and drives, kernel, command line, mitigations, drivers.
    pub config: BTreeMap<String, String>,
}

/// Which of the two identities a part belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The machine itself.
    Platform,
    /// Its set-up.
    Config,
}

/// A part that is not the same in two fingerprints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which identity it belongs to.
    pub scope: Scope,
    /// Name of the part.
    pub part: String,
    /// What it was; `None` where it was not there, or could not be read.
    pub before: Option<String>,
    /// What it is now; `None` where it is gone, or cannot be read.
    pub after: Option<String>,
}

impl Fingerprint {
    /// Every part that differs from an earlier fingerprint, by scope and name.
    #[must_use]
    pub fn changes_since(&self, before: &Fingerprint) -> Vec<Change> {
        let mut changes = changed(Scope::Platform, &before.platform, &self.platform);
        changes.extend(changed(Scope::Config, &before.config, &self.config));
        changes
    }
}

fn changed(scope: Scope, before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<Change> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| Change {
            scope,
            part: name.clone(),
            before: before.get(name).cloned(),
            after: after.get(name).cloned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(platform: &[(&str, &str)], config: &[(&str, &str)]) -> Fingerprint {
        let parts = |parts: &[(&str, &str)]| parts.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Fingerprint { platform: parts(platform), config: parts(config), ..Fingerprint::default() }
    }

    #[test]
    fn a_diff_names_what_changed_came_and_went() {
        let before = fingerprint(&[("dimm A1", "x"), ("dimm B1", "y")], &[("bios.version", "1.2")]);
        let after = fingerprint(&[("dimm A1", "x"), ("dimm C1", "z")], &[("bios.version", "1.3")]);
        let told: Vec<_> = after
            .changes_since(&before)
            .into_iter()
            .map(|change| (change.scope, change.part, change.before, change.after))
            .collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            told,
            [
                (Scope::Platform, "dimm B1".to_owned(), text("y"), None),
                (Scope::Platform, "dimm C1".to_owned(), None, text("z")),
                (Scope::Config, "bios.version".to_owned(), text("1.2"), text("1.3")),
            ]
        );
        assert!(after.changes_since(&after.clone()).is_empty());
    }
}
