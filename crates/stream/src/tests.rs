use std::collections::BTreeSet;

use machine::{Clock, Source};
use measure::metrics::{HOST_STEAL, STREAM_TRIAD};
use measure::{
    AttemptLog, Gauge, Interval, Isa, Labels, Measurement, Metric, Outcome, Profile, Sample, Telemetry, Workload,
    definition,
};

use super::*;
use crate::kernel::{Kernel, KernelMetrics, STREAM_LABEL};

fn host() -> Machine {
    Machine::detect(&Source::Host).unwrap()
}

/// The smallest plan for this host, whose number of cores is not known here.
fn smoke(machine: &Machine) -> Config {
    let mut config = Config::smoke();
    config.array_bytes = config.array_bytes.max(machine.topology.cores.len() as u64 * (2 << 20));
    config
}

fn events(config: &Config, machine: &Machine) -> Vec<Event> {
    let mut events = Vec::new();
    let mut last = 0.0;
    run(config, machine, &mut |event| match event {
        Event::Progress { done, .. } => {
            assert!((last..=1.0).contains(&done), "{done} after {last}");
            last = done;
        }
        other => events.push(other),
    })
    .unwrap();
    events
}

fn outcomes(config: &Config, machine: &Machine) -> Vec<Outcome> {
    let mut log = AttemptLog::begin(Workload::Stream, 0);
    for event in events(config, machine) {
        log.take(event);
    }
    log.end().outcomes
}

fn measured(outcomes: &[Outcome]) -> Vec<&Measurement> {
    outcomes.iter().filter_map(Outcome::measured).collect()
}

/// Each sample of a positive value, taken within the run.
fn check_samples(measurement: &Measurement, run: Interval) {
    let id = measurement.id();
    assert!(!measurement.samples.is_empty(), "{id}");
    for Sample { value, interval, .. } in &measurement.samples {
        assert!(value.is_finite() && *value > 0.0, "{id}");
        let interval = interval.unwrap_or_else(|| panic!("{id} does not know when"));
        assert!(interval.seconds() > 0.0 && run.hull(interval) == run, "{id}: {interval:?} in {run:?}");
    }
}

#[test]
fn a_smoke_run_takes_every_path_and_proves_it() {
    let host = host();
    let config = smoke(&host);
    let start = Clock::now();
    let outcomes = outcomes(&config, &host);
    let run = Interval::new(start, Clock::now());
    let measured = measured(&outcomes);
    let several = host.topology.cores.len() > 1;
    if several {
        assert_eq!(measured.len(), outcomes.len(), "{outcomes:?}");
    }
    let names: BTreeSet<&str> = measured.iter().map(|m| m.metric.name.as_str()).collect();
    let of_stream = measure::metrics::ALL.iter().filter(|metric| metric.family.workload == Some(Workload::Stream));
    let loaded = [&STREAM_LOADED_LATENCY, &STREAM_LOADED_BANDWIDTH];
    let expected = of_stream.filter(|metric| several || !loaded.contains(metric));
    assert_eq!(names, expected.map(|metric| metric.id).collect());
    for measurement in &measured {
        let id = measurement.id();
        check_samples(measurement, run);
        let known = definition(&id.name).unwrap();
        assert!(id.labels.keys().all(|label| known.may_carry(label)), "{id}");
        let placement = measurement.placement.as_ref().unwrap();
        assert!(!placement.cpus.is_empty(), "{id}");
    }
    let ids: BTreeSet<String> = measured.iter().map(|m| m.id().to_string()).collect();
    assert_eq!(ids.len(), measured.len(), "each series comes once");
    for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.is_stream()) {
        let KernelMetrics { headline, best, bus, variant } = kernel.metrics();
        let labelled = |one: &&&Measurement| [headline, best, bus, variant].iter().any(|metric| one.metric.is(metric));
        assert!(measured.iter().filter(labelled).all(|one| one.context["label"] == STREAM_LABEL), "{kernel:?}");
    }
}

/// METHODOLOGY.md: "A sample that was disturbed is marked with the reason, stays in the record and decides nothing."
#[test]
fn a_disturbance_marks_just_the_samples_of_a_batch_that_it_overlaps() {
    const SECOND: u64 = 1_000_000_000;
    let host = host();
    let events = events(&smoke(&host), &host);
    let triad = events.iter().find_map(|event| match event {
        Event::Measured(one) if one.metric.is(&STREAM_TRIAD) => Some(one.samples.clone()),
        _ => None,
    });
    let [first, second] = &triad.unwrap()[..] else { panic!("two samples") };
    // A second of steal that ends between the two samples; readings of a second each, far before and after.
    let end = first.interval.unwrap().end.midpoint(second.interval.unwrap().start);
    let disturbed = Interval::new(end - SECOND, end);
    let second = |from: u64| Interval::new(end - 120 * SECOND + from * SECOND, end - 119 * SECOND + from * SECOND);
    let clock: Vec<Interval> = (0..600).map(second).collect();
    let readings = clock.iter().map(|&reading| Some(if reading == disturbed { 0.5 } else { 0.0 })).collect();
    let steal = Gauge { metric: Metric::from(&HOST_STEAL), labels: Labels::new(), readings };
    let mut log = AttemptLog::begin(Workload::Stream, 0);
    for event in events {
        log.take(event);
    }
    log.take(Event::Telemetry(Telemetry { clock, gauges: vec![steal] }));
    let attempt = log.end();
    let measured = measured(&attempt.outcomes);
    for one in measured.iter().filter(|one| !one.metric.is(&HOST_STEAL)) {
        for sample in &one.samples {
            let overlaps = sample.interval.unwrap().overlap(disturbed) > 0.0;
            assert_eq!(sample.taint.is_some(), overlaps, "{}: {sample:?}, disturbed in {disturbed:?}", one.id());
        }
    }
    let triad = measured.iter().find(|one| one.metric.is(&STREAM_TRIAD)).unwrap();
    assert_eq!(triad.samples.iter().map(|sample| sample.taint.is_some()).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn the_limit_of_instruction_sets_is_kept() {
    let host = host();
    let config = Config { isa: Some(Isa::Scalar), ..smoke(&host) };
    let outcomes = outcomes(&config, &host);
    for measurement in measured(&outcomes) {
        assert!(measurement.context.get("isa").is_none_or(|isa| isa == "scalar"), "{}", measurement.id());
    }
}

#[test]
fn only_this_host_is_measured() {
    let described = Machine::detect(&Source::Synthetic("numa:1 core:2 pu:1".into())).unwrap();
    let config = Config::for_profile(Profile::Quick, &described).unwrap();
    let error = run(&config, &described, &mut |_| panic!("nothing is emitted")).unwrap_err();
    assert!(error.to_string().contains("another host"), "{error}");
}
