//! All tables in memory, and the ten transformations of them, one after another. Each drops the columns that none after it
//! needs.

use std::path::Path;
use std::sync::Arc;

use polars_buffer::Buffer;
use polars_core::prelude::*;
use polars_core::runtime::RAYON;
use rayon::prelude::*;

use super::chunk::{Chunk, bytes, each, each_with, map};
use super::exchange;
use super::global_stats::{CODED, Dimensions, ENCODED};
use super::input;
use super::row_ids::RowIds;
use crate::transforms::columns::{full, numbers, texts};
use crate::transforms::lags::Lags;
use crate::transforms::quantile::{Histograms, Limits};
use crate::transforms::rank::Ranks;
use crate::transforms::target::Encoded;
use crate::transforms::vocabulary::{self, Learner, Mark, Vocabulary};
use crate::transforms::window::{self, Hours};
use crate::transforms::{calendar, cross, impute, normalise, quantile, target, text};
use crate::{Dataset, Error};

/// A transformation of all tables; gives the bytes of the columns that it added.
pub type Step = fn(&mut Tables) -> Result<u64, Error>;

/// The ten transformations in order: each needs what those before it left.
pub const STEPS: [(&str, Step); 10] = [
    ("t01", impute_clip_log),
    ("t02", normalise),
    ("t03", calendar_cyclic),
    ("t04", text_extract),
    ("t05", categorify),
    ("t06", hashed_cross),
    ("t07", target_encode),
    ("t08", user_lag_session),
    ("t09", window_join),
    ("t10", quantile_rank),
];

const COUNTS: [&str; 13] = ["i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8", "i9", "i10", "i11", "i12", "i13"];

/// Everything that is in memory.
#[derive(Clone)]
pub struct Tables {
    chunks: Vec<Chunk>,
    dimensions: Arc<Dimensions>,
    /// Of the columns that t07 encodes, in their order, from where they are learnt until then.
    vocabularies: Vec<Arc<Vocabulary>>,
    /// Folds and labels of the rows by chunk, from t05 to t07.
    marks: Vec<Vec<Mark>>,
}

impl Tables {
    /// Reads and decodes a data set.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, is damaged, or has not what the schema says.
    pub fn load(folder: &Path) -> Result<Tables, Error> {
        let data = Dataset::open(folder)?;
        let (read, _) = input::read(&data)?;
        Ok(Tables::decode(&data, read)?.0)
    }

    /// Decodes bytes that were read; the bytes that they take in memory.
    pub(super) fn decode(data: &Dataset, read: Vec<Buffer<u8>>) -> Result<(Tables, u64), Error> {
        let (chunks, size) = input::decode(data, &read)?;
        drop(read);
        let row_ids = RowIds::of(data);
        map(&chunks, |chunk| row_ids.add(&chunk.frame))?;
        row_ids.check(data)?;
        let dimensions = Arc::new(Dimensions::read(data)?);
        Ok((Tables { chunks, dimensions, vocabularies: Vec::new(), marks: Vec::new() }, size))
    }

    /// Learns a text column, which becomes a column of the rows' slots.
    fn learn(&mut self, name: &str) -> Result<Learner, Error> {
        let learner = Learner::new();
        each_with(&mut self.chunks, &self.marks, |chunk, marks| {
            let slots = learner.learn(texts(&chunk.frame, name)?, marks);
            swap(chunk, &[full::<UInt32Type>(format!("{name}_slot"), slots)], &[name])
        })?;
        Ok(learner)
    }

    pub(super) fn into_chunks(self) -> Vec<Chunk> {
        self.chunks
    }
}

fn impute_clip_log(tables: &mut Tables) -> Result<u64, Error> {
    each(&mut tables.chunks, |chunk| {
        // Nothing is asked of it.
        chunk.drop(&["is_mobile"])?;
        swap(chunk, &impute::columns(&chunk.frame)?, &COUNTS)
    })
}

fn normalise(tables: &mut Tables) -> Result<u64, Error> {
    let moments = map(&tables.chunks, |chunk| normalise::observe(&chunk.frame))?;
    let scales = normalise::scales(moments.iter().flatten())?;
    each(&mut tables.chunks, |chunk| swap(chunk, &normalise::columns(&chunk.frame, &scales)?, &["f4", "f5", "f6"]))
}

fn calendar_cyclic(tables: &mut Tables) -> Result<u64, Error> {
    let signups = &tables.dimensions.signups;
    each(&mut tables.chunks, |chunk| swap(chunk, &calendar::columns(&chunk.frame, signups)?, &[]))
}

fn text_extract(tables: &mut Tables) -> Result<u64, Error> {
    each(&mut tables.chunks, |chunk| swap(chunk, &text::columns(&chunk.frame)?, &["url", "ua"]))
}

/// Column by column, since the values of two are more than a cache holds. Slots stay for t07 where it needs them.
fn categorify(tables: &mut Tables) -> Result<u64, Error> {
    tables.marks = map(&tables.chunks, |chunk| vocabulary::marks(&chunk.frame))?;
    let mut added = 0;
    for name in CODED {
        let vocabulary = tables.learn(name)?.finish();
        let slot = format!("{name}_slot");
        let (encoded, no_longer) = (ENCODED.contains(&name), [slot.as_str()]);
        added += each(&mut tables.chunks, |chunk| {
            let codes = vocabulary.column(name, numbers::<UInt32Type>(&chunk.frame, &slot)?.values);
            swap(chunk, &[codes], if encoded { &[] } else { &no_longer })
        })?;
        if encoded {
            tables.vocabularies.push(Arc::new(vocabulary));
        }
    }
    Ok(added)
}

fn hashed_cross(tables: &mut Tables) -> Result<u64, Error> {
    let countries = tables.learn("country")?.finish_in_order();
    let added = each(&mut tables.chunks, |chunk| {
        let slots = numbers::<UInt32Type>(&chunk.frame, "country_slot")?.values;
        let places: Vec<i32> = slots.iter().map(|&slot| countries.code(slot)).collect();
        swap(chunk, &cross::columns(&chunk.frame, &places)?, &[])
    })?;
    tables.vocabularies.push(Arc::new(countries));
    Ok(added)
}

fn target_encode(tables: &mut Tables) -> Result<u64, Error> {
    let marks = std::mem::take(&mut tables.marks);
    let means = target::means(&vocabulary::total(marks.iter().map(|marks| vocabulary::tally(marks))));
    let encoded: Vec<Encoded> =
        tables.vocabularies.drain(..).map(|vocabulary| Encoded::new(&vocabulary, &means)).collect();
    each_with(&mut tables.chunks, &marks, |chunk, marks| {
        let columns = ENCODED.iter().zip(&encoded).map(|(name, encoded)| {
            Ok(encoded.column(name, numbers::<UInt32Type>(&chunk.frame, &format!("{name}_slot"))?.values, marks))
        });
        swap(chunk, &columns.collect::<PolarsResult<Vec<_>>>()?, &["c2_slot", "c3_slot", "c4_slot", "label"])
    })
}

fn user_lag_session(tables: &mut Tables) -> Result<u64, Error> {
    exchange::add(Lags, &mut tables.chunks, &["user_id"])
}

fn window_join(tables: &mut Tables) -> Result<u64, Error> {
    let prices = &tables.dimensions.prices;
    let ratios = each(&mut tables.chunks, |chunk| swap(chunk, &[window::price_ratio(&chunk.frame, prices)?], &[]))?;
    Ok(ratios + exchange::add(Hours, &mut tables.chunks, &["item_id", "qty"])?)
}

fn quantile_rank(tables: &mut Tables) -> Result<u64, Error> {
    let limits = limits(&tables.chunks)?;
    let deciles =
        each(&mut tables.chunks, |chunk| swap(chunk, &quantile::columns(&chunk.frame, &limits)?, &["f1", "f2", "f3"]))?;
    Ok(deciles + exchange::add(Ranks, &mut tables.chunks, &["ts", "amount_cents", "country_slot"])?)
}

/// Adds columns, drops others, and says how many bytes were added.
fn swap(chunk: &mut Chunk, columns: &[Column], no_longer: &[&str]) -> Result<u64, Error> {
    chunk.add(columns)?;
    chunk.drop(no_longer)?;
    Ok(bytes(columns))
}

/// The limits of t10's deciles.
fn limits(chunks: &[Chunk]) -> Result<[Option<Limits>; quantile::COLUMNS], Error> {
    let sought = histograms(chunks)?.sought();
    let mut limits = [None; quantile::COLUMNS];
    for (index, limits) in limits.iter_mut().enumerate() {
        let values = map(chunks, |chunk| sought[index].collect(&chunk.frame, index))?;
        *limits = sought[index].limits(values.concat());
    }
    Ok(limits)
}

fn histograms(chunks: &[Chunk]) -> Result<Histograms, Error> {
    let share = chunks.len().div_ceil(RAYON.current_num_threads()).max(1);
    let of_share = |chunks: &[Chunk]| {
        let mut histograms = Histograms::new();
        chunks.iter().try_for_each(|chunk| histograms.observe(&chunk.frame))?;
        Ok::<_, PolarsError>(histograms)
    };
    let merged = RAYON.install(|| chunks.par_chunks(share).map(of_share).reduce_with(|a, b| Ok(a?.merge(b?))));
    Ok(merged.unwrap_or_else(|| Ok(Histograms::new()))?)
}
