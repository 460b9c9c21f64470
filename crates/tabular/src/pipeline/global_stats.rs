//! Statistics of all rows, and the columns that follow from them row by row: t01 to t07, and what of t09 and t10 needs no
//! other rows.

use polars::prelude::*;

use super::chunk::Chunk;
use super::input;
use crate::schema::Table;
use crate::transforms::columns::{full, texts};
use crate::transforms::lookup::Lookup;
use crate::transforms::normalise::Scales;
use crate::transforms::quantile::Limits;
use crate::transforms::vocabulary::{self, FOLDS, Vocabulary};
use crate::transforms::{calendar, cross, impute, normalise, quantile, target, text, window};
use crate::{Dataset, Error};

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
        let mut dimensions = Dimensions { signups: Lookup::default(), prices: Lookup::default() };
        input::dimension(data, Table::Users, ["user_id", "signup"], |part| {
            dimensions.signups.add::<Int32Type>(part, "user_id", "signup")
        })?;
        input::dimension(data, Table::Items, ["item_id", "price_cents"], |part| {
            dimensions.prices.add::<Int64Type>(part, "item_id", "price_cents")
        })?;
        Ok(dimensions)
    }
}

/// Statistics of all rows, and the dimension tables.
pub(super) struct GlobalStats {
    pub(super) dimensions: Dimensions,
    pub(super) scales: Scales,
    /// Of [`CODED`], in their order.
    pub(super) codes: Vec<Vocabulary>,
    /// Countries, with their places in the order of names.
    pub(super) countries: Vocabulary,
    /// The mean label outside of each fold.
    pub(super) means: [f64; FOLDS],
    pub(super) limits: [Option<Limits>; quantile::COLUMNS],
}

impl GlobalStats {
    /// Adds the columns that follow from a row and from this.
    pub(super) fn add(&self, chunk: &mut Chunk) -> Result<(), Error> {
        let mut columns = impute::columns(&chunk.frame)?;
        columns.extend(normalise::columns(&chunk.frame, &self.scales)?);
        columns.extend(calendar::columns(&chunk.frame, &self.dimensions.signups)?);
        columns.extend(text::columns(&chunk.frame)?);
        columns.push(window::price_ratio(&chunk.frame, &self.dimensions.prices)?);
        columns.extend(quantile::columns(&chunk.frame, &self.limits)?);
        let marks = vocabulary::marks(&chunk.frame)?;
        for (name, vocabulary) in CODED.iter().zip(&self.codes) {
            let slots = vocabulary.slots(texts(&chunk.frame, name)?);
            columns.push(vocabulary.column(name, &slots));
            if ENCODED.contains(name) {
                columns.push(target::column(name, vocabulary, &slots, &marks, &self.means));
            }
        }
        let slots = self.countries.slots(texts(&chunk.frame, "country")?);
        columns.push(target::column("country", &self.countries, &slots, &marks, &self.means));
        chunk.add(&columns)?;
        let places: Vec<i32> = slots.iter().map(|&slot| self.countries.code(slot)).collect();
        let crossed = cross::columns(&chunk.frame, &places)?;
        chunk.add(&crossed)?;
        Ok(())
    }
}

/// The slots of a chunk's countries as a column, for [`crate::transforms::rank::Ranks`].
pub(super) fn country_slots(slots: Vec<vocabulary::Slot>) -> Column {
    full::<UInt32Type>("country_slot", slots)
}
