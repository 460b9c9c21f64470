//! Dense compute: FMA peak, DGEMM, an HPL proxy, AMX tiles.

pub mod blas;
mod error;
pub mod lu;
pub mod matrix;
mod proof;

pub use error::Error;
