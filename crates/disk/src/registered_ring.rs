//! The ring's descriptor registered with its thread (`IORING_REGISTER_RING_FDS`): a call need not look it up, which takes two
//! atomic operations where a process has several threads. The io-uring crate keeps such a registration in a value that
//! borrows the ring, and here the ring is kept.
#![allow(unsafe_code)] // system calls that the crate has no function for

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, RawFd};

use io_uring::{EnterFlags, IoUring};

/// `IORING_REGISTER_RING_FDS` of `linux/io_uring.h`.
const REGISTER_RING_FDS: libc::c_uint = 20;
/// `IORING_UNREGISTER_RING_FDS`.
const UNREGISTER_RING_FDS: libc::c_uint = 21;

/// `struct io_uring_rsrc_update`.
#[repr(C)]
struct Update {
    offset: u32,
    reserved: u32,
    data: u64,
}

/// An entry in the table of its thread, which is the only one that may use it. It keeps the ring open until it is dropped.
pub(crate) struct RegisteredRing {
    fd: RawFd,
    index: u32,
    of_this_thread: PhantomData<*const ()>,
}

impl RegisteredRing {
    /// Registers a ring, which must outlive the registration; `None` before Linux 5.18, or where the table is full.
    pub(crate) fn register(uring: &IoUring) -> Option<RegisteredRing> {
        let fd = uring.as_raw_fd();
        let mut update = Update { offset: u32::MAX, reserved: 0, data: u64::try_from(fd).ok()? };
        let registered = register(fd, REGISTER_RING_FDS, &mut update)?;
        let entry = RegisteredRing { fd, index: update.offset, of_this_thread: PhantomData };
        (registered == 1).then_some(entry)
    }

    /// Submits `count` queued entries and waits for `wanted` completions; the kernel posts what is done.
    #[inline]
    pub(crate) fn enter(&self, count: usize, wanted: usize) -> io::Result<usize> {
        let flags = (EnterFlags::GETEVENTS | EnterFlags::REGISTERED_RING).bits();
        let (count, wanted) = (u32::try_from(count).unwrap_or(0), u32::try_from(wanted).unwrap_or(0));
        let none = std::ptr::null::<libc::c_void>();
        // SAFETY: the entries that are submitted were put there under `push`'s obligations, and no argument is passed.
        let answer =
            unsafe { libc::syscall(libc::SYS_io_uring_enter, self.index, count, wanted, flags, none, 0_usize) };
        usize::try_from(answer).map_err(|_| io::Error::last_os_error())
    }
}

impl Drop for RegisteredRing {
    fn drop(&mut self) {
        let mut update = Update { offset: self.index, reserved: 0, data: 0 };
        // The thread's end gives it back, too.
        let _ = register(self.fd, UNREGISTER_RING_FDS, &mut update);
    }
}

/// What the kernel answers to one entry; `None` where it refuses.
fn register(fd: RawFd, operation: libc::c_uint, update: &mut Update) -> Option<u32> {
    // SAFETY: `update` is one entry of the kernel's form, as told by the last argument; the kernel reads it, writes the
    // index into it, and keeps no pointer.
    let answer =
        unsafe { libc::syscall(libc::SYS_io_uring_register, fd, operation, std::ptr::from_mut(update), 1_u32) };
    u32::try_from(answer).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use io_uring::opcode::Nop;

    /// Whether this kernel has it at all: Linux 5.18.
    fn is_there() -> bool {
        RegisteredRing::register(&IoUring::new(2).unwrap()).is_some()
    }

    #[test]
    fn what_is_queued_is_done_through_the_registration() {
        if !is_there() {
            return;
        }
        let mut uring = IoUring::new(8).unwrap();
        let registered = RegisteredRing::register(&uring).unwrap();
        for round in 0..3_u64 {
            for nop in 0..4 {
                // SAFETY: an entry that does nothing points to nothing.
                unsafe { uring.submission().push(&Nop::new().build().user_data(round * 4 + nop)) }.unwrap();
            }
            assert_eq!(registered.enter(4, 4).unwrap(), 4);
            let done: Vec<u64> = uring.completion().map(|entry| entry.user_data()).collect();
            assert_eq!(done, (round * 4..round * 4 + 4).collect::<Vec<_>>());
        }
    }

    /// A thread has room for 16 at a time.
    #[test]
    fn a_registration_that_is_dropped_leaves_its_place_to_another() {
        if !is_there() {
            return;
        }
        let rings: Vec<IoUring> = (0..17).map(|_| IoUring::new(1).unwrap()).collect();
        let full: Vec<_> = rings.iter().map(RegisteredRing::register).collect();
        assert_eq!(full.iter().filter(|entry| entry.is_some()).count(), 16, "a table that is full refuses");
        drop(full);
        for ring in &rings {
            assert!(RegisteredRing::register(ring).is_some());
        }
    }
}
