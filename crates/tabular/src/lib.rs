//! The feature-engineering workload: seeded data, ten transformations in Polars, and a verifier that shares no code with
//! the pipeline.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "rows are below 2³², and only hosts of 64 bits are supported"
)]

mod bits;
mod cells;
mod dataset;
mod digest;
mod error;
pub mod generate;
mod hashed;
pub mod manifest;
mod parquet_file;
pub mod pipeline;
pub mod reference;
pub mod schema;
mod transforms;
pub mod verify;
pub mod workload;

pub use dataset::Dataset;
pub use digest::Digest;
pub use error::Error;
pub use parquet_file::ParquetFile;
