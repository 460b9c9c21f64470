//! The kernel's device for the management controller: one request, one answer.
#![allow(unsafe_code)] // The kernel passes messages of IPMI by ioctl only.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use crate::out_of_band::IpmiRequest;
use crate::sysfs::{Found, Unavailable};

/// Where distributions put the device.
pub(crate) const DEVICES: [&str; 3] = ["/dev/ipmi0", "/dev/ipmi/0", "/dev/ipmidev/0"];
/// The longest message of the kernel's driver (`IPMI_MAX_MSG_LENGTH`).
const LONGEST: usize = 272;

/// `struct ipmi_system_interface_addr` of `linux/ipmi.h`.
#[repr(C)]
struct Address {
    kind: libc::c_int,
    channel: libc::c_short,
    lun: u8,
}

/// Bytes of an address; a test holds it.
const ADDRESS_LENGTH: libc::c_uint = 8;

impl Address {
    /// The controller behind the system interface.
    fn controller(lun: u8) -> Address {
        Address { kind: 0x0C, channel: 0x0F, lun }
    }
}

/// `struct ipmi_msg`.
#[repr(C)]
struct Message {
    netfn: u8,
    command: u8,
    length: u16,
    data: *mut u8,
}

/// `struct ipmi_req`.
#[repr(C)]
struct Send {
    address: *mut Address,
    address_length: libc::c_uint,
    id: libc::c_long,
    message: Message,
}

/// `struct ipmi_recv`.
#[repr(C)]
struct Receive {
    kind: libc::c_int,
    address: *mut Address,
    address_length: libc::c_uint,
    id: libc::c_long,
    message: Message,
}

/// `IPMICTL_SEND_COMMAND`.
const SEND: libc::Ioctl = libc::_IOR::<Send>(b'i' as u32, 13);
/// `IPMICTL_RECEIVE_MSG_TRUNC`.
const RECEIVE: libc::Ioctl = libc::_IOWR::<Receive>(b'i' as u32, 11);
/// `IPMI_RESPONSE_RECV_TYPE`.
const IS_RESPONSE: libc::c_int = 1;

/// Asks the controller of the live host; the answer begins with its completion code.
///
/// Each request has a descriptor of its own, so that no late answer is taken for another one's.
pub(crate) fn ask(request: &IpmiRequest, patience: Duration) -> Found<Vec<u8>> {
    let device = open()?;
    let deadline = Instant::now() + patience;
    send(&device, request).map_err(|error| Unavailable::of(&error))?;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if !readable(&device, left).map_err(|error| Unavailable::of(&error))? {
            return Err(Unavailable::failed(format!(
                "the controller did not answer within {} s",
                patience.as_secs_f64()
            )));
        }
        // Events that nobody asked for come by the same way.
        if let Some(answer) = receive(&device).map_err(|error| Unavailable::of(&error))? {
            return Ok(answer);
        }
    }
}

fn open() -> Found<File> {
    let mut lack = Unavailable::Absent;
    for path in DEVICES {
        match File::options().read(true).write(true).open(path) {
            Ok(device) => return Ok(device),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => lack = Unavailable::of(&error),
        }
    }
    Err(lack)
}

fn send(device: &File, request: &IpmiRequest) -> io::Result<()> {
    let mut address = Address::controller(request.lun);
    let mut data = request.data.clone();
    let length = u16::try_from(data.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let message = Message { netfn: request.netfn, command: request.command, length, data: data.as_mut_ptr() };
    let mut request = Send { address: &raw mut address, address_length: ADDRESS_LENGTH, id: 1, message };
    // SAFETY: the descriptor is open for the whole call. `request` has the layout that the kernel reads for this
    // request (`repr(C)`, a test holds its size). Its pointers lead to `address` and `data`, which live until after the
    // call and have the lengths that stand beside them; the kernel only reads them.
    let status = unsafe { libc::ioctl(device.as_raw_fd(), SEND, &raw mut request) };
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Whether an answer came before the time was up.
fn readable(device: &File, left: Duration) -> io::Result<bool> {
    let mut poll = libc::pollfd { fd: device.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let milliseconds = libc::c_int::try_from(left.as_millis()).unwrap_or(libc::c_int::MAX);
    // SAFETY: `poll` is one live, unshared entry, which is the number that is given; its descriptor is open.
    let ready = unsafe { libc::poll(&raw mut poll, 1, milliseconds) };
    match ready {
        0 => Ok(false),
        1.. => Ok(true),
        _ => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            error => Err(error),
        },
    }
}

/// The next message; nothing where it is no answer.
fn receive(device: &File) -> io::Result<Option<Vec<u8>>> {
    let mut address = Address::controller(0);
    let mut data = vec![0_u8; LONGEST];
    let length = u16::try_from(LONGEST).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let message = Message { netfn: 0, command: 0, length, data: data.as_mut_ptr() };
    let mut received = Receive { kind: 0, address: &raw mut address, address_length: ADDRESS_LENGTH, id: 0, message };
    // SAFETY: the descriptor is open for the whole call. `received` has the layout that the kernel reads and writes for
    // this request (`repr(C)`, a test holds its size), and it is live and unshared. The kernel writes at most
    // `address_length` bytes to `address` and `length` bytes to `data`, which are live, unshared, and that long.
    let status = unsafe { libc::ioctl(device.as_raw_fd(), RECEIVE, &raw mut received) };
    if status < 0 {
        return Err(io::Error::last_os_error());
    }
    data.truncate(usize::from(received.message.length));
    Ok((received.kind == IS_RESPONSE).then_some(data))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `_IOC` puts the size into the request's number, so a wrong layout is another request.
    #[test]
    fn the_structures_have_the_kernel_s_sizes() {
        assert_eq!((size_of::<Address>(), size_of::<Message>()), (8, 16));
        assert_eq!(usize::try_from(ADDRESS_LENGTH), Ok(size_of::<Address>()));
        assert_eq!((size_of::<Send>(), size_of::<Receive>()), (40, 48));
        assert_eq!((SEND, RECEIVE), (0x8028_690D, 0xC030_690B));
    }
}
