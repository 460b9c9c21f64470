//! Statistics of all rows, and the columns that follow from them row by row: t01 to t07, and what of t09 and t10 needs no
//! other rows.

use std::sync::Arc;

use polars_core::prelude::*;

use super::chunk::Chunk;
use super::input;
use crate::schema::Table;
use crate::transforms::columns::numbers;
use crate::transforms::lookup::Lookup;
use crate::transforms::normalise::Scales;
use crate::transforms::quantile::Limits;
use crate::transforms::target::Encoded;
use crate::transforms::vocabulary::{self, FOLDS, Vocabulary};
use crate::transforms::{calendar, cross, impute, normalise, quantile, text, window};
use crate::{Dataset, Error, ParquetFile};

/// The text columns that become codes.
pub(super) const CODED: [&str; 5] = ["c1", "c2", "c3", "c4", "device"];
/// Those that are target-encoded.
pub(super) const ENCODED: [&str; 4] = ["c2", "c3", "c4", "country"];

/// The dimension tables.
pub(crate) struct Dimensions {
    pub(super) signups: Lookup,
    pub(super) prices: Lookup,
}

impl Dimensions {
    pub(super) fn read(data: &Dataset) -> Result<Dimensions, Error> {
        Self::of(data.files(Table::Users), data.files(Table::Items))
    }

    pub(super) fn of(users: &[ParquetFile], items: &[ParquetFile]) -> Result<Dimensions, Error> {
        let mut dimensions = Dimensions { signups: Lookup::default(), prices: Lookup::default() };
        input::dimension(users, Table::Users, ["user_id", "signup"], |part| {
            dimensions.signups.add::<Int32Type>(part, "user_id", "signup")
        })?;
        input::dimension(items, Table::Items, ["item_id", "price_cents"], |part| {
            dimensions.prices.add::<Int64Type>(part, "item_id", "price_cents")
        })?;
        Ok(dimensions)
    }
}

/// Statistics of all rows, and the dimension tables.
pub(super) struct GlobalStats {
    pub(super) dimensions: Arc<Dimensions>,
    pub(super) scales: Scales,
    /// Of [`SLOTS`], in their order: codes, and of countries their places in the order of names.
    pub(super) vocabularies: Vec<Vocabulary>,
    /// Of those of them that t07 encodes.
    encoded: Vec<Option<Encoded>>,
    pub(super) limits: [Option<Limits>; quantile::COLUMNS],
}

impl GlobalStats {
    /// With the mean label outside of each fold, the counts of the vocabularies become what t07 says of them.
    pub(super) fn new(
        dimensions: Arc<Dimensions>,
        scales: Scales,
        mut vocabularies: Vec<Vocabulary>,
        means: [f64; FOLDS],
        limits: [Option<Limits>; quantile::COLUMNS],
    ) -> GlobalStats {
        let encode = |(column, vocabulary): (usize, &mut Vocabulary)| {
            let encoded = ENCODED.contains(&text_column(column)).then(|| Encoded::new(vocabulary, &means));
            vocabulary.forget_tallies();
            encoded
        };
        let encoded = vocabularies.iter_mut().enumerate().map(encode).collect();
        GlobalStats { dimensions, scales, vocabularies, encoded, limits }
    }

    /// Adds the columns that follow from a row and from this; the chunk has [`SLOTS`].
    pub(super) fn add(&self, chunk: &mut Chunk) -> Result<(), Error> {
        let mut columns = impute::columns(&chunk.frame)?;
        columns.extend(normalise::columns(&chunk.frame, &self.scales)?);
        columns.extend(calendar::columns(&chunk.frame, &self.dimensions.signups)?);
        columns.extend(text::columns(&chunk.frame)?);
        columns.push(window::price_ratio(&chunk.frame, &self.dimensions.prices)?);
        columns.extend(quantile::columns(&chunk.frame, &self.limits)?);
        let marks = vocabulary::marks(&chunk.frame)?;
        let slots = |index: usize| Ok::<_, PolarsError>(numbers::<UInt32Type>(&chunk.frame, SLOTS[index])?.values);
        for (index, (vocabulary, encoded)) in self.vocabularies.iter().zip(&self.encoded).enumerate() {
            let (name, slots) = (text_column(index), slots(index)?);
            if index != COUNTRY {
                columns.push(vocabulary.column(name, slots));
            }
            if let Some(encoded) = encoded {
                columns.push(encoded.column(name, slots, &marks));
            }
        }
        let places: Vec<i32> = slots(COUNTRY)?.iter().map(|&slot| self.vocabularies[COUNTRY].code(slot)).collect();
        chunk.add(&columns)?;
        let crossed = cross::columns(&chunk.frame, &places)?;
        chunk.add(&crossed)?;
        Ok(())
    }
}

/// The columns of slots, as they were learnt: of [`CODED`], and of the countries.
pub(super) const SLOTS: [&str; 6] = ["c1_slot", "c2_slot", "c3_slot", "c4_slot", "device_slot", "country_slot"];
/// Which of them is that of the countries.
pub(super) const COUNTRY: usize = CODED.len();

/// The text column of a column of slots.
pub(super) fn text_column(index: usize) -> &'static str {
    CODED.get(index).copied().unwrap_or("country")
}
