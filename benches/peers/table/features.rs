//! The feature workload: ten transformations of 4 million rows, everything in memory, from loading to saving. The input
//! is in the page cache for both sides.

use measure::Unit;

use super::{Comparison, Figure, Peer, Wanted};
use crate::side::{Mark, Side, Way};

/// The program's arguments, with the folder of its result behind the input's name.
macro_rules! run {
    ($out:literal, $mode:literal, $($more:literal),*) => {
        &[
            "run",
            "--in",
            "{events}",
            "--out",
            concat!("{events}.", $out),
            "--replace",
            "--cache",
            "warm",
            "--json",
            "--mode",
            $mode,
            $($more),*
        ]
    };
}

const OURS: Side = Side {
    name: "hostproof",
    program: "{tabular}",
    arguments: run!("ours", "phased", "--threads", "{threads}"),
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
    arguments: run!("earlier", "phased", "--threads", "{threads}"),
    hint: "missing: name the binary of an earlier build with --earlier",
    ..OURS
};

const SPARK: Side = Side {
    hint: "missing: start scripts/peers --only features-spark, which installs it and generates the input",
    ..engine!("Spark SQL", "spark")
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
    Comparison { ours: OURS, peers: &[peer!(SPARK, "spark", Wanted::AtMost(0.10), Wanted::Any, Wanted::Any)] },
    Comparison {
        ours: CLUSTER,
        peers: &[
            Peer {
                side: Side {
                    name: "one process",
                    arguments: run!("process", "bucketed", "--threads", "{threads}"),
                    ..CLUSTER
                },
                figures: &[from_cluster(
                    "features-cluster-process",
                    "the whole, as tasks on a worker each core",
                    Wanted::AtMost(1.2),
                    OF_PROCESS,
                )],
            },
            Peer {
                side: Side {
                    name: "one worker of one core",
                    arguments: run!("worker", "bucketed", "--cluster", "local:{threads}", "--workers", "1"),
                    ..CLUSTER
                },
                figures: &[Figure {
                    peer: OF_CLUSTER,
                    ..from_cluster("features-cluster-one", "the same", Wanted::AtMost(0.625), ALL)
                }],
            },
        ],
    },
    Comparison {
        ours: CLUSTER,
        peers: &[Peer {
            side: engine!("pandas on Dask", "dask"),
            figures: &[from_cluster(
                "features-cluster-dask",
                "the whole, as tasks on a worker each core",
                Wanted::AtMost(0.15),
                ALL,
            )],
        }],
    },
    Comparison {
        ours: CLUSTER,
        peers: &[Peer {
            side: SPARK,
            figures: &[from_cluster(
                "features-cluster-spark",
                "the whole, as tasks on a worker each core",
                Wanted::AtMost(0.10),
                ALL,
            )],
        }],
    },
];

/// The tasks of `bucketed` on workers of this host, one each core; its start, as those of the engines, is not counted.
const CLUSTER: Side = Side {
    arguments: run!("cluster", "bucketed", "--cluster", "local:{threads}"),
    hint: "missing: start scripts/peers, which builds the feature worker",
    ..OURS
};

/// The phases of `bucketed` in one process.
const OF_PROCESS: &[&str] = &["scan", "merge", "quantiles", "limits", "t0", "t1", "rows", "save"];

/// What a run on a cluster reports: from handing over the tasks to the result on the disk.
const OF_CLUSTER: Mark = Mark::Sum(&["\"tasks_seconds\":", "\"save_seconds\":"]);

const fn from_cluster(id: &'static str, what: &'static str, wanted: Wanted, phases: &'static [&'static str]) -> Figure {
    Figure { ours: OF_CLUSTER, ..seconds(id, what, wanted, phases) }
}
