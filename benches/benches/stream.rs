//! The bandwidth kernels on the pinned team, over the arrays that `hostproof run --profile quick` uses: each kernel,
//! instruction set and kind of store. Throughput is in bytes as STREAM counts them.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use machine::{Machine, Siblings, Source, place};
use measure::Profile;
use stream::kernel::{Kernel, Tuning, variants};
use stream::{Arrays, Config};

/// The tuning that is benched: the walk in the order of addresses, prefetched by the hardware alone.
const PLAIN: Tuning = Tuning { streams: 1, ahead: 0 };

fn kernels(criterion: &mut Criterion) {
    let machine = Machine::detect(&Source::Host).expect("the topology of this host");
    let workers = place(&machine.topology, Siblings::OnePerCore).expect("workers");
    let config = Config::for_profile(Profile::Quick, &machine).expect("a plan for this host");
    // Allocated and touched once, outside of what is timed.
    let mut arrays = Arrays::new(&workers, config.array_bytes).expect("three arrays");
    for kernel in Kernel::ALL {
        let mut group = criterion.benchmark_group(kernel.name());
        group.sampling_mode(SamplingMode::Flat).sample_size(10);
        group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
        group.throughput(Throughput::Bytes(kernel.stream_bytes() * arrays.bytes() / 8));
        for variant in variants().iter().filter(|variant| variant.kernel == kernel && variant.tuning == PLAIN) {
            group.bench_function(BenchmarkId::new(variant.isa.name(), variant.store.name()), |bencher| {
                bencher.iter_custom(|iterations| {
                    Duration::from_secs_f64((0..iterations).map(|_| arrays.pass(variant).interval.seconds()).sum())
                });
            });
            arrays.verify().expect("every element is right");
        }
        group.finish();
    }
}

criterion_group!(stream_kernels, kernels);
criterion_main!(stream_kernels);
