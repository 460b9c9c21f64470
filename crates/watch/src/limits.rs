//! The limits of a watch: those of a specification, and what this suite takes where it says nothing.

use spec::{Bound, Limit, System};

/// Seconds for which a temperature must be over its limit, where the specification does not say how long "sustained" is:
/// the time over which the temperature of a run is judged, too.
pub const SUSTAINED: f64 = 10.0;
/// The share of endurance at which a drive is worn, where the specification gives none: time is left to order another.
const WORN: f64 = 0.9;
/// What part of the stated base clock a busy processor may not fall below: lower than the base clock that any processor has
/// with its widest vectors, and far above that of one that is held down.
const CLOCK_SHARE: f64 = 0.6;

/// A bound, and for how many seconds it must be broken without a break.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Held {
    pub(crate) bound: f64,
    pub(crate) sustained: f64,
}

/// What the parts of a host are held against.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Processors and GPUs in °C, where the specification says.
    pub(crate) temperature: Option<Held>,
    /// Endurance used, as a share.
    pub(crate) wear: Held,
    /// Memory errors that may be corrected over the watch.
    pub(crate) corrected: f64,
    /// Clock of busy processors in Hz.
    pub(crate) clock: Option<Held>,
    /// Lanes of a drive's link.
    pub(crate) drive_lanes: Option<f64>,
    /// Generation of a drive's link.
    pub(crate) drive_generation: Option<f64>,
}

impl Limits {
    /// The limits of a system.
    #[must_use]
    pub fn of(system: &System) -> Limits {
        let limit = |fact: &str| system.limits.iter().filter_map(|limit| at_most(limit, fact)).min_by(by_bound);
        let wear = ["storage.scratch.wear", "storage.boot.wear"].into_iter().filter_map(limit).min_by(by_bound);
        let drive = |what: &str| {
            let of = |volume: &str| system.number(&format!("storage.{volume}.{what}"));
            // A drive may be of either volume: what both promise.
            Some(of("scratch")?.min(of("boot")?))
        };
        Limits {
            temperature: limit("thermal.limit")
                .map(|(bound, sustained)| Held { bound, sustained: sustained.unwrap_or(SUSTAINED) }),
            wear: wear.map_or(Held { bound: WORN, sustained: 0.0 }, |(bound, sustained)| Held {
                bound,
                sustained: sustained.unwrap_or(0.0),
            }),
            corrected: limit("memory.corrected_errors").map_or(0.0, |(bound, _)| bound),
            clock: system.number("cpu.base_clock").map(|base| Held { bound: CLOCK_SHARE * base, sustained: SUSTAINED }),
            drive_lanes: drive("pcie_lanes"),
            drive_generation: drive("pcie_gen"),
        }
    }
}

fn by_bound(one: &(f64, Option<f64>), other: &(f64, Option<f64>)) -> std::cmp::Ordering {
    one.0.total_cmp(&other.0)
}

/// The most that a limit lets a fact be, and the seconds for which it must be broken.
fn at_most(limit: &Limit, fact: &str) -> Option<(f64, Option<f64>)> {
    match &limit.bound {
        Bound::AtMost(most) if limit.fact == fact => Some((most.value, limit.sustained)),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn documented() -> System {
        spec::builtin().iter().find(|system| system.id == "PY-HPC-2024.Q3").unwrap().clone()
    }

    #[test]
    fn limits_are_those_of_the_specification() {
        let mut system = documented();
        let limits = Limits::of(&system);
        assert_eq!(limits.temperature, Some(Held { bound: 90.0, sustained: SUSTAINED }));
        assert_eq!((limits.wear.bound, limits.corrected), (WORN, 0.0));
        assert!(limits.clock.is_some_and(|clock| clock.bound < 2e9), "{limits:?}");
        let mut more = system.limits.iter().find(|limit| limit.fact == "thermal.limit").unwrap().clone();
        more.sustained = Some(60.0);
        system.limits.retain(|limit| limit.fact != "thermal.limit");
        system.limits.push(more.clone());
        assert_eq!(Limits::of(&system).temperature, Some(Held { bound: 90.0, sustained: 60.0 }));
        for (fact, bound) in [("storage.scratch.wear", 0.8), ("memory.corrected_errors", 5.0)] {
            let bound = Bound::AtMost(measure::Quantity::new(bound, measure::Unit::Ratio));
            system.limits.push(Limit { fact: fact.into(), bound, sustained: None, ..more.clone() });
        }
        let limits = Limits::of(&system);
        assert_eq!((limits.wear.bound, limits.corrected), (0.8, 5.0));
    }

    #[test]
    fn a_specification_that_says_nothing_leaves_what_the_parts_state() {
        let mut system = documented();
        system.limits.clear();
        system.facts.clear();
        let limits = Limits::of(&system);
        assert_eq!((limits.temperature, limits.clock, limits.drive_lanes), (None, None, None));
    }
}
