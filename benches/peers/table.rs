//! What is compared: one row for each figure.

use measure::Unit;

use crate::side::{Side, Way};

/// One figure, ours and a peer's.
pub(crate) struct Figure {
    /// How it is chosen on the command line.
    pub(crate) id: &'static str,
    /// What is measured.
    pub(crate) what: &'static str,
    /// In which base unit.
    pub(crate) unit: Unit,
    /// What the ratio ours / theirs should be.
    pub(crate) wanted: Wanted,
    pub(crate) ours: Side,
    pub(crate) peer: Side,
}

/// What a ratio should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wanted {
    /// At least this.
    AtLeast(f64),
    /// As far from 1 as this at most.
    Within(f64),
    /// It is shown for what it is.
    Any,
}

/// A kernel of ours, of the fastest variant with these stores.
const fn bandwidth(arguments: &'static [&'static str]) -> Side {
    Side { name: "hostproof", program: "{self}", arguments, way: Way::Resident, after: "rate", ..Side::NONE }
}

/// A kernel of likwid-bench. It reports the same bytes as STREAM credits (`likwid-bench -l`: 8 an element for load, 16
/// for copy, 24 for triad), over all iterations of one run of a second or more.
const fn likwid(arguments: &'static [&'static str]) -> Side {
    Side {
        name: "likwid-bench",
        program: "likwid-bench",
        version: &["-v"],
        arguments,
        way: Way::StartsAnew,
        after: "MByte/s:",
        factor: 1e6,
        hint: "missing: install likwid (apt-get install likwid)",
        ..Side::NONE
    }
}

/// The four loops of STREAM in C (`scripts/peers.d/stream.c`).
const fn c_stream(arguments: &'static [&'static str]) -> Side {
    Side {
        name: "STREAM, gcc -O3",
        program: "{built}/stream",
        arguments,
        // Its threads must not spin while ours are measured.
        environment: &[("OMP_NUM_THREADS", "{threads}"), ("OMP_PROC_BIND", "true"), ("OMP_WAIT_POLICY", "passive")],
        way: Way::Resident,
        after: "triad",
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
        after: "load",
        factor: 1e-9,
        ..c_stream(arguments)
    }
}

/// A chase of ours.
const fn latency(arguments: &'static [&'static str]) -> Side {
    Side { after: "load", factor: 1e-9, ..bandwidth(arguments) }
}

/// A figure of dense compute of ours.
const fn dense(arguments: &'static [&'static str]) -> Side {
    Side { environment: &[("OPENBLAS_NUM_THREADS", "1")], ..bandwidth(arguments) }
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
        ],
        way: Way::Resident,
        after: "rate",
        hint,
        ..Side::NONE
    }
}

const OPENBLAS: &str = "missing: install OpenBLAS (apt-get install libopenblas0)";
const BLIS: &str = "missing: install BLIS (apt-get install libblis4-pthread)";
const MKL: &str =
    "missing: install the Python package mkl (pip install --prefix DIR mkl), start with LD_LIBRARY_PATH=DIR/lib";

/// fio's `io_uring` engine on a file in memory (`scripts/peers.d/fio`).
const fn fio(arguments: &'static [&'static str]) -> Side {
    Side {
        name: "fio",
        program: "{built}/fio",
        version: &["version"],
        arguments,
        way: Way::StartsAnew,
        after: "iops",
        hint: "missing: install fio (apt-get install fio)",
        ..Side::NONE
    }
}

/// Our engine, as fio's.
const fn engine(arguments: &'static [&'static str]) -> Side {
    Side { after: "iops", ..bandwidth(arguments) }
}

/// User CPU time of an I/O.
const fn user(side: Side) -> Side {
    Side { after: "user", factor: 1e-9, ..side }
}

const RATE: Unit = Unit::BytePerSecond;
const FLOPS: Unit = Unit::FlopPerSecond;

pub(crate) const TABLE: &[Figure] = &[
    Figure {
        id: "triad",
        what: "triad, non-temporal stores, credited bytes",
        unit: RATE,
        wanted: Wanted::AtLeast(1.00),
        ours: bandwidth(&["serve", "bandwidth", "triad"]),
        peer: likwid(&["-t", "stream_mem_avx_fma", "-W", "N:2GB:{threads}"]),
    },
    Figure {
        id: "copy",
        what: "copy, non-temporal stores, credited bytes",
        unit: RATE,
        wanted: Wanted::AtLeast(1.00),
        ours: bandwidth(&["serve", "bandwidth", "copy"]),
        peer: likwid(&["-t", "copy_mem_avx", "-W", "N:2GB:{threads}"]),
    },
    Figure {
        id: "read",
        what: "read",
        unit: RATE,
        wanted: Wanted::AtLeast(1.05),
        ours: bandwidth(&["serve", "bandwidth", "read"]),
        peer: likwid(&["-t", "load_avx", "-W", "N:2GB:{threads}"]),
    },
    Figure {
        id: "triad-ordinary",
        what: "triad, ordinary stores, credited bytes",
        unit: RATE,
        wanted: Wanted::Any,
        ours: bandwidth(&["serve", "bandwidth", "triad", "--temporal"]),
        peer: likwid(&["-t", "stream_avx_fma", "-W", "N:2GB:{threads}"]),
    },
    Figure {
        id: "triad-c",
        what: "triad, ours with non-temporal, C with ordinary stores",
        unit: RATE,
        wanted: Wanted::AtLeast(1.20),
        ours: bandwidth(&["serve", "bandwidth", "triad"]),
        peer: c_stream(&["{elements}", "1", "plain"]),
    },
    Figure {
        id: "triad-c-huge",
        what: "triad, ours with non-temporal, C with ordinary stores in huge pages",
        unit: RATE,
        wanted: Wanted::Any,
        ours: bandwidth(&["serve", "bandwidth", "triad"]),
        peer: c_stream(&["{elements}", "1", "huge"]),
    },
    Figure {
        id: "latency",
        what: "latency of a load, 128 MiB, huge pages",
        unit: Unit::Second,
        wanted: Wanted::Within(0.03),
        ours: latency(&["serve", "latency", "--bytes", "134217728"]),
        peer: c_chase(&["134217728", "0.5", "huge", "{cpu}"]),
    },
    Figure {
        id: "latency-small",
        what: "latency of a load, 128 MiB, 4 KiB pages",
        unit: Unit::Second,
        wanted: Wanted::Any,
        ours: latency(&["serve", "latency", "--bytes", "134217728", "--small-pages"]),
        peer: c_chase(&["134217728", "0.5", "plain", "{cpu}"]),
    },
    Figure {
        id: "fma",
        what: "FMA peak, FP64, all cores",
        unit: FLOPS,
        wanted: Wanted::AtLeast(1.00),
        ours: dense(&["serve", "fma"]),
        peer: Side { after: "MFlops/s:", ..likwid(&["-t", "peakflops_avx_fma", "-W", "N:32kB:{threads}"]) },
    },
    Figure {
        id: "dgemm-openblas",
        what: "DGEMM of order 6000",
        unit: FLOPS,
        wanted: Wanted::AtLeast(1.00),
        ours: dense(&["serve", "dgemm", "6000"]),
        peer: blas("OpenBLAS", &["libopenblas.so.0", "dgemm", "6000"], OPENBLAS),
    },
    Figure {
        id: "dgemm-blis",
        what: "DGEMM of order 6000",
        unit: FLOPS,
        wanted: Wanted::AtLeast(0.97),
        ours: dense(&["serve", "dgemm", "6000"]),
        peer: blas("BLIS", &["libblis.so.4", "dgemm", "6000"], BLIS),
    },
    Figure {
        id: "dgemm-mkl",
        what: "DGEMM of order 6000",
        unit: FLOPS,
        wanted: Wanted::AtLeast(0.97),
        ours: dense(&["serve", "dgemm", "6000"]),
        peer: blas("MKL", &["libmkl_rt.so.3", "dgemm", "6000"], MKL),
    },
    Figure {
        id: "hpl-dgetrf",
        what: "system of 10000 equations against the library's factorisation alone",
        unit: FLOPS,
        wanted: Wanted::AtLeast(1.05),
        ours: dense(&["serve", "hpl", "10000", "256", "4"]),
        peer: blas("OpenBLAS dgetrf", &["libopenblas.so.0", "dgetrf", "10000"], OPENBLAS),
    },
    // Its other parts take most of the minute that a figure takes: five pairs are enough (--pairs 5).
    Figure {
        id: "hpl-hpcc",
        what: "system of 10000 equations",
        unit: FLOPS,
        wanted: Wanted::AtLeast(1.05),
        ours: dense(&["serve", "hpl", "10000", "256", "4"]),
        peer: Side {
            name: "HPL of hpcc",
            program: "{built}/hpl",
            arguments: &["{threads}", "10000", "192"],
            way: Way::StartsAnew,
            after: "hpl",
            factor: 1e9,
            hint: "missing: install hpcc (apt-get install hpcc)",
            ..Side::NONE
        },
    },
    Figure {
        id: "randread",
        what: "random reads of 4 KiB, depth 32, a file in memory",
        unit: Unit::IoPerSecond,
        wanted: Wanted::AtLeast(1.05),
        ours: engine(&["serve", "randread", "iops", "32", "1", "1"]),
        peer: fio(&["iops", "32", "1", "1"]),
    },
    Figure {
        id: "randread-2",
        what: "random reads of 4 KiB, depth 32, two jobs, a file in memory",
        unit: Unit::IoPerSecond,
        wanted: Wanted::AtLeast(1.05),
        ours: engine(&["serve", "randread", "iops", "32", "2", "1"]),
        peer: fio(&["iops", "32", "2", "1"]),
    },
    Figure {
        id: "randread-user",
        what: "user CPU of a random read of 4 KiB, depth 32 (0.7 at most is the aim)",
        unit: Unit::Second,
        wanted: Wanted::Any,
        ours: user(engine(&["serve", "randread", "user", "32", "1", "1"])),
        peer: user(fio(&["user", "32", "1", "1"])),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_sides_complete() {
        let mut ids: Vec<_> = TABLE.iter().map(|figure| figure.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), TABLE.len());
        for figure in TABLE {
            for side in [&figure.ours, &figure.peer] {
                assert!(!side.name.is_empty() && !side.program.is_empty() && !side.after.is_empty(), "{}", figure.id);
            }
            assert!(figure.peer.hint.starts_with("missing: "), "{}", figure.id);
        }
    }
}
