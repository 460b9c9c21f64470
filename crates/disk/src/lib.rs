//! An `io_uring` load generator: job, pattern, ring, histogram.
//!
//! A [`Job`](job::Job) comes from a job file ([`jobfile::parse`]) or from the workload ([`Config`]). [`run_jobs`] plans
//! it (files opened, rights and room checked), starts a thread with a ring for each worker, and gives [`Results`].
//!
//! Invariant: nothing is written to that this run did not make, unless the user named it ([`Rights`]).

mod arrivals;
mod blkid;
mod counters;
pub mod data;
mod engine;
mod error;
mod files;
mod fio_json;
pub mod frontier;
pub mod histogram;
pub mod job;
pub mod jobfile;
mod latency_recorder;
pub mod mounts;
pub mod nop;
mod path_handle;
mod pattern;
mod permutation;
mod place;
mod plan;
mod registered_ring;
mod regulation;
mod results;
mod ring;
mod ring_setup;
mod safety;
mod settings;
pub mod signature;
mod start;
pub mod steady;
mod unknown;
mod usage;
mod volume;
mod worker;
mod workload;

pub use counters::{ArcStat, DeviceStat, DeviceTraffic, DriveCounts, IoCounters};
pub use engine::{LiveRates, run_jobs};
pub use error::Error;
pub use files::ROOM_PERCENT;
pub use fio_json::fio_json;
pub use latency_recorder::{Depths, LITTLES_LAW_LIMIT, LittlesLaw, Stats, Tick};
pub use place::place_of;
pub use results::{JobResult, ReadBack, Results, SteadyResult, Window};
pub use ring_setup::{Granted, available};
pub use safety::Rights;
pub use settings::Settings;
pub use usage::Usage;
pub use volume::{Volume, Zfs};
pub use workload::{Config, case_of, run};
