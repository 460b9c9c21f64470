//! Drives, mirrors, and which of them the system boots from or works on: `/sys/block`, `/sys/class/nvme`, md.

use std::collections::BTreeSet;
use std::thread;

use measure::what_is_no_drive;

pub use crate::drive_identity::Drive;
use crate::drive_identity::{BlockDevice, joined, media_of_block, media_of_nvme, of_nvme, worldwide};
use crate::nvme::{Health, Identity};
use crate::out_of_band::Outside;
use crate::pci::{self, Link};
use crate::smbios::Slot;
use crate::sysfs::{Found, Tree, Unavailable};

const BLOCK: &str = "/sys/block";
const NVME: &str = "/sys/class/nvme";
/// The kernel counts 512-byte sectors, whatever the drive's own are.
const SECTOR: u64 = 512;

/// A block device with data that is no drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherDevice {
    /// Kernel name: `bcache0`, `pmem0`.
    pub name: String,
    /// What it is.
    pub what: &'static str,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A join of block devices by Linux' md driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// Kernel name: `md0`.
    pub name: String,
    /// `raid1`, `raid0`, …
    pub level: String,
    /// Devices that it should have.
    pub devices: u64,
    /// Devices that are missing or failed.
    pub degraded: u64,
    /// State as the kernel says it: `clean`, `active`.
    pub state: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The drives that hold it.
    pub members: Vec<String>,
}

/// All drives, in the order of their names; devices that live in memory or in files are none.
pub(crate) fn drives(tree: &Tree, outside: &dyn Outside, slots: &[Slot]) -> Found<Vec<Drive>> {
    if !tree.has(BLOCK) {
        return Err(Unavailable::Absent);
    }
    let names = tree.names(BLOCK).into_iter();
    let real = names.filter(|name| what_is_no_drive(name).is_none());
    // Paths of native NVMe multipath stand beside their head.
    let real = real.filter(|name| !is_nvme_path(name));
    // A drive that hangs must not add its time to that of the others.
    Ok(thread::scope(|scope| {
        let ask = |name: String| {
            let beside = name.clone();
            (name, thread::Builder::new().spawn_scoped(scope, move || device(tree, outside, slots, beside)))
        };
        let asked: Vec<_> = real.map(ask).collect();
        // Where no thread can be had, one is asked after the other.
        let answers = asked.into_iter().map(|(name, asked)| match asked {
            Ok(asked) => asked.join().ok(),
            Err(_) => Some(device(tree, outside, slots, name)),
        });
        joined(answers.flatten().collect())
    }))
}

/// Block devices with data that are no drives, but for arrays, maps and files, which are listed elsewhere.
pub(crate) fn others(tree: &Tree) -> Vec<OtherDevice> {
    let names = tree.names(BLOCK).into_iter();
    let names = names.filter(|name| !["loop", "dm-", "md"].iter().any(|prefix| name.starts_with(prefix)));
    let other = |name: String| {
        let (what, bytes) = (what_is_no_drive(&name)?, size(tree, &name));
        (bytes > 0).then_some(OtherDevice { name, what, bytes })
    };
    names.filter_map(other).collect()
}

/// `nvme0c1n1` is a path to `nvme0n1`.
fn is_nvme_path(name: &str) -> bool {
    name.strip_prefix("nvme").is_some_and(|rest| rest.contains('c'))
}

fn device(tree: &Tree, outside: &dyn Outside, slots: &[Slot], name: String) -> BlockDevice {
    let part = worldwide(tree, &name);
    if let Some(controller) = controller(tree, &name) {
        let drive = nvme(tree, outside, slots, name, &controller);
        return BlockDevice { of: of_nvme(tree, &controller, drive.serial.as_deref()), part, drive };
    }
    let drive = block(tree, name);
    BlockDevice { of: part.clone(), part, drive }
}

/// A drive that is none of NVMe.
fn block(tree: &Tree, name: String) -> Drive {
    let at = |file: &str| format!("{BLOCK}/{name}/{file}");
    Drive {
        names: vec![name.clone()],
        media: media_of_block(tree, &name),
        model: tree.word(&at("device/model")).ok(),
        serial: tree.word(&at("serial")).or_else(|_| tree.word(&at("device/serial"))).ok(),
        firmware: tree.word(&at("device/rev")).ok(),
        bytes: size(tree, &name),
        rotational: tree.number(&at("queue/rotational")) == Ok(1),
        form_factor: None,
        address: None,
        link: Link::default(),
        node: node(tree, &at("device")),
        health: Err(Unavailable::Absent),
        volatile_cache: volatile_cache(tree, &name),
        warm: None,
        name,
    }
}

/// An NVMe drive: by sysfs, and by its own Identify where sysfs has no name for it.
fn nvme(tree: &Tree, outside: &dyn Outside, slots: &[Slot], name: String, controller: &str) -> Drive {
    let at = |file: &str| format!("{NVME}/{controller}/{file}");
    let address = tree.word(&at("address")).ok().filter(|address| address.contains(':'));
    let slot = address.as_ref().and_then(|address| slot_of(tree, slots, address));
    let identity = outside.identify(controller).ok().and_then(|data| Identity::parse(&data)).unwrap_or_default();
    let health = outside.smart(controller).and_then(|page| {
        Health::parse(&page).ok_or_else(|| Unavailable::failed(format!("the SMART page has {} bytes", page.len())))
    });
    Drive {
        names: vec![name.clone()],
        media: media_of_nvme(tree, controller),
        model: tree.word(&at("model")).ok().or(identity.model),
        serial: tree.word(&at("serial")).ok().or(identity.serial),
        firmware: tree.word(&at("firmware_rev")).ok().or(identity.firmware),
        bytes: size(tree, &name),
        rotational: false,
        form_factor: slot.and_then(|slot| slot.form),
        link: pci::link(tree, &at("device")),
        node: node(tree, &at("device")),
        health,
        volatile_cache: volatile_cache(tree, &name),
        warm: identity.warning,
        address,
        name,
    }
}

/// `write back` has a cache to flush; `write through` has none, or one that survives a loss of power.
fn volatile_cache(tree: &Tree, name: &str) -> Option<bool> {
    match tree.word(&format!("{BLOCK}/{name}/queue/write_cache")).ok()?.as_str() {
        "write back" => Some(true),
        "write through" => Some(false),
        _ => None,
    }
}

fn size(tree: &Tree, name: &str) -> u64 {
    tree.number(&format!("{BLOCK}/{name}/size")).unwrap_or_default().saturating_mul(SECTOR)
}

fn node(tree: &Tree, device: &str) -> Option<u32> {
    tree.number(&format!("{device}/numa_node")).ok().and_then(|node| u32::try_from(node).ok())
}

/// The controller of an NVMe namespace; with native multipath, the first of its subsystem.
fn controller(tree: &Tree, name: &str) -> Option<String> {
    if !name.starts_with("nvme") {
        return None;
    }
    let parent = tree.link(&format!("{BLOCK}/{name}/device"))?;
    if !parent.starts_with("nvme-subsys") {
        return tree.has(&format!("{NVME}/{parent}")).then_some(parent);
    }
    tree.numbered(&format!("/sys/class/nvme-subsystem/{parent}"), "nvme").into_iter().next()
}

/// The firmware's slot of a device: by its own address, or by that of the port above it.
fn slot_of<'a>(tree: &Tree, slots: &'a [Slot], address: &str) -> Option<&'a Slot> {
    let named = |address: &str| slots.iter().find(|slot| slot.address.as_deref() == Some(address));
    named(address).or_else(|| named(&pci::parent(tree, address)?))
}

/// All md arrays.
pub(crate) fn arrays(tree: &Tree) -> Vec<Array> {
    let names = tree.numbered(BLOCK, "md").into_iter();
    names.filter(|name| tree.has(&format!("{BLOCK}/{name}/md"))).map(|name| array(tree, name)).collect()
}

fn array(tree: &Tree, name: String) -> Array {
    let at = |file: &str| format!("{BLOCK}/{name}/{file}");
    Array {
        level: tree.word(&at("md/level")).unwrap_or_default(),
        devices: tree.number(&at("md/raid_disks")).unwrap_or_default(),
        degraded: tree.number(&at("md/degraded")).unwrap_or_default(),
        state: tree.word(&at("md/array_state")).unwrap_or_default(),
        bytes: tree.number(&at("size")).unwrap_or_default().saturating_mul(SECTOR),
        members: disks(tree, &name).into_iter().collect(),
        name,
    }
}

/// The drives under a block device: through partitions, mirrors and device mapper.
pub(crate) fn disks(tree: &Tree, name: &str) -> BTreeSet<String> {
    let mut disks = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![name.to_owned()];
    while let Some(name) = open.pop() {
        // Names come from outside: none may lead out of the folder, and no circle may hold us.
        if name.contains('/') || name.starts_with('.') || !seen.insert(name.clone()) {
            continue;
        }
        let holder = parent_of_partition(tree, &name).unwrap_or_else(|| name.clone());
        let slaves = [format!("{BLOCK}/{name}/slaves"), format!("{BLOCK}/{holder}/{name}/slaves")]
            .iter()
            .flat_map(|folder| tree.names(folder))
            .collect::<Vec<_>>();
        if !slaves.is_empty() {
            open.extend(slaves);
        } else if holder != name {
            open.push(holder);
        } else if tree.has(&format!("{BLOCK}/{name}")) {
            disks.insert(name);
        }
    }
    disks
}

/// The block device that a partition is part of.
fn parent_of_partition(tree: &Tree, name: &str) -> Option<String> {
    if name.is_empty() || tree.has(&format!("{BLOCK}/{name}")) {
        return None;
    }
    let mut parents = tree.names(BLOCK).into_iter();
    parents.find(|parent| name.starts_with(parent.as_str()) && tree.has(&format!("{BLOCK}/{parent}/{name}")))
}
