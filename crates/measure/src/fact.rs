//! Facts about a host. A specification states them, an inventory reads them, and both use one vocabulary.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Quantity, Unit, binary_bytes};

/// The value of a fact.
#[derive(Clone, Debug, PartialEq)]
pub enum FactValue {
    /// A number with its unit.
    Quantity(Quantity),
    /// A name.
    Text(String),
    /// Whether it is so.
    Flag(bool),
}

impl fmt::Display for FactValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FactValue::Quantity(quantity) => write!(f, "{quantity}"),
            FactValue::Text(text) => f.write_str(text),
            FactValue::Flag(true) => f.write_str("yes"),
            FactValue::Flag(false) => f.write_str("no"),
        }
    }
}

impl FactValue {
    /// The same of what a document states: in powers of two only where it meant them, as `128 GB` did not.
    #[must_use]
    pub fn stated(&self, id: &str) -> String {
        const KIB: f64 = 1024.0;
        let is_binary = |bytes: f64| if bytes < KIB * KIB { bytes % KIB == 0.0 } else { bytes % (KIB * KIB) == 0.0 };
        match self {
            FactValue::Quantity(Quantity { value, unit: Unit::Byte }) if !is_binary(*value) => self.to_string(),
            value => value.shown(id),
        }
    }

    /// It as people say it of this fact: memory and caches come in powers of two (`256 MiB`), drives in powers of ten.
    #[must_use]
    pub fn shown(&self, id: &str) -> String {
        match self {
            FactValue::Quantity(Quantity { value, unit: Unit::Byte })
                if id.starts_with("memory.") || id.starts_with("cpu.l") =>
            {
                binary_bytes(*value)
            }
            value => value.to_string(),
        }
    }
}

/// What a probe answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "StoredReading", from = "StoredReading")]
pub enum Reading {
    /// It is there.
    Present(FactValue),
    /// The host has no such thing, or nothing that tells of it.
    Absent,
    /// The user may not read it.
    Denied {
        /// What would give the right to.
        remedy: String,
    },
    /// Reading it failed.
    Failed {
        /// How.
        error: String,
    },
}

/// A reading as it is stored: the kind of its value beside the other answers.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredReading {
    Number(Quantity),
    Text(String),
    Flag(bool),
    Absent {},
    Denied { remedy: String },
    Failed { error: String },
}

impl From<Reading> for StoredReading {
    fn from(reading: Reading) -> StoredReading {
        match reading {
            Reading::Present(FactValue::Quantity(quantity)) => StoredReading::Number(quantity),
            Reading::Present(FactValue::Text(text)) => StoredReading::Text(text),
            Reading::Present(FactValue::Flag(flag)) => StoredReading::Flag(flag),
            Reading::Absent => StoredReading::Absent {},
            Reading::Denied { remedy } => StoredReading::Denied { remedy },
            Reading::Failed { error } => StoredReading::Failed { error },
        }
    }
}

impl From<StoredReading> for Reading {
    fn from(stored: StoredReading) -> Reading {
        match stored {
            StoredReading::Number(quantity) => Reading::Present(FactValue::Quantity(quantity)),
            StoredReading::Text(text) => Reading::Present(FactValue::Text(text)),
            StoredReading::Flag(flag) => Reading::Present(FactValue::Flag(flag)),
            StoredReading::Absent {} => Reading::Absent,
            StoredReading::Denied { remedy } => Reading::Denied { remedy },
            StoredReading::Failed { error } => Reading::Failed { error },
        }
    }
}

/// One fact about a host: what was asked, what was answered, by which source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// The answer.
    pub reading: Reading,
    /// What was read: a file, an instruction, a library.
    pub source: String,
}

/// Facts by their id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts(pub BTreeMap<String, Fact>);

impl Facts {
    /// Adds a fact that is present.
    pub fn present(&mut self, id: &str, value: FactValue, source: &str) {
        self.put(id, Reading::Present(value), source);
    }

    /// Adds a fact that is a number.
    pub fn quantity(&mut self, id: &str, value: f64, unit: Unit, source: &str) {
        self.present(id, FactValue::Quantity(Quantity::new(value, unit)), source);
    }

    /// Adds a fact that is a text.
    pub fn text(&mut self, id: &str, value: &str, source: &str) {
        self.present(id, FactValue::Text(value.to_owned()), source);
    }

    /// Adds a fact that is a yes or a no.
    pub fn flag(&mut self, id: &str, value: bool, source: &str) {
        self.present(id, FactValue::Flag(value), source);
    }

    /// Adds any reading.
    pub fn put(&mut self, id: &str, reading: Reading, source: &str) {
        debug_assert!(fact_kind(id).is_some(), "`{id}` is not in the vocabulary of facts");
        self.0.insert(id.to_owned(), Fact { reading, source: source.to_owned() });
    }

    /// The value of a fact that is present.
    #[must_use]
    pub fn value(&self, id: &str) -> Option<&FactValue> {
        match self.0.get(id).map(|fact| &fact.reading) {
            Some(Reading::Present(value)) => Some(value),
            _ => None,
        }
    }

    /// The number of a fact that is present and a quantity.
    #[must_use]
    pub fn number(&self, id: &str) -> Option<f64> {
        match self.value(id) {
            Some(FactValue::Quantity(quantity)) => Some(quantity.value),
            _ => None,
        }
    }
}

/// What kind of value a fact has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A number in this unit.
    Number(Unit),
    /// A text.
    Text,
    /// Yes or no.
    Flag,
}

/// A row of the vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactKind {
    /// Dotted id.
    pub id: &'static str,
    /// The shape of its value.
    pub shape: Shape,
    /// What it says.
    pub about: &'static str,
}

/// The kind of the fact with this id.
#[must_use]
pub fn fact_kind(id: &str) -> Option<&'static FactKind> {
    VOCABULARY.iter().find(|kind| kind.id == id)
}

const fn number(id: &'static str, unit: Unit, about: &'static str) -> FactKind {
    FactKind { id, shape: Shape::Number(unit), about }
}

const fn text(id: &'static str, about: &'static str) -> FactKind {
    FactKind { id, shape: Shape::Text, about }
}

const fn flag(id: &'static str, about: &'static str) -> FactKind {
    FactKind { id, shape: Shape::Flag, about }
}

/// Every fact that a specification may state and an inventory may read.
pub const VOCABULARY: &[FactKind] = &[
    // chassis and board
    text("chassis.model", "chassis or system product name"),
    text("chassis.form_factor", "for instance 4U"),
    number("chassis.height", Unit::Count, "rack units"),
    number("chassis.drive_bays", Unit::Count, "drive bays of the chassis"),
    text("chassis.bay_form_factor", "form factor of the bays: 2.5in, U.2, E3.S"),
    text("board.model", "mainboard product name"),
    text("board.chipset", "chipset"),
    text("bios.vendor", "firmware vendor"),
    text("bios.version", "firmware version"),
    text("bios.date", "firmware date"),
    text("bmc.version", "firmware version of the management controller"),
    // CPU
    text("cpu.model", "CPU model name"),
    text("cpu.vendor", "CPU vendor"),
    text("cpu.microarchitecture", "vendor, family, model and stepping"),
    text("cpu.microcode", "microcode revision"),
    number("cpu.sockets", Unit::Count, "CPU packages"),
    number("cpu.cores_per_socket", Unit::Count, "physical cores of a package"),
    number("cpu.threads_per_socket", Unit::Count, "hardware threads of a package"),
    number("cpu.cores", Unit::Count, "physical cores in all"),
    number("cpu.threads", Unit::Count, "hardware threads in all"),
    number("cpu.offline", Unit::Count, "hardware threads that are switched off"),
    number("cpu.base_clock", Unit::Hertz, "guaranteed clock"),
    number("cpu.turbo_clock", Unit::Hertz, "highest single-core clock"),
    number("cpu.l3_per_socket", Unit::Byte, "level-3 cache of a package"),
    number("cpu.l3", Unit::Byte, "level-3 cache in all"),
    number("cpu.l1d", Unit::Byte, "level-1 data cache of a core"),
    number("cpu.l2", Unit::Byte, "level-2 cache of a core, or of the cores that share it"),
    number("cpu.tdp_per_socket", Unit::Watt, "thermal design power of a package"),
    number("cpu.tdp", Unit::Watt, "thermal design power of all packages"),
    text("cpu.arch", "instruction set architecture"),
    flag("cpu.avx2", "AVX2 and FMA"),
    flag("cpu.avx512", "AVX-512 (F, VL, DQ, BW)"),
    flag("cpu.amx", "AMX tiles with bf16 and int8"),
    number("cpu.pcie_gen", Unit::Count, "PCIe generation of the CPU's own lanes"),
    number("cpu.pcie_lanes_per_socket", Unit::Count, "PCIe lanes of a package"),
    // memory
    number("memory.capacity", Unit::Byte, "installed memory"),
    number(
        "memory.total",
        Unit::Byte,
        "memory that the kernel manages: what is installed less what firmware and kernel keep",
    ),
    text("memory.type", "DDR generation and module kind"),
    number("memory.dimms", Unit::Count, "populated DIMMs in all"),
    number("memory.dimms_per_socket", Unit::Count, "populated DIMMs of a package"),
    number("memory.dimm_capacity", Unit::Byte, "capacity of a DIMM"),
    number("memory.channels_per_socket", Unit::Count, "memory channels in use of a package"),
    number("memory.channels", Unit::Count, "populated memory channels in all"),
    number("memory.channels_missing", Unit::Count, "memory channels without a DIMM that the others cannot do without"),
    number("memory.channel_width", Unit::Byte, "data of a memory channel in one transfer: 8 B of DDR, less of LPDDR"),
    number("memory.data_rate", Unit::TransferPerSecond, "configured transfers a second of a DIMM"),
    number("memory.rated_data_rate", Unit::TransferPerSecond, "transfers a second that the slowest DIMM is rated for"),
    flag("memory.full_speed", "every DIMM runs at the transfers a second that it is rated for"),
    number("memory.corrected_errors", Unit::Count, "memory errors corrected since the start"),
    number("memory.uncorrected_errors", Unit::Count, "memory errors that could not be corrected since the start"),
    number("memory.bandwidth", Unit::BytePerSecond, "theoretical bandwidth in all"),
    number("memory.usable_dataset", Unit::Byte, "largest input of the feature workload that fits in memory"),
    number("numa.nodes", Unit::Count, "NUMA nodes with memory"),
    number("numa.nodes_per_socket", Unit::Count, "NUMA nodes of a package with CPUs: more than one is SNC or NPS"),
    // storage
    number("storage.boot.drives", Unit::Count, "boot drives"),
    text("storage.boot.devices", "kernel names of the boot drives in this boot"),
    number("storage.boot.drive_capacity", Unit::Byte, "capacity of a boot drive"),
    text("storage.boot.form_factor", "form factor of a boot drive"),
    number("storage.boot.pcie_gen", Unit::Count, "PCIe generation of a boot drive"),
    number("storage.boot.pcie_lanes", Unit::Count, "PCIe lanes of a boot drive"),
    text("storage.boot.layout", "how the boot drives are joined: raid1"),
    text("storage.boot.media", "kind of boot drive: nvme, sata"),
    number("storage.boot.missing", Unit::Count, "drives that the mirror of the boot drives lacks"),
    number("storage.scratch.drives", Unit::Count, "drives of the working volume"),
    text("storage.scratch.devices", "kernel names of the drives of the working volume in this boot"),
    number("storage.scratch.drive_capacity", Unit::Byte, "capacity of a drive of the working volume"),
    text("storage.scratch.form_factor", "form factor of a drive of the working volume"),
    number("storage.scratch.pcie_gen", Unit::Count, "PCIe generation of a drive of the working volume"),
    number("storage.scratch.pcie_lanes", Unit::Count, "PCIe lanes of a drive of the working volume"),
    text("storage.scratch.layout", "how the drives of the working volume are joined: zfs-stripe"),
    text("storage.scratch.media", "kind of drive of the working volume: nvme, sata"),
    number("storage.scratch.usable", Unit::Byte, "usable bytes of the working volume"),
    number("storage.scratch.wear", Unit::Ratio, "largest percentage used of a drive of the working volume"),
    number("storage.boot.wear", Unit::Ratio, "largest percentage used of a boot drive"),
    number("storage.boot.written", Unit::Byte, "bytes written to the boot drive that was written most"),
    flag(
        "storage.boot.power_loss_protection",
        "no boot drive keeps written data in a cache that a loss of power empties",
    ),
    text("storage.boot.firmware", "firmware of the boot drives"),
    text("storage.scratch.model", "model of the drives of the working volume"),
    text("storage.scratch.firmware", "firmware of the drives of the working volume"),
    number(
        "storage.scratch.written",
        Unit::Byte,
        "bytes written to the drive of the working volume that was written most",
    ),
    number("storage.scratch.media_errors", Unit::Count, "media errors of all drives of the working volume"),
    number("storage.scratch.record_size", Unit::Byte, "largest record of the working volume's file system"),
    // accelerators
    number("gpu.count", Unit::Count, "GPUs installed"),
    number("gpu.max", Unit::Count, "GPUs at most"),
    number("gpu.slots", Unit::Count, "slots for GPUs"),
    number("gpu.slot_pcie_gen", Unit::Count, "PCIe generation of a GPU slot"),
    number("gpu.slot_lanes", Unit::Count, "PCIe lanes of a GPU slot"),
    number("gpu.pcie_gen", Unit::Count, "PCIe generation of a GPU"),
    number("gpu.pcie_lanes", Unit::Count, "PCIe lanes that a GPU runs on"),
    flag("gpu.cpu_attached", "every GPU is behind a port of a processor, with no switch between"),
    text("gpu.form_factor", "form factor of a GPU"),
    text("gpu.model", "GPU model"),
    text("gpu.interconnect", "link between GPUs"),
    number("gpu.power", Unit::Watt, "power of a GPU at full load"),
    number("gpu.power_total", Unit::Watt, "power of all GPUs at full load"),
    text("gpu.driver", "driver version"),
    text("gpu.cuda", "version of CUDA that the driver supports"),
    // power and heat
    number("power.supplies", Unit::Count, "power supplies"),
    number("power.supply_rating", Unit::Watt, "rated power of a supply"),
    text("power.supply_redundancy", "redundant (any one may fail) or none"),
    number("power.idle", Unit::Watt, "power when idle"),
    number("power.peak", Unit::Watt, "power at peak load"),
    number("power.pdu_per_unit", Unit::Watt, "power of the distribution unit for each rack unit"),
    number("power.circuit", Unit::Ampere, "rating of the circuit that the rack hangs on"),
    number("thermal.limit", Unit::Celsius, "temperature that sustained operation may not exceed"),
    number("thermal.highest", Unit::Celsius, "highest temperature of a processor or drive now"),
    number("thermal.alarm", Unit::Celsius, "lowest temperature at which a sensor of a processor calls an alarm"),
    flag("thermal.monitored", "the temperatures of processors and GPUs can be read"),
    // operating system and limits
    text("os.kernel", "kernel release"),
    text("os.cmdline", "kernel command line"),
    text("os.mitigations", "state of the CPU mitigations"),
    text("os.hypervisor", "hypervisor, where there is one"),
    text("os.governor", "CPU frequency governor"),
    text("os.thp", "transparent huge pages setting"),
    text("os.numa_balancing", "automatic NUMA balancing"),
    number("os.file_handles", Unit::Count, "open files a process may have (ulimit -n)"),
    number("os.memlock", Unit::Byte, "bytes a process may lock"),
    number("os.shm", Unit::Byte, "size of /dev/shm"),
    number("os.swap", Unit::Byte, "swap space that is switched on"),
    flag("os.smt", "more than one hardware thread runs on a core"),
    text("os.drivers", "drivers of drives, network and accelerators that have a version of their own"),
    flag("os.nvme_fabrics", "the kernel has NVMe over Fabrics"),
    text("os.zfs", "version of the ZFS kernel module"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_as_they_are_meant() {
        let check = |id: &str, bytes: f64, found: &str, stated: &str| {
            let value = FactValue::Quantity(Quantity::new(bytes, Unit::Byte));
            assert_eq!((value.shown(id), value.stated(id)), (found.to_owned(), stated.to_owned()), "{id} {bytes}");
        };
        check("memory.capacity", 2_199_023_255_552.0, "2 TiB", "2 TiB");
        check("memory.dimm_capacity", 128e9, "119.2 GiB", "128 GB");
        check("cpu.l1d", 49152.0, "48 KiB", "48 KiB");
        check("storage.scratch.drive_capacity", 7.68e12, "7.680 TB", "7.680 TB");
    }

    #[test]
    fn ids_are_unique() {
        let mut ids: Vec<_> = VOCABULARY.iter().map(|kind| kind.id).collect();
        ids.sort_unstable();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }

    #[test]
    fn only_what_is_present_has_a_value() {
        let mut facts = Facts::default();
        facts.quantity("cpu.sockets", 2.0, Unit::Count, "test");
        facts.put("memory.dimms", Reading::Denied { remedy: "run as root".into() }, "test");
        assert_eq!(facts.number("cpu.sockets"), Some(2.0));
        assert_eq!(facts.value("memory.dimms"), None);
        assert_eq!(facts.value("gpu.count"), None);
    }
}
