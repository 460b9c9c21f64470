//! What can go wrong with storage jobs.

use std::io;
use std::path::PathBuf;

use measure::binary_bytes;

/// Why a job could not be read, started or finished.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A job file cannot be parsed.
    #[error("{file}:{line}: {what}")]
    JobFile {
        /// Which file; an included one where the line is there.
        file: String,
        /// Which line, from 1; 0 where no single line is to blame.
        line: usize,
        /// What is wrong, and what is supported.
        what: String,
    },
    /// The job asks for something that does not fit together or does not fit this host.
    #[error("the job `{job}` cannot run: {why}")]
    Plan {
        /// Which job.
        job: String,
        /// Why, and what to change.
        why: String,
    },
    /// Writing there might destroy something.
    #[error("{path} is not written to: {why}", path = .path.display())]
    Refused {
        /// Which file or device.
        path: PathBuf,
        /// What is there, and what would allow it.
        why: String,
    },
    /// A name below `/dev` that is not there. Nothing is made in its place.
    #[error(
        "{path}: no such device, and no test file is made among the device files, which are in memory: check the name \
         (`lsblk` lists block devices), or name a folder of a file system", path = .path.display()
    )]
    NoDevice {
        /// The name.
        path: PathBuf,
    },
    /// Neither a file nor a block device.
    #[error("{path} is {what}: jobs run on files and block devices", path = .path.display())]
    Unfit {
        /// The name.
        path: PathBuf,
        /// `a character device`.
        what: &'static str,
    },
    /// There is too little free space for the test files.
    #[error(
        "{path} has {} free and the test files need {}; at most {percent} % of the free space are used: \
         free space, or ask for less",
        binary_bytes(*free as f64), binary_bytes(*needed as f64), path = .path.display()
    )]
    NoRoom {
        /// The directory.
        path: PathBuf,
        /// Bytes that are free.
        free: u64,
        /// Bytes of all test files there.
        needed: u64,
        /// The share of the free space that a run may take, in percent.
        percent: u64,
    },
    /// The file system filled up while a file was written. A test file is gone, nothing else was touched.
    #[error(
        "the file system of {path} was full after {}; a test file of this run is removed, and no other file \
         was touched: free space, or ask for less", binary_bytes(*written as f64), path = .path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// Bytes that were written before.
        written: u64,
    },
    /// The system refused a file operation.
    #[error("{path} could not be {what}: {source}", path = .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// `opened`, `read`.
        what: &'static str,
        /// The error of the system call.
        source: io::Error,
    },
    /// The system starts no more threads.
    #[error(
        "a thread could not be started: {0}; `ulimit -u` and the control group's `pids.max` limit how many there are"
    )]
    Thread(io::Error),
    /// The ring could not be made or used.
    #[error("io_uring: {what}: {source}")]
    Ring {
        /// What was tried, and what would help.
        what: &'static str,
        /// The error of the kernel.
        source: io::Error,
    },
    /// A request failed.
    #[error("{what} of {len} bytes at offset {offset} of {path} failed: {source}", path = .path.display())]
    Request {
        /// `read`, `write`, `fsync`.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// How much.
        len: u32,
        /// The error of the kernel.
        source: io::Error,
    },
    /// A block that was read back is not what was written.
    #[error("{path}: {len} bytes at offset {offset} are not what was written: {why}", path = .path.display())]
    Mismatch {
        /// Which file.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// How much.
        len: u32,
        /// What is wrong.
        why: String,
    },
    /// A job with a latency target was done before a queue depth that keeps it was found: it has no figure of that depth.
    #[error(
        "{path}: the job ended while the queue depth that keeps `latency_target` was still searched for, at {depth}: give it \
         more time (`runtime` with `time_based`, or a larger `size`), or a shorter `latency_window`", path = .path.display()
    )]
    DepthNotFound {
        /// The first file of the worker.
        path: PathBuf,
        /// Requests in flight when the job ended.
        depth: u32,
    },
    /// The host could not be asked or controlled.
    #[error(transparent)]
    Machine(#[from] machine::Error),
}
