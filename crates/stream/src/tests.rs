use std::collections::BTreeSet;

use machine::{Profile, Source};
use measure::{Measurement, Outcome};

use super::*;

fn host() -> Machine {
    Machine::detect(&machine::Source::Host).unwrap()
}

/// The smallest plan for this host, whose number of cores is not known here.
fn smoke(machine: &Machine) -> Config {
    let mut config = Config::smoke();
    config.array_bytes = config.array_bytes.max(machine.topology.cores.len() as u64 * (2 << 20));
    config
}

fn outcomes(config: &Config, machine: &Machine) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut last = 0.0;
    run(config, machine, &mut |event| match event {
        Event::Outcome(outcome) => outcomes.push(outcome),
        Event::Progress { done, .. } => {
            assert!((last..=1.0).contains(&done), "{done} after {last}");
            last = done;
        }
        Event::Warning(_) => {}
    })
    .unwrap();
    outcomes
}

fn measured(outcomes: &[Outcome]) -> Vec<&Measurement> {
    let values = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Measured(measurement) => Some(measurement),
        Outcome::NotMeasured(_) => None,
    });
    values.collect()
}

#[test]
fn a_smoke_run_takes_every_path_and_proves_it() {
    let host = host();
    let config = smoke(&host);
    let outcomes = outcomes(&config, &host);
    let measured = measured(&outcomes);
    let names: BTreeSet<&str> = measured.iter().map(|m| m.metric.name.as_str()).collect();
    let mut expected: Vec<String> = kernel::Kernel::ALL
        .iter()
        .flat_map(|&k| [metrics::headline(k), metrics::best(k), metrics::bus(k), metrics::variant(k)])
        .collect();
    let others = [metrics::SCALING, metrics::BANDWIDTH_SWEEP, metrics::LATENCY, metrics::MLP, metrics::LATENCY_SWEEP];
    expected.extend(others.iter().chain(metrics::MATRIX).map(|&name| name.to_owned()));
    if host.topology.cores.len() > 1 {
        expected.extend(metrics::LOADED.iter().map(|&name| name.to_owned()));
        assert_eq!(measured.len(), outcomes.len(), "{outcomes:?}");
    }
    assert_eq!(names, expected.iter().map(String::as_str).collect());
    for measurement in &measured {
        let id = measurement.id();
        assert!(!measurement.samples.is_empty(), "{id}");
        assert!(measurement.samples.iter().all(|s| s.value.is_finite() && s.value > 0.0), "{id}");
        let placement = measurement.placement.as_ref().unwrap();
        assert!(!placement.cpus.is_empty(), "{id}");
        let stream = ["copy", "scale", "add", "triad"].iter().any(|kernel| id.name.contains(kernel));
        assert!(!stream || measurement.context["label"] == metrics::STREAM_LABEL, "{id}");
    }
    let ids: BTreeSet<String> = measured.iter().map(|m| m.id().to_string()).collect();
    assert_eq!(ids.len(), measured.len(), "each series comes once");
}

#[test]
fn the_limit_of_instruction_sets_is_kept() {
    let host = host();
    let config = Config { isa: Some("scalar".into()), ..smoke(&host) };
    let outcomes = outcomes(&config, &host);
    for measurement in measured(&outcomes) {
        assert!(measurement.context.get("isa").is_none_or(|isa| isa == "scalar"), "{}", measurement.id());
    }
}

#[test]
fn only_this_host_is_measured() {
    let described = Machine::detect(&Source::Synthetic("numa:1 core:2 pu:1".into())).unwrap();
    let config = Config::for_profile(Profile::Quick, &described).unwrap();
    let error = run(&config, &described, &mut |_| panic!("nothing is told")).unwrap_err();
    assert!(error.to_string().contains("another host"), "{error}");
}
