//! The identity of a host (`platform_id`) and of its configuration (`config_id`).

use measure::{Facts, Fingerprint};
use sha2::{Digest, Sha256};

use crate::Inventory;
use crate::sysfs::Tree;

/// Facts that say which machine this is.
const IDENTITY: [&str; 5] = ["chassis.model", "board.model", "cpu.model", "cpu.microarchitecture", "cpu.sockets"];
/// Facts that say how it is set up: what an update changes.
const CONFIGURATION: [&str; 12] = [
    "bios.version",
    "bios.date",
    "bmc.version",
    "cpu.microcode",
    "os.kernel",
    "os.cmdline",
    "os.mitigations",
    "os.smt",
    "os.zfs",
    "os.drivers",
    "gpu.driver",
    "memory.data_rate",
];

/// The fingerprint of what an inventory found. Volatile readings (clocks, temperatures, free memory) are no part of it.
#[must_use]
pub(crate) fn of(inventory: &Inventory) -> Fingerprint {
    let mut fingerprint = Fingerprint::default();
    for id in IDENTITY {
        add(&mut fingerprint.platform, &inventory.facts, id);
    }
    for id in CONFIGURATION {
        add(&mut fingerprint.config, &inventory.facts, id);
    }
    if let Ok(firmware) = &inventory.firmware.found {
        for (name, serial) in [
            ("system.serial", &firmware.system_serial),
            ("board.serial", &firmware.board_serial),
            ("chassis.serial", &firmware.chassis_serial),
        ] {
            if let Some(serial) = serial {
                fingerprint.platform.insert(name.to_owned(), serial.clone());
            }
        }
        for dimm in &firmware.dimms {
            let module = format!("{} {} {} B, serial {}", dimm.manufacturer, dimm.part, dimm.bytes, dimm.serial);
            fingerprint.platform.insert(format!("dimm {} {}", dimm.bank, dimm.locator), module);
        }
    }
    for drive in inventory.drives.found.iter().flatten() {
        // Kernel names change from boot to boot: a drive is known by its serial number.
        let Some(serial) = drive.serial.as_ref() else { continue };
        let model = drive.model.clone().unwrap_or_default();
        fingerprint.platform.insert(format!("drive {serial}"), format!("{model} {} B", drive.bytes));
        if let Some(firmware) = &drive.firmware {
            fingerprint.config.insert(format!("drive {serial} firmware"), firmware.clone());
        }
    }
    for gpu in inventory.gpus.found.iter().flatten() {
        let model = gpu.model.clone().unwrap_or_default();
        fingerprint.platform.insert(format!("gpu {}", gpu.address), model);
    }
    if let Some(id) = &inventory.machine_id {
        fingerprint.platform.insert("machine-id".to_owned(), id.clone());
    }
    fingerprint.platform_id = digest(&fingerprint.platform);
    fingerprint.config_id = digest(&fingerprint.config);
    fingerprint
}

/// A hash of the installation's id, for hosts whose serial numbers cannot be read. The id itself is confidential
/// (machine-id(5)), so it goes into no record.
pub(crate) fn machine_id(tree: &Tree) -> Option<String> {
    let id =
        tree.word("/etc/machine-id").ok().filter(|id| id.len() == 32 && id.bytes().all(|c| c.is_ascii_hexdigit()))?;
    Some(hex::encode(&Sha256::digest(format!("hostproof machine-id {id}"))[..16]))
}

fn add(parts: &mut std::collections::BTreeMap<String, String>, facts: &Facts, id: &str) {
    if let Some(value) = facts.value(id) {
        parts.insert(id.to_owned(), value.to_string());
    }
}

/// SHA-256 over the parts in order, each name and value with its length before it, so that no two lists look alike.
fn digest(parts: &std::collections::BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    for text in parts.iter().flat_map(|(name, value)| [name, value]) {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hex::encode(hash.finalize())
}

impl Inventory {
    /// The identity of this host and of its configuration.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        of(self)
    }
}
