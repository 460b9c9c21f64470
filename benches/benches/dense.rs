//! Dense compute: matrix products by the pinned team and by ndarray, the solution of a system of equations by the team,
//! and the FMA kernels. Throughput is in floating-point operations.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use dense::blas::{Blas, set_threads};
use dense::dgemm::{Product, Shape, plain};
use dense::fma::{Precision, Usable, measure};
use dense::lu::{LinearSystem, Plan};
use dense::matrix::fill_column;
use machine::{Machine, Siblings, Source, Team, place};

fn team() -> Team {
    let machine = Machine::detect(&Source::Host).expect("the topology of this host");
    Team::start(&place(&machine.topology, Siblings::OnePerCore).expect("workers")).expect("a pinned team")
}

fn operations(flops: f64) -> Throughput {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and below 2⁶³")]
    Throughput::Elements(flops as u64)
}

fn fma(criterion: &mut Criterion) {
    /// Work of an iteration, so that the rate is read as Gelem/s.
    const FLOPS: f64 = 1e9;
    let team = team();
    let mut group = criterion.benchmark_group("fma");
    group.sampling_mode(SamplingMode::Flat).sample_size(10).throughput(operations(FLOPS));
    for isa in Usable::all() {
        for precision in Precision::ALL {
            let id = BenchmarkId::new(precision.name(), isa.isa().name());
            group.bench_function(id, |bencher| {
                bencher.iter_custom(|iterations| {
                    let readings = measure(&team, isa, precision, 1, 0.05).expect("right results");
                    Duration::from_secs_f64(FLOPS / readings[0].rate.value * iterations as f64)
                });
            });
        }
    }
}

/// The library, with one thread for each caller.
fn blas() -> Blas {
    let blas = Blas::load().expect("a BLAS");
    set_threads(1);
    blas
}

fn dgemm(criterion: &mut Criterion) {
    let (team, blas) = (team(), blas());
    let mut group = criterion.benchmark_group("dgemm");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    for shape in [512, 1001, 2048].map(Shape::square).into_iter().chain([Shape { m: 2048, n: 2048, k: 256 }]) {
        let id = format!("{}x{}x{}", shape.m, shape.n, shape.k);
        let mut product = Product::prepare(&team, shape, 1, blas).expect("memory");
        group.throughput(operations(shape.flops()));
        group.bench_function(BenchmarkId::new("team", &id), |bencher| {
            bencher.iter_custom(|iterations| {
                Duration::from_secs_f64((0..iterations).map(|_| product.multiply().elapsed).sum())
            });
        });
        product.verify().expect("a right product");
    }
    let shape = Shape::square(2048);
    group.throughput(operations(shape.flops()));
    group.bench_function(BenchmarkId::new("ndarray", "2048x2048x2048"), |bencher| {
        bencher.iter_custom(|iterations| {
            let samples = usize::try_from(iterations).expect("few iterations");
            let rates = plain(shape.n, samples, team.workers().len(), 1).expect("a right product");
            Duration::from_secs_f64(rates.iter().map(|rate| shape.flops() / rate.value).sum())
        });
    });
}

fn lu(criterion: &mut Criterion) {
    let (team, blas) = (team(), blas());
    let mut group = criterion.benchmark_group("hpl");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    for (order, block, panels) in [(1000, 128, 2), (3000, 192, 2)] {
        let plan = Plan::new(order, block, panels);
        let mut system = LinearSystem::allocate(plan, team.workers()).expect("memory");
        group.throughput(operations(plan.flops()));
        group.bench_function(BenchmarkId::new("team", order), |bencher| {
            bencher.iter_custom(|iterations| {
                let solve = |_| {
                    system.fill(&team, &|j, column| fill_column(1, j, column));
                    system.solve(&team, blas, &AtomicU64::new(0)).expect("a regular matrix").interval.seconds()
                };
                Duration::from_secs_f64((0..iterations).map(solve).sum())
            });
        });
    }
}

criterion_group!(benches, fma, dgemm, lu);
criterion_main!(benches);
