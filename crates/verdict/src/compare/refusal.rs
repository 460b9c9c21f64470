//! Why two sets of runs are not compared.

use std::collections::{BTreeMap, BTreeSet};

use measure::{Digest, Profile};

use crate::pool::MACHINE_ID;

/// A comparison that would mean nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A side is empty.
    #[error("no run is on the side `{0}`: choose another selection")]
    Empty(&'static str),
    /// A boot is on both sides.
    #[error("the boot {0} is on both sides: choose selections that do not overlap")]
    SharedBoot(String),
    /// The suite's numbers are not comparable.
    #[error(
        "suite {0} and suite {1} do not measure the same: numbers of different MAJOR versions are not compared; measure \
         both sides by one version"
    )]
    Suite(String, String),
    /// The builds are not comparable.
    #[error("the builds differ in their {what} ({first} and {second}): measure both sides by one build")]
    Build {
        /// In what: profile, target features.
        what: &'static str,
        /// Of the first run.
        first: String,
        /// Of one that differs.
        second: String,
    },
    /// The machines are not the same.
    #[error(
        "the runs are of different machines: {0}; a comparison is of one host before and after (host=NAME selects one)"
    )]
    Platform(String),
    /// The profiles are not the same.
    #[error(
        "profile {} and profile {} measure with different sizes and times: measure both sides by one profile",
        .0.name(), .1.name()
    )]
    Profile(Profile, Profile),
}

/// That all runs of both sides can be compared.
pub(super) fn check(before: &[&Digest], after: &[&Digest]) -> Result<(), Refusal> {
    let first = before.first().ok_or(Refusal::Empty("before"))?;
    if after.is_empty() {
        return Err(Refusal::Empty("after"));
    }
    for run in before.iter().chain(after) {
        comparable(first, run)?;
    }
    let boots: BTreeSet<&str> = before.iter().filter_map(|run| run.boot_id.as_deref()).collect();
    match after.iter().filter_map(|run| run.boot_id.as_deref()).find(|boot| boots.contains(boot)) {
        Some(shared) => Err(Refusal::SharedBoot(shared.to_owned())),
        None => Ok(()),
    }
}

/// Whether two runs may be in one history.
#[must_use]
pub(crate) fn same_kind(first: &Digest, second: &Digest) -> bool {
    comparable(first, second).is_ok()
}

fn comparable(first: &Digest, second: &Digest) -> Result<(), Refusal> {
    let (a, b) = (&first.build, &second.build);
    if major(&a.version) != major(&b.version) {
        return Err(Refusal::Suite(a.version.clone(), b.version.clone()));
    }
    for (what, first, second) in
        [("profile", &a.profile, &b.profile), ("target features", &a.target_features, &b.target_features)]
    {
        if first != second {
            return Err(Refusal::Build { what, first: first.clone(), second: second.clone() });
        }
    }
    if let Some(parts) = other_machine(first, second) {
        return Err(Refusal::Platform(parts));
    }
    if first.profile != second.profile {
        return Err(Refusal::Profile(first.profile, second.profile));
    }
    Ok(())
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

/// The parts by which two fingerprints are of different machines.
///
/// Parts of a kind that one of the two does not know at all (serial numbers without the right to read them) say nothing.
fn other_machine(first: &Digest, second: &Digest) -> Option<String> {
    let (a, b) = (&first.fingerprint, &second.fingerprint);
    // Two machines of one model differ in their serial numbers only; without any, the name is all that is known.
    if first.host != second.host && !same_serial(&a.platform, &b.platform) {
        return Some(format!(
            "host {} and host {}, without a serial number to tell that they are one",
            first.host, second.host
        ));
    }
    if a.platform == b.platform {
        return None;
    }
    let (known, also) = (kinds(&a.platform), kinds(&b.platform));
    // A new installation of one machine has another machine-id.
    let reinstalled = same_serial(&a.platform, &b.platform);
    let differing: Vec<String> = b
        .changes_since(a)
        .into_iter()
        .filter(|change| change.scope == measure::Scope::Platform)
        .filter(|change| !(reinstalled && change.part == MACHINE_ID))
        .filter(|change| known.contains(kind(&change.part)) && also.contains(kind(&change.part)))
        .map(|change| {
            let or_nothing = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
            format!("{} is {} and {}", change.part, or_nothing(change.before), or_nothing(change.after))
        })
        .collect();
    (!differing.is_empty()).then(|| differing.join(", "))
}

/// Whether both have a part with the same serial number.
fn same_serial(first: &BTreeMap<String, String>, second: &BTreeMap<String, String>) -> bool {
    let has_serial = |part: &str| part.ends_with(".serial") || matches!(kind(part), "dimm" | "drive");
    first.iter().any(|(part, value)| has_serial(part) && second.get(part) == Some(value))
}

/// `dimm` of `dimm P0 A1`, `cpu` of `cpu.model`.
fn kind(part: &str) -> &str {
    part.split([' ', '.']).next().unwrap_or(part)
}

fn kinds(parts: &BTreeMap<String, String>) -> BTreeSet<&str> {
    parts.keys().map(|part| kind(part)).collect()
}
