//! What one job asks for: plain data, as a job file or the workload states it.

use std::path::PathBuf;

use machine::CpuSet;

use crate::steady::SteadyCriterion;

/// A direction of transfer; also the index of whatever is kept for each of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the device.
    Read = 0,
    /// To the device.
    Write = 1,
}

/// In which order blocks are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// One after the other.
    Sequential,
    /// In random order.
    Random,
}

/// Which directions a job has: fio's `rw`, without the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadWriteMix {
    /// Only reads.
    Read,
    /// Only writes.
    Write,
    /// Both, at random.
    Mixed {
        /// Share of reads, 0 to 100.
        read_percent: u8,
    },
}

impl ReadWriteMix {
    /// Whether it reads.
    #[must_use]
    pub fn reads(self) -> bool {
        self != ReadWriteMix::Write
    }

    /// Whether it writes.
    #[must_use]
    pub fn writes(self) -> bool {
        self != ReadWriteMix::Read
    }
}

/// The sizes of one direction's requests in bytes: a multiple of `min` up to `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// Smallest request, and the alignment of all of them.
    pub min: u32,
    /// Largest request.
    pub max: u32,
}

impl Blocks {
    /// Requests of one size.
    #[must_use]
    pub fn of(bytes: u32) -> Self {
        Blocks { min: bytes, max: bytes }
    }
}

/// An amount that may be a share of what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Bytes.
    Bytes(u64),
    /// Percent of the file or device.
    Percent(u8),
}

impl Amount {
    /// The bytes that it means for something of `whole` bytes.
    #[must_use]
    pub fn of(self, whole: u64) -> u64 {
        match self {
            Amount::Bytes(bytes) => bytes,
            Amount::Percent(percent) => whole / 100 * u64::from(percent) + whole % 100 * u64::from(percent) / 100,
        }
    }
}

/// What a job reads and writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobTarget {
    /// A test file for each worker in this directory: made, unlinked at once, gone when the run ends or is killed.
    Scratch(PathBuf),
    /// These files or devices, shared by all workers; a file that does not exist is a test file, as above.
    Paths(Vec<PathBuf>),
}

/// How written blocks are checked when they are read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// CRC-32C.
    Crc32c,
    /// XXH64.
    Xxhash,
}

/// Where the buffers lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Where the kernel puts what the worker touches first.
    Local,
    /// On this node.
    Bind(u32),
}

/// How I/O is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "five switches of io_uring and open that are independent")]
pub struct IoFlags {
    /// `O_DIRECT`: past the page cache.
    pub direct: bool,
    /// Registered files (`registerfiles`).
    pub fixed_files: bool,
    /// Registered buffers (`fixedbufs`).
    pub fixed_buffers: bool,
    /// Completions are polled for (`hipri`, `IORING_SETUP_IOPOLL`).
    pub iopoll: bool,
    /// A kernel thread submits (`sqthread_poll`, `IORING_SETUP_SQPOLL`).
    pub sqpoll: bool,
}

/// How many requests are in flight, and in which batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Requests in flight at most.
    pub depth: u32,
    /// Requests of one submission at most.
    pub submit: u32,
    /// Completions that a full queue waits for.
    pub complete: u32,
}

/// Requests of one submission where the job does not say: with more, the device idles while they are prepared, and a
/// request's latency holds the submission of those behind it; with fewer, each costs a system call.
const BATCH: u32 = 4;

impl Queue {
    /// This depth; what is free is submitted in small batches, and any completion is taken at once.
    #[must_use]
    pub fn deep(depth: u32) -> Self {
        Queue { depth, submit: depth.min(BATCH), complete: 1 }
    }
}

/// When a job ends, and from when on it counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JobTiming {
    /// Seconds at the start that do not count.
    pub ramp: f64,
    /// Seconds that count at most.
    pub runtime: Option<f64>,
    /// Starts over at the end of the data until the time is up.
    pub time_based: bool,
}

/// After how many writes the data is made durable; 0 is never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Syncs {
    /// Writes between two `fsync`.
    pub fsync: u32,
    /// Writes between two `fdatasync`.
    pub fdatasync: u32,
    /// One `fsync` at the end.
    pub at_end: bool,
}

/// One job: workers that do the same to the same place.
#[expect(clippy::struct_excessive_bools, reason = "the switches of a job file")]
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its name in the result.
    pub name: String,
    /// What it reads and writes.
    pub target: JobTarget,
    /// In which order.
    pub access: Access,
    /// Reads, writes or both.
    pub rw: ReadWriteMix,
    /// Sizes of reads and of writes.
    pub blocks: [Blocks; 2],
    /// The region, shared evenly by the files; `None` is all that is there.
    pub size: Option<Amount>,
    /// Where the region starts in each file.
    pub offset: Amount,
    /// How much is transferred; `None` is the region once.
    pub io_size: Option<Amount>,
    /// Depth and batches.
    pub queue: Queue,
    /// Workers (threads, each with a ring of its own).
    pub workers: u32,
    /// How I/O is submitted.
    pub flags: IoFlags,
    /// Requests a second of each worker, scheduled in advance (open loop); `None` is a closed loop.
    pub rate: Option<u32>,
    /// Ramp and runtime.
    pub timing: JobTiming,
    /// Seed of offsets and data.
    pub seed: u64,
    /// Whether each random block is taken once before any is taken again.
    pub random_map: bool,
    /// Whether the workers are reported as one.
    pub grouped: bool,
    /// Whether it starts only after all jobs before it.
    pub stonewall: bool,
    /// CPUs that its workers may run on; `None` is any.
    pub cpus: Option<CpuSet>,
    /// NUMA nodes whose CPUs its workers may run on; `None` is any.
    pub nodes: Option<CpuSet>,
    /// Whether each worker has one CPU of the set for itself, in turn.
    pub pinned: bool,
    /// Where the buffers lie.
    pub memory: Memory,
    /// `fsync` and `fdatasync`.
    pub syncs: Syncs,
    /// Whether what was written is read back and checked, and how.
    pub verify: Option<Checksum>,
    /// Whether each write has new data, and not only a new stamp in each sector.
    pub refill: bool,
    /// Percentiles that are reported, ascending.
    pub percentiles: Vec<f64>,
    /// Ends the job early when it is steady.
    pub steady: Option<SteadyCriterion>,
    /// The options as they were given, for the result.
    pub options: Vec<(String, String)>,
    /// What was asked for and is known, but cannot be honoured; a note of the result.
    pub not_honoured: Vec<String>,
}

/// The percentiles that fio reports when none are asked for.
pub const PERCENTILES: [f64; 17] =
    [1.0, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.95, 99.99];

impl Job {
    /// One worker that reads 4 KiB blocks in order at a depth of 1, past the page cache.
    #[must_use]
    pub fn new(name: &str, target: JobTarget) -> Self {
        Job {
            name: name.to_owned(),
            target,
            access: Access::Sequential,
            rw: ReadWriteMix::Read,
            blocks: [Blocks::of(4096); 2],
            size: None,
            offset: Amount::Bytes(0),
            io_size: None,
            queue: Queue::deep(1),
            workers: 1,
            flags: IoFlags { direct: true, fixed_files: true, fixed_buffers: true, iopoll: false, sqpoll: false },
            rate: None,
            timing: JobTiming::default(),
            seed: 0,
            random_map: true,
            grouped: false,
            stonewall: false,
            cpus: None,
            nodes: None,
            pinned: false,
            memory: Memory::Local,
            syncs: Syncs::default(),
            verify: None,
            refill: false,
            percentiles: PERCENTILES.to_vec(),
            steady: None,
            options: Vec::new(),
            not_honoured: Vec::new(),
        }
    }

    /// The largest request in bytes.
    #[must_use]
    pub fn largest_block(&self) -> u32 {
        let read = if self.rw.reads() { self.blocks[0].max } else { 0 };
        let write = if self.rw.writes() { self.blocks[1].max } else { 0 };
        read.max(write)
    }

    /// The smallest request in bytes, which all offsets of a random map are multiples of.
    #[must_use]
    pub fn smallest_block(&self) -> u32 {
        let read = if self.rw.reads() { self.blocks[0].min } else { u32::MAX };
        let write = if self.rw.writes() { self.blocks[1].min } else { u32::MAX };
        read.min(write)
    }
}
