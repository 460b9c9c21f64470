//! A run of the documented machine, which nobody has: its parts as documented, its figures a little better than that.

use std::collections::BTreeMap;

use measure::{
    Attempt, Better, DrivesBelow, FactValue, Facts, Interval, Labels, Measurement, Outcome, Run, Sample, StoragePlace,
    Unit, Workload, definition,
};
use spec::{Bound, System};

use crate::simulate::{Host, specification};

/// Its drives.
const DRIVES: &str = "nvme1n1, nvme2n1, nvme3n1, nvme4n1, nvme5n1, nvme6n1";
/// What the channels of the document's own table carry: no figure of memory is above it.
const CHANNELS: f64 = 716.8e9;
/// How much better than documented a figure is.
const BETTER: f64 = 1.02;
const SECOND: u64 = 1_000_000_000;

/// The documented system.
pub(crate) fn system() -> &'static System {
    let id = specification().id;
    spec::builtin().iter().find(|system| system.id == id).unwrap()
}

/// Such a run.
pub(crate) fn run() -> Run {
    Run { facts: facts(system()), attempts: attempts(system()), ..Host::usual().named(0) }
}

/// One of half of it: a processor less, with its memory.
#[allow(dead_code, reason = "another test program uses it")]
pub(crate) fn half() -> Run {
    let mut run = run();
    for halved in ["cpu.sockets", "cpu.cores", "cpu.threads", "memory.channels", "memory.dimms", "memory.capacity"] {
        if let Some(FactValue::Quantity(whole)) = run.facts.value(halved) {
            let (half, unit) = (whole.value / 2.0, whole.unit);
            run.facts.quantity(halved, half, unit, "test");
        }
    }
    for outcome in run.attempts.iter_mut().flat_map(|attempt| &mut attempt.outcomes) {
        let Outcome::Measured(one) = outcome else { continue };
        let is_rate = one.metric.better == Better::Higher && !one.metric.name.starts_with("disk.");
        for sample in one.samples.iter_mut().filter(|_| is_rate) {
            sample.value /= 2.0;
        }
    }
    run
}

fn facts(system: &System) -> Facts {
    let mut facts = Facts::default();
    for fact in &system.facts {
        if let Some(deciding) = system.deciding(&fact.id).first() {
            let named = deciding.admits.first().map(|name| FactValue::Text(name.clone()));
            facts.present(&fact.id, named.unwrap_or_else(|| deciding.value.clone()), "test");
        }
    }
    for limit in &system.limits {
        match &limit.bound {
            Bound::AtMost(bound) | Bound::AtLeast(bound) => {
                facts.present(&limit.fact, FactValue::Quantity(*bound), "test");
            }
            Bound::OneOf(texts) => facts.text(&limit.fact, &texts[0], "test"),
            Bound::Open(_) => {}
        }
    }
    facts.text("storage.scratch.devices", DRIVES, "test");
    // One for each of its DIMMs.
    facts.quantity("memory.channels", 16.0, Unit::Count, "test");
    facts
}

fn attempts(system: &System) -> Vec<Attempt> {
    let mut figures: BTreeMap<(&str, Labels), f64> = BTreeMap::new();
    let mut figure = |id: &'static str, labels: &Labels, better: Better, documented: f64| {
        let value = if better == Better::Higher { documented * BETTER } else { documented / BETTER };
        let kept = figures.entry((id, labels.clone())).or_insert(value);
        *kept = if better == Better::Higher { kept.max(value) } else { kept.min(value) };
    };
    for target in &system.targets {
        let Some(metric) = target.metric else { continue };
        let most =
            if metric.id.starts_with("stream.") && metric.better == Better::Higher { CHANNELS * 0.9 } else { f64::MAX };
        figure(metric.id, &target.series, target.better, target.value.value.min(most));
        if let Some(second) = &target.constraint {
            figure(second.metric.id, &Labels::new(), second.better, second.bound.value);
        }
    }
    let of_workload = |workload: Workload| {
        let own = figures.iter().filter(|((id, _), _)| definition(id).unwrap().family.workload == Some(workload));
        let outcomes = own.flat_map(|((id, labels), value)| outcomes(id, labels, *value)).collect();
        Attempt { workload, repetition: 0, outcomes, warnings: Vec::new() }
    };
    Workload::ALL.map(of_workload).to_vec()
}

/// Three repetitions, a tenth of a percent apart.
fn outcomes(id: &str, labels: &Labels, value: f64) -> Vec<Outcome> {
    let measured = |repetition: u64| {
        let interval = Interval::new(repetition * SECOND, (repetition + 1) * SECOND);
        let sample = Sample::timed(value * (1.0 + 0.001 * repetition as f64), interval);
        let mut one = Measurement::new(definition(id).unwrap(), [sample]);
        for (label, is) in labels {
            one = one.label(label, is);
        }
        if id.starts_with("tabular.") {
            let is_dask = id.starts_with("tabular.dask.");
            one = one.context("engine", if is_dask { "Dask 2026.8.0 with pandas 3.1.1" } else { "pandas 3.1.1" });
        }
        if id.starts_with("disk.") || id.starts_with("tabular.") {
            one = one.at(StoragePlace {
                path: "/data/test".into(),
                mount_point: "/data".into(),
                file_system: "xfs".into(),
                source: "/dev/md1".into(),
                drives: DrivesBelow::Known(DRIVES.split(", ").map(str::to_owned).collect()),
                free: None,
            });
        }
        Outcome::Measured(one)
    };
    (0..3).map(measured).collect()
}
