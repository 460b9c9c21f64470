//! What a host is and what would disturb it: facts with the source that each was read from or why it could not be read,
//! the lists that they were taken from, a fingerprint, sensors, and a doctor's advice.
//!
//! Invariant: this crate only reads. A probe never fails and never ends the run. All paths lie under a root, so that a
//! fixture tree is read like the live host; what files do not tell is asked through [`Outside`]. Strings are carried as
//! they were found: whoever prints them escapes them.

pub mod bmc;
mod board;
mod boot;
mod counters;
mod cpu;
pub mod doctor;
mod drive_identity;
mod drives;
mod fingerprint;
mod gpu;
mod ipmi;
mod live;
mod memory;
mod network;
mod nvme;
mod out_of_band;
mod pci;
pub mod sensors;
mod smbios;
mod storage;
mod sysfs;
mod system;
mod tables;
mod zfs;

use std::io;
use std::path::Path;
use std::thread;

use measure::{Fact, Facts};

use sysfs::{Found, note_text};

pub use bmc::{Bmc, BmcSensor, BmcValue};
pub use counters::{CpuTicks, ProcessCounters};
pub use drives::{Array, Drive, OtherDevice};
pub use gpu::gpu_count;
pub use ipmi::{Conversion, DeviceId, Entity, RawReading, SensorRecord, power_reading};
pub use live::Live;
pub use network::Nic;
pub use nvme::{Health, Identity};
pub use out_of_band::{FilesOnly, Gpu, IpmiRequest, Nvidia, Outside};
pub use pci::{Device, Link, device as pci_device};
pub use sensors::{Kind, MemoryController, PowerDomain, Sensor};
pub use smbios::{Dimm, Firmware, Slot, Supply, parse as parse_smbios};
pub use sysfs::{Tree, Unavailable};
pub use tables::Table;
pub use zfs::Pool;

/// A list that was probed for, with its source.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe<T> {
    /// What was found, or why nothing was.
    pub found: Result<T, Unavailable>,
    /// What was read.
    pub source: &'static str,
}

/// Everything that is known of a host: the flat facts, and the lists that they were taken from.
#[derive(Clone, Debug, PartialEq)]
pub struct Inventory {
    /// Facts in the shared vocabulary.
    pub facts: Facts,
    /// A hash of the installation's machine-id, where it has one.
    pub machine_id: Option<String>,
    /// The firmware's tables: board, DIMMs, slots, supplies.
    pub firmware: Probe<Firmware>,
    /// PCI devices.
    pub devices: Probe<Vec<Device>>,
    /// Drives.
    pub drives: Probe<Vec<Drive>>,
    /// Block devices with data that are no drives.
    pub other_devices: Probe<Vec<OtherDevice>>,
    /// Mirrors and stripes of Linux' md driver.
    pub arrays: Probe<Vec<Array>>,
    /// ZFS pools.
    pub pools: Probe<Vec<Pool>>,
    /// GPUs.
    pub gpus: Probe<Vec<Gpu>>,
    /// Network interfaces.
    pub nics: Probe<Vec<Nic>>,
    /// Sensors of the kernel.
    pub sensors: Probe<Vec<Sensor>>,
    /// Energy counters of the processors.
    pub power: Probe<Vec<PowerDomain>>,
    /// Memory controllers with their counts of errors.
    pub memory_controllers: Probe<Vec<MemoryController>>,
    /// The management controller.
    pub bmc: Probe<Bmc>,
}

/// The facts of the host under `root`; `/` is the live one.
#[must_use]
pub fn inspect(root: &Path) -> Facts {
    take(root).facts
}

/// The inventory of the host under `root`; only with `/` are devices, tools and libraries asked as well.
#[must_use]
pub fn take(root: &Path) -> Inventory {
    if Tree::new(root).is_live() { take_with(root, &Live::now()) } else { take_with(root, &FilesOnly) }
}

/// The inventory of the host under `root`, with what `outside` tells beyond files.
#[must_use]
pub fn take_with(root: &Path, outside: &dyn Outside) -> Inventory {
    let tree = &Tree::new(root);
    let mut facts = Facts::default();
    cpu::probe(tree, &mut facts);
    system::probe(tree, &mut facts);
    let firmware = smbios::read(tree);
    let devices = pci::devices(tree);
    note_text(&mut facts, "os.drivers", pci::drivers(tree, &devices), "/sys/module/*/version");
    memory::probe(&firmware, &mut facts);
    board::probe(tree, &firmware, &devices, &mut facts);

    let slots = firmware.as_ref().map_or(&[][..], |firmware| &firmware.slots);
    // What asks tools, libraries or devices goes side by side: each may use up the time that an inventory has.
    let (pools, gpus, bmc, drives) = thread::scope(|scope| {
        let beside = thread::Builder::new;
        let pools = beside().spawn_scoped(scope, || apart(|facts| zfs::probe(tree, outside, facts)));
        let gpus = beside().spawn_scoped(scope, || apart(|facts| gpu::probe(tree, outside, &devices, facts)));
        let supplies = facts.0.get("power.supplies").cloned();
        let bmc = beside().spawn_scoped(scope, || {
            apart(|facts| {
                facts.0.extend(supplies.map(|supplies| ("power.supplies".to_owned(), supplies)));
                bmc::probe(tree, outside, facts)
            })
        });
        let drives = drives::drives(tree, outside, slots);
        (joined(pools), joined(gpus), joined(bmc), drives)
    });
    let (pools, gpus, bmc) = (merge(&mut facts, pools), merge(&mut facts, gpus), merge(&mut facts, bmc));
    let arrays = drives::arrays(tree);
    let known_pools = pools.as_deref().unwrap_or_default();
    storage::probe(&drives, &arrays, known_pools, boot::boot(tree, &arrays, known_pools), &mut facts);
    let sensors = sensors::sensors(tree);
    let memory_controllers = sensors::memory_controllers(tree);
    let others = gpus.iter().flatten().filter_map(|gpu| gpu.temperature);
    let others = others.chain(bmc.as_ref().ok().and_then(|bmc| bmc::hottest(&bmc.sensors)));
    let seen = bmc.as_ref().is_ok_and(|bmc| bmc::sees_processors(&bmc.sensors));
    let gpus_tell = gpus.iter().flatten().all(|gpu| gpu.temperature.is_some());
    sensors::probe(&sensors, &memory_controllers, &drives, seen, gpus_tell, others, &mut facts);

    Inventory {
        facts,
        machine_id: fingerprint::machine_id(tree),
        firmware: Probe { found: firmware, source: smbios::TABLE },
        devices: Probe { found: present(devices), source: pci::DEVICES },
        drives: Probe { found: drives, source: "/sys/block, /sys/class/nvme, SMART log page, Identify" },
        other_devices: Probe { found: present(drives::others(tree)), source: "/sys/block" },
        arrays: Probe { found: present(arrays), source: "/sys/block/md*/md" },
        pools: Probe { found: pools, source: "/proc/spl/kstat/zfs, zpool status, zfs get" },
        gpus: Probe { found: gpus, source: "/sys/bus/pci/devices, /proc/driver/nvidia, NVML" },
        nics: Probe { found: network::nics(tree), source: "/sys/class/net" },
        sensors: Probe { found: sensors, source: "/sys/class/hwmon" },
        power: Probe { found: sensors::power_domains(tree), source: "/sys/class/powercap" },
        memory_controllers: Probe { found: memory_controllers, source: "/sys/devices/system/edac/mc" },
        bmc: Probe { found: bmc, source: "/sys/devices/platform/ipmi_bmc.*, /dev/ipmi0" },
    }
}

/// A list without entries is nothing that the host has.
fn present<T>(list: Vec<T>) -> Found<Vec<T>> {
    if list.is_empty() { Err(Unavailable::Absent) } else { Ok(list) }
}

/// A probe with facts of its own, so that it can run beside others.
fn apart<T>(probe: impl FnOnce(&mut Facts) -> T) -> (Facts, T) {
    let mut facts = Facts::default();
    let found = probe(&mut facts);
    (facts, found)
}

/// What a probe beside us found. A probe does not panic; if one ever did, it would be a failed one.
fn joined<T>(probe: io::Result<thread::ScopedJoinHandle<'_, (Facts, Found<T>)>>) -> (Facts, Found<T>) {
    let failed = |why| (Facts::default(), Err(why));
    match probe {
        Ok(probe) => probe.join().unwrap_or_else(|_| failed(Unavailable::failed("the probe ended by a panic"))),
        Err(error) => failed(Unavailable::of(&error)),
    }
}

fn merge<T>(facts: &mut Facts, (more, found): (Facts, Found<T>)) -> Found<T> {
    let more: Vec<(String, Fact)> = more.0.into_iter().collect();
    facts.0.extend(more);
    found
}
