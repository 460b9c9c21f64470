//! The ten transformations as kernels over the columns of one chunk of rows.
//!
//! Each file has what it must know of all rows (counts, moments, quantiles: gathered chunk by chunk and merged in the
//! order of chunks, so that every number of threads gives the same bits) and the function that makes a chunk's columns
//! from it. t08, t09 and t10's ranks need all rows of a key together instead: those are [`keyed::Keyed`].

pub(crate) mod calendar;
pub(crate) mod columns;
pub(crate) mod cross;
pub(crate) mod impute;
pub(crate) mod keyed;
pub(crate) mod lags;
pub(crate) mod lookup;
pub(crate) mod normalise;
mod places;
pub(crate) mod quantile;
pub(crate) mod rank;
pub(crate) mod target;
pub(crate) mod text;
pub(crate) mod vocabulary;
pub(crate) mod window;
