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
    /// [`SLOTS`](super::global_stats::SLOTS), where they were kept: then the texts are not read again.
    pub(super) slots: Option<DataFrame>,
}

/// Reads a piece and adds all columns of the result.
pub(super) fn of_piece(piece: &Piece, stats: &GlobalStats, known: Known) -> Result<DataFrame, Error> {
    // Nothing is asked of `is_mobile`.
    let is_read = |name: &&str| match known.slots {
        Some(_) => *name != "is_mobile" && *name != "country" && !CODED.contains(name),
        None => *name != "is_mobile",
    };
    let names: Vec<&str> = Table::Events.columns().iter().map(|column| column.name).filter(is_read).collect();
    let mut chunk = piece.read(&names)?;
    if let Some(slots) = known.slots {
        chunk.add(slots.columns())?;
    }
    stats.add(&mut chunk)?;
    chunk.add(&Lags::columns(known.lags))?;
    chunk.add(&Hours::columns(known.hours))?;
    chunk.add(&Ranks::columns(known.ranks))?;
    Ok(chunk.frame)
}
