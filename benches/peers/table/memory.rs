//! Bandwidth and latency of memory.

use measure::Unit;

use super::{Comparison, Figure, Peer, Wanted, likwid, ours};
use crate::side::{Mark, Side, Way};

/// The four loops of STREAM in C (`scripts/peers.d/stream.c`).
const fn c_stream(arguments: &'static [&'static str]) -> Side {
    Side {
        name: "STREAM, gcc -O3",
        program: "{built}/stream",
        arguments,
        // Its threads must not spin while ours are measured.
        environment: &[("OMP_NUM_THREADS", "{threads}"), ("OMP_PROC_BIND", "true"), ("OMP_WAIT_POLICY", "passive")],
        hint: "missing: install gcc (apt-get install gcc libc6-dev), and start scripts/peers, which builds it",
        ..Side::NONE
    }
}

/// A pointer chase in C (`scripts/peers.d/chase.c`).
const fn c_chase(arguments: &'static [&'static str]) -> Side {
    Side {
        name: "chase, gcc -O3",
        program: "{built}/chase",
        environment: &[],
        way: Way::Resident,
        ..c_stream(arguments)
    }
}

/// A bandwidth of ours, and where the peer prints its own.
const fn rate(id: &'static str, what: &'static str, wanted: Wanted, peer: Mark) -> Figure {
    Figure { id, what, unit: Unit::BytePerSecond, wanted, ours: Mark::After("rate", 1.0), peer }
}

/// A latency, printed in nanoseconds by both sides.
const fn load(id: &'static str, what: &'static str, wanted: Wanted) -> Figure {
    Figure { id, what, unit: Unit::Second, wanted, ours: Mark::After("load", 1e-9), peer: Mark::After("load", 1e-9) }
}

const LIKWID: Mark = Mark::After("MByte/s:", 1e6);
const TRIAD: Mark = Mark::After("triad", 1.0);

/// Twenty passes are a second at 40 GB/s.
macro_rules! kernel {
    ($name:literal) => {
        likwid(&["-t", $name, "-W", "N:2GB:{threads}", "-i", "20"])
    };
}

/// Google's stressapptest. It counts each byte that it copies twice, as read and as written, in MiB (`GetMemoryCopiedData`), and
/// compares the checksum of what it reads: half of its figure are bytes that were compared.
const fn stressapptest(name: &'static str, arguments: &'static [&'static str]) -> Side {
    Side {
        name,
        program: "stressapptest",
        arguments,
        way: Way::StartsAnew,
        hint: "missing: install stressapptest (apt-get install stressapptest)",
        ..Side::NONE
    }
}

const COPIED: Mark = Mark::After("M at ", 1_048_576.0 / 2.0);

/// Bytes that were compared in a second, on the same memory and cores.
const fn compared(id: &'static str, what: &'static str) -> Figure {
    rate(id, what, Wanted::AtLeast(1.3), COPIED)
}

pub(super) const TABLE: &[Comparison] = &[
    Comparison {
        ours: ours(&["serve", "soak", "2147483648"]),
        peers: &[
            Peer {
                side: stressapptest("stressapptest", &["-M", "2048", "-s", "6", "-m", "{threads}"]),
                figures: &[compared("soak", "memory written, read back and compared: bytes compared")],
            },
            Peer {
                side: stressapptest("stressapptest -W", &["-M", "2048", "-s", "6", "-m", "{threads}", "-W"]),
                figures: &[compared("soak-warm", "the same, its copies by vectors")],
            },
        ],
    },
    Comparison {
        ours: ours(&["serve", "soak", "2147483648", "--read-back"]),
        peers: &[Peer {
            side: Side {
                name: "stream's read kernel",
                hint: "missing: this program cannot start itself",
                ..ours(&["serve", "bandwidth", "read"])
            },
            figures: &[rate(
                "soak-read-back",
                "memory read back by a soak, each word compared",
                Wanted::AtLeast(0.80),
                Mark::After("rate", 1.0),
            )],
        }],
    },
    Comparison {
        ours: ours(&["serve", "bandwidth", "triad"]),
        peers: &[
            Peer {
                side: c_stream(&["{elements}", "1", "huge"]),
                figures: &[rate(
                    "triad-c-huge",
                    "triad, ours with non-temporal, C with ordinary stores in huge pages",
                    Wanted::Any,
                    TRIAD,
                )],
            },
            Peer {
                side: c_stream(&["{elements}", "1", "plain"]),
                figures: &[rate(
                    "triad-c",
                    "triad, ours with non-temporal, C with ordinary stores",
                    Wanted::AtLeast(1.20),
                    TRIAD,
                )],
            },
            Peer {
                side: kernel!("stream_mem_avx_fma"),
                figures: &[rate("triad", "triad, non-temporal stores, credited bytes", Wanted::AtLeast(1.00), LIKWID)],
            },
        ],
    },
    Comparison {
        ours: ours(&["serve", "bandwidth", "copy"]),
        peers: &[Peer {
            side: kernel!("copy_mem_avx"),
            figures: &[rate("copy", "copy, non-temporal stores, credited bytes", Wanted::AtLeast(1.00), LIKWID)],
        }],
    },
    Comparison {
        ours: ours(&["serve", "bandwidth", "read"]),
        peers: &[Peer { side: kernel!("load_avx"), figures: &[rate("read", "read", Wanted::AtLeast(1.05), LIKWID)] }],
    },
    Comparison {
        ours: ours(&["serve", "bandwidth", "triad", "--temporal"]),
        peers: &[Peer {
            side: kernel!("stream_avx_fma"),
            figures: &[rate("triad-ordinary", "triad, ordinary stores, credited bytes", Wanted::Any, LIKWID)],
        }],
    },
    Comparison {
        ours: ours(&["serve", "latency", "--bytes", "134217728"]),
        peers: &[Peer {
            side: c_chase(&["134217728", "0.5", "huge", "{cpu}"]),
            figures: &[load("latency", "latency of a load, 128 MiB, huge pages", Wanted::Within(0.03))],
        }],
    },
    Comparison {
        ours: ours(&["serve", "latency", "--bytes", "134217728", "--small-pages"]),
        peers: &[Peer {
            side: c_chase(&["134217728", "0.5", "plain", "{cpu}"]),
            figures: &[load("latency-small", "latency of a load, 128 MiB, 4 KiB pages", Wanted::Any)],
        }],
    },
];
