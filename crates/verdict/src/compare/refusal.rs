//! Why two sets of runs are not compared.

use std::collections::{BTreeMap, BTreeSet};

use measure::Profile;

use super::runs::{Head, Runs};
use super::{Boots, Order};
use crate::foreign::foreign;

use crate::pool::MACHINE_ID;

/// A comparison that would mean nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A side is empty.
    #[error("no run is on the side `{0}`: choose another selection")]
    Empty(&'static str),
    /// A boot is on both sides.
    #[error(
        "the boot {0} is on both sides: boots are the unit of comparison, because memory is trained and pages are placed anew \
         at each, and runs of one boot share that; choose selections that do not overlap. For what changes without a reboot \
         (a sysctl, a drive's firmware) there is `compare --within-boot`"
    )]
    SharedBoot(String),
    /// Sides that are to be paired have not equally many boots.
    #[error("{0} boots before and {1} after cannot be paired: choose as many on each side, or leave --paired out")]
    NotPairs(usize, usize),
    /// The runs are not made in turn within one boot.
    #[error(
        "{0}. Within a boot only what changes without a reboot is compared, by at least {least} pairs of neighbouring runs that \
         turn their order (`campaign start --within-boot` makes them)",
        least = super::LEAST_ALTERNATIONS
    )]
    Within(String),
    /// A series is in another unit or direction than its metric's.
    #[error("{0}: such numbers are not compared; measure again, or leave the run out of the selection")]
    Foreign(String),
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
pub(super) fn check(before: &Runs, after: &Runs) -> Result<(), Refusal> {
    let first = before.heads.first().ok_or(Refusal::Empty("before"))?;
    if after.is_empty() {
        return Err(Refusal::Empty("after"));
    }
    for run in before.heads.iter().chain(&after.heads) {
        comparable(first, run)?;
    }
    let mut columns =
        before.columns.iter().filter_map(|(id, column)| Some((&column.metric, &after.columns.get(id)?.metric)));
    // Metrics that the catalogue does not know have their unit from the first run of a side.
    let unknown = columns.find_map(|(first, second)| foreign(&after.heads[0].id, second, first));
    let found = before.heads.iter().chain(&after.heads).find_map(|run| run.foreign.clone());
    found.or(unknown).map_or(Ok(()), |what| Err(Refusal::Foreign(what)))
}

/// That no boot is on both sides, and that they can be paired where they are to be.
pub(super) fn check_boots(before: &Boots, after: &Boots, order: Order) -> Result<(), Refusal> {
    let ids = |boots: &Boots| -> BTreeSet<String> {
        (0..boots.len()).filter_map(|boot| boots.first(boot).boot_id.clone()).collect()
    };
    if let Some(shared) = ids(before).intersection(&ids(after)).next() {
        return Err(Refusal::SharedBoot(shared.clone()));
    }
    if order == Order::Paired && before.len() != after.len() {
        return Err(Refusal::NotPairs(before.len(), after.len()));
    }
    Ok(())
}

/// Whether two runs may be in one history.
#[must_use]
pub(crate) fn same_kind(first: &Head, second: &Head) -> bool {
    comparable(first, second).is_ok() && second.foreign.is_none()
}

fn comparable(first: &Head, second: &Head) -> Result<(), Refusal> {
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
fn other_machine(first: &Head, second: &Head) -> Option<String> {
    let (a, b) = (&first.fingerprint, &second.fingerprint);
    // Two machines of one model differ in their serial numbers only; without any, the name is all that is known.
    if first.host != second.host && !same_serial(&a.platform, &b.platform) {
        let in_both = |part: &str| is_serial(part) && a.platform.contains_key(part) && b.platform.contains_key(part);
        let differing = differing(first, second, in_both);
        let why = if differing.is_empty() {
            "without a serial number in both to tell that they are one".to_owned()
        } else {
            differing.join(", ")
        };
        return Some(format!("host {} and host {}, {why}", first.host, second.host));
    }
    if a.platform == b.platform {
        return None;
    }
    let (known, also) = (kinds(&a.platform), kinds(&b.platform));
    // A new installation of one machine has another machine-id.
    let reinstalled = same_serial(&a.platform, &b.platform);
    let counts = |part: &str| known.contains(kind(part)) && also.contains(kind(part));
    let differing = differing(first, second, |part| counts(part) && !(reinstalled && part == MACHINE_ID));
    (!differing.is_empty()).then(|| differing.join(", "))
}

/// The parts of the platform of those that `of` picks which are not the same, in words.
fn differing(first: &Head, second: &Head, of: impl Fn(&str) -> bool) -> Vec<String> {
    let or_nothing = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
    let changes = second.fingerprint.changes_since(&first.fingerprint).into_iter();
    changes
        .filter(|change| change.scope == measure::Scope::Platform && of(&change.part))
        .map(|change| format!("{} is {} and {}", change.part, or_nothing(change.before), or_nothing(change.after)))
        .collect()
}

/// Whether both have a part with the same serial number.
fn same_serial(first: &BTreeMap<String, String>, second: &BTreeMap<String, String>) -> bool {
    first.iter().any(|(part, value)| is_serial(part) && second.get(part) == Some(value))
}

/// Whether a part of the platform holds a serial number.
fn is_serial(part: &str) -> bool {
    part.ends_with(".serial") || matches!(kind(part), "dimm" | "drive")
}

/// `dimm` of `dimm P0 A1`, `cpu` of `cpu.model`.
fn kind(part: &str) -> &str {
    part.split([' ', '.']).next().unwrap_or(part)
}

fn kinds(parts: &BTreeMap<String, String>) -> BTreeSet<&str> {
    parts.keys().map(|part| kind(part)).collect()
}
