//! What NVMe drives say themselves: the SMART log page, and Identify.
#![allow(unsafe_code)] // The kernel passes admin commands by ioctl only.

use std::fs::File;
use std::os::fd::AsRawFd;

use crate::sysfs::{Found, Unavailable};

/// Bytes of the log page (NVM Express base specification 2.0, 5.16.1.3).
const PAGE: usize = 512;
/// Bytes of Identify Controller (figure 275).
const IDENTITY: usize = 4096;

/// What a drive tells of its health.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Health {
    /// Bits of the critical warning; 0 is none.
    pub critical: u8,
    /// Composite temperature in °C; nothing where the drive has no sensor.
    pub temperature: Option<f64>,
    /// Spare capacity left, as a share.
    pub spare: f64,
    /// The spare capacity from which on the drive itself warns; 0 where it tells nothing of its spare capacity.
    pub spare_threshold: f64,
    /// Endurance used as the maker estimates it, as a share; may pass 1.
    pub used: f64,
    /// Bytes that the host wrote.
    pub written: f64,
    /// Errors of the media that could not be corrected.
    pub media_errors: f64,
    /// Seconds that it ran slower to cool down, since it was made; drives without thermal management say 0.
    pub throttled: f64,
}

impl Health {
    /// Reads a log page; nothing where it is too short.
    #[must_use]
    pub fn parse(page: &[u8]) -> Option<Health> {
        /// A data unit is 1000 blocks of 512 bytes.
        const DATA_UNIT: f64 = 512_000.0;
        let page: &[u8; PAGE] = page.get(..PAGE)?.try_into().ok()?;
        let wide = |at: usize| page[at..at + 16].iter().rev().fold(0.0, |sum, byte| sum * 256.0 + f64::from(*byte));
        let narrow = |at: usize| page[at..at + 4].iter().rev().fold(0.0, |sum, byte| sum * 256.0 + f64::from(*byte));
        Some(Health {
            critical: page[0],
            temperature: celsius(page[1], page[2]),
            spare: f64::from(page[3]) / 100.0,
            spare_threshold: f64::from(page[4]) / 100.0,
            used: f64::from(page[5]) / 100.0,
            written: wide(48) * DATA_UNIT,
            media_errors: wide(160),
            // Total time in thermal management temperature 1 and 2.
            throttled: narrow(224) + narrow(228),
        })
    }
}

/// What a controller says of itself, as far as sysfs may not have it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    /// Serial number.
    pub serial: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Firmware revision.
    pub firmware: Option<String>,
    /// The temperature in °C from which the drive calls itself too warm, and may slow down.
    pub warning: Option<f64>,
    /// The temperature in °C from which it may stop.
    pub critical: Option<f64>,
}

impl Identity {
    /// Reads Identify Controller; nothing where it is too short.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Identity> {
        let data = data.get(..IDENTITY)?;
        // ASCII, filled up with blanks.
        let text = |from: usize, to: usize| {
            let text = String::from_utf8_lossy(&data[from..to]);
            let text = text.trim_matches(['\0', ' ']);
            (!text.is_empty()).then(|| text.to_owned())
        };
        Some(Identity {
            serial: text(4, 24),
            model: text(24, 64),
            firmware: text(64, 72),
            warning: celsius(data[266], data[267]),
            critical: celsius(data[268], data[269]),
        })
    }
}

/// Kelvin in two bytes; zero says that the drive does not tell.
fn celsius(low: u8, high: u8) -> Option<f64> {
    let kelvin = u16::from_le_bytes([low, high]);
    (kelvin > 0).then(|| f64::from(kelvin) - 273.15)
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
pub(crate) fn smart(controller: &str) -> Found<Vec<u8>> {
    // Get Log Page 02h of the whole controller, and the number of 32-bit words less one.
    admin(controller, 0x02, u32::MAX, 0x02 | (127 << 16), PAGE)
}

/// Reads what a controller on the live host says of itself.
pub(crate) fn identify(controller: &str) -> Found<Vec<u8>> {
    // Identify with CNS 01h: the controller.
    admin(controller, 0x06, 0, 0x01, IDENTITY)
}

/// Sends an admin command that reads `length` bytes.
fn admin(controller: &str, opcode: u8, namespace: u32, cdw10: u32, length: usize) -> Found<Vec<u8>> {
    let device = File::open(format!("/dev/{controller}")).map_err(|error| Unavailable::of(&error))?;
    let mut data = vec![0_u8; length];
    let mut command = AdminCommand {
        opcode,
        namespace,
        address: data.as_mut_ptr() as u64,
        length: u32::try_from(length).map_err(|error| Unavailable::failed(error.to_string()))?,
        cdw10,
        timeout_ms: 500,
        ..AdminCommand::default()
    };
    // SAFETY: the descriptor is open for the whole call. `command` has the layout that the kernel reads and writes for
    // this request (72 bytes, `repr(C)`), and it is live and unshared. Both commands that are sent only read, and write
    // at most `length` bytes at `address`: `data` is live, unshared, and exactly that long.
    let status = unsafe { libc::ioctl(device.as_raw_fd(), ADMIN_COMMAND, &raw mut command) };
    match status {
        0 => Ok(data),
        status if status < 0 => Err(Unavailable::of(&std::io::Error::last_os_error())),
        status => Err(Unavailable::failed(format!("the drive answered with NVMe status {status:#x}"))),
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
        page[224] = 7;
        page[229] = 1;
        let health = Health::parse(&page).unwrap();
        assert!((health.temperature.unwrap() - 44.85).abs() < 1e-9);
        assert_eq!((health.used, health.spare, health.written, health.media_errors), (0.07, 1.0, 1_024_000.0, 1.0));
        assert!((health.throttled - 263.0).abs() < 1e-9);
        assert_eq!(Health::parse(&page[..511]), None);
        assert_eq!(Health::parse(&[]), None);
        assert!(Health::parse(&[0xFF; 600]).is_some());
        assert_eq!(Health::parse(&[0; PAGE]).unwrap().temperature, None);
    }

    #[test]
    fn an_identity_tells_names_and_limits() {
        let mut data = [0; IDENTITY];
        data[4..24].copy_from_slice(b"S6XNNG0T100001      ");
        data[24..64].copy_from_slice(b"SCRATCH MODEL 7.68TB                    ");
        data[64..72].copy_from_slice(b"GDC5602Q");
        data[266..268].copy_from_slice(&343_u16.to_le_bytes());
        let identity = Identity::parse(&data).unwrap();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        assert_eq!(text(&identity.serial), "S6XNNG0T100001");
        assert_eq!(text(&identity.model), "SCRATCH MODEL 7.68TB");
        assert_eq!(text(&identity.firmware), "GDC5602Q");
        assert_eq!((identity.warning.map(f64::round), identity.critical), (Some(70.0), None));
        assert_eq!(Identity::parse(&data[..4095]), None);
        assert!(Identity::parse(&[0xFF; IDENTITY]).is_some());
    }
}
