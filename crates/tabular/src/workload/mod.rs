//! The workload of `hostproof run`: data of several sizes is generated, transformed by processes of their own, verified,
//! and told as metrics.

mod config;
mod fit;
pub mod placed;
mod run;
mod shard;

pub use config::Config;
pub use run::run;
