use std::collections::BTreeMap;

use machine::Source;
use measure::metrics::{DENSE_AMX_BF16, DENSE_AMX_INT8, DENSE_FMA, DENSE_HPL_CURVE, HOST_STEAL};
use measure::{AttemptLog, Gauge, Labels, Metric, MetricId, Outcome, Reason, Solver, Telemetry, Workload, definition};

use super::*;
use crate::blas::{View, ViewMut, eliminate, gemm};

fn outcomes(load: impl FnOnce() -> Result<Blas, Error>, config: &Config) -> BTreeMap<String, Outcome> {
    let machine = Machine::detect(&Source::Host).unwrap();
    let mut outcomes = BTreeMap::new();
    let mut done = 0.0;
    let mut add = |id: MetricId, outcome: Outcome| {
        let known = definition(&id.name).unwrap();
        assert!(id.labels.keys().all(|label| known.may_carry(label)), "{id} is labelled otherwise");
        assert!(outcomes.insert(id.to_string(), outcome).is_none(), "{id} is reported twice");
    };
    run_with(load, config, &machine, &mut |event| match event {
        Event::Measured(measurement) => add(measurement.id(), Outcome::Measured(measurement)),
        Event::NotMeasured(missing) => add(missing.id.clone(), Outcome::NotMeasured(missing)),
        Event::Telemetry(telemetry) => panic!("{telemetry:?}"),
        Event::Progress { done: share, .. } => {
            assert!((0.0..=1.0).contains(&share) && share >= done, "{share} after {done}");
            done = share;
        }
        // The library's choice, or that of whoever starts the tests.
        Event::Warning(Warning::NarrowIsa { .. }) => (),
        Event::Warning(warning) => panic!("{warning}"),
    })
    .unwrap();
    outcomes
}

fn small() -> Config {
    let mut config = Config::smoke();
    config.fma.seconds = 0.002;
    config.dgemm.order = 200;
    config.dgemm.sustained = 0.0;
    config.hpl.orders = vec![100, 200, 300];
    config.hpl.tuning_order = 100;
    config.hpl.lapack_order = 150;
    config
}

#[test]
fn every_metric_is_measured_or_says_why_not() {
    let start = Clock::now();
    let outcomes = outcomes(Blas::load, &small());
    let whole = Interval::new(start, Clock::now());
    for (id, outcome) in &outcomes {
        match outcome {
            Outcome::Measured(measurement) => {
                assert!(measurement.summary().is_some_and(|summary| summary.min >= 0.0), "{id}: {measurement:?}");
                check_intervals(measurement, whole);
            }
            Outcome::NotMeasured(not) => {
                let amx = [DENSE_AMX_BF16.id, DENSE_AMX_INT8.id].contains(&id.as_str())
                    && matches!(not.reason, Reason::NoHardware(_));
                // A tiny system on a busy host need not follow the model.
                let fit = id == DENSE_HPL.id && not.reason.to_string().contains("do not follow");
                assert!(amx || fit, "{id}: {}", not.reason);
            }
        }
    }
    for id in
        [DENSE_FMA.id, DENSE_DGEMM.id, DENSE_HPL.id, DENSE_AMX_BF16.id, DENSE_AMX_INT8.id, "dense.hpl.curve{n=300}"]
    {
        assert!(outcomes.contains_key(id), "{id} is missing");
    }
    for id in ["dense.hpl.residual{n=300}", "dense.hpl.lapack{n=150}", "dense.dgemm.ndarray{n=512}"] {
        assert!(matches!(outcomes.get(id), Some(Outcome::Measured(_))), "{id}");
    }
}

/// That each sample was taken in some time within the run.
fn check_intervals(measurement: &Measurement, run: Interval) {
    for sample in &measurement.samples {
        let interval = sample.interval.unwrap_or_else(|| panic!("{} does not know when", measurement.id()));
        assert!(interval.seconds() > 0.0 && run.hull(interval) == run, "{}: {interval:?}", measurement.id());
    }
}

/// METHODOLOGY.md: "A sample that was disturbed is marked with the reason, stays in the record and decides nothing."
#[test]
fn a_disturbance_marks_just_the_samples_of_a_batch_that_it_overlaps() {
    const SECOND: u64 = 1_000_000_000;
    let mut config = small();
    config.hpl.measured = true;
    config.hpl.rounds = 2;
    let machine = Machine::detect(&Source::Host).unwrap();
    let mut events = Vec::new();
    run_with(Blas::load, &config, &machine, &mut |event| events.push(event)).unwrap();
    let curve = events.iter().find_map(|event| match event {
        Event::Measured(one) if one.metric.is(&DENSE_HPL_CURVE) => Some(one.clone()),
        _ => None,
    });
    // All rounds are emitted after the last: a second of steal ends between two rounds.
    let rounds: Vec<Interval> = curve.unwrap().samples.iter().map(|sample| sample.interval.unwrap()).collect();
    let end = rounds[0].end.midpoint(rounds[1].start);
    let disturbed = Interval::new(end - SECOND, end);
    let second = |at: u64| Interval::new(end + at * SECOND - 120 * SECOND, end + at * SECOND - 119 * SECOND);
    let clock: Vec<Interval> = (0..240).map(second).collect();
    let readings = clock.iter().map(|&reading| Some(if reading == disturbed { 0.5 } else { 0.0 })).collect();
    let steal = Gauge { metric: Metric::from(&HOST_STEAL), labels: Labels::new(), readings };
    let mut log = AttemptLog::begin(Workload::Dense, 0);
    for event in events {
        log.take(event);
    }
    log.take(Event::Telemetry(Telemetry { clock, gauges: vec![steal] }));
    let attempt = log.end();
    let measured = || attempt.outcomes.iter().filter_map(Outcome::measured);
    let marks = |metric: &Definition| -> Vec<bool> {
        measured().find(|one| one.metric.is(metric)).unwrap().samples.iter().map(|s| s.taint.is_some()).collect()
    };
    assert_eq!(marks(&DENSE_HPL_CURVE), [true, false]);
    assert_eq!(marks(&DENSE_HPL), [false], "the largest system was solved afterwards");
    for one in measured().filter(|one| !one.metric.is(&HOST_STEAL)) {
        for sample in &one.samples {
            let overlaps = sample.interval.unwrap().overlap(disturbed) > 0.0;
            assert_eq!(sample.taint.is_some(), overlaps, "{}: {sample:?}, disturbed in {disturbed:?}", one.id());
        }
    }
}

#[test]
fn the_peak_was_taken_when_its_kernel_was() {
    let outcomes = outcomes(Blas::load, &small());
    let samples = |id: &str| outcomes[id].measured().unwrap().samples.clone();
    let isa = &outcomes[DENSE_FMA.id].measured().unwrap().context["isa"];
    assert_eq!(samples(DENSE_FMA.id), samples(&format!("dense.fma.kernel{{isa={isa},precision=fp64,scope=all}}")));
}

#[test]
fn the_largest_system_is_measured_where_it_is_planned() {
    let mut config = small();
    config.hpl.measured = true;
    config.hpl.order = 500;
    config.dgemm.sustained = 2.0;
    let machine = Machine::detect(&Source::Host).unwrap();
    let (mut rates, mut sustained, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    let mut unproved = false;
    run_with(Blas::load, &config, &machine, &mut |event| match event {
        Event::Warning(Warning::PlacementUnproved { .. }) => unproved = true,
        Event::Measured(one) if one.metric.is(&DENSE_HPL) => rates.push(one),
        Event::Measured(one) if one.metric.is(&DENSE_DGEMM_SUSTAINED) => sustained.extend(one.samples),
        Event::Measured(one) if one.metric.is(&DENSE_DGEMM_KEPT) => kept.extend(one.samples),
        _ => {}
    })
    .unwrap();
    let [first, second] = [0, 1].map(|at: usize| sustained[at].interval.unwrap());
    assert_eq!((sustained.len(), first.end), (2, second.start), "a sample for each second");
    assert_eq!(kept[0].interval, Some(first.hull(second)));
    assert_eq!(rates.len(), 1);
    assert_eq!(rates[0].context["n"], "500");
    // Some containers do not say where pages lie.
    let there = rates[0].placement.as_ref().unwrap().pages_on_node;
    assert!(there == Some(1.0) || unproved && there.is_none(), "{there:?}");
}

#[test]
fn the_librarys_engine_stands_alone() {
    let mut config = small();
    config.hpl.engine = Solver::Lapack;
    let outcomes = outcomes(Blas::load, &config);
    assert!(matches!(&outcomes[DENSE_HPL.id], Outcome::NotMeasured(_)));
    assert!(matches!(&outcomes["dense.hpl.lapack{n=300}"], Outcome::Measured(_)));
}

#[test]
fn a_library_that_answers_wrongly_ends_in_records() {
    fn product(alpha: f64, a: View<'_>, b: View<'_>, beta: f64, mut c: ViewMut<'_>) {
        gemm(alpha, a, b, beta, c.rows_from(0, a.rows()));
        c.column(b.cols() / 2)[a.rows() / 2] += 1e-3;
    }
    fn elimination(a: View<'_>, mut columns: ViewMut<'_>) {
        eliminate(a, columns.rows_from(0, a.rows() + a.cols()));
        if a.rows() > 0 {
            columns.column(0)[a.cols() + a.rows() / 2] += 1e-3;
        }
    }
    // What stands in its place calls the library, so that it must be there.
    Blas::load().unwrap();
    let blas = Blas { gemm: product, eliminate: elimination };
    let outcomes = outcomes(|| Ok(blas), &small());
    for id in [DENSE_DGEMM.id, "dense.dgemm.curve{k=256,m=256,n=256}", DENSE_HPL.id] {
        match &outcomes[id] {
            Outcome::NotMeasured(not) => assert!(matches!(not.reason, Reason::WrongResult(_)), "{id}: {}", not.reason),
            Outcome::Measured(measurement) => panic!("{id}: {measurement:?}"),
        }
    }
    assert!(matches!(&outcomes[DENSE_FMA.id], Outcome::Measured(_)));
}

#[test]
fn a_library_that_is_missing_ends_in_records_beside_those_that_need_none() {
    let missing = || Err(Error::NoBlas { why: "libnone.so.7: no such file".into(), advice: "install it" });
    let outcomes = outcomes(missing, &small());
    for id in [DENSE_DGEMM.id, DENSE_HPL.id] {
        match &outcomes[id] {
            Outcome::NotMeasured(not) => assert!(not.reason.to_string().contains("libnone.so.7"), "{}", not.reason),
            Outcome::Measured(measurement) => panic!("{id}: {measurement:?}"),
        }
    }
    assert!(matches!(&outcomes[DENSE_FMA.id], Outcome::Measured(_)));
}

#[test]
fn too_little_memory_ends_in_a_record() {
    let mut config = small();
    config.dgemm.order = 10_000_000;
    config.hpl.orders = vec![100, 200, 30_000_000];
    let outcomes = outcomes(Blas::load, &config);
    for id in [DENSE_DGEMM.id, "dense.hpl.curve{n=30000000}"] {
        match &outcomes[id] {
            Outcome::NotMeasured(not) => assert!(matches!(not.reason, Reason::NoResources(_)), "{id}: {}", not.reason),
            Outcome::Measured(measurement) => panic!("{id}: {measurement:?}"),
        }
    }
}

#[test]
fn a_described_machine_cannot_be_measured() {
    let machine = Machine::detect(&Source::Synthetic("pack:1 core:2 pu:1".into())).unwrap();
    assert!(run(&small(), &machine, &mut |_| ()).is_err());
}

#[test]
fn kernels_that_are_narrower_than_the_cpu_are_named() {
    let check = |kernel: Option<&str>, widest, named: bool| {
        let library = Library { name: "OpenBLAS", version: "0.3.21".to_owned(), kernel: kernel.map(str::to_owned) };
        let said = narrow(&library, widest);
        assert_eq!(said.is_some(), named, "{kernel:?}: {said:?}");
        assert!(said.is_none_or(|said| said.contains("OPENBLAS_CORETYPE") && said.contains(kernel.unwrap())));
    };
    check(Some("Haswell"), Isa::Avx512, true);
    check(Some("Zen"), Isa::Avx512, true);
    check(Some("Haswell"), Isa::Avx2, false);
    check(Some("SkylakeX"), Isa::Avx512, false);
    check(Some("SapphireRapids"), Isa::Avx512, false);
    // other libraries name no kernel
    check(None, Isa::Avx512, false);
}
