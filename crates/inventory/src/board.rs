//! Chassis, board, BIOS, supplies and slots: the firmware's tables, or what the kernel copies of them for everybody.

use std::collections::BTreeSet;

use measure::{Facts, Unit};

use crate::gpu::is_gpu;
use crate::pci::{self, Device};
use crate::smbios::{Firmware, Slot, TABLE};
use crate::sysfs::{Found, Tree, Unavailable, note_number, note_text, ok_or_absent};

/// Class of a bridge between PCI buses.
const PCI_BRIDGE: u32 = 0x0604;
const DMI: &str = "/sys/class/dmi/id";

/// Adds the facts `chassis.*`, `board.*`, `bios.*` and those of slots and supplies.
pub(crate) fn probe(tree: &Tree, firmware: &Found<Firmware>, devices: &[Device], facts: &mut Facts) {
    named(tree, firmware, facts);
    let height = firmware.clone().and_then(|firmware| ok_or_absent(firmware.chassis_height));
    let mount = if firmware.as_ref().is_ok_and(|firmware| firmware.rack_mount) { " rackmount" } else { "" };
    note_text(facts, "chassis.form_factor", height.clone().map(|units| format!("{units}U{mount}")), TABLE);
    note_number(facts, "chassis.height", Unit::Count, height.map(f64::from), TABLE);
    // Ports on a root bus are the processor's or the chipset's, and the processor's are never the slower ones.
    let ports = devices.iter().filter(|device| device.on_root_bus && device.class >> 8 == PCI_BRIDGE);
    let generation = ports.filter_map(|port| port.link.most_generation).max();
    note_number(
        facts,
        "cpu.pcie_gen",
        Unit::Count,
        ok_or_absent(generation.map(f64::from)),
        "/sys/bus/pci/devices (root ports)",
    );
    note_text(facts, "board.chipset", ok_or_absent(chipset(devices)), "/sys/bus/pci/devices");
    let gpus = devices.iter().filter(|device| is_gpu(device));
    let places: Vec<String> =
        gpus.flat_map(|gpu| [Some(gpu.address.clone()), pci::parent(tree, &gpu.address)]).flatten().collect();
    slots(firmware, &places, facts);
    supplies(firmware, facts);
}

/// Names that everybody may read in `/sys/class/dmi/id`, also where the table itself is for root.
fn named(tree: &Tree, firmware: &Found<Firmware>, facts: &mut Facts) {
    let read = |file: &str, of: fn(&Firmware) -> Option<&String>| -> (Found<String>, String) {
        if let Some(text) = firmware.as_ref().ok().and_then(of) {
            return (Ok(text.clone()), TABLE.to_owned());
        }
        let path = format!("{DMI}/{file}");
        (tree.word(&path), path)
    };
    for (id, file, of) in [
        ("bios.vendor", "bios_vendor", (|f| f.bios_vendor.as_ref()) as fn(&Firmware) -> Option<&String>),
        ("bios.version", "bios_version", |f| f.bios_version.as_ref()),
        ("bios.date", "bios_date", |f| f.bios_date.as_ref()),
    ] {
        let (found, source) = read(file, of);
        note_text(facts, id, found, &source);
    }
    for (id, vendor_file, vendor, product_file, product) in [
        (
            "chassis.model",
            "sys_vendor",
            (|f| f.system_vendor.as_ref()) as fn(&Firmware) -> Option<&String>,
            "product_name",
            (|f| f.system_product.as_ref()) as fn(&Firmware) -> Option<&String>,
        ),
        ("board.model", "board_vendor", |f| f.board_vendor.as_ref(), "board_name", |f| f.board_product.as_ref()),
    ] {
        let (vendor, _) = read(vendor_file, vendor);
        let (product, source) = read(product_file, product);
        let both = product.map(|product| match vendor {
            Ok(vendor) if !product.starts_with(&vendor) => format!("{vendor} {product}"),
            _ => product,
        });
        note_text(facts, id, both, &source);
    }
}

/// The chipset by its system-management-bus function, whose ids Linux' `drivers/i2c/busses/i2c-i801.c` lists.
fn chipset(devices: &[Device]) -> Option<String> {
    const SMBUS: [(u16, &str); 4] = [
        (0x1bc9, "Intel C741 (Emmitsburg)"),
        (0xa1a3, "Intel C620 series (Lewisburg)"),
        (0xa223, "Intel C620 series (Lewisburg)"),
        (0x8d22, "Intel C610 series (Wellsburg)"),
    ];
    let intel = devices.iter().filter(|device| device.vendor == 0x8086);
    let mut found = intel.filter_map(|device| SMBUS.iter().find(|(id, _)| *id == device.device));
    found.next().map(|(_, name)| (*name).to_owned())
}

/// Bays, and the slots for GPUs: those of 16 lanes, and those with one in them. `gpus` are the addresses of GPUs and of the
/// ports above them.
fn slots(firmware: &Found<Firmware>, gpus: &[String], facts: &mut Facts) {
    let slots = |wanted: &dyn Fn(&Slot) -> bool| -> Found<Vec<Slot>> {
        let firmware = firmware.clone()?;
        if firmware.slots.is_empty() {
            return Err(Unavailable::Absent);
        }
        Ok(firmware.slots.into_iter().filter(|slot| wanted(slot)).collect())
    };
    let count = |slots: &Found<Vec<Slot>>| slots.clone().map(|slots| slots.len() as f64);
    let bays = slots(&|slot| slot.form.is_some_and(|form| form == "U.2" || form.starts_with('E')));
    // Bays behind a SAS expander or a switch are not in this list: none is "not told", not zero.
    let told_bays = bays.clone().and_then(|bays| ok_or_absent(Some(bays).filter(|bays| !bays.is_empty())));
    note_number(facts, "chassis.drive_bays", Unit::Count, count(&told_bays), TABLE);
    let forms = told_bays.map(|bays| {
        let forms: BTreeSet<&str> = bays.iter().filter_map(|bay| bay.form).collect();
        forms.into_iter().collect::<Vec<_>>().join(", ")
    });
    note_text(facts, "chassis.bay_form_factor", forms, TABLE);

    let holds_gpu = |slot: &Slot| slot.address.as_ref().is_some_and(|address| gpus.contains(address));
    let cards = slots(&|slot| slot.form == Some("PCIe") && (slot.lanes == Some(16) || holds_gpu(slot)));
    note_number(facts, "gpu.slots", Unit::Count, count(&cards), TABLE);
    let lowest = |of: fn(&Slot) -> Option<u8>| -> Found<f64> {
        let values = cards.clone()?.iter().map(of).collect::<Option<Vec<u8>>>();
        ok_or_absent(values.and_then(|values| values.into_iter().min()).map(f64::from))
    };
    note_number(facts, "gpu.slot_pcie_gen", Unit::Count, lowest(|slot| slot.generation), TABLE);
    note_number(facts, "gpu.slot_lanes", Unit::Count, lowest(|slot| slot.lanes), TABLE);
}

fn supplies(firmware: &Found<Firmware>, facts: &mut Facts) {
    let supplies =
        firmware.clone().and_then(|firmware| ok_or_absent(Some(firmware.supplies).filter(|all| !all.is_empty())));
    note_number(facts, "power.supplies", Unit::Count, supplies.clone().map(|all| all.len() as f64), TABLE);
    // The weakest decides what the host may draw.
    let rating = supplies.and_then(|all| {
        let ratings = all.iter().map(|supply| supply.watts).collect::<Option<Vec<u16>>>();
        ok_or_absent(ratings.and_then(|ratings| ratings.into_iter().min()).map(f64::from))
    });
    note_number(facts, "power.supply_rating", Unit::Watt, rating, TABLE);
}
