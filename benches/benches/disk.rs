//! What the engine spends on one I/O: the histogram, the data of a write, a ring of requests that do nothing, and a
//! ring of one worker on a file in memory.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use disk::histogram::Histogram;
use disk::nop::Nops;
use disk::{Settings, jobfile, run_jobs};

fn histogram(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("disk/histogram");
    let values: Vec<u64> = (0..4096_u64).map(|at| 20_000 + at.wrapping_mul(2_654_435_761) % 80_000).collect();
    group.throughput(Throughput::Elements(values.len() as u64));
    let mut histogram = Histogram::default();
    group.bench_function("record", |bencher| {
        bencher.iter(|| values.iter().for_each(|&value| histogram.record(black_box(value))));
    });
    group.bench_function("p99", |bencher| bencher.iter(|| black_box(&histogram).percentile(99.0)));
    group.finish();
}

fn data(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("disk/data");
    let mut block = vec![0; 1 << 20];
    group.throughput(Throughput::Bytes(block.len() as u64));
    group.bench_function("fill 1 MiB", |bencher| bencher.iter(|| disk::data::fill(black_box(&mut block), 7)));
    group.finish();
}

/// Requests that the kernel answers at once, so that what is left is the engine's own cost and the calls of the kernel.
fn nops(criterion: &mut Criterion) {
    const COUNT: u64 = 16_384;
    if disk::available().is_err() {
        return;
    }
    let mut group = criterion.benchmark_group("disk/nop");
    group.throughput(Throughput::Elements(COUNT));
    for depth in [1, 32] {
        let mut ring = Nops::open(depth).expect("a ring");
        group.bench_function(format!("depth {depth}"), |bencher| bencher.iter(|| ring.send(black_box(COUNT))));
    }
    group.finish();
}

/// 16,384 reads of 4 KiB at a depth of 32 from a file in memory, layout and ring included.
fn engine(criterion: &mut Criterion) {
    let dir = Path::new("/dev/shm");
    if !dir.is_dir() || disk::available().is_err() {
        return;
    }
    let text = "[read]\nsize=16m\nio_size=64m\nrw=randread\niodepth=32\niodepth_batch=32\nregisterfiles\nfixedbufs\n";
    let jobs = jobfile::parse(text, dir).expect("a job file of our own");
    let mut group = criterion.benchmark_group("disk/engine");
    group.sample_size(10).throughput(Throughput::Elements(16_384));
    group.bench_function("randread 4 KiB", |bencher| {
        bencher.iter(|| run_jobs(&jobs, &Settings::default(), &mut |_| {}));
    });
    group.finish();
}

criterion_group!(benches, histogram, data, nops, engine);
criterion_main!(benches);
