//! The workload of `hostproof run`: data of several sizes is generated, transformed by processes of their own, verified,
//! and told as metrics.

mod config;
mod distributed;
mod fit;
mod pandas;
pub mod placed;
mod run;
mod shard;
mod size;

pub use config::{ClusterConfig, Config, PandasConfig};
pub use run::run;
