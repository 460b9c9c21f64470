//! What is known of all rows, from what the scans know of theirs, in the order of the rows: so the sums are those of any other
//! mode.

use super::Work;
use super::files::{Holds, all, scanned};
use super::id_sums::IdSums;
use super::parts::{Reader, encode};
use super::plan::{Kind, unfit};
use super::scan::{HISTOGRAMS, MOMENTS, TOTALS, VALUES};
use crate::pipeline::global_stats::{COUNTRY, ENCODED, text_column};
use crate::transforms::normalise::{self, Moments, Scale, Scales};
use crate::transforms::quantile::{self, Histograms, Sought};
use crate::transforms::target;
use crate::transforms::vocabulary::{self, FOLDS, Merged, Part, Tally, Vocabulary};
use crate::{Dataset, Error};

/// The sections of the statistics of all rows: how columns are scaled, the mean labels, where the quantiles are.
const SCALES: usize = 0;
const MEANS: usize = 1;
const SOUGHT: usize = 2;

pub(super) fn run(work: &Work, part: usize) -> Result<u64, Error> {
    match part.checked_sub(1) {
        None => statistics(work)?,
        Some(column) => values(work, column)?,
    }
    Ok(work.plan.rows)
}

/// The statistics of all rows.
fn statistics(work: &Work) -> Result<(), Error> {
    let (mut moments, mut tally, mut ids) = (Vec::new(), Tally::default(), IdSums::default());
    let mut histograms = Histograms::new();
    for scan in 0..work.plan.groups.len() {
        let reader = work.reader(scanned(scan, Holds::Statistics))?;
        let of_scan = reader.records::<Moments>(MOMENTS)?;
        let (of_scan, rest) = of_scan.as_chunks::<{ normalise::COLUMNS }>();
        let totals = reader.section_words(TOTALS)?;
        let (folds, sums) = totals.split_first_chunk::<FOLDS>().ok_or_else(|| reader.senseless())?;
        let sums: [u64; 3] = sums.try_into().map_err(|_| reader.senseless())?;
        if !rest.is_empty() {
            return Err(reader.senseless());
        }
        moments.extend_from_slice(of_scan);
        tally = vocabulary::total([tally, Tally(*folds)]);
        ids.merge(IdSums::of_words(sums));
        count(&mut histograms, &reader)?;
    }
    if !ids.are_right() {
        Dataset::open(&work.input)?.require_row_ids()?;
        return Err(unfit(&work.input, "its row ids were wrong, and are not any more: plan the work again"));
    }
    let scales = normalise::scales(&moments)?;
    let mut writer = work.writer(all(Kind::Merge, 0), SOUGHT + quantile::COLUMNS)?;
    let mut bytes = Vec::new();
    encode(&scales, &mut bytes);
    writer.add(SCALES, &bytes)?;
    writer.add_words(MEANS, &target::means(&tally).map(f64::to_bits))?;
    for (column, sought) in histograms.sought().iter().enumerate() {
        writer.add_words(SOUGHT + column, sought.places().collect::<Vec<_>>().as_flattened())?;
    }
    work.finish(writer)
}

fn count(histograms: &mut Histograms, reader: &Reader) -> Result<(), Error> {
    for column in 0..quantile::COLUMNS {
        let counts = reader.section_words(HISTOGRAMS + column)?;
        for [bucket, count] in counts.as_chunks::<2>().0 {
            histograms.add(column, *bucket, *count).ok_or_else(|| reader.senseless())?;
        }
    }
    Ok(())
}

/// The codes and counts of a column's values, for each scan those of its own.
fn values(work: &Work, column: usize) -> Result<(), Error> {
    let scans = 0..work.plan.groups.len();
    let mut merged = Merged::new();
    for scan in scans.clone() {
        let reader = work.reader(scanned(scan, Holds::Statistics))?;
        let words = reader.section_words(VALUES + 2 * column)?;
        let texts = reader.section(VALUES + 2 * column + 1)?;
        merged.add(&Part::new(&words, texts).ok_or_else(|| reader.senseless())?);
    }
    let answers = merged.finish(column == COUNTRY);
    let mut writer = work.writer(all(Kind::Merge, 1 + column), scans.len())?;
    for scan in scans {
        writer.add_words(scan, &answers.words(scan, is_encoded(column)))?;
    }
    work.finish(writer)
}

/// Whether the counts of a column's values are needed with their codes.
fn is_encoded(column: usize) -> bool {
    ENCODED.contains(&text_column(column))
}

/// The codes and counts of a column's values of a group.
pub(super) fn vocabulary(work: &Work, column: usize, group: usize) -> Result<Vocabulary, Error> {
    let reader = work.reader(all(Kind::Merge, 1 + column))?;
    let words = reader.section_words(group)?;
    Vocabulary::of_words(&words, is_encoded(column)).ok_or_else(|| reader.senseless())
}

/// How columns are scaled, and the mean label outside of each fold.
pub(super) fn scales_and_means(work: &Work) -> Result<(Scales, [f64; FOLDS]), Error> {
    let reader = work.reader(all(Kind::Merge, 0))?;
    let scales: Vec<Scale> = reader.records(SCALES)?;
    let means: Vec<f64> = reader.section_words(MEANS)?.into_iter().map(f64::from_bits).collect();
    match (scales.try_into(), means.try_into()) {
        (Ok(scales), Ok(means)) => Ok((scales, means)),
        _ => Err(reader.senseless()),
    }
}

/// Where the quantiles of each column are.
pub(super) fn sought(work: &Work) -> Result<[Sought; quantile::COLUMNS], Error> {
    let reader = work.reader(all(Kind::Merge, 0))?;
    let of_column = |column: usize| {
        let words = reader.section_words(SOUGHT + column)?;
        Sought::of_places(words.as_chunks::<2>().0).ok_or_else(|| reader.senseless())
    };
    let sought = (0..quantile::COLUMNS).map(of_column).collect::<Result<Vec<_>, Error>>()?;
    sought.try_into().map_err(|_| reader.senseless())
}
