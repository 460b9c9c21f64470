//! How metrics are measured, in a sentence or two for each family.

use crate::{Family, Workload};

macro_rules! families {
    ($($name:ident = $id:literal, $workload:expr; $how:literal;)*) => {
        $(
            #[doc = concat!("How the metrics `", $id, "*` are measured.")]
            pub static $name: Family = Family { name: $id, workload: $workload, how: $how };
        )*
    };
}

const OF_STREAM: Option<Workload> = Some(Workload::Stream);
const OF_DENSE: Option<Workload> = Some(Workload::Dense);
const OF_DISK: Option<Workload> = Some(Workload::Disk);

families! {
    STREAM = "stream.", OF_STREAM;
        "Arrays of at least four times the caches, one pinned worker a core, pages bound to its node and touched \
         by it. Bytes are credited as STREAM does; `.best` is STREAM's best-of figure, `.bus` counts the traffic \
         of the bus. The variant that won a short calibration is measured anew. Based on a variant of the STREAM \
         benchmark code.";
    STREAM_KERNEL = "stream.kernel", OF_STREAM;
        "Every variant of a kernel: instruction set and ordinary or non-temporal stores; short measurements that \
         choose the variant of the headline.";
    STREAM_BANDWIDTH_SWEEP = "stream.bandwidth.sweep", OF_STREAM;
        "One core goes over a working set of each size again and again with the kernel that the record names.";
    STREAM_LATENCY = "stream.latency", OF_STREAM;
        "A random cycle through every line of a buffer of at least four times the caches, on huge pages; each load \
         depends on the one before, so that nothing overlaps.";
    STREAM_LATENCY_SWEEP = "stream.latency.sweep", OF_STREAM;
        "A random cycle through all lines of a working set, each load depending on the one before; by size, page \
         size and spacing of the lines.";
    STREAM_MLP = "stream.mlp", OF_STREAM;
        "Several independent chains of dependent loads at once on one core.";
    STREAM_MATRIX = "stream.matrix", OF_STREAM;
        "The CPUs of one node with the memory of another, for all pairs of nodes.";
    STREAM_LOADED = "stream.loaded", OF_STREAM;
        "One core chases pointers while the others read with pauses between; the shorter the pauses, the higher \
         the load.";
    STREAM_SCALING = "stream.scaling", OF_STREAM;
        "The kernel on a growing number of cores, one thread a core.";
    DENSE_AMX = "dense.amx", OF_DENSE;
        "Tile multiplications of AMX from registers; the loop has no load.";
    DENSE_FLOP_PER_CYCLE = "dense.flop_per_cycle", OF_DENSE;
        "The rate of the FMA kernel divided by the clock that was measured beside it.";
    DENSE_CLOCK = "dense.clock", OF_DENSE;
        "Dependent register additions between bursts of the kernel: cycles a second while it runs.";
    DENSE_FMA = "dense.fma", OF_DENSE;
        "Independent chains of fused multiply-adds in registers: the upper bound for every other floating-point \
         figure.";
    DENSE_DGEMM = "dense.dgemm", OF_DENSE;
        "C = A·B in double precision by the BLAS library that the record names, 2·m·n·k operations, checked by a \
         random vector (Freivalds) and by one row in twice the precision.";
    DENSE_HPL = "dense.hpl", OF_DENSE;
        "LU decomposition with partial pivoting and solve of a random system, 2/3·n³ + 3/2·n² operations, accepted \
         where the scaled residual is below 16: a proxy of HPL, not HPL.";
    DISK = "disk.", OF_DISK;
        "Direct I/O through io_uring on files or devices of the scratch folder; every latency is in a histogram \
         whose quantiles are within 1 %, and p99 is read from it.";
    DISK_FRONTIER = "disk.", OF_DISK;
        "The same at rising queue depth, a short measurement each: the rate and the 99th percentile together \
         (`.frontier`).";
    TABULAR = "tabular.", Some(Workload::Tabular);
        "Ten transforms on seeded data, results verified; the documented amount is extrapolated by rows.";
    TABULAR_CLUSTER = "tabular.cluster.", Some(Workload::Tabular);
        "The same transforms as tasks that workers of Dask do, on one folder that all see; 1, 2, 4 … workers in turn, their \
         start not counted, all results equal bit by bit and the last one verified. Efficiency is held against one worker.";
    HOST = "host.", None;
        "Counters and sensors of the host, read once a second by a thread away from the workers: shares of the \
         workers' CPU time, clock, temperature, power by source. They gate the samples of the workloads and are no \
         promise themselves.";
    CPU_BENCHMARK = "cpu.", None;
        "It is not measured: `hostproof import` reads it from what a vendor sent. The program is closed and its score has no unit, \
         so that nothing bounds it.";
}
