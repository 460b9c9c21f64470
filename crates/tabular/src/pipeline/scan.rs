//! The passes of `fused` over the input: statistics of all rows, gathered piece by piece by all threads at once.

use std::sync::{Arc, Mutex, PoisonError};

use polars_core::prelude::*;
use polars_core::runtime::RAYON;
use rayon::prelude::*;

use super::chunk::Chunk;
use super::global_stats::{CODED, Dimensions, GlobalStats, SLOTS};
use super::input::Piece;
use super::row_ids::RowIds;
use crate::transforms::columns::{full, texts};
use crate::transforms::normalise::{self, Moments};
use crate::transforms::quantile::{self, Histograms, Limits, Sought};
use crate::transforms::target;
use crate::transforms::vocabulary::{self, Learner, Tally};
use crate::{Dataset, Error};

/// What the first reading gives.
pub(super) struct Scanned {
    scales: normalise::Scales,
    pub(super) sought: [Sought; quantile::COLUMNS],
    /// Of [`CODED`].
    learners: Vec<Learner>,
    countries: Learner,
    total: Tally,
}

impl Scanned {
    /// Ends learning.
    pub(super) fn finish(self, dimensions: Dimensions, limits: [Option<Limits>; quantile::COLUMNS]) -> GlobalStats {
        let codes = self.learners.into_iter().map(Learner::finish);
        let vocabularies = codes.chain([self.countries.finish_in_order()]).collect();
        GlobalStats::new(Arc::new(dimensions), self.scales, vocabularies, target::means(&self.total), limits)
    }
}

/// Columns that the first reading needs.
pub(super) const SCANNED: [&str; 19] = [
    "row_id",
    "ts",
    "user_id",
    "item_id",
    "f1",
    "f2",
    "f3",
    "f4",
    "f5",
    "f6",
    "amount_cents",
    "qty",
    "country",
    "device",
    "c1",
    "c2",
    "c3",
    "c4",
    "label",
];

/// Reads every piece once. `keep` gets each chunk with [`SCANNED`] and [`SLOTS`].
pub(super) fn scan(
    data: &Dataset,
    pieces: &[Piece],
    keep: impl Fn(Chunk) -> Result<(), Error> + Send + Sync,
) -> Result<Scanned, Error> {
    let learners: Vec<Learner> = CODED.iter().map(|_| Learner::new()).collect();
    let countries = Learner::new();
    // As many histograms as threads are at work: each takes one and puts it back.
    let histograms: Mutex<Vec<Histograms>> = Mutex::default();
    let row_ids = RowIds::of(data);
    let one = |piece: &Piece| -> Result<(Vec<[Moments; normalise::COLUMNS]>, Tally), Error> {
        let mut chunk = piece.read(&SCANNED)?;
        row_ids.add(&chunk.frame)?;
        let marks = vocabulary::marks(&chunk.frame)?;
        let names = CODED.into_iter().chain(["country"]);
        let slots = names.zip(learners.iter().chain([&countries])).zip(SLOTS).map(|((name, learner), slot)| {
            Ok(full::<UInt32Type>(slot.to_owned(), learner.learn(texts(&chunk.frame, name)?, &marks)))
        });
        let slots = slots.collect::<Result<Vec<Column>, Error>>()?;
        chunk.add(&slots)?;
        let mut mine = histograms.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_else(Histograms::new);
        mine.observe(&chunk.frame)?;
        histograms.lock().unwrap_or_else(PoisonError::into_inner).push(mine);
        let moments = normalise::observe(&chunk.frame)?;
        keep(chunk)?;
        Ok((moments, vocabulary::tally(&marks)))
    };
    let seen: Vec<_> = RAYON.install(|| pieces.par_iter().map(one).collect::<Result<_, _>>())?;
    row_ids.check(data)?;
    let (moments, tallies): (Vec<_>, Vec<_>) = seen.into_iter().unzip();
    let histograms = histograms.into_inner().unwrap_or_else(PoisonError::into_inner);
    let histogram = histograms.into_iter().reduce(Histograms::merge).unwrap_or_else(Histograms::new);
    let total = vocabulary::total(tallies);
    let scales = normalise::scales(moments.iter().flatten())?;
    Ok(Scanned { scales, sought: histogram.sought(), learners, countries, total })
}

/// Reads the values around the quantiles, and gives the limits.
pub(super) fn limits(
    pieces: &[Piece],
    sought: &[Sought; quantile::COLUMNS],
) -> Result<[Option<Limits>; quantile::COLUMNS], Error> {
    let one = |piece: &Piece| -> Result<[Vec<f64>; quantile::COLUMNS], Error> {
        let chunk = piece.read(&["f1", "f2", "f3"])?;
        let mut found = [const { Vec::new() }; quantile::COLUMNS];
        for (column, found) in found.iter_mut().enumerate() {
            *found = sought[column].collect(&chunk.frame, column)?;
        }
        Ok(found)
    };
    let found: Vec<_> = RAYON.install(|| pieces.par_iter().map(one).collect::<Result<_, _>>())?;
    Ok(std::array::from_fn(|column| {
        sought[column].limits(found.iter().flat_map(|found| &found[column]).copied().collect())
    }))
}
