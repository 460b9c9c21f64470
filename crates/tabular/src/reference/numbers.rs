//! t01 `impute_clip_log` and t02 `normalise`.
#![expect(clippy::float_cmp, reason = "equal extremes are meant")]

use super::source::Source;
use crate::cells::Cells;
use crate::error::Error;

const INTS: [&str; 13] = ["i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8", "i9", "i10", "i11", "i12", "i13"];
pub(super) const FLOATS: [&str; 6] = ["f1", "f2", "f3", "f4", "f5", "f6"];

#[expect(clippy::cast_possible_truncation, reason = "the column is single precision")]
pub(super) fn impute_clip_log(source: &Source) -> Result<Vec<Cells>, Error> {
    let log = |value: Option<i64>| Some((1.0 + value.unwrap_or(0).clamp(0, 1 << 20) as f64).ln() as f32);
    INTS.iter().map(|name| Ok(Cells::F32(source.ints(name)?.into_iter().map(log).collect()))).collect()
}

pub(super) fn normalise(source: &Source) -> Result<Vec<Cells>, Error> {
    let mut scaled = Vec::new();
    for name in FLOATS {
        let column = Spread::of(source, name)?;
        let values = source.floats(name)?;
        scaled.push(Cells::F64(values.into_iter().map(|v| Some(column.min_max(v))).collect()));
    }
    let mut columns =
        z_scores(source)?.into_iter().map(|z| Cells::F64(z.into_iter().map(Some).collect())).collect::<Vec<_>>();
    columns.append(&mut scaled);
    Ok(columns)
}

/// `f1_z` to `f6_z`.
pub(super) fn z_scores(source: &Source) -> Result<Vec<Vec<f64>>, Error> {
    let z = |name: &&'static str| -> Result<Vec<f64>, Error> {
        let column = Spread::of(source, name)?;
        Ok(source.floats(name)?.into_iter().map(|v| column.z(v)).collect())
    };
    FLOATS.iter().map(z).collect()
}

/// Mean, population standard deviation, minimum and maximum of the values of a column that are not null.
#[derive(Debug)]
struct Spread {
    mean: Pair,
    deviation: f64,
    min: f64,
    max: f64,
}

impl Spread {
    /// Over all rows, in two passes so that nothing cancels.
    fn of(source: &Source, name: &'static str) -> Result<Self, Error> {
        let whole = source.whole();
        let (mut count, mut sum) = (0_u64, Sum::default());
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        whole.each(&[name], |cells, at| {
            if let Some(value) = cells[0].f64(at) {
                count += 1;
                sum.add(value);
                (min, max) = (min.min(value), max.max(value));
            }
        })?;
        if count == 0 || min == max {
            // Equal values deviate by nothing, whatever their rounded mean says.
            let mean = Pair { high: if count == 0 { 0.0 } else { min }, low: 0.0 };
            return Ok(Self { mean, deviation: 0.0, min, max: min });
        }
        let values = count as f64;
        // By the extremes and not by the sums themselves, which depend on the order of the rows.
        if !(min.abs().max(max.abs()) * values).is_finite() || !((max - min) * (max - min) * values).is_finite() {
            return Err(Error::SumsLeaveDoubles { column: name });
        }
        let mean = sum.mean(values);
        let mut squares = Sum::default();
        whole.each(&[name], |cells, at| {
            if let Some(value) = cells[0].f64(at) {
                squares.add(mean.below(value) * mean.below(value));
            }
        })?;
        Ok(Self { mean, deviation: (squares.total() / values).sqrt(), min, max })
    }

    fn z(&self, value: Option<f64>) -> f64 {
        if self.deviation == 0.0 { 0.0 } else { value.map_or(0.0, |value| self.mean.below(value) / self.deviation) }
    }

    fn min_max(&self, value: Option<f64>) -> f64 {
        if self.max == self.min {
            return 0.0;
        }
        value.map_or_else(|| -self.mean.below(self.min), |value| value - self.min) / (self.max - self.min)
    }
}

/// A number as a double and what the double rounds away: a mean that is large beside the deviation needs more digits than one
/// double has.
#[derive(Clone, Copy, Debug)]
struct Pair {
    high: f64,
    low: f64,
}

impl Pair {
    /// How far it is below a value.
    fn below(self, value: f64) -> f64 {
        (value - self.high) - self.low
    }
}

/// A sum that carries what rounding lost (Neumaier 1974).
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() { (self.sum - sum) + value } else { (value - sum) + self.sum };
        self.sum = sum;
    }

    fn total(self) -> f64 {
        self.sum + self.lost
    }

    /// The sum divided by the number of values, with the rest of the division.
    fn mean(self, values: f64) -> Pair {
        let high = self.total() / values;
        let rest = (-high).mul_add(values, self.sum) + self.lost;
        Pair { high, low: rest / values }
    }
}
