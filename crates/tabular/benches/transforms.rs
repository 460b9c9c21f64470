//! Each of the ten transformations on 100,000 rows, with what those before it left, and the kernels' own throughput by it.

use std::fs;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tabular::generate::{self, Config};
use tabular::pipeline::{STEPS, Tables};

const ROWS: u64 = 100_000;

fn transforms(criterion: &mut Criterion) {
    let folder = std::env::temp_dir().join(format!("hostproof-bench-{}", std::process::id()));
    generate::generate(&Config::new(ROWS, folder.clone()), &|_| ()).expect("data for the bench");
    let mut tables = Tables::load(&folder).expect("the data that was just generated");
    fs::remove_dir_all(&folder).expect("the bench's own folder");
    let mut group = criterion.benchmark_group("transforms");
    group.throughput(Throughput::Elements(ROWS)).sample_size(20);
    for (id, step) in STEPS {
        group.bench_function(id, |bencher| {
            // Copies share their columns: what is timed is the step.
            bencher.iter_batched_ref(|| tables.clone(), |tables| black_box(step(tables)), BatchSize::PerIteration);
        });
        step(&mut tables).expect("the step before the next");
    }
    group.finish();
}

criterion_group!(benches, transforms);
criterion_main!(benches);
