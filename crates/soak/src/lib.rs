//! Loads that look for errors: memory that is written and read back, products that every core must form alike, files whose
//! blocks are sealed. All of it is verified, each word, always; what was wrong is told with its place.
//!
//! Invariant: nothing is counted as compared that was not compared.

mod cores;
mod error;
mod files;
pub mod kernel;
mod memory;
mod pattern;
mod physical;
mod run;

pub use error::Error;
pub use memory::{Memory, Step};
pub use pattern::{Line, Pattern};
pub use run::{Config, Told, run};
