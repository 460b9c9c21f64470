//! What a scenario is made of: metrics, parts and limits, each with values that are as documented and values that are not.

use measure::Unit;
use measure::Workload::{self, Dense, Disk, Stream, Tabular};

/// What bounds a figure on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Physics {
    /// Channels × transfers a second × 8 B.
    Memory,
    /// Cores × clock × flop in a cycle.
    Flops,
    /// What the links of the drives carry.
    LinkBytes,
    /// The same in blocks of 4 KiB.
    LinkBlocks,
    /// No load is faster than its modules.
    Dram,
    /// Nothing.
    Nothing,
}

/// A metric that targets name.
#[derive(Debug)]
pub(crate) struct MetricKind {
    pub(crate) id: &'static str,
    /// What a sound host has.
    pub(crate) base: f64,
    pub(crate) higher: bool,
    /// The workload in whose attempts it is measured.
    pub(crate) home: Workload,
    pub(crate) physics: Physics,
    /// The share of the document's ceiling that its achievable companion asks for.
    pub(crate) achievable: Option<f64>,
    /// The figure that may be bound to it.
    pub(crate) second: Option<&'static str>,
}

impl MetricKind {
    /// Whether the watch over a workload measures it and not the workload itself.
    pub(crate) fn is_of_host(&self) -> bool {
        self.id.starts_with("host.")
    }
}

const fn rate(id: &'static str, base: f64, home: Workload, physics: Physics) -> MetricKind {
    MetricKind { id, base, higher: true, home, physics, achievable: None, second: None }
}

const fn cost(id: &'static str, base: f64, home: Workload, physics: Physics) -> MetricKind {
    MetricKind { id, base, higher: false, home, physics, achievable: None, second: None }
}

const fn achieved(id: &'static str, base: f64, share: f64) -> MetricKind {
    MetricKind { achievable: Some(share), ..rate(id, base, Stream, Physics::Memory) }
}

const fn bound(id: &'static str, base: f64, physics: Physics, second: &'static str) -> MetricKind {
    MetricKind { second: Some(second), ..rate(id, base, Disk, physics) }
}

pub(crate) static METRICS: [MetricKind; 19] = [
    achieved("stream.read", 266e9, 0.80),
    rate("stream.write", 250e9, Stream, Physics::Memory),
    achieved("stream.copy", 252e9, 0.75),
    rate("stream.scale", 251e9, Stream, Physics::Memory),
    rate("stream.add", 255e9, Stream, Physics::Memory),
    achieved("stream.triad", 256e9, 0.75),
    cost("stream.latency", 95e-9, Stream, Physics::Dram),
    rate("dense.fma", 1.3e12, Dense, Physics::Flops),
    rate("dense.dgemm", 1.15e12, Dense, Physics::Flops),
    rate("dense.hpl", 1.05e12, Dense, Physics::Flops),
    bound("disk.seqread.bandwidth", 45e9, Physics::LinkBytes, "disk.seqread.p99"),
    cost("disk.seqread.p99", 150e-6, Disk, Physics::Nothing),
    bound("disk.seqwrite.bandwidth", 30e9, Physics::LinkBytes, "disk.seqwrite.p99"),
    cost("disk.seqwrite.p99", 180e-6, Disk, Physics::Nothing),
    bound("disk.randread.iops", 9e6, Physics::LinkBlocks, "disk.randread.p99"),
    cost("disk.randread.p99", 40e-6, Disk, Physics::Nothing),
    cost("tabular.time_500gb", 1125.0, Tabular, Physics::Nothing),
    cost("host.power.peak", 900.0, Dense, Physics::Nothing),
    cost("host.temperature", 70.0, Dense, Physics::Nothing),
];

pub(crate) fn metric_named(id: &str) -> &'static MetricKind {
    METRICS.iter().find(|metric| metric.id == id).unwrap()
}

/// What the inventory of a host says of a part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Told {
    Number(f64, Unit),
    Text(&'static str),
    Flag(bool),
    /// Memory of which only the kernel's total is known.
    Total(f64),
    /// Drives that it boots from, and others.
    Drives(f64, f64),
    /// A mirror that lacks a drive.
    Degraded(&'static str),
}

impl Told {
    /// The value of the fact, as text.
    pub(crate) fn value(self) -> String {
        match self {
            Told::Number(value, _) | Told::Total(value) => value.to_string(),
            Told::Text(text) | Told::Degraded(text) => text.to_owned(),
            Told::Flag(flag) => flag.to_string(),
            Told::Drives(boot, others) => (boot + others).to_string(),
        }
    }
}

/// A fact that specifications state.
#[derive(Debug)]
pub(crate) struct PartKind {
    pub(crate) id: &'static str,
    /// Its value in TOML, and further lines.
    pub(crate) documented: &'static str,
    pub(crate) same: &'static [Told],
    pub(crate) other: &'static [Told],
    /// The first of the others in TOML: what another place of the document may say.
    pub(crate) restated: Option<&'static str>,
}

const fn part(
    id: &'static str,
    documented: &'static str,
    same: &'static [Told],
    other: &'static [Told],
    restated: Option<&'static str>,
) -> PartKind {
    PartKind { id, documented, same, other, restated }
}

const fn count(value: f64) -> Told {
    Told::Number(value, Unit::Count)
}

const fn bytes(value: f64) -> Told {
    Told::Number(value, Unit::Byte)
}

const fn hertz(value: f64) -> Told {
    Told::Number(value, Unit::Hertz)
}

use Told::{Degraded, Drives, Flag, Text, Total};

const GIB: f64 = 1_073_741_824.0;

/// The two from which the document's ceiling of memory bandwidth follows; stated together or not at all.
pub(crate) static MEMORY_PAIR: [PartKind; 2] = [
    part("memory.channels", "value = 8", &[count(8.0)], &[count(4.0), count(12.0)], None),
    part(
        "memory.data_rate",
        "value = \"4800 MT/s\"",
        &[Told::Number(4.8e9, Unit::TransferPerSecond), Told::Number(4.75e9, Unit::TransferPerSecond)],
        &[Told::Number(4.4e9, Unit::TransferPerSecond), Told::Number(5.6e9, Unit::TransferPerSecond)],
        None,
    ),
];

pub(crate) static PARTS: [PartKind; 16] = [
    part("cpu.sockets", "value = 2", &[count(2.0)], &[count(1.0), count(4.0)], Some("value = 1")),
    part(
        "cpu.model",
        "value = \"AMD EPYC 9454P\"",
        &[Text("AMD EPYC 9454P 48-Core Processor"), Text("EPYC 9454P")],
        &[Text("AMD EPYC 9454 48-Core Processor"), Text("AMD EPYC 9454PX"), Text("Intel(R) EPYC 9454P")],
        Some("value = \"AMD EPYC 9454\""),
    ),
    part(
        "gpu.model",
        "value = \"NVIDIA H100 or A100\"\nadmits = [\"NVIDIA H100 PCIe\", \"NVIDIA A100-PCIE-40GB\"]",
        &[Text("NVIDIA H100 PCIe"), Text("A100 PCIe 40GB")],
        &[Text("NVIDIA A1000"), Text("NVIDIA H100 80GB HBM3"), Text("NVIDIA H100 or A100")],
        Some("value = \"NVIDIA A1000\""),
    ),
    part(
        "memory.type",
        "value = \"DDR5\"",
        &[Text("DDR5 ECC RDIMM"), Text("DDR5")],
        &[Text("DDR4 RDIMM"), Text("HBM3")],
        None,
    ),
    part(
        "memory.capacity",
        "value = \"512 GiB\"",
        &[bytes(512.0 * GIB), Total(512.0 * GIB * 0.94)],
        &[bytes(1024.0 * GIB), bytes(511.0 * GIB), Total(512.0 * GIB * 0.92)],
        Some("value = \"1024 GiB\""),
    ),
    part(
        "storage.scratch.drive_capacity",
        "value = \"7.68 TB\"",
        &[bytes(7.68e12), bytes(7.68e12 * 1.009), bytes(7.68e12 * 0.991)],
        &[bytes(6.4e12), bytes(7.68e12 * 1.011), bytes(7.68e12 * 0.989)],
        Some("value = \"6.4 TB\""),
    ),
    part(
        "cpu.base_clock",
        "value = \"2.8 GHz\"",
        &[hertz(2.8e9), hertz(2.8e9 * 0.981), hertz(2.8e9 * 1.019)],
        &[hertz(2.4e9), hertz(2.8e9 * 0.979), hertz(2.8e9 * 1.021)],
        Some("value = \"2.4 GHz\""),
    ),
    part(
        "cpu.turbo_clock",
        "value = \"3.9 GHz\"\napproximate = true",
        &[hertz(3.9e9), hertz(3.9e9 * 0.951), hertz(3.9e9 * 1.049)],
        &[hertz(3.3e9), hertz(3.9e9 * 0.949), hertz(3.9e9 * 1.051)],
        None,
    ),
    part("numa.nodes", "value = 2", &[count(2.0)], &[count(8.0), count(1.0)], Some("value = 8")),
    part("cpu.avx512", "value = true", &[Flag(true)], &[Flag(false)], Some("value = false")),
    part("bios.version", "value = \"2.1\"", &[Text("2.1")], &[Text("1.4"), Text("2.1a")], Some("value = \"1.4\"")),
    part(
        "chassis.model",
        "value = \"Supermicro SYS-7508B-T\"",
        &[Text("SYS-7508B-T"), Text("Supermicro SYS-7508B-T")],
        &[Text("Supermicro SYS-7508B"), Text("Dell SYS-7508B-T")],
        Some("value = \"SYS-7508B\""),
    ),
    part("os.smt", "value = false", &[Flag(false)], &[Flag(true)], None),
    part(
        "storage.boot.form_factor",
        "value = \"U.2\"",
        &[Text("2.5in"), Text("U.2")],
        &[Text("M.2"), Text("E3.S")],
        None,
    ),
    part(
        "storage.boot.layout",
        "value = \"raid1\"",
        &[Text("raid1"), Text("zfs-mirror")],
        &[Text("single"), Text("raid10"), Degraded("raid1")],
        Some("value = \"single\""),
    ),
    part(
        "storage.scratch.drives",
        "value = 4",
        &[Drives(0.0, 4.0), Drives(2.0, 2.0), Drives(4.0, 0.0)],
        &[Drives(0.0, 3.0), Drives(2.0, 4.0), Drives(1.0, 1.0)],
        Some("value = 3"),
    ),
];

/// A limit that specifications set.
#[derive(Debug)]
pub(crate) struct LimitKind {
    pub(crate) fact: &'static str,
    /// The fact of the host that is held against it.
    pub(crate) of_host: &'static str,
    pub(crate) bound: &'static str,
    pub(crate) kept: Told,
    pub(crate) broken: Told,
    /// Whether it gives a figure; without one it is never demanded.
    pub(crate) is_firm: bool,
}

const fn limit(fact: &'static str, bound: &'static str, kept: Told, broken: Told) -> LimitKind {
    LimitKind { fact, of_host: fact, bound, kept, broken, is_firm: true }
}

pub(crate) static LIMITS: [LimitKind; 6] = [
    LimitKind {
        of_host: "thermal.highest",
        ..limit(
            "thermal.limit",
            "at_most = \"90 °C\"",
            Told::Number(90.0, Unit::Celsius),
            Told::Number(90.5, Unit::Celsius),
        )
    },
    limit("power.supplies", "at_least = 2", count(2.0), count(1.0)),
    limit(
        "storage.scratch.wear",
        "at_most = \"80 %\"",
        Told::Number(0.5, Unit::Ratio),
        Told::Number(0.96, Unit::Ratio),
    ),
    limit("os.kernel", "one_of = [\"6.1.0\", \"6.12.0\"]", Text("6.12.0"), Text("6.1")),
    limit("gpu.count", "at_most = 4", count(4.0), count(5.0)),
    LimitKind { is_firm: false, ..limit("os.file_handles", "open = \"more\"", count(1e6), count(1024.0)) },
];
