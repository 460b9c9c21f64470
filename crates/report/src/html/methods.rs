//! How each number was measured, in a sentence or two for each family of metrics.

/// A family of metrics: the beginning of their names, and how they are measured.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(super) struct Method {
    /// The beginning of the names.
    pub(super) prefix: &'static str,
    /// How.
    how: &'static str,
}

const fn method(prefix: &'static str, how: &'static str) -> Method {
    Method { prefix, how }
}

/// Longer prefixes stand before the shorter ones that they begin with.
pub(super) const METHODS: &[Method] = &[
    method(
        "stream.latency.sweep",
        "A random cycle through all lines of a working set, each load depending on the one before; by size, page size and \
         spacing of the lines.",
    ),
    method(
        "stream.latency",
        "A random cycle through every line of a buffer of at least four times the caches, on huge pages; each load depends \
         on the one before, so that nothing overlaps.",
    ),
    method(
        "stream.bandwidth.sweep",
        "One core goes over a working set of each size again and again with the kernel that the record names.",
    ),
    method("stream.matrix", "The CPUs of one node with the memory of another, for all pairs of nodes."),
    method(
        "stream.loaded",
        "One core chases pointers while the others read with pauses between; the shorter the pauses, the higher the load.",
    ),
    method("stream.scaling", "The kernel on a growing number of cores, one thread a core."),
    method("stream.mlp", "Several independent chains of dependent loads at once on one core."),
    method(
        "stream.kernel",
        "Every variant of a kernel: instruction set and ordinary or non-temporal stores; short measurements that choose \
         the variant of the headline.",
    ),
    method(
        "stream.",
        "Arrays of at least four times the caches, one pinned worker a core, pages bound to its node and touched by it. Bytes \
         are credited as STREAM does; `.best` is STREAM's best-of figure, `.bus` counts the traffic of the bus. The variant \
         that won a short calibration is measured anew. Based on a variant of the STREAM benchmark code.",
    ),
    method(
        "dense.dgemm",
        "C = A·B in double precision by the BLAS library that the record names, 2·m·n·k operations, checked by a random vector \
         (Freivalds) and by one row in twice the precision.",
    ),
    method(
        "dense.hpl",
        "LU decomposition with partial pivoting and solve of a random system, 2/3·n³ + 3/2·n² operations, accepted where the \
         scaled residual is below 16: a proxy of HPL, not HPL.",
    ),
    method("dense.clock", "Dependent register additions between bursts of the kernel: cycles a second while it runs."),
    method("dense.flop_per_cycle", "The rate of the FMA kernel divided by the clock that was measured beside it."),
    method(
        "dense.fma",
        "Independent chains of fused multiply-adds in registers: the peak that no other figure can pass.",
    ),
    method("dense.amx", "Tile multiplications of AMX from registers and the nearest cache."),
    method(
        "disk.randread.frontier",
        "4 KiB random reads at rising queue depth, a short measurement each: the rate and the 99th percentile together.",
    ),
    method(
        "disk.",
        "Direct I/O through io_uring on files or devices of the scratch folder; every latency is in a histogram whose \
         quantiles are within 1 %, and p99 is read from it.",
    ),
    method(
        "tabular.",
        "Ten transforms on seeded data, results verified; the documented amount is extrapolated by rows.",
    ),
    method(
        "host.",
        "Counters and sensors of the host, read once a second by a thread away from the workers: shares of the workers' CPU \
         time, clock, temperature, power by source. They gate the samples of the workloads and are no promise themselves.",
    ),
];

/// The family of a metric.
pub(super) fn prefix(name: &str) -> Option<&'static str> {
    METHODS.iter().find(|method| name.starts_with(method.prefix)).map(|method| method.prefix)
}
