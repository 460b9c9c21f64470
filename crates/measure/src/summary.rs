//! The summary of a series of samples. All samples are kept beside it; it is never best-of alone.

/// Median, spread and extremes of the valid samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// How many valid samples there are.
    pub n: usize,
    /// The median; of an even number, the mean of the middle two.
    pub median: f64,
    /// Median absolute deviation from the median, unscaled.
    pub mad: f64,
    /// The smallest sample.
    pub min: f64,
    /// The largest sample.
    pub max: f64,
}

impl Summary {
    /// The summary of finite values; `None` where there are none, or where one is not finite.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Summary> {
        if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let center = median_of_sorted(&sorted);
        let mut deviations: Vec<f64> = sorted.iter().map(|value| (value - center).abs()).collect();
        deviations.sort_by(f64::total_cmp);
        let (min, max) = (sorted[0], sorted[sorted.len() - 1]);
        Some(Summary { n: sorted.len(), median: center, mad: median_of_sorted(&deviations), min, max })
    }
}

/// The median; of an even number the mean of the middle two; `None` of nothing.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    (!sorted.is_empty()).then(|| median_of_sorted(&sorted))
}

fn median_of_sorted(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(values: &[f64], expect: Option<(f64, f64)>) {
        assert_eq!(Summary::of(values).map(|s| (s.median, s.mad)), expect, "{values:?}");
    }

    #[test]
    fn median_and_mad() {
        check(&[], None);
        check(&[1.0, f64::NAN], None);
        check(&[5.0], Some((5.0, 0.0)));
        check(&[1.0, 2.0, 100.0], Some((2.0, 1.0)));
        check(&[4.0, 1.0, 3.0, 2.0], Some((2.5, 1.0)));
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_extremes_hold(mut values in prop::collection::vec(-1e12_f64..1e12, 1..60)) {
            let summary = Summary::of(&values).unwrap();
            values.reverse();
            prop_assert_eq!(Summary::of(&values), Some(summary));
            prop_assert!(summary.min <= summary.median && summary.median <= summary.max);
            prop_assert!(summary.mad >= 0.0 && summary.mad <= summary.max - summary.min);
        }
    }
}
