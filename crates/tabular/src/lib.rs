//! The feature-engineering workload: seeded data, ten transformations in Polars, and a verifier that shares no code with
//! the pipeline.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "rows are below 2³², and only hosts of 64 bits are supported"
)]

mod bits;
// The facts that the binary has of itself; build.rs finds them for both.
#[allow(dead_code, reason = "the long version is what the binary says")]
#[path = "../../cli/src/build_info.rs"]
mod build_info;
mod cells;
mod claim;
pub mod cluster;
mod content;
mod dataset;
mod digest;
mod error;
mod finding;
pub mod generate;
mod hashed;
pub mod manifest;
mod pages;
pub mod panics;
mod parquet_file;
pub mod pipeline;
pub mod reference;
mod regular_file;
pub mod schema;
mod transforms;
pub mod verify;
pub mod workload;

pub use claim::MARK;
pub use dataset::Dataset;
pub use digest::Digest;
pub use error::Error;
pub use parquet_file::ParquetFile;
