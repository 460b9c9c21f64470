//! The format on disk, and the store under `results/`.
//!
//! A run is a file of JSON lines that is valid after a kill at any moment: the first line is put in place whole,
//! every later one is written by one call, and a last line that was cut is left out by the reader. An attempt comes out of
//! it with the samples annotated that the host disturbed, by `measure::disturbance`.
//!
//! Invariant: this crate judges nothing.

mod annotations;
pub mod bundle;
mod campaign;
mod chain;
#[cfg(feature = "dossier")]
pub mod dossier;
mod earlier;
mod error;
mod imported;
mod index;
pub mod input;
mod journal;
mod read;
mod selector;
mod soak;
mod store;
#[cfg(test)]
mod testdata;
mod wear;
mod wire;
mod writer;

pub use annotations::{Annotated, Annotation, Annotations};
pub use campaign::{Campaign, Event, Order, Plan, Side, Slot};
pub use chain::{Chain, Fault, Verified};
pub use error::Error;
pub use imported::Imported;
pub use index::{Index, Listed, prune};
pub use journal::Journal;
pub use pipe::SCHEMA;
pub use read::{head, parse, read, read_sealed};
pub use selector::{Selector, holds, is_told, present};
pub use soak::{Seals, Soak, SoakEntry};
pub use store::{Entry, Store};
pub use wear::{WearEntry, WearLog};
pub use writer::Writer;
