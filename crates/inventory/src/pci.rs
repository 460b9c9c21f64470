//! PCI devices and their links: `/sys/bus/pci/devices`.

use std::collections::BTreeSet;

use crate::sysfs::{Found, Tree, ok_or_absent};

/// Where the kernel lists them.
pub(crate) const DEVICES: &str = "/sys/bus/pci/devices";

/// A PCI device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Address: `0000:01:00.0`.
    pub address: String,
    /// Class, subclass and interface in one number.
    pub class: u32,
    /// Vendor id.
    pub vendor: u16,
    /// Device id.
    pub device: u16,
    /// Name of the kernel's driver.
    pub driver: Option<String>,
    /// NUMA node, where the firmware tells.
    pub node: Option<u32>,
    /// Whether it sits on a root bus: in the processor or the chipset.
    pub on_root_bus: bool,
    /// Its link.
    pub link: Link,
    /// Errors that the link corrected, by Advanced Error Reporting.
    pub corrected: Option<u64>,
    /// Errors that it could not correct, fatal and other.
    pub uncorrected: Option<u64>,
}

/// A PCIe link, as far as the device tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Generation that it runs at.
    pub generation: Option<u8>,
    /// Lanes that it runs on.
    pub lanes: Option<u8>,
    /// The highest generation of the device.
    pub most_generation: Option<u8>,
    /// The most lanes of the device.
    pub most_lanes: Option<u8>,
}

impl Link {
    /// Whether it runs on fewer lanes or at a lower generation than the device can.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        let below = |now: Option<u8>, most: Option<u8>| matches!((now, most), (Some(now), Some(most)) if now < most);
        below(self.generation, self.most_generation) || below(self.lanes, self.most_lanes)
    }
}

/// All devices, in the order of their addresses.
pub(crate) fn devices(tree: &Tree) -> Vec<Device> {
    tree.names(DEVICES).into_iter().map(|address| device(tree, address)).collect()
}

/// The device at an address.
#[must_use]
pub fn device(tree: &Tree, address: String) -> Device {
    let at = |file: &str| format!("{DEVICES}/{address}/{file}");
    let id = |file: &str| tree.number(&at(file)).ok().and_then(|id| u16::try_from(id).ok()).unwrap_or_default();
    Device {
        class: tree.number(&at("class")).ok().and_then(|class| u32::try_from(class).ok()).unwrap_or_default(),
        vendor: id("vendor"),
        device: id("device"),
        driver: tree.link(&at("driver")),
        node: tree.number(&at("numa_node")).ok().and_then(|node| u32::try_from(node).ok()),
        on_root_bus: parent(tree, &address).is_some_and(|parent| parent.starts_with("pci")),
        link: link(tree, &format!("{DEVICES}/{address}")),
        corrected: total(tree, &at("aer_dev_correctable")),
        uncorrected: match (total(tree, &at("aer_dev_fatal")), total(tree, &at("aer_dev_nonfatal"))) {
            (Some(fatal), Some(other)) => Some(fatal.saturating_add(other)),
            (one, other) => one.or(other),
        },
        address,
    }
}

/// The port above a device, or the root bus that it sits on (`pci0000:00`).
pub(crate) fn parent(tree: &Tree, address: &str) -> Option<String> {
    let target = std::fs::read_link(tree.at(&format!("{DEVICES}/{address}"))).ok()?;
    Some(target.parent()?.file_name()?.to_string_lossy().into_owned())
}

/// The drivers of drives, network cards, displays and accelerators that have a version beside the kernel's.
pub(crate) fn drivers(tree: &Tree, devices: &[Device]) -> Found<String> {
    let matters = |device: &&Device| matches!(device.class >> 16, 0x01 | 0x02 | 0x03 | 0x0b | 0x12);
    let names: BTreeSet<&String> = devices.iter().filter(matters).filter_map(|device| device.driver.as_ref()).collect();
    let versions = names.into_iter().filter_map(|name| {
        // Names come from outside, and none may lead out of the folder.
        let file = format!("/sys/module/{}/version", name.replace('/', "").replace('-', "_"));
        Some(format!("{name} {}", tree.word(&file).ok()?))
    });
    ok_or_absent(Some(versions.collect::<Vec<_>>().join("; ")).filter(|all| !all.is_empty()))
}

/// The link of the device in this folder of sysfs.
pub(crate) fn link(tree: &Tree, folder: &str) -> Link {
    let speed = |file: &str| tree.word(&format!("{folder}/{file}")).ok().and_then(|speed| generation(&speed));
    let width = |file: &str| {
        let lanes = tree.number(&format!("{folder}/{file}")).ok().and_then(|lanes| u8::try_from(lanes).ok());
        lanes.filter(|lanes| (1..=32).contains(lanes))
    };
    Link {
        generation: speed("current_link_speed"),
        lanes: width("current_link_width"),
        most_generation: speed("max_link_speed"),
        most_lanes: width("max_link_width"),
    }
}

/// The PCIe generation of a link speed as the kernel writes it: `32.0 GT/s PCIe`.
fn generation(speed: &str) -> Option<u8> {
    match speed.split_whitespace().next()? {
        "2.5" => Some(1),
        "5" | "5.0" => Some(2),
        "8" | "8.0" => Some(3),
        "16" | "16.0" => Some(4),
        "32" | "32.0" => Some(5),
        "64" | "64.0" => Some(6),
        _ => None,
    }
}

/// The `TOTAL_ERR_…` line of an error file.
fn total(tree: &Tree, file: &str) -> Option<u64> {
    let text = tree.text(file).ok()?;
    text.lines().find(|line| line.starts_with("TOTAL_ERR"))?.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_of_link_speeds() {
        let check = |speed: &str, expect: Option<u8>| assert_eq!(generation(speed), expect, "{speed}");
        check("2.5 GT/s PCIe", Some(1));
        check("16.0 GT/s PCIe", Some(4));
        check("32.0 GT/s PCIe", Some(5));
        check("Unknown", None);
        check("", None);
    }

    #[test]
    fn a_link_below_its_device_is_degraded() {
        let full = Link { generation: Some(5), lanes: Some(4), most_generation: Some(5), most_lanes: Some(4) };
        assert!(!full.is_degraded());
        assert!(Link { lanes: Some(2), ..full }.is_degraded());
        assert!(Link { generation: Some(4), ..full }.is_degraded());
        assert!(!Link::default().is_degraded());
    }
}
