//! The firmware's tables of the machine: raw SMBIOS 3 structures (DMTF DSP0134), one file each, as QEMU takes them.

use crate::hardware::{Dimm, Hardware};

/// A structure: its type, a handle, its fields and its strings.
struct Structure {
    kind: u8,
    handle: u16,
    fields: Vec<u8>,
    strings: Vec<String>,
}

impl Structure {
    fn bytes(&self) -> Vec<u8> {
        // The length counts the four bytes of the header and the fields, not the strings.
        let length = u8::try_from(self.fields.len() + 4).unwrap_or(u8::MAX);
        let mut bytes = vec![self.kind, length];
        bytes.extend(self.handle.to_le_bytes());
        bytes.extend(&self.fields);
        for string in &self.strings {
            bytes.extend(string.as_bytes());
            bytes.push(0);
        }
        bytes.push(0);
        if self.strings.is_empty() {
            bytes.push(0);
        }
        bytes
    }
}

/// All structures of a machine.
pub(crate) fn structures(hardware: &Hardware) -> Vec<Vec<u8>> {
    let maker = "Supermicro".to_owned();
    let mut all = vec![
        // BIOS: vendor, version, start address, date, ROM of 64 KiB, its characteristics unknown (bit 3).
        Structure {
            kind: 0,
            handle: 0,
            fields: vec![1, 2, 0, 0xE8, 3, 0, 8, 0, 0, 0, 0, 0, 0, 0],
            strings: vec!["AMI".into(), hardware.bios.into(), "09/01/2024".into()],
        },
        // System and board: maker, product, version, serial number.
        Structure {
            kind: 1,
            handle: 0x100,
            fields: system_fields(),
            strings: product(&maker, "SYS-7508B-T", "LAB0001"),
        },
        Structure {
            kind: 2,
            handle: 0x200,
            fields: vec![1, 2, 0, 3],
            strings: product(&maker, "Dual-Socket Proprietary Board", "LAB0002"),
        },
        // Chassis: rack mount (0x17), states safe (3), 4 U high at offset 0x11, one power cord.
        Structure {
            kind: 3,
            handle: 0x300,
            fields: vec![1, 0x17, 0, 2, 0, 3, 3, 3, 3, 0, 0, 0, 0, 4, 1, 0, 0],
            strings: vec![maker, "LAB0003".into()],
        },
        memory_array(hardware.dimms.len()),
    ];
    all.extend(hardware.dimms.iter().enumerate().map(|(number, dimm)| memory_device(number, dimm)));
    all.extend((0..2).map(supply));
    all.iter().map(Structure::bytes).collect()
}

fn product(maker: &str, model: &str, serial: &str) -> Vec<String> {
    vec![maker.to_owned(), model.to_owned(), serial.to_owned()]
}

/// Maker, product, no version, serial; a UUID of the lab; woken by the power switch.
fn system_fields() -> Vec<u8> {
    let mut fields = vec![1, 2, 0, 3];
    fields.extend([0x4C, 0x41, 0x42, 0, 0, 0, 0, 0x40, 0x80, 0, 0, 0, 0, 0, 0, 1]);
    fields.extend([6, 0, 0]);
    fields
}

/// System memory on the board with multi-bit ECC, 4 TiB at most.
fn memory_array(devices: usize) -> Structure {
    let mut fields = vec![3, 3, 6, 0, 0, 0, 0x80, 0xFE, 0xFF];
    fields.extend(u16::try_from(devices).unwrap_or(u16::MAX).to_le_bytes());
    fields.extend((4_u64 << 40).to_le_bytes());
    Structure { kind: 16, handle: 0x1000, fields, strings: Vec::new() }
}

/// A DDR5 RDIMM with ECC; its size stands in the extended field, in MiB.
fn memory_device(number: usize, dimm: &Dimm) -> Structure {
    let (socket, channel) = (number / 8, number % 8);
    let mut fields = 0x1000_u16.to_le_bytes().to_vec();
    // No error information; 80 bits wide of which 64 are data; extended size; DIMM; no set; locators.
    fields.extend([0xFE, 0xFF, 80, 0, 64, 0, 0xFF, 0x7F, 9, 0, 1, 2]);
    // DDR5 (0x22), synchronous and registered.
    fields.extend([0x22, 0x80, 0x20]);
    fields.extend(5600_u16.to_le_bytes());
    // Maker, serial number, no asset tag, part number, two ranks.
    fields.extend([3, 4, 0, 5, 2]);
    fields.extend((dimm.gib << 10).to_le_bytes());
    fields.extend(dimm.rate.to_le_bytes());
    // Voltages: unknown.
    fields.extend([0; 6]);
    let strings = vec![
        format!("P{}-DIMM{}1", socket + 1, ["A", "B", "C", "D", "E", "F", "G", "H"][channel]),
        format!("P{socket}_Node0_Channel{channel}_Dimm0"),
        "Lab".to_owned(),
        format!("DIMM{number:04}"),
        "LAB-128G-5600".to_owned(),
    ];
    Structure { kind: 17, handle: 0x1100 + u16::try_from(number).unwrap_or_default(), fields, strings }
}

/// A supply of 2400 W: present, switching, OK.
fn supply(number: u16) -> Structure {
    let mut fields = vec![1, 2, 3, 4, 5, 0, 6, 0];
    fields.extend(2400_u16.to_le_bytes());
    fields.extend(0b0000_0010_1010_0010_u16.to_le_bytes());
    // No probes and no cooling device.
    fields.extend([0xFF; 6]);
    let strings = ["Bay", "Supply", "Lab", "PSU", "none", "LAB-2400"].map(|word| format!("{word} {number}")).to_vec();
    Structure { kind: 39, handle: 0x2700 + number, fields, strings }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_structure_says_its_length_and_ends_in_two_zeros() {
        for bytes in structures(&Hardware::documented()) {
            let length = usize::from(bytes[1]);
            assert!(length <= bytes.len() - 2, "type {}", bytes[0]);
            assert!(bytes.ends_with(&[0, 0]), "type {}", bytes[0]);
            let strings = &bytes[length..bytes.len() - 1];
            assert!(!strings.windows(2).any(|pair| pair == [0, 0]) || strings == [0], "type {}", bytes[0]);
        }
    }

    #[test]
    fn the_documented_machine_has_its_dimms() {
        let all = structures(&Hardware::documented());
        let dimms: Vec<_> = all.iter().filter(|bytes| bytes[0] == 17).collect();
        assert_eq!(dimms.len(), 16);
        // Extended size at 0x1C in MiB, configured speed at 0x20.
        assert_eq!(dimms[0][0x1C..0x20], 131_072_u32.to_le_bytes());
        assert_eq!(dimms[0][0x20..0x22], 5600_u16.to_le_bytes());
    }
}
