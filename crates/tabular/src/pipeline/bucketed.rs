//! Bounded memory: rows are read piece by piece, and what needs all rows of a key together goes to disk by key and
//! comes back by place.
//!
//! `scan` reads everything once: counts and moments of all rows, and the records of t08, t09 and t10 to their exchanges.
//! `quantiles` reads three columns again. `t08`, `t09` and `t10` solve their exchanges bucket by bucket. `rows` reads
//! everything a second time, adds what follows from a row, fetches the results of its places, and saves. Memory holds
//! some pieces and buckets a thread, and the vocabularies.

use std::path::Path;

use polars_core::prelude::Int64Type;
use polars_core::runtime::RAYON;
use rayon::prelude::*;

use super::chunk::Chunk;
use super::exchange::Dealt;
use super::global_stats::{Dimensions, GlobalStats};
use super::input::{self, Piece};
use super::output::Output;
use super::phases::Phases;
use super::result_rows::{Known, of_piece};
use super::scan::{limits, scan};
use super::spill::Spill;
use crate::schema::Table;
use crate::transforms::columns::numbers;
use crate::transforms::keyed::{DoesNotFit, Keyed, Words, place};
use crate::transforms::lags::{Lag, Lags, UserEvent};
use crate::transforms::rank::{GroupEvent, Rank, Ranks};
use crate::transforms::window::{HourBefore, Hours, ItemEvent};
use crate::{Dataset, Error};

/// Records that a bucket is wanted to hold.
const RECORDS_A_BUCKET: usize = 500_000;
/// Most buckets of an exchange: the files of three are open at a time.
const MOST_BUCKETS: usize = 256;
/// Pieces that are fetched and saved together, and most of such groups: the files of one exchange are open at a time.
const PIECES_A_GROUP: usize = 4;
const MOST_GROUPS: usize = 512;

/// Pieces that follow one another.
struct Group<'a> {
    pieces: &'a [Piece<'a>],
    start: usize,
    rows: usize,
}

/// The exchanges on their way to the buckets of their keys.
struct ToBuckets {
    lags: Spill<UserEvent>,
    hours: Spill<ItemEvent>,
    ranks: Spill<GroupEvent>,
}

/// The results on their way from the buckets to the groups of their places.
struct FromBuckets {
    lags: Spill<Placed<Lag>>,
    hours: Spill<Placed<HourBefore>>,
    ranks: Spill<Placed<Rank>>,
}

/// A result with its place.
#[derive(Clone, Copy)]
struct Placed<R> {
    place: i64,
    result: R,
}

/// The results of a transformation by group.
type ByGroup<K> = Spill<Placed<<K as Keyed>::Out>>;

impl<R: Words> Words for Placed<R> {
    const WORDS: usize = 1 + R::WORDS;

    fn put(self, mut put: impl FnMut(usize, i64)) {
        put(0, self.place);
        self.result.put(|number, word| put(1 + number, word));
    }

    fn get(mut get: impl FnMut(usize) -> i64) -> Self {
        Placed { place: get(0), result: R::get(|number| get(1 + number)) }
    }
}

impl ToBuckets {
    fn create(folder: &Path, pieces: &[Piece]) -> Result<Self, Error> {
        let rows: usize = pieces.iter().map(|piece| piece.rows).sum();
        let buckets = (rows / RECORDS_A_BUCKET).next_power_of_two().min(MOST_BUCKETS);
        Ok(ToBuckets {
            lags: Spill::create(folder, "t08", buckets)?,
            hours: Spill::create(folder, "t09", buckets)?,
            ranks: Spill::create(folder, "t10", buckets)?,
        })
    }

    /// Sends a chunk's records to their buckets.
    fn send(&self, chunk: &Chunk) -> Result<(), Error> {
        send::<Lags>(chunk, &self.lags)?;
        send::<Hours>(chunk, &self.hours)?;
        send::<Ranks>(chunk, &self.ranks)
    }
}

pub(super) fn run(data: &Dataset, output: Output, phases: &mut Phases) -> Result<(), Error> {
    let pieces = input::pieces(data)?;
    let groups = groups(&pieces);
    let bytes = data.bytes(Table::Events);
    let folder = output.folder();
    let to_buckets = ToBuckets::create(folder, &pieces)?;
    let scanned = phases.time("scan", || Ok((scan(data, &pieces, |chunk| to_buckets.send(&chunk))?, bytes)))?;
    let limits = phases.time("quantiles", || Ok((limits(&pieces, &scanned.sought)?, bytes)))?;
    let from_buckets = FromBuckets {
        lags: phases.time("t08", || solve::<Lags>(&to_buckets.lags, folder, "t08-back", &groups))?,
        hours: phases.time("t09", || solve::<Hours>(&to_buckets.hours, folder, "t09-back", &groups))?,
        ranks: phases.time("t10", || solve::<Ranks>(&to_buckets.ranks, folder, "t10-back", &groups))?,
    };
    let stats = scanned.finish(Dimensions::read(data)?, limits);
    phases.time("rows", || {
        let one = |(index, group): (usize, &Group)| save(index, group, &stats, &from_buckets, &output);
        let written = RAYON.install(|| groups.par_iter().enumerate().map(one).try_reduce(|| 0, |a, b| Ok(a + b)))?;
        Ok(((), written))
    })?;
    phases.time("save.sync", || Ok(((), output.finish()?)))
}

fn groups<'a>(pieces: &'a [Piece<'a>]) -> Vec<Group<'a>> {
    let size = pieces.len().div_ceil(MOST_GROUPS).max(PIECES_A_GROUP);
    let group = |pieces: &'a [Piece<'a>]| {
        let rows = pieces.iter().map(|piece| piece.rows).sum();
        Group { pieces, start: pieces[0].start, rows }
    };
    pieces.chunks(size).map(group).collect()
}

fn send<K: Keyed>(chunk: &Chunk, spill: &Spill<K::In>) -> Result<(), Error> {
    let dealt = Dealt::new(&K::records(&chunk.frame, chunk.start)?, spill.len(), K::key);
    (0..spill.len()).try_for_each(|bucket| spill.add(bucket, dealt.part(bucket)))
}

/// Solves a transformation bucket by bucket; the results go to files by group, with their places.
fn solve<K: Keyed>(
    to_buckets: &Spill<K::In>,
    folder: &Path,
    name: &str,
    groups: &[Group],
) -> Result<(ByGroup<K>, u64), Error> {
    let from_buckets = Spill::create(folder, name, groups.len())?;
    let one = |bucket: usize| -> Result<u64, Error> {
        let mut records = to_buckets.take(bucket)?;
        let words = records.len() * (K::In::WORDS + Placed::<K::Out>::WORDS);
        let mut results: Vec<Vec<Placed<K::Out>>> = groups.iter().map(|_| Vec::new()).collect();
        let solved = K::solve(&mut records, |at, result| {
            results[group_of(groups, at)].push(Placed { place: at as i64, result });
        });
        solved.or_else(|wrong| Err(of_row(wrong, groups)?))?;
        results.iter().enumerate().try_for_each(|(group, results)| from_buckets.add(group, results))?;
        Ok((words * size_of::<i64>()) as u64)
    };
    let buckets = 0..to_buckets.len();
    let bytes = RAYON.install(|| buckets.into_par_iter().map(one).try_reduce(|| 0, |a, b| Ok(a + b)))?;
    Ok((from_buckets, bytes))
}

/// Which group a place is in.
fn group_of(groups: &[Group], place: usize) -> usize {
    groups.partition_point(|group| group.start <= place).saturating_sub(1)
}

/// The error, with the id of the row that is at its place.
fn of_row(wrong: DoesNotFit, groups: &[Group]) -> Result<Error, Error> {
    let pieces = groups[group_of(groups, wrong.place)].pieces;
    let piece = pieces.iter().rfind(|piece| piece.start <= wrong.place).unwrap_or(&pieces[0]);
    let chunk = piece.read(&["row_id"])?;
    Ok(wrong.of_row(numbers::<Int64Type>(&chunk.frame, "row_id")?.values[wrong.place - piece.start]))
}

/// Transforms and saves a group as a file of its own.
fn save(
    index: usize,
    group: &Group,
    stats: &GlobalStats,
    results: &FromBuckets,
    output: &Output,
) -> Result<u64, Error> {
    let lags = fetch(&results.lags, index, group)?;
    let hours = fetch(&results.hours, index, group)?;
    let ranks = fetch(&results.ranks, index, group)?;
    let frames = group.pieces.iter().map(|piece| {
        let first = piece.start - group.start;
        let rows = || first..first + piece.rows;
        let (lags, hours, ranks) = (&lags[rows()], &hours[rows()], &ranks[rows()]);
        of_piece(piece, stats, Known { lags, hours, ranks, slots: None })
    });
    output.write_file(index, frames)
}

/// The results of a group, by place.
fn fetch<R: Words + Default>(results: &Spill<Placed<R>>, index: usize, group: &Group) -> Result<Vec<R>, Error> {
    let mut by_place = vec![R::default(); group.rows];
    for record in results.take(index)? {
        by_place[place(record.place) - group.start] = record.result;
    }
    Ok(by_place)
}
