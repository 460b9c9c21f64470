//! The firmware's own tables (SMBIOS): system, board, chassis, DIMMs, slots and supplies as plain data.
//!
//! Firmware writes them, and wrongly often enough: every field may be missing, and no field is believed to be text.

use smbioslib::{
    BusNumber, ChassisHeight, ChassisType, DeviceFunctionNumber, MaxPowerCapacity, MemoryDeviceType, MemorySize,
    MemorySizeExtended, MemorySpeed, MemorySpeedExtended, PciExpressGeneration, PciExpressSlotWidth,
    SMBiosBaseboardInformation, SMBiosData, SMBiosInformation, SMBiosMemoryDevice, SMBiosString,
    SMBiosSystemChassisInformation, SMBiosSystemInformation, SMBiosSystemPowerSupply, SMBiosSystemSlot,
    SegmentGroupNumber, SlotCurrentUsage, SlotWidth, SystemSlotType,
};

use crate::sysfs::{Found, Tree, Unavailable};

/// The table as Linux gives it.
pub(crate) const TABLE: &str = "/sys/firmware/dmi/tables/DMI";
/// The entry point, which tells the version of the table.
const ENTRY: &str = "/sys/firmware/dmi/tables/smbios_entry_point";

/// What the firmware's tables say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firmware {
    /// Version of the table's format, for instance `3.5`.
    pub smbios: Option<String>,
    /// Vendor of the BIOS.
    pub bios_vendor: Option<String>,
    /// Version of the BIOS.
    pub bios_version: Option<String>,
    /// Release date of the BIOS, as the firmware writes it.
    pub bios_date: Option<String>,
    /// Manufacturer of the system.
    pub system_vendor: Option<String>,
    /// Product name of the system.
    pub system_product: Option<String>,
    /// Serial number of the system.
    pub system_serial: Option<String>,
    /// Manufacturer of the board.
    pub board_vendor: Option<String>,
    /// Product name of the board.
    pub board_product: Option<String>,
    /// Serial number of the board.
    pub board_serial: Option<String>,
    /// Serial number of the chassis.
    pub chassis_serial: Option<String>,
    /// Height of the chassis in rack units.
    pub chassis_height: Option<u8>,
    /// Whether the chassis is made for a rack.
    pub rack_mount: bool,
    /// The populated DIMM sockets.
    pub dimms: Vec<Dimm>,
    /// Sockets for memory modules that are empty.
    pub empty_sockets: Vec<EmptySocket>,
    /// The slots for cards and drives.
    pub slots: Vec<Slot>,
    /// The power supplies that are present.
    pub supplies: Vec<Supply>,
}

/// A memory module in its socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dimm {
    /// Name of the socket on the board.
    pub locator: String,
    /// Name of the bank or channel.
    pub bank: String,
    /// Capacity in bytes.
    pub bytes: u64,
    /// Generation: `DDR5`.
    pub generation: Option<String>,
    /// Whether it has bits for error correction.
    pub ecc: bool,
    /// Bits of data that it transfers at a time.
    pub width: Option<u16>,
    /// Kind of module: `RDIMM`, `LRDIMM`, `UDIMM`.
    pub module: Option<&'static str>,
    /// Transfers a second that it is rated for, in MT/s.
    pub rated: Option<u32>,
    /// Transfers a second that it was configured to, in MT/s.
    pub configured: Option<u32>,
    /// Manufacturer.
    pub manufacturer: String,
    /// Part number.
    pub part: String,
    /// Serial number.
    pub serial: String,
}

/// A socket for a memory module that has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmptySocket {
    /// Name of the socket on the board.
    pub locator: String,
    /// Name of the bank or channel.
    pub bank: String,
}

/// A slot for a card or a drive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Name on the board.
    pub name: String,
    /// What fits: `PCIe`, `U.2`, `E3.S`, `E3`, `E1`, `M.2`, `OCP 3.0`, or nothing known.
    pub form: Option<&'static str>,
    /// PCIe generation.
    pub generation: Option<u8>,
    /// PCIe lanes.
    pub lanes: Option<u8>,
    /// Whether something is in it.
    pub in_use: Option<bool>,
    /// PCI address of its port or device: `0000:01:00.0`.
    pub address: Option<String>,
}

/// A power supply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Supply {
    /// Its place.
    pub location: String,
    /// Model or part number.
    pub model: String,
    /// Serial number.
    pub serial: String,
    /// Power that it can give for long, in watts.
    pub watts: Option<u16>,
}

/// Reads the tables under the root.
pub(crate) fn read(tree: &Tree) -> Found<Firmware> {
    let table = tree.bytes(TABLE)?;
    let mut firmware = parse(table);
    if firmware == Firmware::default() {
        return Err(Unavailable::failed("the table has no structure that can be read"));
    }
    firmware.smbios = tree.bytes(ENTRY).ok().and_then(|entry| version(&entry));
    Ok(firmware)
}

/// Major and minor version of the entry point (DSP0134, 5.2.1 and 5.2.2).
fn version(entry: &[u8]) -> Option<String> {
    let at = if entry.starts_with(b"_SM3_") { 7 } else { 6 };
    if !entry.starts_with(b"_SM") {
        return None;
    }
    Some(format!("{}.{}", entry.get(at)?, entry.get(at + 1)?))
}

/// What a table says. Any bytes will do: what makes no sense is left out.
#[must_use]
pub fn parse(table: Vec<u8>) -> Firmware {
    let data = SMBiosData::from_vec_and_version(table, None);
    let mut firmware = Firmware::default();
    if let Some(bios) = data.first::<SMBiosInformation<'_>>() {
        firmware.bios_vendor = text_of(&bios.vendor());
        firmware.bios_version = text_of(&bios.version());
        firmware.bios_date = text_of(&bios.release_date());
    }
    if let Some(system) = data.first::<SMBiosSystemInformation<'_>>() {
        firmware.system_vendor = text_of(&system.manufacturer());
        firmware.system_product = text_of(&system.product_name());
        firmware.system_serial = text_of(&system.serial_number());
    }
    if let Some(board) = data.first::<SMBiosBaseboardInformation<'_>>() {
        firmware.board_vendor = text_of(&board.manufacturer());
        firmware.board_product = text_of(&board.product());
        firmware.board_serial = text_of(&board.serial_number());
    }
    if let Some(chassis) = data.first::<SMBiosSystemChassisInformation<'_>>() {
        firmware.chassis_serial = text_of(&chassis.serial_number());
        firmware.chassis_height = match chassis.height() {
            Some(ChassisHeight::U(units)) => Some(units),
            _ => None,
        };
        firmware.rack_mount = chassis.chassis_type().is_some_and(|kind| *kind == ChassisType::RackMountChassis);
    }
    firmware.dimms = data.defined_struct_iter().filter_map(|device| dimm(&device)).collect();
    firmware.empty_sockets = data.defined_struct_iter().filter_map(|device| empty_socket(&device)).collect();
    firmware.slots = data.defined_struct_iter().map(|device| slot(&device)).collect();
    firmware.supplies = data.defined_struct_iter().filter_map(|device| supply(&device)).collect();
    firmware
}

/// A string that says something. The fillers are those that board makers leave in.
fn text_of(string: &SMBiosString) -> Option<String> {
    const FILLERS: [&str; 9] = [
        "not specified",
        "to be filled by o.e.m.",
        "default string",
        "unknown",
        "none",
        "n/a",
        "no dimm",
        "not provided",
        "0123456789",
    ];
    let text = string.to_utf8_lossy()?;
    let text = text.trim();
    (!text.is_empty() && !FILLERS.contains(&text.to_lowercase().as_str())).then(|| text.to_owned())
}

fn dimm(device: &SMBiosMemoryDevice<'_>) -> Option<Dimm> {
    let bytes = match device.size()? {
        MemorySize::Kilobytes(kilobytes) => u64::from(kilobytes) << 10,
        MemorySize::Megabytes(megabytes) => u64::from(megabytes) << 20,
        MemorySize::SeeExtendedSize => match device.extended_size()? {
            MemorySizeExtended::Megabytes(megabytes) => u64::from(megabytes) << 20,
            MemorySizeExtended::SeeSize => return None,
        },
        MemorySize::NotInstalled | MemorySize::Unknown => return None,
    };
    let kind = device.memory_type().map(|kind| kind.value);
    // Flash and ROM have structures of this type too; they are not memory modules.
    if bytes == 0 || kind.as_ref().is_some_and(keeps) {
        return None;
    }
    let wide = |width: Option<u16>| width.filter(|width| !matches!(*width, 0 | 0xFFFF));
    let ecc = matches!((wide(device.total_width()), wide(device.data_width())), (Some(all), Some(data)) if all > data);
    let module = device.type_detail().and_then(|detail| {
        // Load-reduced modules may be marked as registered too.
        [(detail.lrdimm(), "LRDIMM"), (detail.registered(), "RDIMM"), (detail.unbuffered(), "UDIMM")]
            .into_iter()
            .find_map(|(is, name)| is.then_some(name))
    });
    Some(Dimm {
        locator: text_of(&device.device_locator()).unwrap_or_default(),
        bank: text_of(&device.bank_locator()).unwrap_or_default(),
        bytes,
        generation: kind.as_ref().and_then(generation),
        ecc,
        width: wide(device.data_width()),
        module,
        rated: speed(device.speed(), device.extended_speed()),
        configured: speed(device.configured_memory_speed(), device.extended_configured_memory_speed()),
        manufacturer: text_of(&device.manufacturer()).unwrap_or_default(),
        part: text_of(&device.part_number()).unwrap_or_default(),
        serial: text_of(&device.serial_number()).unwrap_or_default(),
    })
}

fn empty_socket(device: &SMBiosMemoryDevice<'_>) -> Option<EmptySocket> {
    matches!(device.size(), Some(MemorySize::NotInstalled)).then(|| EmptySocket {
        locator: text_of(&device.device_locator()).unwrap_or_default(),
        bank: text_of(&device.bank_locator()).unwrap_or_default(),
    })
}

/// Whether it keeps its content without power, so that it is no main memory.
fn keeps(kind: &MemoryDeviceType) -> bool {
    use MemoryDeviceType as Kind;
    matches!(kind, Kind::Flash | Kind::Rom | Kind::Eeprom | Kind::Feprom | Kind::Eprom | Kind::LogicalNonVolatileDevice)
}

/// The name of a memory generation, where the firmware tells.
fn generation(kind: &MemoryDeviceType) -> Option<String> {
    use MemoryDeviceType as Kind;
    match kind {
        Kind::Other | Kind::Unknown | Kind::None => None,
        known => Some(format!("{known:?}").to_uppercase()),
    }
}

/// The plain field holds speeds up to 65,534 MT/s, a later one those beyond.
fn speed(plain: Option<MemorySpeed>, extended: Option<MemorySpeedExtended>) -> Option<u32> {
    match plain? {
        MemorySpeed::MTs(rate) => Some(u32::from(rate)),
        MemorySpeed::SeeExtendedSpeed => match extended? {
            MemorySpeedExtended::MTs(rate) => Some(rate),
            MemorySpeedExtended::SeeSpeed => None,
        },
        MemorySpeed::Unknown => None,
    }
}

fn slot(device: &SMBiosSystemSlot<'_>) -> Slot {
    let (form, generation, by_type) = device.system_slot_type().map_or((None, None, None), |kind| shape(&kind.value));
    let lanes = device.slot_data_bus_width().and_then(|width| match width.value {
        SlotWidth::X1 => Some(1),
        SlotWidth::X2 => Some(2),
        SlotWidth::X4 => Some(4),
        SlotWidth::X8 => Some(8),
        SlotWidth::X12 => Some(12),
        SlotWidth::X16 => Some(16),
        SlotWidth::X32 => Some(32),
        _ => None,
    });
    let in_use = device.current_usage().and_then(|usage| match usage.value {
        SlotCurrentUsage::InUse => Some(true),
        SlotCurrentUsage::Available => Some(false),
        _ => None,
    });
    let name = text_of(&device.slot_designation()).unwrap_or_default();
    // The type does not tell the short from the long variants of EDSFF; the name on the board may.
    let form = match form {
        Some("E3" | "E1") => ["E3.S", "E3.L", "E1.S", "E1.L"].into_iter().find(|full| name.contains(full)).or(form),
        other => other,
    };
    Slot { name, form, generation, lanes: lanes.or(by_type), in_use, address: address(device) }
}

/// Form factor, PCIe generation and lanes of a slot type.
fn shape(kind: &SystemSlotType) -> (Option<&'static str>, Option<u8>, Option<u8>) {
    match kind {
        SystemSlotType::PciExpress(generation, width) => {
            let (form, lanes) = match width {
                PciExpressSlotWidth::Sff8639 => (Some("U.2"), Some(4)),
                PciExpressSlotWidth::X1 => (Some("PCIe"), Some(1)),
                PciExpressSlotWidth::X2 => (Some("PCIe"), Some(2)),
                PciExpressSlotWidth::X4 => (Some("PCIe"), Some(4)),
                PciExpressSlotWidth::X8 => (Some("PCIe"), Some(8)),
                PciExpressSlotWidth::X16 => (Some("PCIe"), Some(16)),
                PciExpressSlotWidth::UndefinedSlotWidth => (Some("PCIe"), None),
                _ => (None, None),
            };
            (form, numbered(generation), lanes)
        }
        SystemSlotType::EnterpriseAndDataCenter1UE1 => (Some("E1"), None, None),
        SystemSlotType::EnterpriseAndDataCenter3InE3 => (Some("E3"), None, None),
        SystemSlotType::M2(_) => (Some("M.2"), None, None),
        SystemSlotType::OcpNic30SmallFormFactor | SystemSlotType::OcpNic30LargeFormFactor => {
            (Some("OCP 3.0"), None, None)
        }
        _ => (None, None, None),
    }
}

fn numbered(generation: &PciExpressGeneration) -> Option<u8> {
    match generation {
        PciExpressGeneration::PCIExpressGen1 => Some(1),
        PciExpressGeneration::PCIExpressGen2 => Some(2),
        PciExpressGeneration::PCIExpressGen3 => Some(3),
        PciExpressGeneration::PCIExpressGen4 => Some(4),
        PciExpressGeneration::PCIExpressGen5 => Some(5),
        // "Gen 6 and beyond" is not one generation.
        PciExpressGeneration::PCIExpressGen6 | PciExpressGeneration::Undefined => None,
    }
}

/// The PCI address in the kernel's spelling.
fn address(device: &SMBiosSystemSlot<'_>) -> Option<String> {
    let segment = match device.segment_group_number()? {
        SegmentGroupNumber::SingleSegment => 0,
        SegmentGroupNumber::Number(number) => number,
        SegmentGroupNumber::NotApplicable => return None,
    };
    match (device.bus_number()?, device.device_function_number()?) {
        (BusNumber::Number(bus), DeviceFunctionNumber::Number { device, function }) => {
            Some(format!("{segment:04x}:{bus:02x}:{device:02x}.{function:x}"))
        }
        _ => None,
    }
}

fn supply(device: &SMBiosSystemPowerSupply<'_>) -> Option<Supply> {
    if !device.power_supply_characteristics()?.is_present() {
        return None;
    }
    Some(Supply {
        location: text_of(&device.location()).unwrap_or_default(),
        model: text_of(&device.model_part_number()).or_else(|| text_of(&device.device_name())).unwrap_or_default(),
        serial: text_of(&device.serial_number()).unwrap_or_default(),
        watts: match device.max_power_capacity()? {
            MaxPowerCapacity::Watts(watts) if watts > 0 => Some(watts),
            _ => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_of_both_entry_points() {
        assert_eq!(version(b"_SM3_\x18\x00\x03\x05\x00"), Some("3.5".to_owned()));
        assert_eq!(version(b"_SM_\x00\x1f\x02\x08"), Some("2.8".to_owned()));
        assert_eq!(version(b"_SM3_"), None);
        assert_eq!(version(b""), None);
    }

    /// Bytes that look like structures reach further into the parser than noise does.
    fn structures() -> impl Strategy<Value = Vec<u8>> {
        let kind = prop::sample::select(vec![0_u8, 1, 2, 3, 9, 17, 39, 127]);
        let body = prop::collection::vec(any::<u8>(), 0..110);
        let strings = prop::collection::vec(any::<u8>(), 0..60);
        let one = (kind, 0_u8..120, body, strings)
            .prop_map(|(kind, length, body, strings)| [&[kind, length, 0, 0][..], &body, &strings, &[0, 0]].concat());
        prop::collection::vec(one, 0..20).prop_map(|all| all.concat())
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(table in prop::collection::vec(any::<u8>(), 0..4096)) {
            let _ = parse(table);
        }

        #[test]
        fn any_structures_are_read(table in structures()) {
            let _ = parse(table);
        }
    }
}
