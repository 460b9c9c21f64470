//! The watch over a host, with load or without: [`Reader`] reads what there is of its parts, and [`Guard`] holds it against
//! [`Limits`], those of the specification and those that the parts themselves state.
//!
//! Invariant: what cannot be read is no incident, and what was so when the watch began is one only where a limit says so.
//! [`Guard`] is pure: the same scans give the same incidents.

mod controller;
mod guard;
mod kernel_log;
mod limits;
mod reader;
mod wear;

pub use guard::Guard;
pub use limits::{Limits, SUSTAINED};
pub use reader::{Reader, Scan, WornDrive};
pub use wear::{RunsOut, WornOn, runs_out};
