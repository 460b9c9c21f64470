//! One stream from the files to the files, through all ten transformations at once.
//!
//! `scan` reads everything once for what must be known of all rows, and keeps the narrow columns that t08, t09 and t10
//! solve in memory, with their results. Then the rows stream: each thread decodes a piece, adds the columns of the result and
//! encodes it, so that what one step made is still in its cache for the next. A row takes about 170 bytes instead of its whole
//! width.

use std::sync::{Mutex, PoisonError};

use polars_core::prelude::*;

use super::chunk::Chunk;
use super::exchange::Results;
use super::global_stats::{Dimensions, SLOTS};
use super::input::{self, Piece};
use super::output::{Output, row_groups_a_file};
use super::phases::Phases;
use super::result_rows::{Known, of_piece};
use super::scan::{limits, scan};
use crate::schema::Table;
use crate::transforms::keyed::Keyed;
use crate::transforms::lags::Lags;
use crate::transforms::rank::Ranks;
use crate::transforms::window::Hours;
use crate::{Dataset, Error};

/// What t08, t09 and t10 read.
const NARROW: [&str; 6] = ["row_id", "ts", "user_id", "item_id", "amount_cents", "qty"];

pub(super) fn run(data: &Dataset, output: Output, phases: &mut Phases) -> Result<(), Error> {
    let pieces = input::pieces(data)?;
    let bytes = data.bytes(Table::Events);
    let narrow: Mutex<Vec<Chunk>> = Mutex::default();
    let keep = |chunk: Chunk| {
        let frame = chunk.frame.select(NARROW.into_iter().chain(SLOTS))?;
        narrow.lock().unwrap_or_else(PoisonError::into_inner).push(Chunk { frame, start: chunk.start });
        Ok(())
    };
    let scanned = phases.time("scan", || Ok((scan(data, &pieces, keep)?, bytes)))?;
    let limits = phases.time("quantiles", || Ok((limits(&pieces, &scanned.sought)?, bytes)))?;
    let mut narrow = narrow.into_inner().unwrap_or_else(PoisonError::into_inner);
    narrow.sort_unstable_by_key(|chunk| chunk.start);
    let lags = phases.time("t08", || solve::<Lags>(&narrow))?;
    let hours = phases.time("t09", || solve::<Hours>(&narrow))?;
    let ranks = phases.time("t10", || solve::<Ranks>(&narrow))?;
    // A piece is a chunk.
    let slots = narrow.into_iter().map(|chunk| chunk.frame.select(SLOTS)).collect::<PolarsResult<Vec<_>>>()?;
    let stats = scanned.finish(Dimensions::read(data)?, limits);
    phases.time("stream", || {
        let row = |(piece, slots): (&Piece, &DataFrame)| {
            let places = || piece.start..piece.start + piece.rows;
            let (lags, hours, ranks) = (lags.at(places()), hours.at(places()), ranks.at(places()));
            let slots = slots.columns().to_vec();
            of_piece(piece, &stats, &Known { lags: &lags, hours: &hours, ranks: &ranks, slots })
        };
        let a_file = row_groups_a_file(pieces.len());
        let files = pieces.chunks(a_file).zip(slots.chunks(a_file));
        let files = files.map(|(pieces, slots)| pieces.iter().zip(slots).map(row)).collect();
        Ok(((), output.write_files(files)?))
    })?;
    phases.time("save.sync", || output.finish())?.remove_older()
}

fn solve<K: Keyed>(chunks: &[Chunk]) -> Result<(Results<K::Out>, u64), Error> {
    let results = Results::of::<K>(chunks)?;
    let bytes = results.bytes();
    Ok((results, bytes))
}
