//! The health of NVMe drives: the SMART log page.
#![allow(unsafe_code)] // The kernel gives log pages by ioctl only.

use std::fs::File;
use std::os::fd::AsRawFd;

use super::tree::{Found, Lack};

/// Bytes of the log page (NVM Express base specification 2.0, 5.16.1.3).
const PAGE: usize = 512;

/// What a drive tells of its health.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Health {
    /// Bits of the critical warning; 0 is none.
    pub critical: u8,
    /// Composite temperature in °C.
    pub temperature: f64,
    /// Spare capacity left, as a share.
    pub spare: f64,
    /// Endurance used as the maker estimates it, as a share; may pass 1.
    pub used: f64,
    /// Bytes that the host wrote.
    pub written: f64,
    /// Errors of the media that could not be corrected.
    pub media_errors: f64,
}

impl Health {
    /// Reads a log page; nothing where it is too short.
    #[must_use]
    pub fn parse(page: &[u8]) -> Option<Health> {
        /// A data unit is 1000 blocks of 512 bytes.
        const DATA_UNIT: f64 = 512_000.0;
        let page: &[u8; PAGE] = page.get(..PAGE)?.try_into().ok()?;
        let wide = |at: usize| page[at..at + 16].iter().rev().fold(0.0, |sum, byte| sum * 256.0 + f64::from(*byte));
        Some(Health {
            critical: page[0],
            temperature: f64::from(u16::from_le_bytes([page[1], page[2]])) - 273.15,
            spare: f64::from(page[3]) / 100.0,
            used: f64::from(page[5]) / 100.0,
            written: wide(48) * DATA_UNIT,
            media_errors: wide(160),
        })
    }
}

/// `struct nvme_passthru_cmd` of `linux/nvme_ioctl.h`.
#[repr(C)]
#[derive(Default)]
struct AdminCommand {
    opcode: u8,
    flags: u8,
    reserved: u16,
    namespace: u32,
    cdw2: u32,
    cdw3: u32,
    metadata: u64,
    address: u64,
    metadata_length: u32,
    length: u32,
    cdw10: u32,
    cdw11: u32,
    cdw12: u32,
    cdw13: u32,
    cdw14: u32,
    cdw15: u32,
    timeout_ms: u32,
    result: u32,
}

/// `_IOWR('N', 0x41, struct nvme_passthru_cmd)`.
const ADMIN_COMMAND: libc::Ioctl = libc::_IOWR::<AdminCommand>(b'N' as u32, 0x41);

/// Reads the SMART log page of a controller on the live host.
pub(super) fn read(controller: &str) -> Found<Vec<u8>> {
    let device = File::open(format!("/dev/{controller}")).map_err(|error| Lack::of(&error))?;
    let mut page = vec![0_u8; PAGE];
    let mut command = AdminCommand {
        opcode: 0x02,
        namespace: u32::MAX,
        address: page.as_mut_ptr() as u64,
        length: u32::try_from(PAGE).expect("a page is 512 bytes"),
        // Log page 02h, and the number of 32-bit words less one.
        cdw10: 0x02 | (127 << 16),
        timeout_ms: 500,
        ..AdminCommand::default()
    };
    // SAFETY: the descriptor is open for the whole call. `command` has the layout that the kernel reads and writes for
    // this request (72 bytes, `repr(C)`), and it is live and unshared. Get Log Page writes at most `length` bytes at
    // `address`: `page` is live, unshared, and exactly that long.
    let status = unsafe { libc::ioctl(device.as_raw_fd(), ADMIN_COMMAND, &raw mut command) };
    match status {
        0 => Ok(page),
        status if status < 0 => Err(Lack::of(&std::io::Error::last_os_error())),
        status => Err(Lack::failed(format!("the drive answered with NVMe status {status:#x}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_has_the_kernel_s_size() {
        assert_eq!(size_of::<AdminCommand>(), 72);
    }

    #[test]
    fn a_page_tells_health() {
        let mut page = [0; PAGE];
        page[1..3].copy_from_slice(&318_u16.to_le_bytes());
        page[3] = 100;
        page[5] = 7;
        page[48] = 2;
        page[160] = 1;
        let health = Health::parse(&page).unwrap();
        assert!((health.temperature - 44.85).abs() < 1e-9);
        assert_eq!((health.used, health.spare, health.written, health.media_errors), (0.07, 1.0, 1_024_000.0, 1.0));
        assert_eq!(Health::parse(&page[..511]), None);
        assert_eq!(Health::parse(&[]), None);
        assert!(Health::parse(&[0xFF; 600]).is_some());
    }
}
