//! Views of a judged run: terminal tables, JSON, one HTML page, and the exchange formats.
//!
//! Invariant: this crate judges nothing and measures nothing; its arithmetic is that of formatting.

mod change;
pub mod compare;
mod earlier;
pub mod exchange;
pub mod fleets;
pub mod gate;
pub mod html;
#[cfg(test)]
mod injection_tests;
pub mod json;
mod judged;
pub mod markdown;
pub mod schema;
mod series;
pub mod soak;
pub mod terminal;
#[cfg(test)]
mod testdata;
mod text;
pub mod vendor;

pub use change::{BeforeAfter, ChangeLine, Decision, FactChange, Figure, ReportSide};
pub use earlier::Earlier;
pub use judged::{Judged, JudgedAlone, JudgedRow};
pub use text::to_ascii;
pub use vendor::VendorFile;

/// How to print: what the terminal can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns of the terminal.
    pub width: u16,
    /// Whether to use colour.
    pub colour: bool,
    /// Whether it shows ASCII only.
    pub ascii: bool,
}

impl Look {
    /// Black on white, in so many columns.
    #[must_use]
    pub const fn plain(width: u16) -> Look {
        Look { width, colour: false, ascii: false }
    }
}
