//! Which block devices are one drive, and how a drive is attached.
//!
//! A controller may show several namespaces, and a drive with two ports appears once for each path unless the kernel joins
//! them. All of these have one serial number: counted are drives, and not names.

use crate::nvme::Health;
use crate::pci::Link;
use crate::sysfs::{Found, Tree};

const BLOCK: &str = "/sys/block";
const NVME: &str = "/sys/class/nvme";

/// A drive: whole block devices that are no partition and no join of others. Namespaces of one controller, and paths to one
/// drive, are one.
#[derive(Clone, Debug, PartialEq)]
pub struct Drive {
    /// Kernel name: `nvme0n1`, `sda`; of several the first.
    pub name: String,
    /// All kernel names: of the namespaces of one controller, of the paths to one drive.
    pub names: Vec<String>,
    /// `nvme`, `sata`, `scsi`, `mmc`, `virtio`; over a network `nvme-tcp`, `nvme-rdma`, `nvme-fc`, `iscsi`, `fc`; `usb`, and
    /// `virtual media` of a management controller.
    pub media: &'static str,
    /// Model.
    pub model: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// Firmware revision.
    pub firmware: Option<String>,
    /// Capacity in bytes.
    pub bytes: u64,
    /// Whether it has spinning disks.
    pub rotational: bool,
    /// Form factor, where the firmware's table tells what slot it is in.
    pub form_factor: Option<&'static str>,
    /// PCI address of an NVMe drive.
    pub address: Option<String>,
    /// PCIe link of an NVMe drive.
    pub link: Link,
    /// NUMA node, where the firmware tells.
    pub node: Option<u32>,
    /// SMART, or why it could not be read.
    pub health: Found<Health>,
    /// Whether written data waits in a cache that a loss of power empties, as the kernel was told by the drive.
    pub volatile_cache: Option<bool>,
    /// The temperature in °C from which the drive calls itself too warm, where it tells.
    pub warm: Option<f64>,
}

/// A block device with what tells whether another one is of the same drive.
pub(crate) struct BlockDevice {
    pub(crate) drive: Drive,
    /// The same for all devices of one drive; `None` where nothing tells.
    pub(crate) of: Option<String>,
    /// The same for all paths to one namespace or logical unit.
    pub(crate) part: Option<String>,
}

/// The drives that these devices are, in the order of their first names. Capacities of several namespaces add up; of several
/// paths to one they do not.
pub(crate) fn joined(devices: Vec<BlockDevice>) -> Vec<Drive> {
    let mut drives: Vec<(Option<String>, Vec<String>, Drive)> = Vec::new();
    for BlockDevice { drive, of, part } in devices {
        let known = of.as_ref().and_then(|of| drives.iter_mut().find(|(other, ..)| other.as_ref() == Some(of)));
        let Some((_, parts, whole)) = known else {
            drives.push((of, part.into_iter().collect(), drive));
            continue;
        };
        whole.names.extend(drive.names);
        if part.as_ref().is_none_or(|part| !parts.contains(part)) {
            whole.bytes = whole.bytes.saturating_add(drive.bytes);
            parts.extend(part);
        }
    }
    drives.into_iter().map(|(_, _, drive)| drive).collect()
}

/// What tells which NVMe drive a namespace is of: some drives of one model have one name of their subsystem, and some
/// controllers no serial number.
pub(crate) fn of_nvme(tree: &Tree, controller: &str, serial: Option<&str>) -> Option<String> {
    let subsystem = tree.word(&format!("{NVME}/{controller}/subsysnqn")).unwrap_or_default();
    serial.map(|serial| format!("{subsystem} {serial}"))
}

/// The name that a namespace or a logical unit has in the whole world.
pub(crate) fn worldwide(tree: &Tree, name: &str) -> Option<String> {
    let places = ["wwid", "device/wwid"].map(|file| format!("{BLOCK}/{name}/{file}"));
    places.iter().find_map(|place| tree.word(place).ok())
}

/// What kind of NVMe drive it is: one behind a network is none of this host.
pub(crate) fn media_of_nvme(tree: &Tree, controller: &str) -> &'static str {
    match tree.word(&format!("{NVME}/{controller}/transport")).as_deref() {
        Ok("tcp") => "nvme-tcp",
        Ok("rdma") => "nvme-rdma",
        Ok("fc") => "nvme-fc",
        Ok("loop") => "nvme-loop",
        _ => "nvme",
    }
}

/// Vendors of the media that a management controller pretends to have.
const CONTROLLERS: [&str; 5] = ["AMI", "ATEN", "iDRAC", "iLO", "HP iLO"];

/// What kind of drive another block device is.
pub(crate) fn media_of_block(tree: &Tree, name: &str) -> &'static str {
    let vendor = tree.word(&format!("{BLOCK}/{name}/device/vendor")).unwrap_or_default();
    let model = tree.word(&format!("{BLOCK}/{name}/device/model")).unwrap_or_default();
    let path = tree.real(&format!("{BLOCK}/{name}")).unwrap_or_default();
    let is_below = |part: &str| path.split('/').any(|folder| folder.starts_with(part));
    if name.starts_with("vd") || name.starts_with("xvd") {
        "virtio"
    } else if name.starts_with("mmcblk") {
        "mmc"
    } else if is_below("session") {
        "iscsi"
    } else if is_below("rport-") {
        "fc"
    } else if is_below("usb") {
        let pretends = CONTROLLERS.contains(&vendor.as_str()) || model.to_lowercase().contains("virtual");
        if pretends { "virtual media" } else { "usb" }
    } else if vendor == "ATA" {
        "sata"
    } else {
        "scsi"
    }
}

impl Drive {
    /// Whether it is a part of this host: not behind a network, and nothing that is put in and taken out.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        matches!(self.media, "nvme" | "sata" | "scsi" | "mmc" | "virtio")
    }
}
