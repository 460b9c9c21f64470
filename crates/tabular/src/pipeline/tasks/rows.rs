//! The rows of a group: what follows from a row and from what is known of all, with the results of the buckets, as a file of
//! the result.

use polars_core::prelude::*;

use super::files::{Holds, scanned};
use super::merge::{scales_and_means, vocabulary};
use super::named::Unnamed;
use super::plan::Kind;
use super::quantiles::read_limits;
use super::scan::slots_section;
use super::solve::results;
use super::{Work, at_once, map};
use crate::Error;
use crate::pipeline::global_stats::{GlobalStats, SLOTS};
use crate::pipeline::input::Piece;
use crate::pipeline::output::{self, part_name};
use crate::pipeline::result_rows::{self, Known, of_piece};
use crate::transforms::columns::full;
use crate::transforms::lags::Lag;
use crate::transforms::rank::Rank;
use crate::transforms::vocabulary::Slot;
use crate::transforms::window::HourBefore;

pub(super) fn run(work: &Work, part: usize) -> Result<u64, Error> {
    let (pieces, group) = (work.pieces(part)?, &work.plan.groups[part]);
    let stats = stats(work, part)?;
    let lags: Vec<Lag> = results(work, Kind::T08, part)?;
    let hours: Vec<HourBefore> = results(work, Kind::T09, part)?;
    let ranks: Vec<Rank> = results(work, Kind::T10, part)?;
    let row = |&(number, piece): &(usize, &Piece)| {
        let first = piece.start - group.start;
        let rows = || first..first + piece.rows;
        let (lags, hours, ranks) = (&lags[rows()], &hours[rows()], &ranks[rows()]);
        work.has_read(piece.bytes(&result_rows::read()));
        of_piece(piece, &stats, &Known { lags, hours, ranks, slots: slots(work, part, number, &stats)? })
    };
    let numbered: Vec<(usize, &Piece)> = pieces.iter().enumerate().collect();
    let frames = numbered.chunks(at_once()).flat_map(|pieces| match map(pieces, row) {
        Ok(frames) => frames.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    });
    let unnamed = Unnamed::create(&work.folder.join(part_name(part)))?;
    work.has_written(output::write(&unnamed.file, unnamed.path(), frames)?);
    unnamed.name(work.durable)?;
    Ok(group.rows as u64)
}

/// What is known of all rows, for the values of a group.
fn stats(work: &Work, group: usize) -> Result<GlobalStats, Error> {
    let (scales, means) = scales_and_means(work)?;
    let vocabularies = (0..SLOTS.len()).map(|column| vocabulary(work, column, group)).collect::<Result<_, Error>>()?;
    Ok(GlobalStats::new(work.dimensions()?, scales, vocabularies, means, read_limits(work)?))
}

/// The slots of a piece's values.
fn slots(work: &Work, group: usize, piece: usize, stats: &GlobalStats) -> Result<Vec<Column>, Error> {
    let reader = work.reader(scanned(group, Holds::Slots))?;
    let rows = work.plan.groups[group].cuts[piece].rows;
    let of_column = |(column, name): (usize, &&'static str)| {
        let bytes = reader.section(slots_section(piece, column))?;
        let slots: Vec<Slot> = bytes.as_chunks::<4>().0.iter().map(|slot| Slot::from_le_bytes(*slot)).collect();
        if slots.len() != rows || !slots.iter().all(|&slot| stats.vocabularies[column].has(slot)) {
            return Err(reader.senseless());
        }
        Ok(full::<UInt32Type>(*name, slots))
    };
    SLOTS.iter().enumerate().map(of_column).collect()
}
