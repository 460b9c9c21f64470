//! The rows of the result of one piece of the input, where what needs other rows is known already.

use polars_core::prelude::*;

use super::global_stats::{CODED, GlobalStats};
use super::input::Piece;
use crate::Error;
use crate::schema::Table;
use crate::transforms::keyed::Keyed;
use crate::transforms::lags::{Lag, Lags};
use crate::transforms::rank::{Rank, Ranks};
use crate::transforms::window::{HourBefore, Hours};

/// What the passes before found for the rows of a piece.
pub(super) struct Known<'a> {
    pub(super) lags: &'a [Lag],
    pub(super) hours: &'a [HourBefore],
    pub(super) ranks: &'a [Rank],
    /// [`SLOTS`](super::global_stats::SLOTS), so that the texts are not read again.
    pub(super) slots: Vec<Column>,
}

/// The columns that are read: nothing is asked of `is_mobile`.
pub(super) fn read() -> Vec<&'static str> {
    let is_read = |name: &&str| *name != "is_mobile" && *name != "country" && !CODED.contains(name);
    Table::Events.columns().iter().map(|column| column.name).filter(is_read).collect()
}

/// Reads a piece and adds all columns of the result.
pub(super) fn of_piece(piece: &Piece, stats: &GlobalStats, known: &Known) -> Result<DataFrame, Error> {
    let mut chunk = piece.read(&read())?;
    chunk.add(&known.slots)?;
    stats.add(&mut chunk)?;
    chunk.add(&Lags::columns(known.lags))?;
    chunk.add(&Hours::columns(known.hours))?;
    chunk.add(&Ranks::columns(known.ranks))?;
    Ok(chunk.frame)
}
