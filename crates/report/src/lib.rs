//! View model to terminal tables and JSON.
//!
//! Invariant: this crate judges nothing and measures nothing; its arithmetic is that of formatting.

pub mod json;
pub mod markdown;
mod series;
pub mod terminal;
#[cfg(test)]
mod testdata;
mod text;

/// How to print: what the terminal can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns of the terminal.
    pub width: u16,
    /// Whether to use colour.
    pub colour: bool,
}
