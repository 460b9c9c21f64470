//! The output of other tools: figures with their lines, what a file says of how they came about, and what it does not say.
//!
//! [`read`] takes a text and gives an [`Import`]. Nothing is guessed: a size that is not told is unknown, and so is placement.
//! What a file holds against itself (a rate that is not its bytes over its time) is a [`Misfit`]; whether a figure can be that of
//! a host is for `verdict` to say.
//!
//! Invariant: this crate is pure. It opens no file and reads no clock.

mod dcgm;
mod figure;
mod fio;
mod format;
mod hpcc;
mod hpl;
mod json;
mod likwid;
mod mlc;
mod nvbandwidth;
mod passmark;
mod stream;
mod stress_ng;
mod text;

pub use figure::{Figure, Import, Misfit, Setting, Statistic, Told};
pub use format::Format;

/// Why a text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is of no tool that is known.
    #[error("it is no output of {}; name the tool with --as where it is one", Format::names())]
    Unknown,
    /// It is of several tools.
    #[error(
        "line {line}: the output of {} begins inside that of {}: give each a file of its own, or name the one that counts with --as",
        second.title(), first.title()
    )]
    Several {
        /// The tool whose output came first.
        first: Format,
        /// The other.
        second: Format,
        /// Where it begins, from 1.
        line: usize,
    },
    /// A line is not what the tool prints.
    #[error("line {line}: {what}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
}

impl Error {
    pub(crate) fn at(line: usize, what: impl Into<String>) -> Error {
        Error::Line { line, what: what.into() }
    }
}

/// Reads the output of a tool, recognised by what stands in it unless the tool is named.
pub fn read(text: &str, named: Option<Format>) -> Result<Import, Error> {
    let format = match named {
        Some(format) => format,
        None => Format::recognise(text)?,
    };
    let mut import = match format {
        Format::Fio => fio::read(text),
        Format::Stream => stream::read(text),
        Format::Hpl => hpl::read(text),
        Format::Hpcc => hpcc::read(text),
        Format::LikwidBench => likwid::read(text),
        Format::StressNg => stress_ng::read(text),
        Format::Mlc => mlc::read(text),
        Format::PassMark => passmark::read(text),
        Format::Nvbandwidth => nvbandwidth::read(text),
        Format::Dcgm => dcgm::read(text),
    }?;
    if import.figures.is_empty() {
        let last = text.lines().count().max(1);
        return Err(Error::at(last, format!("the output of {} ends without a figure", format.title())));
    }
    import.figures.sort_by_key(|figure| figure.line);
    Ok(import)
}
