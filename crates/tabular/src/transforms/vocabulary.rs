//! t05: text values as codes by how often they are there.
//!
//! A vocabulary is learnt chunk by chunk by all threads at once. It lies in shards by hash, each behind a lock; a thread
//! sorts its chunk by shard first, so that it takes each lock once in a chunk and works on a small part of the table
//! meanwhile. Rows and labels are counted by fold on the way, because t07 needs them of the same values and the entry is
//! in the cache at that moment.

mod part;
mod shard;

use std::cell::RefCell;
use std::cmp::Reverse;
use std::sync::{Mutex, PoisonError};

use polars_arrow::array::{Array, Utf8ViewArray};
use polars_core::prelude::*;
use polars_core::runtime::RAYON;
use rayon::prelude::*;

use self::shard::{Shard, Value, order};
use super::columns::{full, numbers};
use crate::schema::ROW_GROUP_ROWS;

pub(crate) use part::{Merged, Part};

/// Folds of the target encoding.
pub(crate) const FOLDS: usize = 5;
/// Parts of a vocabulary.
const SHARDS: usize = 64;
/// The code of null.
const NULL_CODE: i32 = 1;
/// The code of rare values.
const RARE_CODE: i32 = 2;
/// Values seen less often are rare.
const COMMON: u64 = 5;

/// Where a value's entry is: its shard in the low bits.
pub(crate) type Slot = u32;
/// The slot of null.
pub(crate) const NULL_SLOT: Slot = Slot::MAX;

/// Rows and labels of each fold, rows in the low half: a run has less than 2³² of either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally(pub(crate) [u64; FOLDS]);

impl Tally {
    fn count(&mut self, mark: Mark) {
        self.0[usize::from(mark.0 >> 1)] += 1 | u64::from(mark.0 & 1) << 32;
    }

    fn add(&mut self, other: &Tally) {
        for (sum, part) in self.0.iter_mut().zip(other.0) {
            *sum += part;
        }
    }

    fn rows(&self) -> u64 {
        self.0.iter().map(|fold| fold & u64::from(u32::MAX)).sum()
    }

    /// Sum of labels and number of rows outside of a fold.
    pub(crate) fn outside(&self, fold: usize) -> (u64, u64) {
        let others = self.0.iter().sum::<u64>() - self.0[fold];
        (others >> 32, others & u64::from(u32::MAX))
    }
}

/// A row's fold and label in a byte.
#[derive(Clone, Copy, Default)]
pub(crate) struct Mark(u8);

impl Mark {
    pub(crate) fn fold(self) -> usize {
        usize::from(self.0 >> 1)
    }
}

/// The fold of a row.
fn fold(row_id: i64) -> u8 {
    row_id.rem_euclid(5) as u8
}

/// Folds and labels of a chunk's rows.
pub(crate) fn marks(chunk: &DataFrame) -> PolarsResult<Vec<Mark>> {
    let ids = numbers::<Int64Type>(chunk, "row_id")?.values;
    let labels = numbers::<UInt8Type>(chunk, "label")?.values;
    Ok(ids.iter().zip(labels).map(|(&id, &label)| Mark(fold(id) << 1 | label & 1)).collect())
}

/// The tally of all rows of a chunk.
pub(crate) fn tally(marks: &[Mark]) -> Tally {
    let mut tally = Tally::default();
    for &mark in marks {
        tally.count(mark);
    }
    tally
}

/// The tally of all chunks.
pub(crate) fn total(chunks: impl IntoIterator<Item = Tally>) -> Tally {
    let mut total = Tally::default();
    chunks.into_iter().for_each(|chunk| total.add(&chunk));
    total
}

/// Bits from the middle: the table takes the low ones.
fn shard_of(hash: u64) -> usize {
    (hash >> 32) as usize % SHARDS
}

/// Values that are being learnt.
#[derive(Default)]
pub(crate) struct Learner {
    shards: Vec<Mutex<Shard>>,
    null: Mutex<Tally>,
}

impl Learner {
    pub(crate) fn new() -> Learner {
        Learner { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), null: Mutex::default() }
    }

    /// Counts a chunk's values, and gives the slot of each row.
    pub(crate) fn learn(&self, texts: &Utf8ViewArray, marks: &[Mark]) -> Vec<Slot> {
        let mut slots = vec![NULL_SLOT; texts.len()];
        DEALT.with_borrow_mut(|dealt| {
            dealt.deal(texts, marks);
            let mut nulls = Tally::default();
            dealt.of_shard(NULLS).0.iter().for_each(|null| nulls.count(null.mark));
            self.null.lock().unwrap_or_else(PoisonError::into_inner).add(&nulls);
            // Threads begin at different shards, so that they seldom meet.
            let first = dealt.hashes.first().map_or(0, |&hash| shard_of(hash));
            for shard in (first..SHARDS).chain(0..first) {
                let mut part = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
                let (rows, guesses) = dealt.of_shard(shard);
                guesses.clear();
                guesses.extend(rows.iter().map(|row| part.guess(row.hash)));
                for (row, &guess) in rows.iter().zip(&*guesses) {
                    let place = part.place(guess, row.hash, row.value(texts));
                    part.entries[place as usize].tally.count(row.mark);
                    slots[row.index as usize] = slot(shard, place);
                }
            }
            // Others may write larger row groups than this program: memory for those is not kept.
            if texts.len() > ROW_GROUP_ROWS {
                *dealt = Dealt::default();
            }
        });
        slots
    }

    /// Ends learning: gives the codes out.
    pub(crate) fn finish(self) -> Vocabulary {
        let (shards, null) = self.open();
        let codes = RAYON.install(|| codes(&shards));
        Vocabulary::new(&shards, codes, null)
    }

    /// Ends learning: the codes are the places of the values in their order, from 0.
    pub(crate) fn finish_in_order(self) -> Vocabulary {
        let (shards, null) = self.open();
        let codes = places_in_order(&shards);
        Vocabulary::new(&shards, codes, null)
    }

    /// The hash of the value of each place by shard, added to those that are known: the same wherever a value is learnt.
    pub(crate) fn add_hashes(&self, hashes: &mut Vec<Vec<u64>>) {
        hashes.resize(SHARDS, Vec::new());
        for (shard, hashes) in self.shards.iter().zip(hashes) {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            hashes.extend((hashes.len()..shard.entries.len()).map(|place| shard.hash(place)));
        }
    }

    fn open(self) -> (Vec<Shard>, Tally) {
        let open = |shard: Mutex<Shard>| shard.into_inner().unwrap_or_else(PoisonError::into_inner);
        let null = self.null.into_inner().unwrap_or_else(PoisonError::into_inner);
        (self.shards.into_iter().map(open).collect(), null)
    }
}

fn slot(shard: usize, place: u32) -> Slot {
    place * SHARDS as u32 + shard as u32
}

/// Shard and place of a value.
pub(crate) fn parts(slot: Slot) -> (usize, usize) {
    (slot as usize % SHARDS, slot as usize / SHARDS)
}

thread_local! {
    /// What a thread deals out, chunk after chunk.
    static DEALT: RefCell<Dealt> = RefCell::default();
}

/// A row with all that is asked of it.
#[derive(Clone, Copy, Default)]
struct Row {
    view: [u8; 16],
    hash: u64,
    index: u32,
    mark: Mark,
}

impl Row {
    fn value<'a>(&self, texts: &'a Utf8ViewArray) -> Value<'a> {
        Value::of_view(self.view).unwrap_or_else(|| Value::Long(texts.value(self.index as usize)))
    }
}

/// Behind the shards: rows without a value.
const NULLS: usize = SHARDS;

/// The rows of a chunk by shard.
#[derive(Default)]
struct Dealt {
    hashes: Vec<u64>,
    shards: Vec<u8>,
    rows: Vec<Row>,
    /// Where the rows of each shard end.
    ends: Vec<usize>,
    guesses: Vec<u32>,
}

impl Dealt {
    fn deal(&mut self, texts: &Utf8ViewArray, marks: &[Mark]) {
        let there = |row: usize| texts.validity().is_none_or(|present| present.get_bit(row));
        self.hashes.clear();
        self.hashes.extend((0..texts.len()).map(|row| Value::of(texts, row).hash()));
        self.shards.clear();
        let shard = |(row, &hash)| if there(row) { shard_of(hash) } else { NULLS } as u8;
        self.shards.extend(self.hashes.iter().enumerate().map(shard));
        let mut next = [0; SHARDS + 2];
        for &shard in &self.shards {
            next[usize::from(shard) + 1] += 1;
        }
        for shard in 0..=NULLS {
            next[shard + 1] += next[shard];
        }
        // What lies there from before is overwritten.
        self.rows.resize(self.rows.len().max(texts.len()), Row::default());
        for (row, ((&shard, &hash), (&mark, view))) in
            self.shards.iter().zip(&self.hashes).zip(marks.iter().zip(&**texts.views())).enumerate()
        {
            let at = &mut next[usize::from(shard)];
            self.rows[*at] = Row { view: view.as_u128().to_ne_bytes(), hash, index: row as u32, mark };
            *at += 1;
        }
        self.ends.clear();
        self.ends.extend(&next[..=NULLS]);
    }

    /// The rows of a shard, and where to put what is guessed of them.
    fn of_shard(&mut self, shard: usize) -> (&[Row], &mut Vec<u32>) {
        let first = if shard == 0 { 0 } else { self.ends[shard - 1] };
        (&self.rows[first..self.ends[shard]], &mut self.guesses)
    }
}

/// The codes of all places: common values from 3, by count descending, then by value.
fn codes(shards: &[Shard]) -> Vec<Vec<i32>> {
    let mut codes: Vec<Vec<i32>> = shards.iter().map(|shard| vec![RARE_CODE; shard.entries.len()]).collect();
    let of_shard = |(shard, part): (usize, &Shard)| {
        let counts = part.entries.iter().enumerate().map(|(place, entry)| (place, entry.tally.rows()));
        let common = counts.filter(|(_, rows)| *rows >= COMMON);
        common.map(|(place, rows)| (Reverse(rows), order(part.text(place)), (shard, place))).collect::<Vec<_>>()
    };
    let mut common: Vec<_> = shards.par_iter().enumerate().flat_map_iter(of_shard).collect();
    common.par_sort_unstable_by(|a, b| {
        (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| text(shards, a.2).cmp(text(shards, b.2)))
    });
    for (code, (_, _, (shard, place))) in (RARE_CODE + 1..).zip(common) {
        codes[shard][place] = code;
    }
    codes
}

/// The codes of all places where they go by the order of values, from 0.
fn places_in_order(shards: &[Shard]) -> Vec<Vec<i32>> {
    let mut codes: Vec<Vec<i32>> = shards.iter().map(|shard| vec![0; shard.entries.len()]).collect();
    let of_shard = |(shard, part): (usize, &Shard)| (0..part.entries.len()).map(move |place| (shard, place));
    let mut values: Vec<_> = shards.iter().enumerate().flat_map(of_shard).collect();
    values.sort_unstable_by_key(|&value| text(shards, value));
    for (code, (shard, place)) in (0..).zip(values) {
        codes[shard][place] = code;
    }
    codes
}

/// The value at a place of a shard.
fn text(shards: &[Shard], (shard, place): (usize, usize)) -> &str {
    shards[shard].text(place)
}

/// The codes and counts of learnt values, by slot: the values themselves are not needed any more.
pub(crate) struct Vocabulary {
    codes: Vec<Vec<i32>>,
    tallies: Vec<Vec<Tally>>,
    null: Tally,
}

impl Vocabulary {
    fn new(shards: &[Shard], codes: Vec<Vec<i32>>, null: Tally) -> Vocabulary {
        let tallies = shards.iter().map(|shard| shard.entries.iter().map(|entry| entry.tally).collect());
        Vocabulary { codes, tallies: tallies.collect(), null }
    }

    /// The code of a slot's value.
    pub(crate) fn code(&self, slot: Slot) -> i32 {
        if slot == NULL_SLOT {
            return NULL_CODE;
        }
        let (shard, place) = parts(slot);
        self.codes[shard][place]
    }

    /// Whether a slot has a code.
    pub(crate) fn has(&self, slot: Slot) -> bool {
        let (shard, place) = parts(slot);
        slot == NULL_SLOT || place < self.codes[shard].len()
    }

    /// The codes as a column.
    pub(crate) fn column(&self, name: &str, slots: &[Slot]) -> Column {
        full::<Int32Type>(format!("{name}_code"), slots.iter().map(|&slot| self.code(slot)).collect())
    }

    /// The counts of all places of each shard, and of null.
    pub(crate) fn tallies(&self) -> (&[Vec<Tally>], &Tally) {
        (&self.tallies, &self.null)
    }

    /// The codes alone, where the counts are not needed any more.
    pub(crate) fn forget_tallies(&mut self) {
        self.tallies = Vec::new();
    }

    /// The counts of a slot's value.
    #[cfg(test)]
    fn tally(&self, slot: Slot) -> Tally {
        let (shard, place) = parts(slot);
        if slot == NULL_SLOT { self.null } else { self.tallies[shard][place] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_are_told_apart_and_ordered_as_their_bytes(
            values in prop::collection::vec("(aaaaaaaaaaaa|ä|)[\\x00ab]{0,4}", 1..60), repeat in 5..7_usize,
        ) {
            let all: Vec<Option<&str>> =
                values.iter().flat_map(|value| std::iter::repeat_n(Some(value.as_str()), repeat)).collect();
            let counts = |value: &str| all.iter().filter(|other| **other == Some(value)).count();
            let mut expect: Vec<&str> = values.iter().map(String::as_str).collect();
            expect.sort_unstable();
            expect.dedup();
            let (learner, slots) = learnt(&all);
            let places = learner.finish_in_order();
            for (slot, value) in slots.iter().zip(&all) {
                prop_assert_eq!(places.code(*slot), expect.iter().position(|other| Some(*other) == *value).unwrap() as i32);
            }
            expect.sort_by_key(|value| Reverse(counts(value)));
            let (learner, slots) = learnt(&all);
            let codes = learner.finish();
            for (slot, value) in slots.iter().zip(&all) {
                prop_assert_eq!(codes.code(*slot), 3 + expect.iter().position(|other| Some(*other) == *value).unwrap() as i32);
            }
        }
    }

    fn learnt(values: &[Option<&str>]) -> (Learner, Vec<Slot>) {
        let marks: Vec<Mark> =
            (0..values.len() as i64).map(|row| Mark(fold(row) << 1 | u8::from(row % 3 == 0))).collect();
        let learner = Learner::new();
        let slots = values
            .chunks(4)
            .zip(marks.chunks(4))
            .flat_map(|(values, marks)| learner.learn(&Utf8ViewArray::from_slice(values), marks))
            .collect();
        (learner, slots)
    }

    #[test]
    fn codes_go_by_count_and_then_by_value() {
        let mut values = vec![None, Some("seldom"), Some("a value that is longer than a view holds")];
        values.extend([Some("b"); 5]);
        values.extend([Some("a"); 5]);
        values.extend([Some("often"); 6]);
        values.extend([Some("four"); 4]);
        let (learner, slots) = learnt(&values);
        let vocabulary = learner.finish();
        let expect = |value: Option<&str>| match value {
            None => 1,
            Some("often") => 3,
            Some("a") => 4,
            Some("b") => 5,
            Some(_) => 2,
        };
        let codes: Vec<i32> = slots.iter().map(|&slot| vocabulary.code(slot)).collect();
        assert_eq!(codes, values.iter().map(|&value| expect(value)).collect::<Vec<_>>());
        assert!(slots.iter().all(|&slot| vocabulary.has(slot)) && !vocabulary.has(NULL_SLOT - 1));
    }

    #[test]
    fn tallies_are_of_the_other_folds() {
        let (learner, slots) = learnt(&[Some("x"); 10]);
        let vocabulary = learner.finish();
        // Rows 0, 3, 6 and 9 have the label; rows 0 and 5 are in fold 0.
        assert_eq!(vocabulary.tally(slots[0]).outside(0), (3, 8));
        assert_eq!(vocabulary.tally(slots[0]).outside(4), (3, 8));
        assert_eq!(vocabulary.tally(slots[0]).outside(2), (4, 8));
        let (learner, slots) = learnt(&[None, Some("x"), None]);
        let vocabulary = learner.finish();
        assert_eq!(vocabulary.tally(slots[0]).outside(0), (0, 1));
    }

    #[test]
    fn values_have_places_in_their_order() {
        let values = ["GB", "DE", "FR", "DE"].map(Some);
        let (learner, slots) = learnt(&values);
        let vocabulary = learner.finish_in_order();
        assert_eq!(slots.iter().map(|&slot| vocabulary.code(slot)).collect::<Vec<_>>(), [2, 0, 1, 0]);
    }
}
