//! Scans held against limits: what breaks is an incident, once.

use std::collections::BTreeMap;

use measure::{Incident, Quantity, Sign, Unit, Vital, Watched};

use crate::limits::Held;
use crate::reader::{Observed, Scan};

/// Processors are under load from this share of their time on.
const UNDER_LOAD: f64 = 0.9;

/// How a value breaks its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// It is more.
    AtMost,
    /// It is less.
    AtLeast,
    /// It is a counter, and has grown by more over the watch; each growth from there on is told.
    Growth,
    /// It is less than at the first reading, or than the limit where that is more.
    Kept,
    /// It breaks nothing by itself.
    Free,
}

fn rule(vital: Vital) -> Rule {
    match vital {
        Vital::Temperature | Vital::CriticalWarning | Vital::Wear | Vital::AnswerTime => Rule::AtMost,
        Vital::Spare | Vital::Clock | Vital::Fan => Rule::AtLeast,
        Vital::CorrectedErrors
        | Vital::UncorrectedErrors
        | Vital::MachineChecks
        | Vital::PcieCorrected
        | Vital::PcieUncorrected
        | Vital::MediaErrors
        | Vital::DriveThrottled
        | Vital::Throttles => Rule::Growth,
        Vital::LinkLanes | Vital::LinkGeneration | Vital::Supply | Vital::Present => Rule::Kept,
        Vital::Throttled | Vital::Busy | Vital::Power | Vital::KernelLog | Vital::WrongResults => Rule::Free,
    }
}

/// What is known of one value of a part.
#[derive(Clone, Debug)]
struct Track {
    first: f64,
    last: f64,
    /// Since when its limit is broken without a break.
    since: Option<f64>,
    /// Whether that was told.
    told: bool,
}

/// The state of a watch.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    tracks: BTreeMap<(Vital, String), Track>,
}

impl Guard {
    /// Goes on from what another watch knew. In another boot the kernel counts from 0 again and may name drives otherwise: then
    /// only what must stay is held against what was there. What was throttled meanwhile was under somebody else's load.
    #[must_use]
    pub fn since(watched: &[Watched], same_boot: bool) -> Guard {
        let is_of_load = |vital| matches!(vital, Vital::Throttles | Vital::DriveThrottled);
        let goes_on = |vital| rule(vital) == Rule::Kept || same_boot && !is_of_load(vital);
        let known = watched.iter().filter(|one| goes_on(one.vital));
        let track = |one: &Watched| Track { first: one.first, last: one.last, since: None, told: false };
        Guard { tracks: known.map(|one| ((one.vital, one.part.clone()), track(one))).collect() }
    }

    /// What another watch must know to go on.
    #[must_use]
    pub fn watched(&self) -> Vec<Watched> {
        let kept = self.tracks.iter().filter(|((vital, _), _)| matches!(rule(*vital), Rule::Growth | Rule::Kept));
        let watched = |((vital, part), track): (&(Vital, String), &Track)| Watched {
            part: part.clone(),
            vital: *vital,
            first: track.first,
            last: track.last,
        };
        kept.map(watched).collect()
    }

    /// Holds a scan against what is known; gives what has broken since the one before.
    pub fn look(&mut self, scan: &Scan) -> Vec<Incident> {
        let at = scan.at;
        let busy = scan.signs().find(|sign| sign.vital == Vital::Busy).map_or(0.0, |sign| sign.value);
        let mut incidents = Vec::new();
        for Observed { sign, held } in &scan.observed {
            let is_idle = sign.vital == Vital::Clock && busy < UNDER_LOAD;
            let held = if is_idle { None } else { *held };
            incidents.extend(self.hold(at, sign, held));
        }
        let is_there = |part: &str| scan.signs().any(|sign| sign.vital == Vital::Present && sign.part == part);
        let known: Vec<String> =
            self.tracks.keys().filter(|key| key.0 == Vital::Present).map(|key| key.1.clone()).collect();
        for part in known.into_iter().filter(|part| !is_there(part)) {
            let gone = Sign { part, vital: Vital::Present, value: 0.0 };
            incidents.extend(self.hold(at, &gone, None));
        }
        incidents.extend(scan.log.iter().map(|(part, line)| Incident {
            at,
            part: part.clone(),
            vital: Vital::KernelLog,
            value: 1.0,
            limit: None,
            says: format!("{part}: the kernel says: {line}"),
        }));
        incidents
    }

    fn hold(&mut self, at: f64, sign: &Sign, held: Option<Held>) -> Option<Incident> {
        let Sign { part, vital, value } = sign;
        let new = || Track { first: *value, last: *value, since: None, told: false };
        let track = self.tracks.entry((*vital, part.clone())).or_insert_with(new);
        let before = std::mem::replace(&mut track.last, *value);
        let (bound, sustained) = (held.map(|held| held.bound), held.map_or(0.0, |held| held.sustained));
        let (broken, limit) = match rule(*vital) {
            Rule::Free => return None,
            Rule::AtMost => (bound.is_some_and(|bound| *value > bound), bound),
            Rule::AtLeast => (bound.is_some_and(|bound| *value < bound), bound),
            Rule::Kept => {
                let least = bound.map_or(track.first, |bound| bound.max(track.first));
                (*value < least, Some(least))
            }
            Rule::Growth => {
                // A counter that fell has begun again.
                track.first = track.first.min(*value);
                let (grown, allowed) = (*value - before, bound.unwrap_or(0.0));
                let tell = grown > 0.0 && *value - track.first > allowed;
                return tell.then(|| incident(at, sign, grown, Some(allowed)));
            }
        };
        if !broken {
            (track.since, track.told) = (None, false);
            return None;
        }
        let since = *track.since.get_or_insert(at);
        if track.told || at - since < sustained {
            return None;
        }
        track.told = true;
        Some(incident(at, sign, *value, limit))
    }
}

fn incident(at: f64, sign: &Sign, value: f64, limit: Option<f64>) -> Incident {
    let (part, vital) = (sign.part.clone(), sign.vital);
    let show = |value: f64| {
        let shown = Quantity::new(value, vital.unit()).to_string();
        if vital.unit() == Unit::Count { format!("{value}") } else { shown }
    };
    let words = vital.words();
    let says = match (rule(vital), limit) {
        (Rule::Growth, Some(allowed)) if allowed > 0.0 => {
            format!("{part}: {words} grew by {}, over the {} that are allowed in all", show(value), show(allowed))
        }
        (Rule::Growth, _) => format!("{part}: {words} grew by {}", show(value)),
        (Rule::AtMost, Some(limit)) => format!("{part}: {words} {}, at most {}", show(value), show(limit)),
        (Rule::Kept, Some(_)) if vital == Vital::Present => format!("{part}: the device is gone"),
        (Rule::Kept, Some(_)) if vital == Vital::Supply => {
            format!("{part}: the supply failed, is gone or not redundant")
        }
        (_, Some(limit)) => format!("{part}: {words} {}, at least {}", show(value), show(limit)),
        (_, None) => format!("{part}: {words} {}", show(value)),
    };
    Incident { at, part, vital, value, limit, says }
}

#[cfg(test)]
mod tests;
