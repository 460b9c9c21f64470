//! Dense compute: FMA peak, AMX tiles, DGEMM, an HPL proxy.
//!
//! Invariant: the BLAS runs with one thread for each caller, and the pinned team calls it; only the plain figure and the
//! baseline let the library use threads of its own. Every result is checked on the path that is timed.

pub mod amx;
pub mod blas;
mod config;
pub mod dgemm;
mod error;
pub mod fma;
mod hpl;
pub mod lu;
pub mod matrix;
mod proof;
mod reporter;
mod run;
pub mod verify;

pub use blas::environment;
pub use config::{Config, DgemmConfig, HplConfig};
pub use error::Error;
pub use fma::FmaConfig;
pub use run::run;
