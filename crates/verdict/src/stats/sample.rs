//! From samples to the values of boots.

use measure::{Better, median};

/// y = ln(value), its sign turned so that more is better. The value is positive.
#[must_use]
pub fn gain(value: f64, better: Better) -> f64 {
    match better {
        Better::Higher => value.ln(),
        Better::Lower => -value.ln(),
    }
}

/// The value of a boot: the median over its repetitions of y. `None` where there is none, or where one is no positive
/// number.
///
/// The median is taken of y and not of the metric, so that a rate and its reciprocal give the same with an even number
/// of repetitions too.
#[must_use]
pub fn boot_value(repetitions: &[f64], better: Better) -> Option<f64> {
    if repetitions.iter().any(|value| !value.is_finite() || *value <= 0.0) {
        return None;
    }
    let logs: Vec<f64> = repetitions.iter().map(|value| gain(*value, better)).collect();
    median(&logs)
}

/// Number, mean and variance of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// How many values there are.
    pub n: f64,
    /// Their mean.
    pub mean: f64,
    /// Their unbiased variance, Σ(y − ȳ)²/(n − 1); 0 of one value, which has no degree of freedom.
    pub variance: f64,
}

impl Moments {
    /// Of at least one value.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Moments> {
        if values.is_empty() {
            return None;
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|y| (y - mean).powi(2)).sum();
        Some(Moments { n, mean, variance: if n > 1.0 { squares / (n - 1.0) } else { 0.0 } })
    }

    /// n − 1.
    #[must_use]
    pub fn degrees_of_freedom(&self) -> f64 {
        self.n - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_is_the_median_of_its_repetitions() {
        let check = |values: &[f64], better, expect: Option<f64>| {
            let found = boot_value(values, better);
            assert_eq!(found.map(|y| (y * 1e12).round()), expect.map(|value: f64| (value.ln() * 1e12).round()));
        };
        check(&[1.0, 9.0, 2.0], Better::Higher, Some(2.0));
        check(&[1.0, 9.0, 2.0], Better::Lower, Some(0.5));
        check(&[1.0, 4.0], Better::Higher, Some(2.0));
        check(&[], Better::Higher, None);
        check(&[1.0, 0.0], Better::Higher, None);
        check(&[1.0, f64::NAN], Better::Lower, None);
    }

    #[test]
    fn moments() {
        assert_eq!(Moments::of(&[]), None);
        assert_eq!(Moments::of(&[2.0]), Some(Moments { n: 1.0, mean: 2.0, variance: 0.0 }));
        assert_eq!(Moments::of(&[1.0, 2.0, 6.0]), Some(Moments { n: 3.0, mean: 3.0, variance: 7.0 }));
    }
}
