//! The mapping itself, and what the kernel is asked about it.
#![allow(unsafe_code)] // mmap, mbind and move_pages, and slices over what they give.

use std::ffi::c_void;
use std::io;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::slice;

use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap_anonymous, mprotect, munmap};

use super::{Pages, SMALL_PAGE};
use crate::Error;
use crate::partition::HUGE_PAGE;

/// Elements that any bytes are a valid value of.
///
/// # Safety
///
/// Every bit pattern is a value, zero included; there is no padding; the alignment is at most a page's.
pub unsafe trait Plain: Copy + Send + Sync + 'static {}

macro_rules! plain {
    ($($number:ty),*) => {
        // SAFETY: every bit pattern is a value of a number, which has no padding and is aligned to 8 bytes at most.
        $(unsafe impl Plain for $number {})*
    };
}
plain!(u8, i8, u16, u32, i32, u64, f32, f64);

// SAFETY: an array of numbers is as plain as they are. It is one cache line, on a line boundary in a buffer.
unsafe impl Plain for [u64; 8] {}

/// Nodes in a mask for the kernel.
const NODES: usize = 1024;

/// An anonymous private mapping with guard pages around it.
#[derive(Debug)]
pub(super) struct Map<T> {
    /// The whole reservation, guards included.
    reserved: NonNull<c_void>,
    reserved_bytes: usize,
    /// The first element, on a huge-page boundary inside the reservation.
    first: NonNull<T>,
    len: usize,
    /// Usable bytes from `first`, whole huge pages.
    bytes: usize,
    elements: PhantomData<T>,
}

// SAFETY: a map owns its memory alone, as a Vec does; `Plain` elements may be sent.
unsafe impl<T: Plain> Send for Map<T> {}
// SAFETY: `&Map` gives only `&[T]`, and `Plain` elements may be shared.
unsafe impl<T: Plain> Sync for Map<T> {}

impl<T: Plain> Map<T> {
    pub(super) fn new(len: usize, pages: Pages) -> Result<Self, Error> {
        let failed = |bytes: usize, why: String| Error::Memory { bytes, what: "mapped".into(), why };
        let sizes = || {
            let bytes = len.checked_mul(size_of::<T>())?.max(1).checked_next_multiple_of(HUGE_PAGE)?;
            // One huge page more to find a boundary in, one more for the guards.
            Some((bytes, bytes.checked_add(2 * HUGE_PAGE).filter(|&all| all <= isize::MAX.cast_unsigned())?))
        };
        let (bytes, reserved_bytes) =
            sizes().ok_or_else(|| failed(usize::MAX, "that is more than there are addresses".into()))?;
        // SAFETY: a new private mapping at an address of the kernel's choice touches no memory that is in use.
        let reserved =
            unsafe { mmap_anonymous(ptr::null_mut(), reserved_bytes, ProtFlags::empty(), MapFlags::PRIVATE) }
                .map_err(|error| failed(bytes, error.to_string()))?;
        let guard = SMALL_PAGE + (reserved.addr() + SMALL_PAGE).wrapping_neg() % HUGE_PAGE;
        let first = reserved.wrapping_byte_add(guard);
        let map = Map {
            reserved: NonNull::new(reserved).ok_or_else(|| failed(bytes, "the kernel gave address 0".into()))?,
            reserved_bytes,
            first: NonNull::new(first.cast()).ok_or_else(|| failed(bytes, "the kernel gave address 0".into()))?,
            len,
            bytes,
            elements: PhantomData,
        };
        // SAFETY: `first..first + bytes` lies inside the reservation made above (`guard` is at most one huge page, and
        // two were added), which nothing else uses.
        unsafe { mprotect(first, bytes, MprotectFlags::READ | MprotectFlags::WRITE) }
            .map_err(|error| failed(bytes, format!("{error}; use smaller arrays, or free memory")))?;
        advise_pages(map.start()..map.start() + bytes, pages);
        Ok(map)
    }

    pub(super) fn as_slice(&self) -> &[T] {
        // SAFETY: `first` is aligned (a page's boundary, by `Plain`), `len` elements from it are mapped readable for
        // as long as `self` lives, zero or written as `T`, and any bytes are valid by `Plain`; `&self` forbids writes.
        unsafe { slice::from_raw_parts(self.first.as_ptr(), self.len) }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as in `as_slice`, writable too, and `&mut self` makes the reference the only one.
        unsafe { slice::from_raw_parts_mut(self.first.as_ptr(), self.len) }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        let elements = self.as_slice();
        // SAFETY: the elements are initialised memory without padding, by `Plain`, borrowed as long as the result.
        unsafe { slice::from_raw_parts(elements.as_ptr().cast(), size_of_val(elements)) }
    }

    pub(super) fn as_mut_bytes(&mut self) -> &mut [u8] {
        let elements = self.as_mut_slice();
        // SAFETY: as in `as_bytes`, borrowed exclusively; whatever bytes are written are valid elements, by `Plain`.
        unsafe { slice::from_raw_parts_mut(elements.as_mut_ptr().cast(), size_of_val(elements)) }
    }

    /// The address of the first element.
    pub(super) fn start(&self) -> usize {
        self.first.addr().get()
    }

    /// Usable bytes, whole huge pages.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Sets the policy of a range of bytes to `MPOL_BIND` on one node. The range starts on a page inside the map.
    pub(super) fn bind(&mut self, range: Range<usize>, node: u32) -> io::Result<()> {
        assert!(range.start.is_multiple_of(SMALL_PAGE) && range.end <= self.bytes, "checked by the caller");
        bind_pages(self.start() + range.start..self.start() + range.end, node, 0)
    }

    /// The node of the page at each offset in bytes, or a negative error number (`-ENOENT` where there is no page).
    pub(super) fn nodes_of(&self, offsets: &[usize]) -> io::Result<Vec<i32>> {
        nodes_of_pages(offsets.iter().map(|&offset| self.start() + offset))
    }
}

impl<T> Drop for Map<T> {
    fn drop(&mut self) {
        // SAFETY: the reservation was mapped by `new`, is unmapped here only, and every reference into it borrowed
        // from `self`. An error would leave it mapped, which harms nobody.
        let _ = unsafe { munmap(self.reserved.as_ptr(), self.reserved_bytes) };
    }
}

/// The flag of `mbind` that moves pages which lie elsewhere (`MPOL_MF_MOVE` of linux/mempolicy.h).
pub(super) const MOVE: libc::c_int = 1 << 1;

/// Sets the policy of pages to `MPOL_BIND` on one node; `flags` are those of `mbind`.
pub(super) fn bind_pages(addresses: Range<usize>, node: u32, flags: libc::c_int) -> io::Result<()> {
    let node = node as usize;
    if node >= NODES {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let mut mask = [0_u64; NODES / 64];
    mask[node / 64] = 1 << (node % 64);
    let (start, len) = (addresses.start, addresses.len());
    // SAFETY: mbind changes where pages lie, or will, never what they hold, and refuses what is not mapped, so that any
    // range is allowed; `mask` has the NODES bits that it is told to read (the kernel takes one off what it is given),
    // and outlives the call.
    let answer =
        unsafe { libc::syscall(libc::SYS_mbind, start, len, libc::MPOL_BIND, mask.as_ptr(), NODES + 1, flags) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Asks for pages of a kind, for those that are yet to come.
pub(super) fn advise_pages(addresses: Range<usize>, pages: Pages) {
    let advice = match pages {
        Pages::Huge => Advice::LinuxHugepage,
        Pages::Small => Advice::LinuxNoHugepage,
    };
    let start = ptr::without_provenance_mut(addresses.start);
    // A kernel without transparent huge pages refuses both; smaps then tells what the pages are.
    // SAFETY: this advice changes no contents, and is refused where nothing is mapped, so that any range is allowed.
    let _ = unsafe { madvise(start, addresses.len(), advice) };
}

/// The node of the page at each address, or a negative error number (`-ENOENT` where there is no page).
pub(super) fn nodes_of_pages(addresses: impl Iterator<Item = usize>) -> io::Result<Vec<i32>> {
    let pages: Vec<usize> = addresses.collect();
    let mut nodes = vec![0_i32; pages.len()];
    // SAFETY: with nodes = NULL move_pages moves nothing: it reads `pages.len()` addresses, which it does not follow, and
    // writes as many numbers to `nodes`, which has room for them; both outlive the call. Process 0 is this one.
    let answer = unsafe {
        libc::syscall(libc::SYS_move_pages, 0, pages.len(), pages.as_ptr(), ptr::null::<i32>(), nodes.as_mut_ptr(), 0)
    };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(nodes) }
}
