//! The feature workload: ten transformations of 4 million rows, everything in memory, from loading to saving. The input
//! is in the page cache for both sides.

use measure::Unit;

use super::{Comparison, Figure, Peer, Wanted};
use crate::side::{Mark, Side, Way};

/// The program's arguments, with the folder of its result behind the input's name.
macro_rules! run {
    ($out:literal) => {
        &[
            "run",
            "--in",
            "{events}",
            "--out",
            concat!("{events}.", $out),
            "--replace",
            "--mode",
            "phased",
            "--cache",
            "warm",
            "--json",
            "--threads",
            "{threads}",
        ]
    };
}

const OURS: Side = Side {
    name: "hostproof",
    program: "{tabular}",
    arguments: run!("ours"),
    version: &["--version"],
    way: Way::StartsAnew,
    ..Side::NONE
};

/// A script of `scripts/peers.d`, in its pinned environment.
const fn script(name: &'static str, arguments: &'static [&'static str]) -> Side {
    Side {
        name,
        program: "{built}/python/bin/python",
        arguments,
        way: Way::StartsAnew,
        hint: "missing: start scripts/peers, which installs it and generates the input",
        ..OURS
    }
}

const fn seconds(id: &'static str, what: &'static str, wanted: Wanted, phases: &'static [&'static str]) -> Figure {
    let mark = Mark::Phases(phases);
    Figure { id, what, unit: Unit::Second, wanted, ours: mark, peer: mark }
}

/// The whole run with what is wanted of it, and its phases.
macro_rules! peer {
    ($side:expr, $id:literal, $most:expr, $load:expr, $save:expr) => {
        Peer {
            side: $side,
            figures: &[
                seconds(concat!("features-", $id), "ten transformations of 4 million rows, load to save", $most, ALL),
                seconds(concat!("features-", $id, "-load"), "the same: read and decode", $load, &["load"]),
                seconds(concat!("features-", $id, "-t01"), "the same: impute, clip, log", Wanted::Any, &["t01"]),
                seconds(concat!("features-", $id, "-t02"), "the same: normalise", Wanted::Any, &["t02"]),
                seconds(concat!("features-", $id, "-t03"), "the same: calendar", Wanted::Any, &["t03"]),
                seconds(concat!("features-", $id, "-t04"), "the same: text", Wanted::Any, &["t04"]),
                seconds(concat!("features-", $id, "-t05"), "the same: categories", Wanted::Any, &["t05"]),
                seconds(concat!("features-", $id, "-t06"), "the same: crosses", Wanted::Any, &["t06"]),
                seconds(concat!("features-", $id, "-t07"), "the same: target encoding", Wanted::Any, &["t07"]),
                seconds(concat!("features-", $id, "-t08"), "the same: lags and sessions", Wanted::Any, &["t08"]),
                seconds(concat!("features-", $id, "-t09"), "the same: windows and join", Wanted::Any, &["t09"]),
                seconds(concat!("features-", $id, "-t10"), "the same: quantiles and ranks", Wanted::Any, &["t10"]),
                seconds(concat!("features-", $id, "-save"), "the same: encode and sync", $save, &["save"]),
            ],
        }
    };
}

/// Every phase that counts: what follows is verification.
const ALL: &[&str] = &["load", "t0", "t1", "save"];

/// The script of a peer.
macro_rules! engine {
    ($name:literal, $id:literal) => {
        script(
            $name,
            &[
                concat!("{built}/features_", $id, ".py"),
                "--in",
                "{events}",
                "--out",
                concat!("{events}.", $id),
                "--threads",
                "{threads}",
            ],
        )
    };
}

/// Another build of this program, to see what a change gained.
const EARLIER: Side = Side {
    name: "an earlier build",
    program: "{earlier}",
    arguments: run!("earlier"),
    hint: "missing: name the binary of an earlier build with --earlier",
    ..OURS
};

pub(super) const TABLE: &[Comparison] = &[Comparison {
    ours: OURS,
    peers: &[
        peer!(engine!("pandas", "pandas"), "pandas", Wanted::AtMost(0.12), Wanted::Any, Wanted::Any),
        peer!(engine!("DuckDB", "duckdb"), "duckdb", Wanted::AtMost(0.17), Wanted::Any, Wanted::Any),
        peer!(EARLIER, "earlier", Wanted::Any, Wanted::Any, Wanted::Any),
        peer!(
            engine!("Polars, Python", "polars"),
            "polars",
            Wanted::AtMost(0.33),
            Wanted::AtMost(0.80),
            Wanted::AtMost(0.75)
        ),
    ],
}];

/// Engines that start a cluster of this host: a worker process for each thread. They take minutes a pair.
pub(super) const CLUSTERS: &[Comparison] = &[
    Comparison {
        ours: OURS,
        peers: &[peer!(engine!("pandas on Dask", "dask"), "dask", Wanted::AtMost(0.15), Wanted::Any, Wanted::Any)],
    },
    Comparison {
        ours: OURS,
        peers: &[peer!(
            Side {
                hint: "missing: start scripts/peers --only features-spark, which installs it and generates the input",
                ..engine!("Spark SQL", "spark")
            },
            "spark",
            Wanted::AtMost(0.10),
            Wanted::Any,
            Wanted::Any
        )],
    },
];
