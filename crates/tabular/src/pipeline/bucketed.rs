//! Bounded memory: rows are read row group by row group, and what needs all rows of a key together goes to disk by key and
//! comes back by place.
//!
//! `scan` reads everything once: counts and moments of all rows, and the records of t08, t09 and t10 to their exchanges.
//! `quantiles` reads three columns again. `t08`, `t09` and `t10` solve their exchanges bucket by bucket. `rows` reads
//! everything a second time, adds what follows from a row, fetches the results of its places, and saves. Memory holds
//! some row groups and buckets a thread, and the vocabularies.

use std::path::Path;

use polars_core::runtime::RAYON;
use rayon::prelude::*;

use super::chunk::Chunk;
use super::exchange::Dealt;
use super::known::{Dimensions, Known};
use super::output::Output;
use super::phases::Phases;
use super::scan::{Piece, limits, pieces, scan};
use super::spill::Spill;
use crate::schema::Table;
use crate::transforms::keyed::{Keyed, place};
use crate::transforms::lags::Lags;
use crate::transforms::rank::Ranks;
use crate::transforms::window::Hours;
use crate::{Dataset, Error};

/// Records that a bucket is wanted to hold.
const RECORDS_A_BUCKET: usize = 500_000;
/// Most buckets of an exchange: the files of three are open at a time.
const MOST_BUCKETS: usize = 256;
/// Row groups that are fetched and saved together, and most of such groups: the files of one exchange are open at a time.
const PIECES_A_GROUP: usize = 4;
const MOST_GROUPS: usize = 512;

/// Row groups that follow one another.
struct Group<'a> {
    pieces: &'a [Piece<'a>],
    start: usize,
    rows: usize,
}

/// The exchanges on their way to the buckets, or back to the groups.
struct Exchanges<const A: usize, const B: usize, const C: usize> {
    lags: Spill<A>,
    hours: Spill<B>,
    ranks: Spill<C>,
}

impl Exchanges<5, 5, 4> {
    fn create(folder: &Path, pieces: &[Piece]) -> Result<Self, Error> {
        let rows: usize = pieces.iter().map(|piece| piece.within.1).sum();
        let buckets = (rows / RECORDS_A_BUCKET).next_power_of_two().min(MOST_BUCKETS);
        Ok(Exchanges {
            lags: Spill::create(folder, "t08", buckets)?,
            hours: Spill::create(folder, "t09", buckets)?,
            ranks: Spill::create(folder, "t10", buckets)?,
        })
    }

    /// Sends a chunk's records to their buckets.
    fn send(&self, chunk: &Chunk) -> Result<(), Error> {
        send::<5, 4, Lags>(chunk, &self.lags)?;
        send::<5, 3, Hours>(chunk, &self.hours)?;
        send::<4, 1, Ranks>(chunk, &self.ranks)
    }
}

pub(super) fn run(data: &Dataset, output: Output, phases: &mut Phases) -> Result<(), Error> {
    let pieces = pieces(data)?;
    let groups = groups(&pieces);
    let bytes = data.bytes(Table::Events);
    let folder = output.folder();
    let there = Exchanges::create(folder, &pieces)?;
    let scanned = phases.time("scan", || Ok((scan(&pieces, |chunk| there.send(&chunk))?, bytes)))?;
    let limits = phases.time("quantiles", || Ok((limits(&pieces, &scanned.sought)?, bytes)))?;
    let back = Exchanges {
        lags: phases.time("t08", || solve::<5, 4, 5, Lags>(&there.lags, folder, "t08-back", &groups))?,
        hours: phases.time("t09", || solve::<5, 3, 4, Hours>(&there.hours, folder, "t09-back", &groups))?,
        ranks: phases.time("t10", || solve::<4, 1, 2, Ranks>(&there.ranks, folder, "t10-back", &groups))?,
    };
    let known = scanned.known(Dimensions::read(data)?, limits);
    phases.time("rows", || {
        let one = |(index, group): (usize, &Group)| save(index, group, &known, &back, &output);
        let written = RAYON.install(|| groups.par_iter().enumerate().map(one).try_reduce(|| 0, |a, b| Ok(a + b)))?;
        Ok(((), written))
    })?;
    phases.time("save.sync", || Ok(((), output.finish()?)))
}

fn groups<'a>(pieces: &'a [Piece<'a>]) -> Vec<Group<'a>> {
    let size = pieces.len().div_ceil(MOST_GROUPS).max(PIECES_A_GROUP);
    let group = |pieces: &'a [Piece<'a>]| {
        let rows = pieces.iter().map(|piece| piece.within.1).sum();
        Group { pieces, start: pieces[0].start, rows }
    };
    pieces.chunks(size).map(group).collect()
}

fn send<const IN: usize, const OUT: usize, K: Keyed<IN, OUT>>(chunk: &Chunk, spill: &Spill<IN>) -> Result<(), Error> {
    let dealt = Dealt::new(&K::records(&chunk.frame, chunk.start)?, spill.len());
    (0..spill.len()).try_for_each(|bucket| spill.add(bucket, dealt.part(bucket)))
}

/// Solves a transformation bucket by bucket; the results go to files by group, with their places.
fn solve<const IN: usize, const OUT: usize, const BACK: usize, K: Keyed<IN, OUT>>(
    there: &Spill<IN>,
    folder: &Path,
    name: &str,
    groups: &[Group],
) -> Result<(Spill<BACK>, u64), Error> {
    let back = Spill::<BACK>::create(folder, name, groups.len())?;
    let one = |bucket: usize| -> Result<u64, Error> {
        let mut records = there.take(bucket)?;
        let bytes = (records.len() * (size_of::<[i64; IN]>() + size_of::<[i64; BACK]>())) as u64;
        let mut results: Vec<Vec<[i64; BACK]>> = groups.iter().map(|_| Vec::new()).collect();
        K::solve(&mut records, |at, result| {
            let group = groups.partition_point(|group| group.start <= at) - 1;
            let mut back = [at as i64; BACK];
            back[1..].copy_from_slice(&result);
            results[group].push(back);
        });
        results.iter().enumerate().try_for_each(|(group, results)| back.add(group, results))?;
        Ok(bytes)
    };
    let bytes = RAYON.install(|| (0..there.len()).into_par_iter().map(one).try_reduce(|| 0, |a, b| Ok(a + b)))?;
    Ok((back, bytes))
}

/// Transforms and saves a group as a file of its own.
fn save(index: usize, group: &Group, known: &Known, back: &Exchanges<5, 4, 2>, output: &Output) -> Result<u64, Error> {
    let lags: Vec<[i64; 4]> = fetch(&back.lags, index, group)?;
    let hours: Vec<[i64; 3]> = fetch(&back.hours, index, group)?;
    let ranks: Vec<[i64; 1]> = fetch(&back.ranks, index, group)?;
    let names: Vec<&str> =
        Table::Events.columns().iter().map(|column| column.name).filter(|&name| name != "is_mobile").collect();
    let frames = group.pieces.iter().map(|piece| {
        let mut chunk = piece.read(&names)?;
        known.add(&mut chunk)?;
        let first = piece.start - group.start;
        let rows = first..first + chunk.frame.height();
        chunk.add(&Lags::columns(&lags[rows.clone()]))?;
        chunk.add(&Hours::columns(&hours[rows.clone()]))?;
        chunk.add(&Ranks::columns(&ranks[rows]))?;
        Ok(chunk.frame)
    });
    output.write_file(index, frames)
}

/// The results of a group, by place.
fn fetch<const OUT: usize, const BACK: usize>(
    back: &Spill<BACK>,
    index: usize,
    group: &Group,
) -> Result<Vec<[i64; OUT]>, Error> {
    let mut results = vec![[0; OUT]; group.rows];
    for record in back.take(index)? {
        results[place(record[0]) - group.start].copy_from_slice(&record[1..]);
    }
    Ok(results)
}
