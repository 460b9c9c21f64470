//! Which samples the host disturbed: a pure function of a sample's interval and the telemetry of its attempt.
//!
//! It is computed when an attempt ends and whenever its record is read, so that a record judged again is marked by the
//! rules of the program that judges.

use crate::families::TABULAR_CLUSTER;
use crate::metrics::{
    HOST_MAJOR_FAULTS_PER_SECOND, HOST_OTHER_LOAD, HOST_POWER_CPU, HOST_POWER_PEAK, HOST_STEAL, HOST_TEMPERATURE,
    HOST_THROTTLES_PER_SECOND, HOST_UNCORRECTED_ERRORS_PER_SECOND,
};
use crate::{Attempt, Definition, Interval, Measurement, Outcome, Role, Taint, Workload, definition};

/// The share of the workers' CPU time that the hypervisor may take.
pub const STEAL_ALLOWED: f64 = 0.02;
/// The share of the workers' CPU time that other processes may take.
pub const OTHER_LOAD_ALLOWED: f64 = 0.05;
/// CPU time is counted in hundredths of a second: a window shorter than this, in seconds, says little, so a sample is
/// judged by this much of telemetry at least.
pub const SHORTEST_WINDOW: f64 = 0.5;

/// How a gauge disturbs.
#[derive(Clone, Copy)]
enum Rule {
    /// Its mean over the sample may be up to this share; else it took the CPUs.
    Share { allowed: f64, by: &'static str },
    /// A rate of what must not happen at all.
    Never { what: &'static str },
}

/// The rules in the order of which the first that applies is told.
const RULES: [(&Definition, Rule); 5] = [
    (&HOST_STEAL, Rule::Share { allowed: STEAL_ALLOWED, by: "steal" }),
    (&HOST_OTHER_LOAD, Rule::Share { allowed: OTHER_LOAD_ALLOWED, by: OTHERS }),
    (&HOST_THROTTLES_PER_SECOND, Rule::Never { what: "times the processor throttled itself for its temperature" }),
    (&HOST_MAJOR_FAULTS_PER_SECOND, Rule::Never { what: FAULTS }),
    (&HOST_UNCORRECTED_ERRORS_PER_SECOND, Rule::Never { what: "memory errors could not be corrected" }),
];

const OTHERS: &str = "other processes";
const FAULTS: &str = "page faults waited for a drive";

/// What a load does to the host is what these measure: they are not judged by it.
const EFFECTS: [&Definition; 3] = [&HOST_TEMPERATURE, &HOST_POWER_PEAK, &HOST_POWER_CPU];

/// Marks the samples of an attempt that the host disturbed, or that ended when nobody watched it any more. Samples without a
/// time keep the marks that they have, and so do those that are tainted already.
pub fn mark(attempt: &mut Attempt) {
    let disturbances = Disturbances::of(attempt);
    for outcome in &mut attempt.outcomes {
        let Outcome::Measured(measurement) = outcome else { continue };
        let effect = EFFECTS.iter().any(|effect| measurement.metric.is(effect));
        if effect || is_telemetry(measurement) || is_of_other_hosts(measurement) {
            continue;
        }
        for sample in measurement.samples.iter_mut().filter(|sample| sample.taint.is_none()) {
            sample.taint = sample.times().iter().find_map(|&time| disturbances.during(time));
        }
    }
}

fn is_telemetry(measurement: &Measurement) -> bool {
    definition(&measurement.metric.name).is_some_and(|known| known.role == Role::Telemetry)
}

/// Whether it is of workers that somebody else started: what this host saw is not of their hosts, and where it is, their own
/// work would count as that of others.
fn is_of_other_hosts(measurement: &Measurement) -> bool {
    let of_cluster = definition(&measurement.metric.name).is_some_and(|known| *known.family == TABULAR_CLUSTER);
    of_cluster && measurement.placement.is_none()
}

/// The gauges that disturb, over an attempt.
struct Disturbances {
    rules: Vec<(Rule, Vec<(Interval, f64)>)>,
    /// When the last reading of any gauge ended; `None` where the host was not watched, which the attempt says itself.
    watched_until: Option<u64>,
}

impl Disturbances {
    fn of(attempt: &Attempt) -> Disturbances {
        let readings = |definition: &Definition| -> Vec<(Interval, f64)> {
            let measured = attempt.outcomes.iter().filter_map(Outcome::measured);
            measured.filter(|one| one.metric.is(definition)).flat_map(timed).collect()
        };
        let rules = RULES.into_iter().filter(|(_, rule)| applies(*rule, attempt.workload));
        let telemetry = attempt.outcomes.iter().filter_map(Outcome::measured).filter(|one| is_telemetry(one));
        Disturbances {
            rules: rules.map(|(definition, rule)| (rule, readings(definition))).collect(),
            watched_until: telemetry.flat_map(timed).map(|(reading, _)| reading.end).max(),
        }
    }

    /// Why a sample that was taken in this interval must not count: the first rule that was broken.
    fn during(&self, interval: Interval) -> Option<Taint> {
        let broken = self.rules.iter().find_map(|(rule, readings)| rule.judge(&window(readings, interval)));
        // A worker that was killed took its last readings with it.
        let unwatched = self.watched_until.is_some_and(|until| interval.end > until);
        broken
            .or_else(|| unwatched.then(|| Taint::Environment("the watch over the host ended before it did".to_owned())))
    }
}

/// What the kernel's own threads do for the disk workload is its work and no other load, and the feature workload reads
/// files as its work.
fn applies(rule: Rule, workload: Workload) -> bool {
    match workload {
        Workload::Disk => !matches!(rule, Rule::Share { by: OTHERS, .. }),
        Workload::Tabular => !matches!(rule, Rule::Never { what: FAULTS }),
        Workload::Stream | Workload::Dense => true,
    }
}

fn timed(series: &Measurement) -> impl Iterator<Item = (Interval, f64)> {
    series.samples.iter().filter_map(|sample| Some((sample.interval?, sample.value)))
}

/// The readings that a sample overlaps, each with the seconds that count of it. Where they are too short to tell anything,
/// the one before counts as well. The readings are in order.
fn window(readings: &[(Interval, f64)], sample: Interval) -> Vec<(f64, f64)> {
    let first = readings.partition_point(|(reading, _)| reading.end <= sample.start);
    let overlapping = &readings[first..];
    let count = overlapping.partition_point(|(reading, _)| reading.start < sample.end.max(sample.start + 1));
    let length: f64 = overlapping[..count].iter().map(|(reading, _)| reading.seconds()).sum();
    let before = usize::from(count > 0 && length < SHORTEST_WINDOW);
    let counted = &readings[first.saturating_sub(before)..first + count];
    let whole = sample.seconds() < SHORTEST_WINDOW;
    let seconds = |reading: Interval| if whole { reading.seconds() } else { reading.overlap(sample) };
    counted.iter().map(|(reading, value)| (seconds(*reading), *value)).collect()
}

impl Rule {
    fn judge(self, window: &[(f64, f64)]) -> Option<Taint> {
        let time: f64 = window.iter().map(|(seconds, _)| seconds).sum();
        let sum: f64 = window.iter().map(|(seconds, value)| seconds * value).sum();
        match self {
            Rule::Share { allowed, by } => {
                let share = if time > 0.0 { sum / time } else { 0.0 };
                (share > allowed).then(|| Taint::CpuTaken { share, by: by.to_owned() })
            }
            Rule::Never { what } => {
                let any = window.iter().any(|(_, rate)| *rate > 0.0);
                any.then(|| Taint::Environment(format!("{:.0} {what}", sum.max(1.0))))
            }
        }
    }
}

#[cfg(test)]
mod tests;
