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
    /// Test files of each worker in these directories, which workers take in turn: made, unlinked at once, gone when the
    /// run ends or is killed.
    Scratch(Vec<PathBuf>),
    /// These files or devices, shared by all workers; a file that does not exist is a test file, as above.
    Paths(Vec<PathBuf>),
}

/// How fast a direction's requests arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Requests a second.
    Requests(u32),
    /// Bytes a second.
    Bytes(u64),
}

/// A pause after some requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThinkTime {
    /// Requests between two pauses.
    pub after: u32,
    /// Seconds of a pause.
    pub seconds: f64,
}

/// A size of requests, and how often it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockShare {
    /// Bytes.
    pub bytes: u32,
    /// Percent of the requests.
    pub percent: u8,
}

/// A part of a file that has a share of the random requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HotZone {
    /// Percent of the requests.
    pub requests: u8,
    /// Percent of the file.
    pub size: u8,
}

/// Parts of a file with gaps between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StridedZones {
    /// Bytes that are transferred in a zone before the next one.
    pub size: u64,
    /// Bytes of a zone.
    pub range: u64,
    /// Bytes between two zones.
    pub skip: u64,
}

/// A share of the requests of all jobs of a flow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlowShare {
    /// Which flow.
    pub id: u32,
    /// Each worker's weight in it.
    pub weight: u32,
    /// Seconds that a worker sleeps which is ahead of its share.
    pub sleep: f64,
}

/// A latency by which the requests in flight are limited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyTarget {
    /// Seconds.
    pub seconds: f64,
    /// Seconds in which a depth is tried.
    pub window: f64,
    /// Percent of the requests that are to be faster.
    pub percent: f64,
    /// Whether the job goes on at the depth that was found.
    pub goes_on: bool,
}

/// In which order files take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileOrder {
    /// Each in turn.
    RoundRobin,
    /// At random.
    Random,
    /// Each as long as it has data that was not asked for.
    Sequential,
}

/// Which jobs end with this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Those of its group.
    Group,
    /// Those that run at its time.
    Phase,
    /// All, those that are still to come too.
    All,
}

/// How a write reaches the medium before it is complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// It need not.
    #[default]
    None,
    /// Its data does (`O_DSYNC`).
    Data,
    /// Its data and all that describes the file do (`O_SYNC`).
    All,
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
    /// Seconds from the start of the jobs to that of this one.
    pub delay: f64,
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
    /// Which of these sizes are taken how often; empty where all are as likely.
    pub shares: [Vec<BlockShare>; 2],
    /// Multiple of which random offsets are where there is no map; `None` is the smallest size.
    pub align: Option<u32>,
    /// Bytes that are skipped between sequential requests; below zero they go backwards.
    pub step: i64,
    /// Requests from one random offset on: the first there, the others behind it.
    pub run: u32,
    /// Whether the requests of a run are all at its offset.
    pub identical: bool,
    /// Percent of the requests of a random job that are at random; the others follow the one before.
    pub random_percent: u8,
    /// Parts of the file that have shares of the random requests; empty where all have the same.
    pub hot_zones: Vec<HotZone>,
    /// Parts of the file that are used one after the other.
    pub zones: Option<StridedZones>,
    /// Test files of each worker.
    pub files: u32,
    /// The names of test files; `$jobnum` is the worker, `$filenum` the file. Jobs with the same names share the files.
    pub file_names: String,
    /// In which order files take turns.
    pub file_order: FileOrder,
    /// Bytes of each file; `None` is what `size` says.
    pub file_size: Option<u64>,
    /// Whether a test file whose size is not stated takes the room that a run may take.
    pub fill: bool,
    /// The region, shared evenly by the files; `None` is all that is there.
    pub size: Option<Amount>,
    /// Where the region starts in each file.
    pub offset: Amount,
    /// How much further it starts for each worker than for the one before.
    pub offset_increment: Amount,
    /// How much is transferred; `None` is the region once.
    pub io_size: Option<Amount>,
    /// Requests of each worker at most.
    pub requests: Option<u64>,
    /// How often all of that is done.
    pub loops: u32,
    /// Depth and batches.
    pub queue: Queue,
    /// Workers (threads, each with a ring of its own).
    pub workers: u32,
    /// How I/O is submitted.
    pub flags: IoFlags,
    /// Arrivals of each worker's reads and writes, scheduled in advance (open loop); `None` is a closed loop.
    pub rate: [Option<Rate>; 2],
    /// Whether they come as a Poisson process and not at even intervals.
    pub poisson: bool,
    /// Pauses.
    pub think: Option<ThinkTime>,
    /// Its share of a flow.
    pub flow: Option<FlowShare>,
    /// The latency by which its depth is found.
    pub latency_target: Option<LatencyTarget>,
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
    /// Whether a group of its own begins with it; with `stonewall` one does.
    pub new_group: bool,
    /// The job that it starts after.
    pub wait_for: Option<String>,
    /// Which jobs end when it ends; `None` is itself.
    pub ends: Option<Ends>,
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
    /// How writes reach the medium.
    pub durability: Durability,
    /// Whether what was written has checksums, and which.
    pub verify: Option<Checksum>,
    /// Whether it is read back and checked.
    pub read_back: bool,
    /// Percent of each sector that is zeros.
    pub compressible: u8,
    /// Class and level of each request (`ioprio_set(2)`); 0 is that of the process.
    pub priority: u16,
    /// Whether each write has new data, and not only a new stamp in each sector.
    pub refill: bool,
    /// Percentiles that are reported, ascending.
    pub percentiles: Vec<f64>,
    /// Ends the job early when it is steady.
    pub steady: Option<SteadyCriterion>,
    /// The prefixes of the logs of bandwidth and of requests a second that are asked for; an empty one is the job's name.
    pub logs: [Option<String>; 2],
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
            shares: [Vec::new(), Vec::new()],
            align: None,
            step: 0,
            run: 1,
            identical: false,
            random_percent: 100,
            hot_zones: Vec::new(),
            zones: None,
            files: 1,
            file_names: format!("{name}.$jobnum.$filenum"),
            file_order: FileOrder::RoundRobin,
            file_size: None,
            fill: false,
            size: None,
            offset: Amount::Bytes(0),
            offset_increment: Amount::Bytes(0),
            io_size: None,
            requests: None,
            loops: 1,
            queue: Queue::deep(1),
            workers: 1,
            flags: IoFlags { direct: true, fixed_files: true, fixed_buffers: true, iopoll: false, sqpoll: false },
            rate: [None; 2],
            poisson: false,
            think: None,
            flow: None,
            latency_target: None,
            timing: JobTiming::default(),
            seed: 0,
            random_map: true,
            grouped: false,
            stonewall: false,
            new_group: false,
            wait_for: None,
            ends: None,
            cpus: None,
            nodes: None,
            pinned: false,
            memory: Memory::Local,
            syncs: Syncs::default(),
            durability: Durability::None,
            verify: None,
            read_back: true,
            compressible: 0,
            priority: 0,
            refill: false,
            percentiles: PERCENTILES.to_vec(),
            steady: None,
            logs: [None, None],
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

    /// The smallest size of each direction that it has: less than the largest of them cannot be transferred.
    #[must_use]
    pub fn least_region(&self) -> u32 {
        let read = if self.rw.reads() { self.blocks[0].min } else { 0 };
        let write = if self.rw.writes() { self.blocks[1].min } else { 0 };
        read.max(write)
    }

    /// Whether requests have several sizes, so that what does not fit is cut.
    #[must_use]
    pub fn has_several_sizes(&self) -> bool {
        self.largest_block() != self.smallest_block()
    }

    /// Whether each random block is taken once before any is taken again.
    #[must_use]
    pub fn has_random_map(&self) -> bool {
        self.random_map && self.hot_zones.is_empty() && self.zones.is_none() && self.align.is_none()
    }

    /// Whether a round is over when each block was taken once, and not when as many bytes were.
    #[must_use]
    pub fn takes_each_block_once(&self) -> bool {
        match self.access {
            Access::Sequential => self.step == 0 && self.zones.is_none() && !(self.rw.reads() && self.rw.writes()),
            Access::Random => self.has_random_map() && self.run <= 1 && self.random_percent == 100,
        }
    }
}
