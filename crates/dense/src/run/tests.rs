use std::collections::BTreeMap;

use machine::Source;
use measure::{Outcome, Reason};

use super::*;
use crate::blas::{View, ViewMut, eliminate, gemm};

fn outcomes(load: impl FnOnce() -> Result<Blas, Error>, config: &Config) -> BTreeMap<String, Outcome> {
    let machine = Machine::detect(&Source::Host).unwrap();
    let mut outcomes = BTreeMap::new();
    let mut done = 0.0;
    run_with(load, config, &machine, &mut |event| match event {
        Event::Outcome(outcome) => {
            let id = match &outcome {
                Outcome::Measured(measurement) => measurement.id(),
                Outcome::NotMeasured(not) => not.id.clone(),
            };
            assert!(outcomes.insert(id.to_string(), outcome).is_none(), "{id} is reported twice");
        }
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
    let outcomes = outcomes(Blas::load, &small());
    for (id, outcome) in &outcomes {
        match outcome {
            Outcome::Measured(measurement) => {
                assert!(measurement.summary().is_some_and(|summary| summary.min >= 0.0), "{id}: {measurement:?}");
            }
            Outcome::NotMeasured(not) => {
                let amx = id.starts_with("dense.amx") && matches!(not.reason, Reason::NoHardware(_));
                // A tiny system on a busy host need not follow the model.
                let fit = id == "dense.hpl" && not.reason.to_string().contains("do not follow");
                assert!(amx || fit, "{id}: {}", not.reason);
            }
        }
    }
    for id in ["dense.fma", "dense.dgemm", "dense.hpl", "dense.amx.bf16", "dense.amx.int8", "dense.hpl.curve{n=300}"] {
        assert!(outcomes.contains_key(id), "{id} is missing");
    }
    for id in ["dense.hpl.residual{n=300}", "dense.hpl.lapack{n=150}", "dense.dgemm.ndarray{n=512}"] {
        assert!(matches!(outcomes.get(id), Some(Outcome::Measured(_))), "{id}");
    }
}

#[test]
fn the_largest_system_is_measured_where_it_is_planned() {
    let mut config = small();
    config.hpl.measured = true;
    config.hpl.order = 500;
    config.dgemm.sustained = 2.0;
    let machine = Machine::detect(&Source::Host).unwrap();
    let mut rates = Vec::new();
    let mut sustained = 0;
    run_with(Blas::load, &config, &machine, &mut |event| match event {
        Event::Outcome(Outcome::Measured(m)) if m.id().to_string() == "dense.hpl" => rates.push(m),
        Event::Outcome(Outcome::Measured(m)) if m.id().to_string() == "dense.dgemm.sustained" => {
            sustained = m.samples.len();
        }
        _ => {}
    })
    .unwrap();
    assert_eq!(sustained, 2);
    assert_eq!(rates.len(), 1);
    assert_eq!(rates[0].context["n"], "500");
    assert_eq!(rates[0].placement.as_ref().unwrap().pages_on_node, Some(1.0));
}

#[test]
fn the_librarys_engine_stands_alone() {
    let mut config = small();
    config.hpl.engine = crate::Engine::Lapack;
    let outcomes = outcomes(Blas::load, &config);
    assert!(matches!(&outcomes["dense.hpl"], Outcome::NotMeasured(_)));
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
    for id in ["dense.dgemm", "dense.dgemm.curve{k=256,m=256,n=256}", "dense.hpl"] {
        match &outcomes[id] {
            Outcome::NotMeasured(not) => assert!(matches!(not.reason, Reason::WrongResult(_)), "{id}: {}", not.reason),
            Outcome::Measured(measurement) => panic!("{id}: {measurement:?}"),
        }
    }
    assert!(matches!(&outcomes["dense.fma"], Outcome::Measured(_)));
}

#[test]
fn a_library_that_is_missing_ends_in_records_beside_those_that_need_none() {
    let missing = || Err(Error::NoBlas { why: "libnone.so.7: no such file".into(), advice: "install it" });
    let outcomes = outcomes(missing, &small());
    for id in ["dense.dgemm", "dense.hpl"] {
        match &outcomes[id] {
            Outcome::NotMeasured(not) => assert!(not.reason.to_string().contains("libnone.so.7"), "{}", not.reason),
            Outcome::Measured(measurement) => panic!("{id}: {measurement:?}"),
        }
    }
    assert!(matches!(&outcomes["dense.fma"], Outcome::Measured(_)));
}

#[test]
fn too_little_memory_ends_in_a_record() {
    let mut config = small();
    config.dgemm.order = 10_000_000;
    config.hpl.orders = vec![100, 200, 30_000_000];
    let outcomes = outcomes(Blas::load, &config);
    for id in ["dense.dgemm", "dense.hpl.curve{n=30000000}"] {
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
fn kernels_that_are_narrower_than_the_cpu_are_told() {
    let check = |kernel: Option<&str>, widest, told: bool| {
        let library = Library { name: "OpenBLAS", version: "0.3.21".to_owned(), kernel: kernel.map(str::to_owned) };
        let said = narrow(&library, widest);
        assert_eq!(said.is_some(), told, "{kernel:?}: {said:?}");
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
