//! One `io_uring` of one worker, made and used in the worker's own thread.
#![allow(unsafe_code)] // the kernel reads and writes the buffers behind the compiler's back: registration and submission

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use io_uring::{EnterFlags, IoUring, opcode, squeue, types};
use machine::{Buffer, Clock, CpuSet, Pages};
use rustix::io::ReadWriteFlags;

use crate::Error;
use crate::job::{Direction, IoFlags, Memory};
use crate::pattern::{Action, Op};
use crate::registered_ring::RegisteredRing;
use crate::ring_setup::{Granted, set_up};
use crate::worker::{Completion, IoEngine, Wait};

/// Busy-wait for arrivals closer than this many nanoseconds: a sleep would end later than that.
const BUSY_WAIT: u64 = 100_000;
/// The kernel registers buffers up to 1 GiB each.
const LARGEST_BUFFER: usize = 1 << 30;
const PAGE: usize = 4096;
/// A yielded CPU may stay with an io-wq worker for some milliseconds. It completes many requests of at most this many bytes
/// by then and sleeps; larger ones keep it busy, and meanwhile nobody submits new ones.
const SMALL_REQUEST: usize = 16 << 10;

/// A ring with the buffers of its requests.
///
/// Each request belongs to a slot, and each slot has a part of the buffer. The kernel may touch that part from the
/// request's submission to its completion; `busy` says so, and nothing else touches it in between.
pub(crate) struct Ring {
    /// Dropped before the ring.
    registered: Option<RegisteredRing>,
    uring: IoUring,
    base: *mut u8,
    stride: usize,
    busy: Vec<bool>,
    in_flight: u32,
    fds: Vec<RawFd>,
    /// Requests that are punted to io-wq and that more than one of its workers could do at a time: by file, reads and writes.
    punted: Vec<[bool; 2]>,
    /// Every CPU has one of our workers, so that those of io-wq take turns with them.
    oversubscribed: bool,
    /// Class and level of each request; 0 is that of the process.
    priority: u16,
    pub(crate) granted: Granted,
    // Freed after `drop` has waited for the kernel.
    _buffer: Buffer<u8>,
    files: Vec<Arc<File>>,
}

/// Bytes of a worker's buffer: a page-aligned part for each slot, at least one.
pub(crate) fn buffer_bytes(depth: u32, block: u32) -> usize {
    depth.max(1) as usize * (block as usize).next_multiple_of(PAGE).max(PAGE)
}

impl Ring {
    /// A ring for `depth` requests of at most `block` bytes to `files`. What the kernel refuses is left out and noted in [`Granted`].
    pub(crate) fn open(
        files: Vec<Arc<File>>,
        depth: u32,
        block: u32,
        flags: IoFlags,
        memory: &Memory,
    ) -> Result<Ring, Error> {
        let bytes = buffer_bytes(depth, block);
        let mut buffer = Buffer::<u8>::map(bytes, Pages::Huge)?;
        if let Memory::Bind(node) = *memory {
            buffer.bind(0..buffer.as_slice().len(), node)?;
        }
        // Touched here, by the thread that uses it; the kernel's zero page would make reads and writes look cheap.
        buffer.as_mut_slice().fill(1);
        let base = buffer.as_mut_slice().as_mut_ptr();
        let punted: Vec<[bool; 2]> = files.iter().map(|file| punted_directions(file)).collect();
        let uses_io_wq = punted.iter().any(|&[reads, _]| reads);
        let mut granted = Granted { uses_io_wq, ..Granted::default() };
        let uring = set_up(depth, flags, &mut granted)?;
        // With a thread that submits there are few calls, and the crate knows when they are needed.
        let registered = if granted.sqpoll { None } else { RegisteredRing::register(&uring) };
        let mut ring = Ring {
            registered,
            uring,
            base,
            stride: bytes / depth.max(1) as usize,
            busy: vec![false; depth as usize],
            in_flight: 0,
            fds: files.iter().map(AsRawFd::as_raw_fd).collect(),
            punted,
            oversubscribed: false,
            priority: 0,
            granted,
            _buffer: buffer,
            files,
        };
        ring.register(flags, bytes);
        if ring.granted.iopoll && !ring.can_iopoll(block) {
            let files = std::mem::take(&mut ring.files);
            drop(ring);
            let mut plain = Ring::open(files, depth, block, IoFlags { iopoll: false, ..flags }, memory)?;
            plain.granted.refused.push("IOPOLL (hipri): the device has no poll queues".to_owned());
            return Ok(plain);
        }
        Ok(ring)
    }

    fn register(&mut self, flags: IoFlags, bytes: usize) {
        if flags.fixed_files {
            match self.uring.submitter().register_files(&self.fds) {
                Ok(()) => self.granted.fixed_files = true,
                Err(error) => self.granted.refused.push(format!("registered files (registerfiles): {error}")),
            }
        }
        if flags.fixed_buffers {
            match self.register_buffer(bytes) {
                Ok(()) => self.granted.fixed_buffers = true,
                Err(error) => {
                    let text =
                        format!("registered buffers (fixedbufs): {error} (raise the locked-memory limit, ulimit -l)");
                    self.granted.refused.push(text);
                }
            }
        }
    }

    fn register_buffer(&mut self, bytes: usize) -> io::Result<()> {
        if bytes > LARGEST_BUFFER {
            return Err(io::Error::other("iodepth times bs exceeds 1 GiB"));
        }
        let whole = libc::iovec { iov_base: self.base.cast(), iov_len: bytes };
        // SAFETY: `base` points to `bytes` mapped bytes of `_buffer`, which is neither moved nor unmapped before the ring
        // is dropped: fields drop in their order, `uring` first.
        unsafe { self.uring.submitter().register_buffers(&[whole]) }
    }

    /// Keeps the io-wq workers, which copy the data of punted requests, on these CPUs (`IORING_REGISTER_IOWQ_AFF`).
    pub(crate) fn set_io_wq_affinity(&mut self, cpus: &CpuSet) {
        if let Err(error) = self.uring.submitter().register_iowq_aff(&cpu_set(cpus)) {
            self.granted.refused.push(format!("io-wq affinity to the CPUs {cpus}: {error}"));
        }
    }

    /// Sends each request with this class and level.
    pub(crate) fn set_priority(&mut self, priority: u16) {
        self.priority = priority;
    }

    /// Declares that every CPU has one of our workers. They and those of io-wq can only take turns then, and the fewer turns
    /// the better: every punted request may start an io-wq worker, and nobody who is woken up preempts another
    /// (`SCHED_BATCH`). A policy that the user chose stays.
    pub(crate) fn set_oversubscribed(&mut self) {
        self.oversubscribed = true;
        // SAFETY: it returns the policy of this thread, and changes nothing.
        let ordinary = unsafe { libc::sched_getscheduler(0) } == libc::SCHED_OTHER;
        if self.granted.uses_io_wq && ordinary {
            let none = libc::sched_param { sched_priority: 0 };
            // SAFETY: it reads `none`, and changes nothing but the policy of this thread and of the io-wq workers that it starts.
            let answer = unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const none) };
            if answer != 0 {
                self.granted.refused.push(format!("SCHED_BATCH: {}", io::Error::last_os_error()));
            }
        }
    }

    /// Whether a request is sent with `IOSQE_ASYNC`, which starts another io-wq worker. Without it the kernel punts all that
    /// block to one, and to a second only when the first sleeps. One is enough while this worker is awake; the request that
    /// fills the queue is the last before it may sleep, and leaves a CPU free. At a depth of 1 there is nothing for another.
    #[inline]
    fn forces_async(&self, op: &Op) -> bool {
        let Action::Transfer(direction) = op.action else { return false };
        let punted = self.busy.len() > 1 && self.punted[usize::from(op.file)][direction as usize];
        punted && (self.oversubscribed || self.in_flight as usize + 1 == self.busy.len())
    }

    /// Waits for completions. Before it sleeps it lets an io-wq worker on its CPU run and looks again: the completing CPU pays
    /// the wake-up cost.
    fn wait_for(&mut self, count: usize) -> io::Result<usize> {
        if self.uring.completion().len() >= count {
            return Ok(0);
        }
        let small = self.stride <= SMALL_REQUEST && self.in_flight > 1;
        if small && !(self.oversubscribed || self.granted.iopoll || self.granted.sqpoll) {
            thread::yield_now();
        }
        match &self.registered {
            Some(registered) => registered.enter(self.uring.submission().len(), count),
            None => self.uring.submitter().submit_and_wait(count),
        }
    }

    /// Whether a polled read works: a device without poll queues refuses it.
    fn can_iopoll(&mut self, block: u32) -> bool {
        let op = Op { action: Action::Transfer(Direction::Read), file: 0, len: block, offset: 0 };
        let mut done = Vec::new();
        self.push(0, &op);
        while done.is_empty() {
            if self.wait(Wait::For(1)).is_err() {
                return false;
            }
            self.reap(&mut done);
        }
        done[0].result >= 0
    }

    /// Submits, and lets the kernel post what is done, without waiting: with `DEFER_TASKRUN` it posts only when asked.
    fn enter(&mut self) -> io::Result<usize> {
        if self.granted.sqpoll {
            return self.uring.submitter().submit();
        }
        let count = self.uring.submission().len();
        if let Some(registered) = &self.registered {
            return registered.enter(count, 0);
        }
        let flags = EnterFlags::GETEVENTS.bits();
        // SAFETY: `count` is the number of queued entries, no argument is passed, and the flag needs none.
        unsafe { self.uring.submitter().enter::<libc::sigset_t>(u32::try_from(count).unwrap_or(0), 0, flags, None) }
    }

    /// Queues a request that does nothing, for the engine's own cost.
    pub(crate) fn push_nop(&mut self, slot: u32) {
        self.queue(slot, opcode::Nop::new().build());
    }

    /// Queues an entry that uses nothing but the slot's part of the buffer and the files.
    #[inline]
    fn queue(&mut self, slot: u32, entry: squeue::Entry) {
        let entry = entry.user_data(u64::from(slot));
        // SAFETY: what the entry points to is the slot's part of `_buffer`, which stays mapped and is touched by nothing
        // else until this request's completion: `busy` is set below and cleared in `reap`, and `drop` waits for every
        // busy slot. The file's descriptor is open as long as `files` lives.
        let pushed = unsafe { self.uring.submission().push(&entry) };
        pushed.expect("the submission queue has an entry for each slot");
        self.busy[slot as usize] = true;
        self.in_flight += 1;
    }

    fn slot(&self, slot: u32) -> *mut u8 {
        // Within the mapping: there are `busy.len()` parts of `stride` bytes, and indexing `busy` bounds the slot.
        assert!(!self.busy[slot as usize], "slot {slot} is the kernel's until its request completes");
        self.base.wrapping_add(slot as usize * self.stride)
    }
}

/// Whether reads and writes of a file are punted to io-wq (the kernel cannot try them without blocking), and more than one
/// of its workers could be at work: writes to one regular file are done one after the other.
fn punted_directions(file: &File) -> [bool; 2] {
    let mut byte = [0];
    let read = rustix::io::preadv2(file, &mut [IoSliceMut::new(&mut byte)], 0, ReadWriteFlags::NOWAIT);
    let punted = read == Err(rustix::io::Errno::OPNOTSUPP);
    [punted, punted && file.metadata().is_ok_and(|about| !about.is_file())]
}

/// What the result of `io_uring_enter` means to the caller.
fn check_enter(answer: io::Result<usize>) -> Result<(), Error> {
    match answer {
        Ok(_) => Ok(()),
        // A timeout, a signal, or a full completion queue: what is there is reaped, and the caller comes again.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ETIME | libc::EINTR | libc::EAGAIN | libc::EBUSY)) => {
            Ok(())
        }
        Err(source) => Err(Error::Ring { what: "requests could not be submitted", source }),
    }
}

/// The kernel's form of a set of CPUs.
fn cpu_set(cpus: &CpuSet) -> libc::cpu_set_t {
    // SAFETY: all zeros are a set of no CPUs.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    let most = 8 * size_of::<libc::cpu_set_t>();
    for cpu in cpus.iter().map(|cpu| cpu as usize).filter(|&cpu| cpu < most) {
        // SAFETY: the set has a bit for this CPU.
        unsafe { libc::CPU_SET(cpu, &mut set) };
    }
    set
}

/// Builds an entry for a registered or a plain file.
macro_rules! on_file {
    ($ring:expr, $file:expr, |$fd:ident| $entry:expr) => {
        if $ring.granted.fixed_files {
            let $fd = types::Fixed(u32::from($file));
            $entry
        } else {
            let $fd = types::Fd($ring.fds[usize::from($file)]);
            $entry
        }
    };
}

impl IoEngine for Ring {
    #[inline]
    fn stamp(&self) -> u64 {
        Clock::now()
    }

    #[inline]
    fn meter(&self) -> u64 {
        Clock::now()
    }

    fn buffer(&mut self, slot: u32) -> &mut [u8] {
        let start = self.slot(slot);
        // SAFETY: `slot` gives the start of `stride` initialised bytes of `_buffer`, and panics where the kernel has
        // them; the borrow of `self` keeps `push` from handing them to the kernel while the slice lives.
        unsafe { std::slice::from_raw_parts_mut(start, self.stride) }
    }

    #[inline]
    fn push(&mut self, slot: u32, op: &Op) {
        let start = self.slot(slot);
        assert!(op.len as usize <= self.stride, "a request fits its slot");
        let (len, offset, priority) = (op.len, op.offset, self.priority);
        let entry = match (op.action, self.granted.fixed_buffers) {
            (Action::Transfer(Direction::Read), true) => {
                on_file!(self, op.file, |fd| opcode::ReadFixed::new(fd, start, len, 0)
                    .offset(offset)
                    .ioprio(priority)
                    .build())
            }
            (Action::Transfer(Direction::Write), true) => {
                on_file!(self, op.file, |fd| opcode::WriteFixed::new(fd, start, len, 0)
                    .offset(offset)
                    .ioprio(priority)
                    .build())
            }
            (Action::Transfer(Direction::Read), false) => {
                on_file!(self, op.file, |fd| opcode::Read::new(fd, start, len).offset(offset).ioprio(priority).build())
            }
            (Action::Transfer(Direction::Write), false) => {
                on_file!(self, op.file, |fd| opcode::Write::new(fd, start, len).offset(offset).ioprio(priority).build())
            }
            (Action::Sync { data_only }, _) => {
                let flags = if data_only { types::FsyncFlags::DATASYNC } else { types::FsyncFlags::empty() };
                on_file!(self, op.file, |fd| opcode::Fsync::new(fd).flags(flags).build())
            }
        };
        self.queue(slot, if self.forces_async(op) { entry.flags(squeue::Flags::ASYNC) } else { entry });
    }

    #[inline]
    fn submit(&mut self) -> Result<(), Error> {
        check_enter(self.enter())
    }

    #[inline]
    fn wait(&mut self, wait: Wait) -> Result<(), Error> {
        check_enter(match wait {
            Wait::For(count) => self.wait_for(count as usize),
            Wait::Until(moment) => match moment.saturating_sub(Clock::now()) {
                left if left > BUSY_WAIT => {
                    let time = types::Timespec::from(Duration::from_nanos(left - BUSY_WAIT));
                    self.uring.submitter().submit_with_args(1, &types::SubmitArgs::new().timespec(&time))
                }
                _ => Ok(0),
            },
        })
    }

    #[inline]
    fn reap(&mut self, done: &mut Vec<Completion>) {
        for entry in self.uring.completion() {
            #[expect(clippy::cast_possible_truncation, reason = "the slot that `push` put there")]
            let slot = entry.user_data() as u32;
            self.busy[slot as usize] = false;
            self.in_flight -= 1;
            done.push(Completion { slot, result: entry.result() });
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // The kernel writes into the buffer until the last request is done: it may not be freed before.
        let mut done = Vec::with_capacity(self.in_flight as usize);
        while self.in_flight > 0 {
            if self.wait(Wait::For(1)).is_err() {
                // The ring is broken; its buffer must outlive requests that nobody can wait for any more.
                std::process::abort();
            }
            self.reap(&mut done);
        }
        if self.granted.fixed_files {
            // The kernel takes a ring apart some time after it is closed, and until then its files keep their file system
            // busy. A refusal changes nothing but that.
            let _ = self.uring.submitter().unregister_files();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn async_is_forced_on_what_fills_the_queue_or_on_all_where_cpus_are_oversubscribed() {
        let flags = IoFlags { direct: false, fixed_files: false, fixed_buffers: false, iopoll: false, sqpoll: false };
        let check = |punted: [bool; 2], action: Action, oversubscribed: bool, expect: &[bool]| {
            let depth = u32::try_from(expect.len()).unwrap();
            let mut ring = Ring::open(Vec::new(), depth, 4096, flags, &Memory::Local).unwrap();
            (ring.punted, ring.oversubscribed) = (vec![punted], oversubscribed);
            for (in_flight, &expect) in (0..).zip(expect) {
                ring.in_flight = in_flight;
                let forced = ring.forces_async(&Op { action, file: 0, len: 4096, offset: 0 });
                assert_eq!(
                    forced, expect,
                    "{action:?}, punted {punted:?}, oversubscribed {oversubscribed}, {in_flight} in flight"
                );
            }
            ring.in_flight = 0; // nothing was sent, and the ring waits for what is in flight when it is dropped
        };
        let (device, regular, tried) = ([true, true], [true, false], [false, false]);
        let (read, write) = (Action::Transfer(Direction::Read), Action::Transfer(Direction::Write));
        check(device, read, false, &[false, false, false, true]);
        check(device, write, false, &[false, false, false, true]);
        check(device, write, true, &[true; 4]);
        check(device, read, true, &[false]);
        check(device, Action::Sync { data_only: false }, true, &[false; 4]);
        check(regular, read, true, &[true; 4]);
        check(regular, write, true, &[false; 4]);
        check(tried, read, true, &[false; 4]);
    }

    #[test]
    fn a_regular_file_is_never_written_by_two_io_wq_workers() {
        // In memory, where there is such a folder: reads of it are punted.
        let file = tempfile::tempfile_in("/dev/shm").or_else(|_| tempfile::tempfile()).unwrap();
        assert!(!punted_directions(&file)[1]);
    }
}
