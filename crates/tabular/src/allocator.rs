//! jemalloc, with the pages of what is large faulted in at once: one by one, at the first touch of each, costs about twice as
//! much (METHODOLOGY has the figures).
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout};

use rustix::mm::{Advice, madvise};
use tikv_jemallocator::Jemalloc;

/// The smallest page of memory.
const PAGE: usize = 4096;
/// What is smaller shares its pages with others, and they were touched before.
const LEAST: usize = 256 << 10;
/// What is larger may be filled by many threads, each of which has its pages on its own node by touching them first.
const MOST: usize = 32 << 20;

/// The allocator of this program.
pub(crate) struct Allocator;

// SAFETY: everything is done by jemalloc, whose blocks are given on as they are; what is added asks the kernel for pages of such
// a block, whose bytes stay as they are.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's obligations are jemalloc's.
        let block = unsafe { Jemalloc.alloc(layout) };
        populate(block, 0, layout.size());
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's obligations are jemalloc's.
        let block = unsafe { Jemalloc.alloc_zeroed(layout) };
        populate(block, 0, layout.size());
        block
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's obligations are jemalloc's.
        let block = unsafe { Jemalloc.realloc(block, layout, size) };
        populate(block, layout.size(), size);
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's obligations are jemalloc's.
        unsafe { Jemalloc.dealloc(block, layout) }
    }
}

/// Whether a page of a block was touched before: to have the kernel look at all of them for nothing was
/// 4 to 7 % of the time of each mode.
fn is_there(page: *mut u8) -> bool {
    let mut told = 0_u8;
    // SAFETY: one page of a block, of which one byte is told.
    let result = unsafe { libc::mincore(page.cast(), PAGE, &raw mut told) };
    result == 0 && told & 1 == 1
}

/// Faults in the pages of a block from `known` bytes on. A kernel that cannot do this (before 5.14) does nothing, and whoever
/// touches a page first has it then, as ever.
fn populate(block: *mut u8, known: usize, size: usize) {
    let address = block.addr() + known;
    let first = address.next_multiple_of(PAGE);
    let bytes = (block.addr() + size).saturating_sub(first) / PAGE * PAGE;
    if block.is_null() || !(LEAST..=MOST).contains(&bytes) {
        return;
    }
    // A block is cut from the end of what was never touched, or was freed as a whole.
    if is_there(block.with_addr(first + bytes - PAGE)) {
        return;
    }
    // SAFETY: the pages lie inside of a block that was just allocated and that nobody else knows yet.
    let _ = unsafe { madvise(block.with_addr(first).cast(), bytes, Advice::LinuxPopulateWrite) };
}
