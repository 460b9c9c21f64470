//! The load generator, on a file in memory and on block devices in memory, so that it is measured and not a drive.

use measure::Unit;

use super::{Comparison, Figure, Peer, Wanted, ours};
use crate::side::{Mark, Side, Way};

/// fio's `io_uring` engine (`scripts/peers.d/fio`).
const fn fio(arguments: &'static [&'static str]) -> Side {
    Side {
        name: "fio",
        program: "{built}/fio",
        version: &["version"],
        arguments,
        way: Way::StartsAnew,
        hint: "missing: install fio (apt-get install fio)",
        ..Side::NONE
    }
}

/// Our side starts anew as well: where its buffers come to lie shifts a latency by some percent from one process to the
/// next, and an interval must hold that of both.
const fn anew(arguments: &'static [&'static str]) -> Side {
    Side { version: &["--version"], way: Way::StartsAnew, ..ours(arguments) }
}

/// The same job on both sides: where, `rw`, `bs`, depth, jobs.
macro_rules! job {
    ([$($argument:literal),*] $($figure:expr),*) => {
        Comparison {
            ours: anew(&["disk", $($argument),*]),
            peers: &[Peer { side: fio(&[$($argument),*]), figures: &[$($figure),*] }],
        }
    };
}

const fn figure(id: &'static str, what: &'static str, unit: Unit, wanted: Wanted, mark: Mark) -> Figure {
    Figure { id, what, unit, wanted, ours: mark, peer: mark }
}

const fn iops(id: &'static str, what: &'static str) -> Figure {
    figure(id, what, Unit::IoPerSecond, Wanted::AtLeast(1.05), Mark::After("iops", 1.0))
}

const fn user(id: &'static str) -> Figure {
    figure(id, "the same: user CPU for each", Unit::Second, Wanted::AtMost(0.70), Mark::After("user", 1e-9))
}

/// One of fio's buckets is 1/64 of the value or less.
const BUCKET: f64 = 1.0 / 64.0;

/// A latency that should be fio's: both engines wait for the same kernel, in as many system calls.
const fn latency(id: &'static str, what: &'static str, mark: &'static str) -> Figure {
    figure(id, what, Unit::Second, Wanted::Within(BUCKET), Mark::After(mark, 1e-9))
}

/// A job of one request at a time: `lat`, in which the system call that submits counts, and `clat`, in which it does not.
macro_rules! single {
    ($place:literal, $id:literal, $what:literal) => {
        job!([$place, "randread", "4k", "1", "1"]
            latency(concat!($id, "-p50"), concat!("a random read of 4 KiB from ", $what, ", depth 1: median"), "p50"),
            latency(concat!($id, "-p99"), "the same: p99", "p99"),
            latency(concat!($id, "-p50-clat"), "the same without the call that submits: median", "clat-p50"),
            latency(concat!($id, "-p99-clat"), "the same without the call that submits: p99", "clat-p99"))
    };
}

const fn rate(id: &'static str, what: &'static str) -> Figure {
    figure(id, what, Unit::BytePerSecond, Wanted::AtLeast(0.98), Mark::After("bandwidth", 1.0))
}

pub(super) const TABLE: &[Comparison] = &[
    job!(["{zram}", "randread", "4k", "32", "1"]
        iops("zram", "random reads of 4 KiB from zram, depth 32"), user("zram-user")),
    job!(["{zram}", "randread", "4k", "32", "2"]
        iops("zram-2", "random reads of 4 KiB from zram, depth 32, two jobs"), user("zram-2-user")),
    single!("{zram}", "zram", "zram"),
    job!(["{zram}", "read", "1m", "8", "1"] rate("zram-seq", "sequential reads of 1 MiB from zram, depth 8")),
    job!(["{loop}", "randread", "4k", "32", "1"]
        iops("loop", "random reads of 4 KiB from a loop device over memory, depth 32"), user("loop-user")),
    job!(["{loop}", "randread", "4k", "32", "2"]
        iops("loop-2", "random reads of 4 KiB from a loop device over memory, depth 32, two jobs"), user("loop-2-user")),
    single!("{loop}", "loop", "a loop device over memory"),
    job!(["{loop}", "read", "1m", "8", "1"]
        rate("loop-seq", "sequential reads of 1 MiB from a loop device over memory, depth 8")),
    job!(["memory", "randread", "4k", "32", "1"]
        iops("file", "random reads of 4 KiB from a file in memory, depth 32"), user("file-user")),
    job!(["memory", "randread", "4k", "32", "2"]
        iops("file-2", "random reads of 4 KiB from a file in memory, depth 32, two jobs"), user("file-2-user")),
    single!("memory", "file", "a file in memory"),
    job!(["memory", "read", "1m", "8", "1"]
        rate("file-seq", "sequential reads of 1 MiB from a file in memory, depth 8")),
    job!(["memory", "write", "1m", "8", "1"]
        rate("file-seq-write", "sequential writes of 1 MiB to a file in memory, depth 8")),
];
