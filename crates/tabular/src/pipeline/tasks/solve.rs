//! t08, t09 and t10 for a bucket: its records from all scans, and the results by the groups that they go back to.

use polars_core::prelude::Int64Type;

use super::Work;
use super::files::{all, records};
use super::merge::vocabulary;
use super::parts::encode;
use super::plan::Kind;
use crate::Error;
use crate::pipeline::global_stats::COUNTRY;
use crate::transforms::columns::numbers;
use crate::transforms::keyed::{DoesNotFit, Keyed, Words, place};
use crate::transforms::lags::Lags;
use crate::transforms::rank::Ranks;
use crate::transforms::window::Hours;

/// A result with its place.
#[derive(Clone, Copy)]
struct Placed<R> {
    place: i64,
    result: R,
}

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

/// Solves a bucket of users.
pub(super) fn users(work: &Work, bucket: usize) -> Result<u64, Error> {
    solve::<Lags>(work, Kind::T08, bucket, |_, _| Ok(()))
}

/// Solves a bucket of items.
pub(super) fn items(work: &Work, bucket: usize) -> Result<u64, Error> {
    solve::<Hours>(work, Kind::T09, bucket, |_, _| Ok(()))
}

/// Solves a bucket of countries and days. Each scan has slots of its own, which become the places of the countries.
pub(super) fn days(work: &Work, bucket: usize) -> Result<u64, Error> {
    solve::<Ranks>(work, Kind::T10, bucket, |scan, records| {
        let countries = vocabulary(work, COUNTRY, scan)?;
        for record in records {
            let slot = record.country();
            if !countries.has(slot) {
                return Err(work.reader(all(Kind::Merge, 1 + COUNTRY))?.senseless());
            }
            record.set_country(countries.code(slot));
        }
        Ok(())
    })
}

/// Solves a bucket; `prepare` gets the records of each scan.
fn solve<K: Keyed>(
    work: &Work,
    kind: Kind,
    bucket: usize,
    prepare: impl Fn(usize, &mut [K::In]) -> Result<(), Error>,
) -> Result<u64, Error> {
    let groups = &work.plan.groups;
    let mut found: Vec<Vec<K::In>> = Vec::with_capacity(groups.len());
    for file in (0..groups.len()).filter_map(|scan| records(scan, kind)) {
        let mut of_scan: Vec<K::In> = work.reader(file)?.records(bucket)?;
        prepare(file.part, &mut of_scan)?;
        found.push(of_scan);
    }
    let mut records = found.concat();
    drop(found);
    let mut results: Vec<Vec<Placed<K::Out>>> = groups.iter().map(|_| Vec::new()).collect();
    let solved = K::solve(&mut records, |at, result| {
        results[work.plan.group_of(at)].push(Placed { place: at as i64, result });
    });
    solved.or_else(|wrong| Err(of_row(wrong, work)?))?;
    let mut writer = work.writer(all(kind, bucket), groups.len())?;
    let mut bytes = Vec::new();
    for (group, results) in results.iter().enumerate() {
        bytes.clear();
        encode(results, &mut bytes);
        writer.add(group, &bytes)?;
    }
    work.finish(writer)?;
    Ok(records.len() as u64)
}

/// The error, with the id of the row that is at its place.
fn of_row(wrong: DoesNotFit, work: &Work) -> Result<Error, Error> {
    let pieces = work.pieces(work.plan.group_of(wrong.place))?;
    let piece = pieces.iter().rfind(|piece| piece.start <= wrong.place).unwrap_or(&pieces[0]);
    let chunk = piece.read(&["row_id"])?;
    Ok(wrong.of_row(numbers::<Int64Type>(&chunk.frame, "row_id")?.values[wrong.place - piece.start]))
}

/// The results of a group from all buckets, by place.
pub(super) fn results<R: Words + Default>(work: &Work, kind: Kind, group: usize) -> Result<Vec<R>, Error> {
    let planned = &work.plan.groups[group];
    let mut by_place = vec![R::default(); planned.rows];
    for bucket in 0..work.plan.buckets {
        let reader = work.reader(all(kind, bucket))?;
        let of_bucket: Vec<Placed<R>> = reader.records(group)?;
        for record in of_bucket {
            let at = place(record.place).checked_sub(planned.start).and_then(|at| by_place.get_mut(at));
            *at.ok_or_else(|| reader.senseless())? = record.result;
        }
    }
    Ok(by_place)
}
