//! The quantiles of t10: the values around them of each group, and the limits by those of all groups.

use super::files::all;
use super::merge::sought;
use super::plan::Kind;
use super::{Work, at_once, map};
use crate::Error;
use crate::pipeline::input::Piece;
use crate::transforms::quantile::{self, Limits};

/// The columns that are read.
const NAMES: [&str; quantile::COLUMNS] = ["f1", "f2", "f3"];

/// Reads the values around the quantiles of a group.
pub(super) fn run(work: &Work, part: usize) -> Result<u64, Error> {
    let (pieces, sought) = (work.pieces(part)?, sought(work)?);
    let collect = |piece: &Piece| {
        let chunk = piece.read(&NAMES)?;
        let of_column = |column: usize| Ok(sought[column].collect(&chunk.frame, column)?);
        (0..quantile::COLUMNS).map(of_column).collect::<Result<Vec<Vec<f64>>, Error>>()
    };
    let mut writer = work.writer(all(Kind::Quantiles, part), quantile::COLUMNS)?;
    for pieces in pieces.chunks(at_once()) {
        work.has_read(pieces.iter().map(|piece| piece.bytes(&NAMES)).sum());
        for found in map(pieces, collect)? {
            for (column, values) in found.iter().enumerate() {
                let words: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
                writer.add_words(column, &words)?;
            }
        }
    }
    work.finish(writer)?;
    Ok(pieces.iter().map(|piece| piece.rows as u64).sum())
}

/// Finds the limits of each column.
pub(super) fn limits(work: &Work) -> Result<u64, Error> {
    let sought = sought(work)?;
    let mut writer = work.writer(all(Kind::Limits, 0), quantile::COLUMNS)?;
    for (column, sought) in sought.iter().enumerate() {
        let mut values = Vec::new();
        for group in 0..work.plan.groups.len() {
            let found = work.reader(all(Kind::Quantiles, group))?.section_words(column)?;
            values.extend(found.into_iter().map(f64::from_bits));
        }
        // A column without values has none.
        let limits = sought.limits(values).map_or_else(Vec::new, |limits| limits.map(f64::to_bits).to_vec());
        writer.add_words(column, &limits)?;
    }
    work.finish(writer)?;
    Ok(work.plan.rows)
}

/// The limits of each column.
pub(super) fn read_limits(work: &Work) -> Result<[Option<Limits>; quantile::COLUMNS], Error> {
    let reader = work.reader(all(Kind::Limits, 0))?;
    let mut limits = [None; quantile::COLUMNS];
    for (column, limits) in limits.iter_mut().enumerate() {
        let words: Vec<f64> = reader.section_words(column)?.into_iter().map(f64::from_bits).collect();
        if !words.is_empty() {
            *limits = Some(words.try_into().map_err(|_| reader.senseless())?);
        }
    }
    Ok(limits)
}
