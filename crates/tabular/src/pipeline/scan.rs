//! The passes over the input of the modes that do not hold it: what must be known of all rows, gathered row group by row
//! group.

use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use polars_core::runtime::RAYON;
use rayon::prelude::*;

use super::chunk::Chunk;
use super::input;
use super::known::{CODED, Dimensions, Known, country_slots};
use crate::schema::Table;
use crate::transforms::columns::texts;
use crate::transforms::normalise::{self, Moments};
use crate::transforms::quantile::{self, Histograms, Limits, Sought};
use crate::transforms::target;
use crate::transforms::vocabulary::{self, Learner, Tally};
use crate::{Dataset, Error};

/// A row group of the input.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) path: &'a Path,
    /// Its first row in the file, and its rows.
    pub(super) within: (usize, usize),
    /// The place of its first row among all.
    pub(super) start: usize,
}

impl Piece<'_> {
    /// Reads some columns.
    pub(super) fn read(&self, names: &[&str]) -> Result<Chunk, Error> {
        let file = File::open(self.path).map_err(|error| Error::io("cannot read", self.path, error))?;
        let frame = input::decode_piece(self.path, file, self.within, Table::Events, names)?;
        Ok(Chunk { frame, start: self.start })
    }
}

/// The row groups of the events, in order.
pub(super) fn pieces(data: &Dataset) -> Result<Vec<Piece<'_>>, Error> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for file in data.files(Table::Events) {
        let path = file.path();
        let open = File::open(path).map_err(|error| Error::io("cannot read", path, error))?;
        for within in input::pieces(path, open)? {
            pieces.push(Piece { path, within, start });
            start += within.1;
        }
    }
    Ok(pieces)
}

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
    pub(super) fn known(self, dimensions: Dimensions, limits: [Option<Limits>; quantile::COLUMNS]) -> Known {
        Known {
            dimensions,
            scales: self.scales,
            codes: self.learners.into_iter().map(Learner::finish).collect(),
            countries: self.countries.finish().in_order(),
            means: target::means(&self.total),
            limits,
        }
    }
}

/// Columns that the first reading needs.
const SCANNED: [&str; 19] = [
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

/// Reads every row group once. `keep` gets each chunk with [`SCANNED`] and the slots of countries.
pub(super) fn scan(
    pieces: &[Piece],
    keep: impl Fn(Chunk) -> Result<(), Error> + Send + Sync,
) -> Result<Scanned, Error> {
    let learners: Vec<Learner> = CODED.iter().map(|_| Learner::new()).collect();
    let countries = Learner::new();
    // As many histograms as threads are at work: each takes one and puts it back.
    let histograms: Mutex<Vec<Histograms>> = Mutex::default();
    let one = |piece: &Piece| -> Result<([Moments; normalise::COLUMNS], Tally), Error> {
        let mut chunk = piece.read(&SCANNED)?;
        let marks = vocabulary::marks(&chunk.frame)?;
        for (name, learner) in CODED.iter().zip(&learners) {
            learner.learn(texts(&chunk.frame, name)?, &marks);
        }
        let slots = countries.learn(texts(&chunk.frame, "country")?, &marks);
        chunk.add(&[country_slots(slots)])?;
        let mut mine = histograms.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_else(Histograms::new);
        mine.observe(&chunk.frame)?;
        histograms.lock().unwrap_or_else(PoisonError::into_inner).push(mine);
        let moments = normalise::observe(&chunk.frame)?;
        keep(chunk)?;
        Ok((moments, vocabulary::tally(&marks)))
    };
    let seen: Vec<_> = RAYON.install(|| pieces.par_iter().map(one).collect::<Result<_, _>>())?;
    let (moments, tallies): (Vec<_>, Vec<_>) = seen.into_iter().unzip();
    let histograms = histograms.into_inner().unwrap_or_else(PoisonError::into_inner);
    let histogram = histograms.into_iter().reduce(Histograms::merge).unwrap_or_else(Histograms::new);
    let total = vocabulary::total(tallies);
    let scales = normalise::scales(&moments);
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
