//! What a worker process and the program that started it say to each other, a line of JSON each, and the worker's side of it.
//!
//! It is apart from the records, so that a worker is built without the store and what that needs.

mod line;
pub mod message;
pub mod request;
pub mod worker;

pub use line::{from_line, to_line};

/// The version of the format, in the first line of every record and the first message of every worker.
///
/// 1: version 0.1.0, whose samples have no intervals, and whose telemetry came as measurements when a workload ended.
/// 2: samples carry their intervals, and telemetry comes in stretches while a workload runs.
pub const SCHEMA: u32 = 2;
