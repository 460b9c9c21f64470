//! Reads a group of pieces once: its statistics, the values of its text columns, and the records of t08, t09 and t10.
//!
//! Whatever the number of threads, values are met in the order of the rows, so that the same task always gives a value the
//! same slot: others may have read the files of an earlier start.

use std::ops::Range;

use polars_core::prelude::*;

use super::files::{Holds, scanned};
use super::id_sums::IdSums;
use super::parts::{WORD, Writer, encode};
use super::{Work, at_once, map};
use crate::Error;
use crate::pipeline::chunk::Chunk;
use crate::pipeline::exchange::Dealt;
use crate::pipeline::global_stats::{COUNTRY, SLOTS, text_column};
use crate::pipeline::input::Piece;
use crate::pipeline::scan::SCANNED;
use crate::transforms::columns::{full, numbers, texts};
use crate::transforms::keyed::{Keyed, Words};
use crate::transforms::lags::Lags;
use crate::transforms::normalise::{self, Moments};
use crate::transforms::quantile::{self, Histograms};
use crate::transforms::rank::{GroupEvent, Ranks};
use crate::transforms::vocabulary::{self, Learner, Mark, Slot, Tally};
use crate::transforms::window::Hours;

/// The sections of statistics: moments; rows, tally and sums of ids; the histograms; words and texts of each vocabulary.
pub(super) const MOMENTS: usize = 0;
pub(super) const TOTALS: usize = 1;
pub(super) const HISTOGRAMS: usize = 2;
pub(super) const VALUES: usize = HISTOGRAMS + quantile::COLUMNS;
const SECTIONS: usize = VALUES + 2 * SLOTS.len();

/// The section of a piece's slots of a column.
pub(super) fn slots_section(piece: usize, column: usize) -> usize {
    piece * SLOTS.len() + column
}

pub(super) fn run(work: &Work, part: usize) -> Result<u64, Error> {
    let pieces = work.pieces(part)?;
    let mut scan = Scan::new(work, part, pieces.len())?;
    for (number, pieces) in pieces.chunks(at_once()).enumerate() {
        work.has_read(pieces.iter().map(|piece| piece.bytes(&SCANNED)).sum());
        scan.add(map(pieces, read)?, number * at_once())?;
    }
    scan.finish(part)?;
    Ok(pieces.iter().map(|piece| piece.rows as u64).sum())
}

/// A piece, with what is known of it alone.
struct Read {
    chunk: Chunk,
    marks: Vec<Mark>,
    moments: Vec<[Moments; normalise::COLUMNS]>,
}

fn read(piece: &Piece) -> Result<Read, Error> {
    let chunk = piece.read(&SCANNED)?;
    let (marks, moments) = (vocabulary::marks(&chunk.frame)?, normalise::observe(&chunk.frame)?);
    Ok(Read { chunk, marks, moments })
}

/// What is known of the pieces until now, and the files.
struct Scan<'a> {
    work: &'a Work,
    learners: Vec<Learner>,
    /// Of the countries that were met.
    hashes: Vec<Vec<u64>>,
    histograms: Histograms,
    moments: Vec<u8>,
    tally: Tally,
    ids: IdSums,
    slots: Writer,
    users: Writer,
    items: Writer,
    days: Writer,
}

impl<'a> Scan<'a> {
    fn new(work: &'a Work, part: usize, pieces: usize) -> Result<Scan<'a>, Error> {
        let buckets = work.plan.buckets;
        let records = |holds: Holds| work.writer(scanned(part, holds), buckets);
        Ok(Scan {
            work,
            learners: SLOTS.iter().map(|_| Learner::new()).collect(),
            hashes: Vec::new(),
            histograms: Histograms::new(),
            moments: Vec::new(),
            tally: Tally::default(),
            ids: IdSums::default(),
            slots: work.writer(scanned(part, Holds::Slots), slots_section(pieces, 0))?,
            users: records(Holds::Users)?,
            items: records(Holds::Items)?,
            days: records(Holds::Days)?,
        })
    }

    /// Adds pieces, the first of which has this number.
    fn add(&mut self, mut reads: Vec<Read>, first: usize) -> Result<(), Error> {
        let mut slots = self.learn(&reads)?;
        for (index, read) in reads.iter_mut().enumerate() {
            for (column, slots) in slots.iter().enumerate() {
                let mut bytes = Vec::with_capacity(slots[index].len() * size_of::<Slot>());
                for slot in &slots[index] {
                    bytes.extend_from_slice(&slot.to_le_bytes());
                }
                self.slots.add(slots_section(first + index, column), &bytes)?;
            }
            let countries = std::mem::take(&mut slots[COUNTRY][index]);
            read.chunk.add(&[full::<UInt32Type>(SLOTS[COUNTRY], countries)])?;
            let frame = &read.chunk.frame;
            self.histograms.observe(frame)?;
            for moments in &read.moments {
                encode(moments, &mut self.moments);
            }
            self.tally = vocabulary::total([self.tally, vocabulary::tally(&read.marks)]);
            self.ids.add(numbers::<Int64Type>(frame, "row_id")?.values, read.chunk.start, self.work.plan.rows);
        }
        drop(slots);
        self.send(&reads)
    }

    /// The slots of each row, by column and piece.
    fn learn(&self, reads: &[Read]) -> Result<Vec<Vec<Vec<Slot>>>, Error> {
        let columns: Vec<usize> = (0..SLOTS.len()).collect();
        map(&columns, |&column| {
            let learnt = |read: &Read| {
                Ok(self.learners[column].learn(texts(&read.chunk.frame, text_column(column))?, &read.marks))
            };
            reads.iter().map(learnt).collect()
        })
    }

    /// Sends the records to the buckets of their keys.
    fn send(&mut self, reads: &[Read]) -> Result<(), Error> {
        self.learners[COUNTRY].add_hashes(&mut self.hashes);
        let (buckets, hashes) = (self.work.plan.buckets, &self.hashes);
        // Slots differ from scan to scan, and a country must have the same bucket in all of them.
        let day = |record: &GroupEvent| {
            let (shard, place) = vocabulary::parts(record.country());
            hashes[shard][place].cast_signed().wrapping_add(record.day())
        };
        for blocks in map(reads, |read| Blocks::of::<Lags>(&read.chunk, buckets, Lags::key))? {
            blocks.write(&mut self.users)?;
        }
        for blocks in map(reads, |read| Blocks::of::<Hours>(&read.chunk, buckets, Hours::key))? {
            blocks.write(&mut self.items)?;
        }
        for blocks in map(reads, |read| Blocks::of::<Ranks>(&read.chunk, buckets, day))? {
            blocks.write(&mut self.days)?;
        }
        Ok(())
    }

    fn finish(self, part: usize) -> Result<(), Error> {
        let mut statistics = self.work.writer(scanned(part, Holds::Statistics), SECTIONS)?;
        statistics.add(MOMENTS, &self.moments)?;
        statistics.add_words(TOTALS, &[&self.tally.0[..], &self.ids.words()].concat())?;
        for column in 0..quantile::COLUMNS {
            let counts: Vec<u64> = self.histograms.counts(column).flat_map(<[u64; 2]>::from).collect();
            statistics.add_words(HISTOGRAMS + column, &counts)?;
        }
        for (column, learner) in self.learners.into_iter().enumerate() {
            let (words, texts) = learner.into_part();
            statistics.add_words(VALUES + 2 * column, &words)?;
            statistics.add(VALUES + 2 * column + 1, &texts)?;
        }
        for writer in [self.users, self.items, self.days, self.slots, statistics] {
            self.work.finish(writer)?;
        }
        Ok(())
    }
}

/// The records of a piece as bytes, by bucket.
struct Blocks {
    bytes: Vec<u8>,
    buckets: Vec<Range<usize>>,
}

impl Blocks {
    fn of<K: Keyed>(chunk: &Chunk, buckets: usize, key: impl Fn(&K::In) -> i64) -> Result<Blocks, Error> {
        let records = K::records(&chunk.frame, chunk.start)?;
        let mut bytes = Vec::with_capacity(records.len() * K::In::WORDS * WORD);
        let dealt = Dealt::new(records, buckets, key);
        let block = |bucket| {
            let first = bytes.len();
            encode(dealt.part(bucket), &mut bytes);
            first..bytes.len()
        };
        let buckets = (0..buckets).map(block).collect();
        debug_assert!(bytes.len().is_multiple_of(WORD), "records are words");
        Ok(Blocks { bytes, buckets })
    }

    fn write(self, writer: &mut Writer) -> Result<(), Error> {
        writer.add_blocks(&self.bytes, self.buckets.into_iter().enumerate())
    }
}
