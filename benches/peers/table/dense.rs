//! Dense compute.

use measure::Unit;

use super::{Comparison, Figure, Peer, Wanted, likwid, ours};
use crate::side::{Mark, Side, Way};

/// A figure of ours: the team calls the library with one thread for each worker.
const fn team(arguments: &'static [&'static str]) -> Side {
    Side { environment: &[("OPENBLAS_NUM_THREADS", "1")], ..ours(arguments) }
}

/// A library by its own threads (`scripts/peers.d/blas.c`).
const fn blas(name: &'static str, arguments: &'static [&'static str], hint: &'static str) -> Side {
    Side {
        name,
        program: "{built}/blas",
        arguments,
        environment: &[
            ("OPENBLAS_NUM_THREADS", "{threads}"),
            ("BLIS_NUM_THREADS", "{threads}"),
            ("MKL_NUM_THREADS", "{threads}"),
            // The threads of MKL must not spin while ours are measured.
            ("KMP_BLOCKTIME", "0"),
        ],
        hint,
        ..Side::NONE
    }
}

const OPENBLAS: &str = "missing: install OpenBLAS (apt-get install libopenblas0)";
const BLIS: &str = "missing: install BLIS (apt-get install libblis4-pthread)";
const MKL: &str =
    "missing: start scripts/peers, which installs the Python package mkl and says where its libraries are";

const fn flops(id: &'static str, what: &'static str, wanted: Wanted, peer: Mark) -> Figure {
    Figure { id, what, unit: Unit::FlopPerSecond, wanted, ours: RATE, peer }
}

const RATE: Mark = Mark::After("rate", 1.0);
const PRODUCT: &str = "DGEMM of order 6000";

/// The matrix that all have.
macro_rules! library {
    ($name:literal, $file:literal, $hint:expr, $figure:expr) => {
        Peer { side: blas($name, &[$file, "dgemm", "6000"], $hint), figures: &[$figure] }
    };
}

pub(super) const TABLE: &[Comparison] = &[
    Comparison {
        ours: team(&["serve", "fma"]),
        peers: &[Peer {
            side: likwid(&["-t", "peakflops_{avx}_fma", "-W", "N:32kB:{threads}"]),
            figures: &[flops("fma", "FMA peak, FP64, all cores", Wanted::AtLeast(1.00), Mark::After("MFlops/s:", 1e6))],
        }],
    },
    Comparison {
        ours: team(&["serve", "dgemm", "6000"]),
        peers: &[
            library!("MKL", "libmkl_rt.so.3", MKL, flops("dgemm-mkl", PRODUCT, Wanted::AtLeast(0.97), RATE)),
            library!("BLIS", "libblis.so.4", BLIS, flops("dgemm-blis", PRODUCT, Wanted::AtLeast(0.97), RATE)),
            library!(
                "OpenBLAS",
                "libopenblas.so.0",
                OPENBLAS,
                flops("dgemm-openblas", PRODUCT, Wanted::AtLeast(1.00), RATE)
            ),
        ],
    },
    Comparison {
        ours: team(&["serve", "hpl", "10000", "256", "4"]),
        peers: &[
            // Its other parts take most of the minute that a figure takes: five pairs are enough (--pairs 5).
            Peer {
                side: Side {
                    name: "HPL of hpcc",
                    program: "{built}/hpl",
                    arguments: &["{threads}", "10000", "192"],
                    way: Way::StartsAnew,
                    hint: "missing: install hpcc (apt-get install hpcc)",
                    ..Side::NONE
                },
                figures: &[flops(
                    "hpl-hpcc",
                    "system of 10000 equations",
                    Wanted::AtLeast(1.05),
                    Mark::After("hpl", 1e9),
                )],
            },
            Peer {
                side: blas("OpenBLAS dgetrf", &["libopenblas.so.0", "dgetrf", "10000"], OPENBLAS),
                figures: &[flops(
                    "hpl-dgetrf",
                    "system of 10000 equations against the library's factorisation alone",
                    Wanted::AtLeast(1.05),
                    RATE,
                )],
            },
        ],
    },
];
