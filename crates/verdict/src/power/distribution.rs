//! Distributions as points with weights, by Simpson's rule: means over them are sums.

use std::f64::consts::FRAC_PI_2;

use statrs::function::gamma::ln_gamma;

/// Even numbers of intervals; the tests hold the moments to 10⁻⁵ with them.
const CHI_INTERVALS: u32 = 48;
const BETA_INTERVALS: u32 = 32;

/// Weights and points.
#[derive(Clone, Debug, Default)]
pub(super) struct Distribution(Vec<(f64, f64)>);

impl Distribution {
    /// Of f(x).
    pub(super) fn map(&self, f: impl Fn(f64) -> f64) -> Distribution {
        Distribution(self.0.iter().map(|(weight, x)| (*weight, f(*x))).collect())
    }

    /// The mixture of the distributions f(x).
    pub(super) fn flat_map(&self, f: impl Fn(f64) -> Distribution) -> Distribution {
        let of_point = |(outer, x): &(f64, f64)| {
            let outer = *outer;
            f(*x).0.into_iter().map(move |(weight, y)| (outer * weight, y))
        };
        Distribution(self.0.iter().flat_map(of_point).collect())
    }

    /// The mean of f(x); 0 of an empty distribution.
    pub(super) fn mean(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.0.iter().map(|(weight, x)| weight * f(*x)).sum()
    }
}

/// χ² with `freedom` degrees. In w = √q, whose density is smooth and about normal.
pub(super) fn chi_square(degrees_of_freedom: f64) -> Distribution {
    let centre = (degrees_of_freedom - 0.5).max(0.0).sqrt();
    let log_scale = (1.0 - degrees_of_freedom / 2.0) * 2.0_f64.ln() - ln_gamma(degrees_of_freedom / 2.0);
    simpson((centre - 5.0).max(0.0), centre + 5.0, CHI_INTERVALS, |w| {
        let density = (log_scale + power_of(w, degrees_of_freedom - 1.0) - w * w / 2.0).exp();
        (density, w * w)
    })
}

/// Beta(a, b). In x = sin²φ, where the density has no poles for a, b ≥ 1/2.
pub(super) fn beta(a: f64, b: f64) -> Distribution {
    // The density is about normal in φ with a standard deviation of 1/(2√(a + b)).
    let centre = (a / (a + b)).sqrt().asin();
    let width = 6.0 / (2.0 * (a + b).sqrt());
    let (low, high) = ((centre - width).max(0.0), (centre + width).min(FRAC_PI_2));
    let log_scale = 2.0_f64.ln() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b);
    simpson(low, high, BETA_INTERVALS, |angle| {
        let (sine, cosine) = angle.sin_cos();
        let density = (log_scale + power_of(sine, 2.0 * a - 1.0) + power_of(cosine, 2.0 * b - 1.0)).exp();
        (density, sine * sine)
    })
}

/// ln(base^power), with 0⁰ = 1.
fn power_of(base: f64, power: f64) -> f64 {
    if power == 0.0 { 0.0 } else { power * base.ln() }
}

/// The points of a density between `low` and `high`; `density` gives it with the point that it belongs to.
fn simpson(low: f64, high: f64, intervals: u32, density: impl Fn(f64) -> (f64, f64)) -> Distribution {
    let step = (high - low) / f64::from(intervals);
    let factor = |i: u32| match i {
        0 => 1.0,
        i if i == intervals => 1.0,
        i if i % 2 == 1 => 4.0,
        _ => 2.0,
    };
    let point = |i: u32| {
        let (density, x) = density(low + step * f64::from(i));
        (factor(i) * density * step / 3.0, x)
    };
    // Points without weight cost time, and their x may be on the edge of what is defined.
    Distribution((0..=intervals).map(point).filter(|(weight, _)| *weight > 1e-12).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(distribution: &Distribution, mean: f64) {
        assert!((distribution.mean(|_| 1.0) - 1.0).abs() < 1e-5, "{}", distribution.mean(|_| 1.0));
        let found = distribution.mean(|x| x);
        assert!((found - mean).abs() < 1e-5 * mean.max(1.0), "{found}, expected {mean}");
    }

    #[test]
    fn moments_of_chi_square() {
        for degrees_of_freedom in [1.0, 2.0, 3.0, 4.0, 9.0, 40.0, 500.0, 1998.0] {
            check(&chi_square(degrees_of_freedom), degrees_of_freedom);
        }
    }

    #[test]
    fn moments_of_beta() {
        for (a, b) in [(0.5, 0.5), (1.0, 1.0), (1.0, 4.5), (4.5, 4.5), (500.0, 499.5)] {
            check(&beta(a, b), a / (a + b));
        }
    }
}
