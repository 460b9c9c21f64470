//! t02: z-scores and min-max scaling of the floating-point columns.

use polars::prelude::*;

use super::columns::{full, numbers};

/// How many floating-point columns there are.
pub(crate) const COLUMNS: usize = 6;

/// Count, mean, sum of squared deviations, minimum and maximum of the values that are there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl Moments {
    const NONE: Moments = Moments { count: 0, mean: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };

    fn of(values: &[f64]) -> Moments {
        if values.is_empty() {
            return Moments::NONE;
        }
        let mean = sum(values, |x| x) / values.len() as f64;
        let squares = sum(values, |x| (x - mean) * (x - mean));
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Moments { count: values.len() as u64, mean, squares, min, max }
    }

    /// Of both together (Chan, Golub and `LeVeque` 1983): no difference of large sums.
    fn merge(self, other: Moments) -> Moments {
        if self.count == 0 || other.count == 0 {
            return if self.count == 0 { other } else { self };
        }
        let count = self.count + other.count;
        let share = other.count as f64 / count as f64;
        let apart = other.mean - self.mean;
        Moments {
            count,
            mean: self.mean + apart * share,
            squares: self.squares + other.squares + apart * apart * share * self.count as f64,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }

    fn scale(self) -> Scale {
        if self.count == 0 {
            return Scale { mean: 0.0, deviation: 0.0, min: 0.0, range: 0.0 };
        }
        let range = self.max - self.min;
        // Equal values have rounding in their mean, and must not be told apart by it.
        let deviation = if range == 0.0 { 0.0 } else { (self.squares / self.count as f64).sqrt() };
        Scale { mean: self.mean, deviation, min: self.min, range }
    }
}

/// Sums in eight lanes, which the compiler turns into vectors, and which keep the error of large columns small.
fn sum(values: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; 8];
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += of(x);
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|&x| of(x)).sum::<f64>()
}

/// How one column is scaled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    mean: f64,
    deviation: f64,
    min: f64,
    range: f64,
}

/// What t02 must know of all rows.
pub(crate) type Scales = [Scale; COLUMNS];

/// The moments of a chunk's columns.
pub(crate) fn observe(chunk: &DataFrame) -> PolarsResult<[Moments; COLUMNS]> {
    let mut moments = [Moments::NONE; COLUMNS];
    for (index, moments) in moments.iter_mut().enumerate() {
        *moments = Moments::of(&numbers::<Float64Type>(chunk, &format!("f{}", index + 1))?.known());
    }
    Ok(moments)
}

/// The scales by the moments of all chunks, in their order.
pub(crate) fn scales(chunks: &[[Moments; COLUMNS]]) -> Scales {
    std::array::from_fn(|index| chunks.iter().fold(Moments::NONE, |all, chunk| all.merge(chunk[index])).scale())
}

/// `f1_z` … `f6_z`, `f1_mm` … `f6_mm`.
pub(crate) fn columns(chunk: &DataFrame, scales: &Scales) -> PolarsResult<Vec<Column>> {
    let mut columns = Vec::with_capacity(2 * COLUMNS);
    let mut ranges = Vec::with_capacity(COLUMNS);
    for (index, scale) in scales.iter().enumerate() {
        let number = index + 1;
        let values = numbers::<Float64Type>(chunk, &format!("f{number}"))?.filled(scale.mean);
        columns.push(full::<Float64Type>(format!("f{number}_z"), scaled(&values, scale.mean, scale.deviation)));
        ranges.push(full::<Float64Type>(format!("f{number}_mm"), scaled(&values, scale.min, scale.range)));
    }
    columns.append(&mut ranges);
    Ok(columns)
}

fn scaled(values: &[f64], origin: f64, unit: f64) -> Vec<f64> {
    if unit == 0.0 {
        return vec![0.0; values.len()];
    }
    values.iter().map(|x| (x - origin) / unit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_values_and_none_have_no_deviation() {
        for values in [&[][..], &[0.1; 7], &[0.1]] {
            let scale = Moments::of(values).scale();
            assert_eq!((scale.deviation, scale.range), (0.0, 0.0), "{values:?}");
        }
    }

    proptest! {
        #[test]
        fn parts_have_the_moments_of_the_whole(values in prop::collection::vec(-1e3..1e3_f64, 1..200), cut in 0..200_usize) {
            let whole = Moments::of(&values);
            let (left, right) = values.split_at(cut.min(values.len()));
            let merged = Moments::of(left).merge(Moments::of(right));
            prop_assert!((merged.mean - whole.mean).abs() < 1e-10);
            prop_assert!((merged.squares - whole.squares).abs() <= 1e-9 * whole.squares.max(1.0));
            prop_assert_eq!((merged.count, merged.min, merged.max), (whole.count, whole.min, whole.max));
        }
    }
}
