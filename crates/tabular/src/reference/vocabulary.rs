//! t05 `categorify`, t06 `hashed_cross` and t07 `target_encode`: what counts the values of text columns.

use std::collections::{BTreeSet, HashMap};

use super::numbers;
use super::source::Source;
use crate::cells::Cells;
use crate::error::Error;

/// What a null gets.
const NULL: i64 = 1;
/// What a rare value gets.
const RARE: i64 = 2;
/// A value that is seen less often is rare.
const OFTEN: u64 = 5;

pub(super) fn categorify(source: &Source) -> Result<Vec<Cells>, Error> {
    let cells = |name| Ok(Cells::Int(codes(source, name)?.into_iter().map(Some).collect()));
    ["c1", "c2", "c3", "c4", "device"].into_iter().map(cells).collect()
}

pub(super) fn hashed_cross(source: &Source) -> Result<Vec<Cells>, Error> {
    let (c1, c2) = (codes(source, "c1")?, codes(source, "c2")?);
    let (device, country) = (codes(source, "device")?, country_positions(source)?);
    let mut columns: Vec<Cells> = [(&c1, &c2), (&c2, &device), (&c1, &country)]
        .map(|(a, b)| Cells::Int(a.iter().zip(b).map(|(&a, &b)| Some(cross(a, b))).collect()))
        .into();
    let z = numbers::z_scores(source)?;
    for i in 0..z.len() {
        for j in i + 1..z.len() {
            columns.push(Cells::F64(z[i].iter().zip(&z[j]).map(|(a, b)| Some(a * b)).collect()));
        }
    }
    Ok(columns)
}

fn cross(a: i64, b: i64) -> i64 {
    (a * 1_000_003 + b * 10_007 + 17) % 2_147_483_647 % 1_048_576
}

/// Something kept for each value of a column.
#[derive(Debug, Default)]
struct ByValue<T> {
    places: HashMap<String, usize>,
    kept: Vec<T>,
}

impl<T: Default> ByValue<T> {
    /// What is kept for a value; new values begin with the default.
    fn of(&mut self, value: &str) -> &mut T {
        let place = self.places.get(value).copied().unwrap_or_else(|| {
            self.places.insert(value.to_owned(), self.kept.len());
            self.kept.push(T::default());
            self.kept.len() - 1
        });
        &mut self.kept[place]
    }
}

/// The code of the value in each row, from the counts in all rows.
fn codes(source: &Source, name: &'static str) -> Result<Vec<i64>, Error> {
    let mut counts = ByValue::<u64>::default();
    source.whole().each(&[name], |cells, at| {
        if let Some(value) = cells[0].text(at) {
            *counts.of(value) += 1;
        }
    })?;
    let counted = counts.places.into_iter().map(|(value, place)| (value, counts.kept[place]));
    let mut often: Vec<(String, u64)> = counted.filter(|&(_, count)| count >= OFTEN).collect();
    often.sort_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| a.cmp(b)));
    let codes: HashMap<String, i64> = often.into_iter().map(|(value, _)| value).zip(RARE + 1..).collect();
    let mut column = Vec::with_capacity(source.rows());
    source.each(&[name], |cells, at| {
        column.push(cells[0].text(at).map_or(NULL, |value| codes.get(value).copied().unwrap_or(RARE)));
    })?;
    Ok(column)
}

/// The place of the country in each row among all that occur, sorted, from 0.
fn country_positions(source: &Source) -> Result<Vec<i64>, Error> {
    let mut present = BTreeSet::new();
    source.whole().each(&["country"], |cells, at| {
        if let Some(country) = cells[0].text(at).filter(|&c| !present.contains(c)) {
            present.insert(country.to_owned());
        }
    })?;
    let positions: HashMap<String, i64> = present.into_iter().zip(0..).collect();
    let mut column = Vec::with_capacity(source.rows());
    source.each(&["country"], |cells, at| column.extend(cells[0].text(at).and_then(|c| positions.get(c))))?;
    Ok(column)
}

/// Sum and count of labels in each fold.
type Folds = [(i64, i64); 5];

pub(super) fn target_encode(source: &Source) -> Result<Vec<Cells>, Error> {
    ["c2", "c3", "c4", "country"].into_iter().map(|name| encoded(source, name)).collect()
}

fn encoded(source: &Source, name: &'static str) -> Result<Cells, Error> {
    let mut all = Folds::default();
    let mut nulls = Folds::default();
    let mut values = ByValue::<Folds>::default();
    source.whole().each(&["row_id", "label", name], |cells, at| {
        let fold = fold(cells[0].int(at));
        let label = cells[1].int(at).unwrap_or(0);
        let of_value = cells[2].text(at).map_or(&mut nulls, |value| values.of(value));
        for folds in [of_value, &mut all] {
            folds[fold].0 += label;
            folds[fold].1 += 1;
        }
    })?;
    let mut column = Vec::with_capacity(source.rows());
    source.each(&["row_id", name], |cells, at| {
        let fold = fold(cells[0].int(at));
        let (all_sum, all_count) = others(&all, fold);
        let m = if all_count == 0 { 0.0 } else { all_sum as f64 / all_count as f64 };
        let (sum, count) = others(cells[1].text(at).map_or(&nulls, |value| values.of(value)), fold);
        column.push(Some((sum as f64 + 20.0 * m) / (count + 20) as f64));
    })?;
    Ok(Cells::F64(column))
}

#[expect(clippy::cast_possible_truncation, reason = "0 to 4")]
fn fold(row_id: Option<i64>) -> usize {
    row_id.unwrap_or(0).rem_euclid(5) as usize
}

/// Sum and count in the folds other than one.
fn others(folds: &Folds, fold: usize) -> (i64, i64) {
    let others = folds.iter().enumerate().filter(|&(other, _)| other != fold);
    others.fold((0, 0), |(sum, count), (_, &(s, n))| (sum + s, count + n))
}
