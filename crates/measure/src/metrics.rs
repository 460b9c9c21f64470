//! The catalogue: every metric of the suite, once. Whoever measures, judges or shows one takes it from here, so that a
//! metric that is renamed or taken away is an error of the compiler.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::Better::{Higher, Lower};
use crate::Ceiling::{DramLatency, DriveLinks, FlopRate, MemoryBandwidth, NandLatency};
use crate::Role::{Critical, Detail, Headline, Telemetry};
use crate::Unit::{
    BytePerSecond, Celsius, Count, FlopPerCycle, FlopPerSecond, Hertz, IoPerSecond, OpPerSecond, Ratio, Score, Second,
    Watt,
};
use crate::families as family;
use crate::{Ceiling, Definition};

/// A row: `NAME = id, unit, direction, role, family, labels, ceiling: what it means`.
macro_rules! catalogue {
    ($($name:ident = $id:literal, $unit:ident, $better:ident, $role:ident, $family:ident, [$($label:literal),*], $ceiling:expr;
       $means:literal;)*) => {
        $(
            #[doc = concat!("`", $id, "`: ", $means)]
            pub static $name: Definition = Definition {
                id: $id,
                unit: $unit,
                better: $better,
                family: &family::$family,
                role: $role,
                labels: &[$($label),*],
                ceiling: $ceiling,
                means: $means,
            };
        )*

        /// All metrics, in the order in which a run measures them.
        pub static ALL: &[&Definition] = &[$(&$name),*];
    };
}

const MEMORY: Option<Ceiling> = Some(MemoryBandwidth);
const FLOPS: Option<Ceiling> = Some(FlopRate);
const BYTES_OF_LINKS: Option<Ceiling> = Some(DriveLinks { block: None });
const BLOCKS_OF_LINKS: Option<Ceiling> = Some(DriveLinks { block: Some(4096) });

catalogue! {
    STREAM_READ = "stream.read", BytePerSecond, Higher, Critical, STREAM, [], MEMORY;
        "Bytes a second that all cores read from memory.";
    STREAM_READ_BEST = "stream.read.best", BytePerSecond, Higher, Detail, STREAM, [], MEMORY;
        "The fastest sample of read, as STREAM reports it.";
    STREAM_READ_BUS = "stream.read.bus", BytePerSecond, Higher, Detail, STREAM, [], MEMORY;
        "Modelled traffic of read on the memory bus.";
    STREAM_WRITE = "stream.write", BytePerSecond, Higher, Critical, STREAM, [], MEMORY;
        "Bytes a second that all cores write to memory.";
    STREAM_WRITE_BEST = "stream.write.best", BytePerSecond, Higher, Detail, STREAM, [], MEMORY;
        "The fastest sample of write, as STREAM reports it.";
    STREAM_WRITE_BUS = "stream.write.bus", BytePerSecond, Higher, Detail, STREAM, [], MEMORY;
        "Modelled traffic of write on the memory bus, with write-allocate where stores are ordinary.";
    STREAM_COPY = "stream.copy", BytePerSecond, Higher, Critical, STREAM, [], MEMORY;
        "Bytes a second that copy reads and writes, credited as STREAM does.";
    STREAM_COPY_BEST = "stream.copy.best", BytePerSecond, Higher, Detail, STREAM, [], MEMORY;
        "The fastest sample of copy, as STREAM reports it.";
    STREAM_COPY_BUS = "stream.copy.bus", BytePerSecond, Higher, Detail, STREAM, [], MEMORY;
        "Modelled traffic of copy on the memory bus, with write-allocate where stores are ordinary.";
    STREAM_SCALE = "stream.scale", BytePerSecond, Higher, Headline, STREAM, [], MEMORY;
        "Bytes a second that scale reads and writes, credited as STREAM does.";
    STREAM_SCALE_BEST = "stream.scale.best", BytePerSecond, Higher, Detail, STREAM, [], MEMORY;
        "The fastest sample of scale, as STREAM reports it.";
    STREAM_SCALE_BUS = "stream.scale.bus", BytePerSecond, Higher, Detail, STREAM, [], MEMORY;
        "Modelled traffic of scale on the memory bus, with write-allocate where stores are ordinary.";
    STREAM_ADD = "stream.add", BytePerSecond, Higher, Headline, STREAM, [], MEMORY;
        "Bytes a second that add reads and writes, credited as STREAM does.";
    STREAM_ADD_BEST = "stream.add.best", BytePerSecond, Higher, Detail, STREAM, [], MEMORY;
        "The fastest sample of add, as STREAM reports it.";
    STREAM_ADD_BUS = "stream.add.bus", BytePerSecond, Higher, Detail, STREAM, [], MEMORY;
        "Modelled traffic of add on the memory bus, with write-allocate where stores are ordinary.";
    STREAM_TRIAD = "stream.triad", BytePerSecond, Higher, Critical, STREAM, [], MEMORY;
        "Bytes a second that triad reads and writes, credited as STREAM does.";
    STREAM_TRIAD_BEST = "stream.triad.best", BytePerSecond, Higher, Detail, STREAM, [], MEMORY;
        "The fastest sample of triad, as STREAM reports it.";
    STREAM_TRIAD_BUS = "stream.triad.bus", BytePerSecond, Higher, Detail, STREAM, [], MEMORY;
        "Modelled traffic of triad on the memory bus, with write-allocate where stores are ordinary.";
    STREAM_KERNEL_READ = "stream.kernel.read", BytePerSecond, Higher, Detail, STREAM_KERNEL, ["isa", "store"], MEMORY;
        "A variant of read in the calibration.";
    STREAM_KERNEL_WRITE = "stream.kernel.write", BytePerSecond, Higher, Detail, STREAM_KERNEL, ["isa", "store"], MEMORY;
        "A variant of write in the calibration.";
    STREAM_KERNEL_COPY = "stream.kernel.copy", BytePerSecond, Higher, Detail, STREAM_KERNEL, ["isa", "store"], MEMORY;
        "A variant of copy in the calibration.";
    STREAM_KERNEL_SCALE = "stream.kernel.scale", BytePerSecond, Higher, Detail, STREAM_KERNEL, ["isa", "store"], MEMORY;
        "A variant of scale in the calibration.";
    STREAM_KERNEL_ADD = "stream.kernel.add", BytePerSecond, Higher, Detail, STREAM_KERNEL, ["isa", "store"], MEMORY;
        "A variant of add in the calibration.";
    STREAM_KERNEL_TRIAD = "stream.kernel.triad", BytePerSecond, Higher, Detail, STREAM_KERNEL, ["isa", "store"], MEMORY;
        "A variant of triad in the calibration.";
    STREAM_BANDWIDTH_SWEEP = "stream.bandwidth.sweep", BytePerSecond, Higher, Detail, STREAM_BANDWIDTH_SWEEP, ["size"], None;
        "Bytes a second that one core reads, by the size of its working set.";
    STREAM_LATENCY = "stream.latency", Second, Lower, Critical, STREAM_LATENCY, [], Some(DramLatency);
        "Time of a load from memory that waits for the load before it, on huge pages.";
    STREAM_MLP = "stream.mlp", Second, Lower, Detail, STREAM_MLP, ["chases"], None;
        "Time of a load with several chains of dependent loads at once.";
    STREAM_LATENCY_SWEEP = "stream.latency.sweep", Second, Lower, Detail, STREAM_LATENCY_SWEEP, ["size", "page", "spacing"], None;
        "Time of a dependent load, by the size of the working set, its pages and the spacing of its lines.";
    STREAM_MATRIX_LATENCY = "stream.matrix.latency", Second, Lower, Detail, STREAM_MATRIX, ["from", "to"], None;
        "Time of a dependent load from one node's cores to another's memory.";
    STREAM_MATRIX_READ = "stream.matrix.read", BytePerSecond, Higher, Detail, STREAM_MATRIX, ["from", "to"], MEMORY;
        "Bytes a second that one node's cores read from another's memory.";
    STREAM_MATRIX_WRITE = "stream.matrix.write", BytePerSecond, Higher, Detail, STREAM_MATRIX, ["from", "to"], MEMORY;
        "Bytes a second that one node's cores write to another's memory by non-temporal stores.";
    STREAM_LOADED_LATENCY = "stream.loaded.latency", Second, Lower, Detail, STREAM_LOADED, ["delay"], None;
        "Time of a dependent load while the other cores read.";
    STREAM_LOADED_BANDWIDTH = "stream.loaded.bandwidth", BytePerSecond, Higher, Detail, STREAM_LOADED, ["delay"], MEMORY;
        "Bytes a second that the other cores read meanwhile.";
    STREAM_SCALING = "stream.scaling", BytePerSecond, Higher, Detail, STREAM_SCALING, ["threads", "kernel"], MEMORY;
        "Bytes a second of a kernel, by the number of cores.";

    DENSE_AMX_BF16 = "dense.amx.bf16", FlopPerSecond, Higher, Detail, DENSE_AMX, [], None;
        "Floating-point operations a second of AMX's bf16 tiles on all cores.";
    DENSE_AMX_INT8 = "dense.amx.int8", OpPerSecond, Higher, Detail, DENSE_AMX, [], None;
        "Integer operations a second of AMX's int8 tiles on all cores.";
    DENSE_FLOP_PER_CYCLE = "dense.flop_per_cycle", FlopPerCycle, Higher, Detail, DENSE_FLOP_PER_CYCLE,
        ["isa", "precision", "scope"], None;
        "Operations of the FMA kernel in a cycle of a core.";
    DENSE_CLOCK = "dense.clock", Hertz, Higher, Detail, DENSE_CLOCK, ["isa", "scope"], None;
        "The cores' clock while the FP64 kernel runs.";
    DENSE_FMA_KERNEL = "dense.fma.kernel", FlopPerSecond, Higher, Detail, DENSE_FMA, ["isa", "precision", "scope"], None;
        "Rate of fused multiply-adds in registers, by instruction set, precision and cores.";
    DENSE_FMA = "dense.fma", FlopPerSecond, Higher, Critical, DENSE_FMA, [], FLOPS;
        "The FP64 peak of all cores, by the fastest instruction set.";
    DENSE_DGEMM_CURVE = "dense.dgemm.curve", FlopPerSecond, Higher, Detail, DENSE_DGEMM, ["m", "n", "k"], FLOPS;
        "Rate of a matrix product, by its shape.";
    DENSE_DGEMM = "dense.dgemm", FlopPerSecond, Higher, Critical, DENSE_DGEMM, [], FLOPS;
        "Rate of a large square matrix product in double precision.";
    DENSE_DGEMM_NDARRAY = "dense.dgemm.ndarray", FlopPerSecond, Higher, Detail, DENSE_DGEMM, ["n"], FLOPS;
        "The same product by the library's own threads.";
    DENSE_DGEMM_KEPT = "dense.dgemm.kept", Ratio, Higher, Detail, DENSE_DGEMM, [], None;
        "Rate at the end of products without a pause over the rate at their beginning.";
    DENSE_DGEMM_SUSTAINED = "dense.dgemm.sustained", FlopPerSecond, Higher, Detail, DENSE_DGEMM, [], FLOPS;
        "Rate of products without a pause, a sample for each second.";
    DENSE_HPL_TUNING = "dense.hpl.tuning", FlopPerSecond, Higher, Detail, DENSE_HPL, ["nb", "group"], FLOPS;
        "Rate of a small system, by the widths of its panels.";
    DENSE_HPL_CURVE = "dense.hpl.curve", FlopPerSecond, Higher, Detail, DENSE_HPL, ["n"], FLOPS;
        "Rate of factorisation and solve, by the order of the system.";
    DENSE_HPL_RESIDUAL = "dense.hpl.residual", Count, Lower, Detail, DENSE_HPL, ["n"], None;
        "HPL's scaled residual, which must be below 16.";
    DENSE_HPL_SECOND = "dense.hpl.second", FlopPerSecond, Higher, Detail, DENSE_HPL, [], FLOPS;
        "Rate within the largest factorisation, a sample for each second.";
    DENSE_HPL = "dense.hpl", FlopPerSecond, Higher, Critical, DENSE_HPL, [], FLOPS;
        "Rate of factorisation and solve of the largest system.";
    DENSE_HPL_LAPACK = "dense.hpl.lapack", FlopPerSecond, Higher, Detail, DENSE_HPL, ["n"], FLOPS;
        "The same by the library's own factorisation.";

    DISK_SEQREAD_FRONTIER = "disk.seqread.frontier", BytePerSecond, Higher, Detail, DISK_FRONTIER, ["depth"], None;
        "Sequential reads: bytes a second, by the requests in flight.";
    DISK_SEQREAD_FRONTIER_P99 = "disk.seqread.frontier.p99", Second, Lower, Detail, DISK_FRONTIER, ["depth"], None;
        "Sequential reads: 99th percentile of the latency, by the requests in flight.";
    DISK_SEQREAD_BANDWIDTH = "disk.seqread.bandwidth", BytePerSecond, Higher, Critical, DISK, [], BYTES_OF_LINKS;
        "Bytes a second of 1 MiB sequential reads.";
    DISK_SEQREAD_P99 = "disk.seqread.p99", Second, Lower, Critical, DISK, [], Some(NandLatency);
        "99th percentile of the latency of 1 MiB sequential reads.";
    DISK_SEQREAD_LATENCY = "disk.seqread.latency", Second, Lower, Detail, DISK, ["percentile"], None;
        "Latency of 1 MiB sequential reads, by percentile.";
    DISK_SEQWRITE_FRONTIER = "disk.seqwrite.frontier", BytePerSecond, Higher, Detail, DISK_FRONTIER, ["depth"], None;
        "Sequential writes: bytes a second, by the requests in flight.";
    DISK_SEQWRITE_FRONTIER_P99 = "disk.seqwrite.frontier.p99", Second, Lower, Detail, DISK_FRONTIER, ["depth"], None;
        "Sequential writes: 99th percentile of the latency, by the requests in flight.";
    DISK_SEQWRITE_BANDWIDTH = "disk.seqwrite.bandwidth", BytePerSecond, Higher, Critical, DISK, [], BYTES_OF_LINKS;
        "Bytes a second of 1 MiB sequential writes.";
    DISK_SEQWRITE_P99 = "disk.seqwrite.p99", Second, Lower, Critical, DISK, [], None;
        "99th percentile of the latency of 1 MiB sequential writes.";
    DISK_SEQWRITE_LATENCY = "disk.seqwrite.latency", Second, Lower, Detail, DISK, ["percentile"], None;
        "Latency of 1 MiB sequential writes, by percentile.";
    DISK_RANDREAD_FRONTIER = "disk.randread.frontier", IoPerSecond, Higher, Detail, DISK_FRONTIER, ["depth"], None;
        "Random reads a second, by the requests in flight.";
    DISK_RANDREAD_FRONTIER_P99 = "disk.randread.frontier.p99", Second, Lower, Detail, DISK_FRONTIER, ["depth"], None;
        "Random reads: 99th percentile of the latency, by the requests in flight.";
    DISK_RANDREAD_IOPS = "disk.randread.iops", IoPerSecond, Higher, Critical, DISK, [], BLOCKS_OF_LINKS;
        "4 KiB random reads a second.";
    DISK_RANDREAD_P99 = "disk.randread.p99", Second, Lower, Critical, DISK, [], Some(NandLatency);
        "99th percentile of the latency of 4 KiB random reads.";
    DISK_RANDREAD_LATENCY = "disk.randread.latency", Second, Lower, Detail, DISK, ["percentile"], None;
        "Latency of 4 KiB random reads, by percentile.";
    DISK_DRIVE_LATENCY = "disk.drive.latency", Second, Lower, Detail, DISK, ["case", "drive"], None;
        "Mean time of a request at a drive, as its own counters have it: of a stripe, what tells which drive is slow.";

    TABULAR_TIME = "tabular.time", Second, Lower, Detail, TABULAR, ["rows", "placement"], None;
        "Time from load to save, by rows.";
    TABULAR_PHASE = "tabular.phase", Second, Lower, Detail, TABULAR, ["phase"], None;
        "Time of a phase of the largest size.";
    TABULAR_READ = "tabular.read", BytePerSecond, Higher, Detail, TABULAR, [], None;
        "Bytes a second at which the input's files are read.";
    TABULAR_SHARE = "tabular.share", Ratio, Lower, Detail, TABULAR, ["phase"], None;
        "Share of the time that reading, transforming or saving takes.";
    TABULAR_TIME_500GB = "tabular.time_500gb", Second, Lower, Critical, TABULAR, [], None;
        "Time from load to save of the documented 500 GB, by Polars.";
    TABULAR_PANDAS_TIME = "tabular.pandas.time", Second, Lower, Detail, TABULAR, ["rows"], None;
        "Time from load to save by pandas, by rows.";
    TABULAR_PANDAS_TIME_500GB = "tabular.pandas.time_500gb", Second, Lower, Headline, TABULAR, [], None;
        "Time from load to save of the documented 500 GB, by pandas.";
    TABULAR_DASK_EFFICIENCY = "tabular.dask.efficiency", Ratio, Higher, Headline, TABULAR, [], None;
        "Speed of pandas on Dask on all cores, as a share of as many times its speed on one core.";
    TABULAR_CLUSTER_TIME = "tabular.cluster.time", Second, Lower, Detail, TABULAR_CLUSTER, ["workers"], None;
        "Time from the first task to the saved result on workers of Dask, by their number.";
    TABULAR_CLUSTER_EFFICIENCY = "tabular.cluster.efficiency", Ratio, Higher, Detail, TABULAR_CLUSTER, ["workers"], None;
        "Time of one worker over the number of workers times the time of all, by their number.";
    TABULAR_CLUSTER_STORAGE_READ = "tabular.cluster.storage.read", BytePerSecond, Higher, Detail, TABULAR_CLUSTER, ["workers"], None;
        "Bytes a second that all workers together read from the shared folder, by their number.";
    TABULAR_CLUSTER_STORAGE_WRITE = "tabular.cluster.storage.write", BytePerSecond, Higher, Detail, TABULAR_CLUSTER, ["workers"], None;
        "Bytes a second that all workers together write to the shared folder, by their number.";
    TABULAR_CLUSTER_EXTRAPOLATED = "tabular.cluster.extrapolated", Second, Lower, Detail, TABULAR_CLUSTER, ["workers"], None;
        "Time that more workers than were measured would take by a model, which is never a measured figure.";

    HOST_STEAL = "host.steal", Ratio, Lower, Telemetry, HOST, ["workload"], None;
        "Share of the workers' CPU time that the hypervisor gave to others.";
    HOST_OTHER_LOAD = "host.other_load", Ratio, Lower, Telemetry, HOST, ["workload"], None;
        "Share of the workers' CPU time that other processes took.";
    HOST_INTERRUPTS = "host.interrupts", Ratio, Lower, Telemetry, HOST, ["workload"], None;
        "Share of the workers' CPU time that interrupts took.";
    HOST_INTERRUPTS_PER_SECOND = "host.interrupts_per_second", Count, Lower, Telemetry, HOST, ["workload"], None;
        "Interrupts a second that the workers' CPUs served.";
    HOST_FAULTS_PER_SECOND = "host.faults_per_second", Count, Lower, Telemetry, HOST, ["workload"], None;
        "Page faults a second of the workload that were answered from memory.";
    HOST_MAJOR_FAULTS_PER_SECOND = "host.major_faults_per_second", Count, Lower, Telemetry, HOST, ["workload"], None;
        "Page faults a second of the workload that had to wait for a drive.";
    HOST_THROTTLES_PER_SECOND = "host.throttles_per_second", Count, Lower, Telemetry, HOST, ["workload"], None;
        "How often a second the processor throttled itself for its temperature.";
    HOST_UNCORRECTED_ERRORS_PER_SECOND = "host.memory_errors.uncorrected_per_second", Count, Lower, Telemetry, HOST,
        ["workload"], None;
        "Memory errors a second that could not be corrected.";
    HOST_LOAD = "host.load", Count, Lower, Telemetry, HOST, ["workload"], None;
        "Runnable tasks of the whole host, averaged by the kernel over a minute.";
    HOST_CLOCK = "host.clock", Hertz, Lower, Telemetry, HOST, ["workload"], None;
        "Mean clock of the workers' CPUs, as the kernel estimates it.";
    HOST_HOTTEST = "host.hottest", Celsius, Lower, Telemetry, HOST, ["workload"], None;
        "The hottest processor, DIMM, drive or GPU.";
    HOST_HOTTEST_DRIVE = "host.hottest_drive", Celsius, Lower, Telemetry, HOST, ["workload"], None;
        "The hottest drive.";
    HOST_POWER = "host.power", Watt, Lower, Telemetry, HOST, ["workload", "source"], None;
        "Power, by its source.";
    HOST_THROTTLES = "host.throttles", Count, Lower, Telemetry, HOST, ["workload"], None;
        "How often the processor throttled itself for its temperature in all.";
    HOST_MAJOR_FAULTS = "host.major_faults", Count, Lower, Telemetry, HOST, ["workload"], None;
        "Page faults of the workload that had to wait for a drive, in all.";
    HOST_CORRECTED_ERRORS = "host.memory_errors.corrected", Count, Lower, Telemetry, HOST, ["workload"], None;
        "Memory errors that were corrected, in all.";
    HOST_UNCORRECTED_ERRORS = "host.memory_errors.uncorrected", Count, Lower, Telemetry, HOST, ["workload"], None;
        "Memory errors that could not be corrected, in all.";
    HOST_PCIE_ERRORS = "host.pcie_errors", Count, Lower, Telemetry, HOST, ["workload"], None;
        "Errors that PCIe devices reported, corrected or not, in all.";
    HOST_ELAPSED = "host.elapsed", Second, Lower, Telemetry, HOST, ["workload"], None;
        "The clock of the host's other series in records of version 0.1.0; later samples carry their intervals.";
    HOST_DISTURBED = "host.disturbed", Ratio, Lower, Telemetry, HOST, ["workload"], None;
        "Whether samples were disturbed, in records of version 0.1.0; later it follows from their intervals.";
    HOST_POWER_IDLE = "host.power.idle", Watt, Lower, Headline, HOST, [], None;
        "Power of the host for five seconds before the dense workload.";
    HOST_POWER_PEAK = "host.power.peak", Watt, Lower, Headline, HOST, [], None;
        "The highest mean power over ten seconds under the dense workload.";
    HOST_POWER_CPU = "host.power.cpu", Watt, Lower, Headline, HOST, [], None;
        "The highest mean power over ten seconds that the processors' own counters told under the dense workload.";
    HOST_TEMPERATURE = "host.temperature", Celsius, Lower, Headline, HOST, [], None;
        "The highest mean temperature over ten seconds under the dense workload.";

    CPU_BENCHMARK = "cpu.benchmark", Score, Higher, Detail, CPU_BENCHMARK, [], None;
        "The CPU Mark of PassMark's PerformanceTest, where a vendor sent one: this suite does not measure it.";
}

/// The row of a metric; `None` for an id that this build does not know.
#[must_use]
pub fn definition(id: &str) -> Option<&'static Definition> {
    static BY_ID: LazyLock<HashMap<&str, &Definition>> =
        LazyLock::new(|| ALL.iter().map(|definition| (definition.id, *definition)).collect());
    BY_ID.get(id).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Workload;

    #[test]
    fn every_row_is_whole_and_there_once() {
        let ids: BTreeSet<&str> = ALL.iter().map(|row| row.id).collect();
        assert_eq!(ids.len(), ALL.len(), "an id is there twice");
        for row in ALL {
            let first = row.id.split('.').next();
            let other = if row.unit == Score { "cpu" } else { "host" };
            assert_eq!(first, Some(row.family.workload.map_or(other, Workload::name)), "{}", row.id);
            assert!(row.id.starts_with(row.family.name), "{} is not of the family {}", row.id, row.family.name);
            assert!(row.means.ends_with('.') && row.means.len() > 15, "{}: {}", row.id, row.means);
            assert_eq!(definition(row.id), Some(*row));
        }
        assert_eq!(definition("stream.traid"), None);
    }

    #[test]
    fn what_decides_comparisons_is_known() {
        let critical: Vec<&str> = ALL.iter().filter(|row| row.role == Critical).map(|row| row.id).collect();
        let expect = "stream.read stream.write stream.copy stream.triad stream.latency dense.fma dense.dgemm dense.hpl \
                      disk.seqread.bandwidth disk.seqread.p99 disk.seqwrite.bandwidth disk.seqwrite.p99 \
                      disk.randread.iops disk.randread.p99 tabular.time_500gb";
        assert_eq!(critical, expect.split_whitespace().collect::<Vec<_>>());
    }
}
