//! The straight line through points, by least squares.

/// y = `intercept` + `slope`·x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearFit {
    /// The mean of y, weighted as the fit is.
    pub mean: f64,
    /// y at x = 0.
    pub intercept: f64,
    /// What y grows by for each unit of x.
    pub slope: f64,
}

impl LinearFit {
    /// The line from which points (x, y) lie least far; `None` where they do not determine one.
    #[must_use]
    pub fn ordinary(points: &[(f64, f64)]) -> Option<LinearFit> {
        weighted(points, |_| 1.0)
    }

    /// The line from which they lie least far as a share of y: each point counts by its relative error.
    #[must_use]
    pub fn relative(points: &[(f64, f64)]) -> Option<LinearFit> {
        weighted(points, relative_weight)
    }

    /// The same among the lines through the origin.
    #[must_use]
    pub fn relative_through_origin(points: &[(f64, f64)]) -> Option<LinearFit> {
        let sum = |of: fn(f64, f64) -> f64| points.iter().map(|&(x, y)| relative_weight(y) * of(x, y)).sum::<f64>();
        let slope = sum(|x, y| x * y) / sum(|x, _| x * x);
        let mean = sum(|_, y| y) / sum(|_, _| 1.0);
        slope.is_finite().then_some(LinearFit { mean, intercept: 0.0, slope })
    }
}

fn relative_weight(y: f64) -> f64 {
    y.recip().powi(2)
}

/// Sums around the means, which lose no digits where all x are large.
fn weighted(points: &[(f64, f64)], weight: impl Fn(f64) -> f64) -> Option<LinearFit> {
    let sum = |of: &dyn Fn(f64, f64) -> f64| points.iter().map(|&(x, y)| weight(y) * of(x, y)).sum::<f64>();
    let total = sum(&|_, _| 1.0);
    let (center, mean) = (sum(&|x, _| x) / total, sum(&|_, y| y) / total);
    let spread = sum(&|x, _| (x - center) * (x - center));
    let slope = sum(&|x, y| (x - center) * (y - mean)) / spread;
    let fit = LinearFit { mean, intercept: mean - slope * center, slope };
    // Values of x that differ by rounding alone, or by nothing, have no line.
    let apart = spread > f64::EPSILON * sum(&|x, _| x * x);
    (apart && slope.is_finite() && fit.intercept.is_finite()).then_some(fit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_by_hand() {
        let check = |fit: Option<LinearFit>, expect: (f64, f64, f64)| {
            let fit = fit.unwrap();
            for (found, expect) in [(fit.mean, expect.0), (fit.intercept, expect.1), (fit.slope, expect.2)] {
                assert!((found - expect).abs() < 1e-12, "{fit:?}");
            }
        };
        check(LinearFit::ordinary(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]), (3.0, 1.0, 2.0));
        check(LinearFit::ordinary(&[(0.0, 0.0), (1.0, 3.0), (2.0, 3.0)]), (2.0, 0.5, 1.5));
        // Weights 1 and 1/4: ȳ = (1 + 2/4)/(5/4).
        check(LinearFit::relative(&[(1.0, 1.0), (2.0, 2.0)]), (1.2, 0.0, 1.0));
        check(LinearFit::relative_through_origin(&[(1.0, 2.0), (2.0, 4.0)]), (2.4, 0.0, 2.0));
    }

    #[test]
    fn points_that_determine_no_line() {
        let check = |points: &[(f64, f64)]| {
            assert_eq!((LinearFit::ordinary(points), LinearFit::relative(points)), (None, None), "{points:?}");
        };
        check(&[]);
        check(&[(3.0, 1.0)]);
        check(&[(0.1, 1.0), (0.1, 2.0), (0.1, 4.0)]);
        check(&[(1.0, f64::NAN), (2.0, 1.0)]);
        check(&[(f64::INFINITY, 1.0), (2.0, 1.0)]);
        assert_eq!(LinearFit::relative_through_origin(&[]), None);
    }

    proptest! {
        #[test]
        fn a_line_is_found_again_far_from_the_origin(intercept in 1.0_f64..1e3, slope in 0.1_f64..1e3) {
            let points = [1e6, 1e6 + 1.0, 1e6 + 7.0].map(|x| (x, intercept + slope * x));
            for fit in [LinearFit::ordinary(&points), LinearFit::relative(&points)] {
                prop_assert!((fit.unwrap().slope / slope - 1.0).abs() < 1e-6, "{fit:?}");
            }
        }
    }
}
