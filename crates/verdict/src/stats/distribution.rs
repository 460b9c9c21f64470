//! The distributions, by statrs.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// P(T ≤ x) of Student's t. Without a spread, x is ±∞ or NaN (0/0), which tells nothing: one half.
#[must_use]
pub fn t_below(x: f64, degrees_of_freedom: f64) -> f64 {
    if x.is_nan() {
        return 0.5;
    }
    // Degrees of freedom are positive here, the only thing that `new` could refuse.
    StudentsT::new(0.0, 1.0, degrees_of_freedom).map_or(0.5, |t| t.cdf(x))
}

/// The `share` quantile of Student's t, 0 < share < 1; infinite without degrees of freedom.
#[must_use]
pub fn t_quantile(share: f64, degrees_of_freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, degrees_of_freedom).map_or(f64::INFINITY, |t| t.inverse_cdf(share))
}

/// The `share` quantile of the standard normal distribution, 0 < share < 1.
#[must_use]
pub fn normal_quantile(share: f64) -> f64 {
    Normal::standard().inverse_cdf(share)
}

/// P(Z ≤ x) of the standard normal distribution.
#[must_use]
pub fn normal_below(x: f64) -> f64 {
    Normal::standard().cdf(x)
}

/// P(F ≥ x) of the F distribution; one half where a degree of freedom is missing.
#[must_use]
pub fn f_above(x: f64, above: f64, below: f64) -> f64 {
    statrs::distribution::FisherSnedecor::new(above, below).map_or(0.5, |f| f.sf(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expect: f64) {
        assert!((found - expect).abs() < 6e-4, "{found}, expected {expect}");
    }

    #[test]
    fn points_are_those_of_printed_tables() {
        close(t_quantile(0.95, 4.0), 2.1318);
        close(t_quantile(0.975, 8.0), 2.3060);
        close(t_quantile(0.05, 1.0), -6.3138);
        close(t_below(2.1318, 4.0), 0.95);
        close(normal_quantile(0.975), 1.95996);
        close(normal_below(-1.6449), 0.05);
        close(f_above(3.438, 8.0, 8.0), 0.05);
    }

    #[test]
    fn what_has_no_spread_is_certain_or_says_nothing() {
        close(t_below(f64::NEG_INFINITY, 8.0), 0.0);
        close(t_below(f64::INFINITY, 8.0), 1.0);
        close(t_below(f64::NAN, 8.0), 0.5);
        close(t_below(1.0, 0.0), 0.5);
        assert!(t_quantile(0.95, 0.0).is_infinite());
    }
}
