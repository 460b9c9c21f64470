//! t02: z-scores and min-max scaling of the floating-point columns.

use polars_core::prelude::*;

use super::columns::{Values, extremes, full, numbers};
use super::keyed::Words;
use crate::Error;
use crate::schema::ROW_GROUP_ROWS;

/// How many floating-point columns there are.
pub(crate) const COLUMNS: usize = 6;
const NAMES: [&str; COLUMNS] = ["f1", "f2", "f3", "f4", "f5", "f6"];
/// Sums that are made side by side.
const LANES: usize = 8;

/// A number as a double and what the double rounds away (Dekker 1971): a mean that is large beside the deviation needs more
/// digits than one double has.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Pair {
    high: f64,
    low: f64,
}

impl Pair {
    /// With another number added, whose rounding is kept (Knuth 1969).
    fn plus(self, value: f64) -> Pair {
        let high = self.high + value;
        let added = high - self.high;
        Pair { high, low: self.low + ((self.high - (high - added)) + (value - added)) }
    }

    /// The same number in a double that is as near as one can be, and the rest.
    fn normal(self) -> Pair {
        Pair { high: self.high, low: 0.0 }.plus(self.low)
    }

    /// A part of it.
    fn divided(self, by: f64) -> Pair {
        let high = (self.high + self.low) / by;
        Pair { high, low: ((-high).mul_add(by, self.high) + self.low) / by }
    }

    /// How far it is below a value.
    fn below(self, value: f64) -> f64 {
        (value - self.high) - self.low
    }
}

/// The bits of a double as a word.
fn bits(value: f64) -> i64 {
    value.to_bits().cast_signed()
}

fn double(word: i64) -> f64 {
    f64::from_bits(word.cast_unsigned())
}

/// Count, mean, sum of squared deviations, minimum and maximum of the values that are there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    count: u64,
    mean: Pair,
    squares: f64,
    min: f64,
    max: f64,
}

impl Words for Moments {
    const WORDS: usize = 6;

    fn put(self, mut put: impl FnMut(usize, i64)) {
        put(0, self.count.cast_signed());
        let doubles = [self.mean.high, self.mean.low, self.squares, self.min, self.max];
        doubles.into_iter().enumerate().for_each(|(number, value)| put(1 + number, bits(value)));
    }

    fn get(mut get: impl FnMut(usize) -> i64) -> Moments {
        let count = get(0).cast_unsigned();
        let mut value = |number| double(get(number));
        let mean = Pair { high: value(1), low: value(2) };
        Moments { count, mean, squares: value(3), min: value(4), max: value(5) }
    }
}

impl Moments {
    const NONE: Moments = Moments {
        count: 0,
        mean: Pair { high: 0.0, low: 0.0 },
        squares: 0.0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
    };

    fn of(values: &[f64]) -> Moments {
        let Some((min, max)) = extremes(values) else { return Moments::NONE };
        let mean = sum(values).divided(values.len() as f64);
        let squares = sum_of_squares(values, mean);
        Moments { count: values.len() as u64, mean, squares, min, max }
    }

    /// Of both together (Chan, Golub and `LeVeque` 1983): no difference of large sums.
    fn merge(self, other: Moments) -> Moments {
        if self.count == 0 || other.count == 0 {
            return if self.count == 0 { other } else { self };
        }
        let count = self.count + other.count;
        let share = other.count as f64 / count as f64;
        let apart = self.mean.below(other.mean.high) + other.mean.low;
        Moments {
            count,
            mean: self.mean.plus(apart * share).normal(),
            squares: self.squares + other.squares + apart * apart * share * self.count as f64,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }

    /// How the column with this number is scaled.
    fn scale(self, index: usize) -> Result<Scale, Error> {
        if self.count == 0 {
            return Ok(Scale { mean: Pair::default(), deviation: 0.0, min: 0.0, range: 0.0 });
        }
        let range = self.max - self.min;
        // Equal values have rounding in their mean, and must not be told apart by it.
        if range == 0.0 {
            return Ok(Scale { mean: Pair { high: self.min, low: 0.0 }, deviation: 0.0, min: self.min, range });
        }
        let count = self.count as f64;
        // By the extremes and not by the sums themselves, which depend on the order of the rows.
        if !(self.min.abs().max(self.max.abs()) * count).is_finite() || !(range * range * count).is_finite() {
            return Err(Error::SumsLeaveDoubles { column: NAMES[index] });
        }
        Ok(Scale { mean: self.mean, deviation: (self.squares / count).sqrt(), min: self.min, range })
    }
}

/// Sums in eight lanes, which the compiler turns into vectors.
fn sum(values: &[f64]) -> Pair {
    let mut lanes = [Pair::default(); LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = lane.plus(x);
        }
    }
    let lanes = lanes.iter().fold(Pair::default(), |sum, lane| Pair { low: sum.low + lane.low, ..sum }.plus(lane.high));
    rest.iter().fold(lanes, |sum, &x| sum.plus(x)).normal()
}

/// The sum of the squares of what values are away from their mean.
fn sum_of_squares(values: &[f64], mean: Pair) -> f64 {
    let mut lanes = [0.0; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += mean.below(x) * mean.below(x);
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|&x| mean.below(x) * mean.below(x)).sum::<f64>()
}

/// How one column is scaled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    mean: Pair,
    deviation: f64,
    min: f64,
    range: f64,
}

impl Words for Scale {
    const WORDS: usize = 5;

    fn put(self, mut put: impl FnMut(usize, i64)) {
        let doubles = [self.mean.high, self.mean.low, self.deviation, self.min, self.range];
        doubles.into_iter().enumerate().for_each(|(number, value)| put(number, bits(value)));
    }

    fn get(mut get: impl FnMut(usize) -> i64) -> Scale {
        let mut value = |number| double(get(number));
        let mean = Pair { high: value(0), low: value(1) };
        Scale { mean, deviation: value(2), min: value(3), range: value(4) }
    }
}

/// What t02 must know of all rows.
pub(crate) type Scales = [Scale; COLUMNS];

/// The moments of a chunk's columns, for each so many rows of it: that many rows are a chunk of `phased`, and so every mode adds
/// the same numbers.
pub(crate) fn observe(chunk: &DataFrame) -> PolarsResult<Vec<[Moments; COLUMNS]>> {
    let starts = (0..chunk.height()).step_by(ROW_GROUP_ROWS);
    starts.map(|start| observe_part(&chunk.slice(start as i64, ROW_GROUP_ROWS))).collect()
}

fn observe_part(part: &DataFrame) -> PolarsResult<[Moments; COLUMNS]> {
    let mut moments = [Moments::NONE; COLUMNS];
    for (name, moments) in NAMES.iter().zip(&mut moments) {
        *moments = Moments::of(&numbers::<Float64Type>(part, name)?.known());
    }
    Ok(moments)
}

/// The scales by the moments of all chunks, in their order.
pub(crate) fn scales<'a>(parts: impl IntoIterator<Item = &'a [Moments; COLUMNS]>) -> Result<Scales, Error> {
    let mut all = [Moments::NONE; COLUMNS];
    for part in parts {
        for (all, part) in all.iter_mut().zip(part) {
            *all = all.merge(*part);
        }
    }
    let mut scales = [Scale { mean: Pair::default(), deviation: 0.0, min: 0.0, range: 0.0 }; COLUMNS];
    for (index, (scale, moments)) in scales.iter_mut().zip(all).enumerate() {
        *scale = moments.scale(index)?;
    }
    Ok(scales)
}

/// `f1_z` … `f6_z`, `f1_mm` … `f6_mm`.
pub(crate) fn columns(chunk: &DataFrame, scales: &Scales) -> PolarsResult<Vec<Column>> {
    let mut columns = Vec::with_capacity(2 * COLUMNS);
    let mut ranges = Vec::with_capacity(COLUMNS);
    for (name, scale) in NAMES.iter().zip(scales) {
        let values = numbers::<Float64Type>(chunk, name)?;
        let Scale { mean, deviation, min, range } = *scale;
        columns.push(full::<Float64Type>(format!("{name}_z"), scaled(values, |x| mean.below(x), 0.0, deviation)));
        ranges.push(full::<Float64Type>(format!("{name}_mm"), scaled(values, |x| x - min, -mean.below(min), range)));
    }
    columns.append(&mut ranges);
    Ok(columns)
}

/// Distances from an origin in a unit; a null has the distance `of_null`.
fn scaled(values: Values<f64>, distance: impl Fn(f64) -> f64, of_null: f64, unit: f64) -> Vec<f64> {
    if unit == 0.0 {
        return vec![0.0; values.values.len()];
    }
    values.map(|x, there| if there { distance(x) } else { of_null } / unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_values_and_none_have_no_deviation() {
        for values in [&[][..], &[0.1; 7], &[0.1]] {
            let scale = Moments::of(values).scale(0).unwrap();
            assert_eq!((scale.deviation, scale.range), (0.0, 0.0), "{values:?}");
        }
    }

    #[test]
    fn columns_whose_sums_leave_doubles_are_refused() {
        let check = |values: &[f64], refused: bool| {
            let scale = Moments::of(values).scale(2);
            assert_eq!(
                matches!(scale, Err(Error::SumsLeaveDoubles { column: "f3" })),
                refused,
                "{values:?}: {scale:?}"
            );
        };
        check(&[1e308, -1e308], true);
        check(&[1e308, 1e308, 1e307], true);
        check(&[1e154, -1e154], true);
        check(&[1e153, -1e153], false);
        check(&[f64::MAX, f64::MAX], false);
    }

    #[test]
    fn a_mean_that_is_large_beside_the_deviation_keeps_its_digits() {
        // The deviations are known exactly, and no double is the mean.
        let values: Vec<f64> = (0..1_000_000_u32).map(|n| 1.7e9 + f64::from(n % 3600) / 1024.0).collect();
        let exact = (0..1_000_000_u32).map(|n| f64::from(n % 3600)).sum::<f64>() / 1e6 / 1024.0;
        let parts = values.chunks(1000).map(Moments::of).fold(Moments::NONE, Moments::merge);
        for moments in [Moments::of(&values), parts] {
            let off = moments.mean.below(1.7e9) + exact;
            assert!(off.abs() < 1e-14, "{off:e}");
        }
    }

    proptest! {
        #[test]
        fn parts_have_the_moments_of_the_whole(
            values in prop::collection::vec(-1e3..1e3_f64, 1..200), cut in 0..200_usize, offset in prop::sample::select(vec![0.0, 1e9, -1e15])
        ) {
            let values: Vec<f64> = values.iter().map(|value| value + offset).collect();
            let whole = Moments::of(&values);
            let (left, right) = values.split_at(cut.min(values.len()));
            let merged = Moments::of(left).merge(Moments::of(right));
            prop_assert!((merged.mean.below(offset) - whole.mean.below(offset)).abs() < 1e-10);
            prop_assert!((merged.squares - whole.squares).abs() <= 1e-9 * whole.squares.max(1.0));
            prop_assert_eq!((merged.count, merged.min, merged.max), (whole.count, whole.min, whole.max));
        }
    }
}
