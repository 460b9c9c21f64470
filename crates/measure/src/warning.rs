//! Warnings stand beside values: an analysis returns a value with its warnings, not an error.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{binary_bytes, num};

/// What a reader should know about a value before relying on it; `Display` gives the advice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// Fewer than half of the pages are huge although they were asked for.
    FewHugePages {
        /// Share of the pages that are huge, 0 to 1.
        #[serde(with = "num")]
        share: f64,
    },
    /// The median absolute deviation is a large share of the median.
    Noisy {
        /// MAD over median.
        #[serde(with = "num")]
        spread: f64,
    },
    /// The array is smaller than four times the caches that the CPUs reach.
    NearCache {
        /// Bytes of an array.
        array: u64,
        /// Four times the sum of the distinct last-level and level-2 caches, in bytes.
        wanted: u64,
    },
    /// The devices moved fewer bytes than the workload: a cache answered, or has not written back yet.
    CacheAnswered {
        /// Bytes of the devices over bytes of the workload.
        #[serde(with = "num")]
        share: f64,
    },
    /// The figure is not of the device or the memory that it is called after.
    OtherThing {
        /// Of what it is, and why.
        why: String,
    },
    /// What was seen beside the figure speaks against relying on it.
    Uncertain {
        /// What was seen.
        why: String,
    },
    /// The placement of pages could not be verified.
    PlacementUnproved {
        /// What the kernel answered.
        why: String,
    },
    /// The instruction set that was asked for is not the widest of this CPU.
    NarrowIsa {
        /// What was used.
        used: String,
    },
    /// The figure was extrapolated from smaller measurements.
    Extrapolated {
        /// From what, by which model.
        how: String,
    },
    /// The figure is of a part, and the whole has at least as much: it can violate an upper limit but never confirm it.
    Partial {
        /// What it covers.
        covers: String,
    },
    /// What was asked for could not be honoured by the kernel or the device.
    NotHonoured {
        /// What it was, and what was done instead.
        what: String,
    },
    /// Anything that has no advice of its own.
    Note(String),
}

impl Warning {
    /// How much it matters, where several compete for one place: the largest is told first. What says that the figure is
    /// of another thing outweighs what says that it is uncertain, and that what only explains it.
    #[must_use]
    pub fn weight(&self) -> u8 {
        match self {
            Warning::NearCache { .. } | Warning::CacheAnswered { .. } | Warning::OtherThing { .. } => 5,
            Warning::Extrapolated { .. } | Warning::Partial { .. } => 4,
            Warning::PlacementUnproved { .. } | Warning::FewHugePages { .. } | Warning::NarrowIsa { .. } => 3,
            Warning::Noisy { .. } | Warning::Uncertain { .. } => 2,
            Warning::NotHonoured { .. } => 1,
            Warning::Note(_) => 0,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::FewHugePages { share } => write!(
                f,
                "only {:.0} % of the pages are huge: address translation costs time here; \
                 set /sys/kernel/mm/transparent_hugepage/enabled to madvise or always, or free memory",
                share * 100.0
            ),
            Warning::Noisy { spread } => write!(
                f,
                "the samples spread by {:.1} % (MAD): other work runs on this host; stop it, or measure longer",
                spread * 100.0
            ),
            Warning::NearCache { array, wanted } => write!(
                f,
                "an array of {} is below {} (4 × the caches): caches may answer; free memory",
                binary_bytes(*array as f64),
                binary_bytes(*wanted as f64)
            ),
            Warning::CacheAnswered { share } => write!(
                f,
                "the devices moved only {share:.2} of the bytes: a cache answered, or has not written back yet"
            ),
            Warning::PlacementUnproved { why } => {
                write!(f, "page placement could not be verified ({why}): run as a user who may call move_pages")
            }
            Warning::NarrowIsa { used } => write!(f, "{used} was used although the CPU has a wider instruction set"),
            Warning::Extrapolated { how } => write!(f, "extrapolated: {how}"),
            Warning::Partial { covers } => {
                write!(f, "it covers only {covers}: a lower bound, which can violate a limit but never confirm it")
            }
            Warning::NotHonoured { what } => write!(f, "not honoured: {what}"),
            Warning::OtherThing { why: text } | Warning::Uncertain { why: text } | Warning::Note(text) => {
                f.write_str(text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_another_thing_comes_before_what_is_uncertain_and_that_before_what_explains() {
        let mut warnings = [
            Warning::Note("a".into()),
            Warning::NotHonoured { what: "b".into() },
            Warning::Noisy { spread: 0.1 },
            Warning::CacheAnswered { share: 0.87 },
            Warning::Extrapolated { how: "c".into() },
        ];
        warnings.sort_by_key(|warning| std::cmp::Reverse(warning.weight()));
        let told: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        assert!(told[0].contains("only 0.87 of the bytes") && told[1].contains("extrapolated"), "{told:?}");
        assert!(told[2].contains("spread") && told[3].contains("not honoured") && told[4] == "a", "{told:?}");
    }
}
