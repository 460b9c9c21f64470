//! The model of how the rate grows with the order of the system.

use measure::LinearFit;

/// R(N) = R∞·N/(N + N½): the time of the work of third order plus that of second order (R. Hockney, C. Jesshope,
/// "Parallel Computers", 1981, for the form).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fit {
    /// The rate of infinite order.
    pub(super) infinite: f64,
    /// The order at which half of it is reached.
    pub(super) half: f64,
}

impl Fit {
    /// The least-squares fit of N/R = N/R∞ + N½/R∞ in relative errors; `None` where the points do not determine it.
    pub(super) fn of(points: &[(f64, f64)]) -> Option<Fit> {
        let points: Vec<(f64, f64)> = points.iter().map(|&(order, rate)| (order, order / rate)).collect();
        let line = LinearFit::relative(&points)?;
        let fit = Fit { infinite: line.slope.recip(), half: line.intercept / line.slope };
        (line.slope > 0.0 && fit.infinite.is_finite() && fit.half.is_finite()).then_some(fit)
    }

    pub(super) fn rate(&self, order: f64) -> f64 {
        // Measured points can lie so that half is slightly negative; a larger system is not slower by this model.
        self.infinite * order / (order + self.half.max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn too_few_or_useless_points_give_no_fit() {
        let check = |points: &[(f64, f64)]| assert_eq!(Fit::of(points), None, "{points:?}");
        check(&[]);
        check(&[(100.0, 1e9)]);
        check(&[(100.0, 1e9), (100.0, 2e9)]);
        check(&[(100.0, f64::NAN), (200.0, 1e9)]);
        check(&[(100.0, 1e9), (200.0, 4e9)]);
    }

    proptest! {
        #[test]
        fn a_law_is_found_again(infinite in 1e9_f64..1e13, half in 1.0_f64..20_000.0) {
            let law = Fit { infinite, half };
            let points: Vec<_> = [1000.0, 2000.0, 3000.0, 5000.0].map(|n| (n, law.rate(n))).to_vec();
            let fit = Fit::of(&points).unwrap();
            prop_assert!((fit.infinite / infinite - 1.0).abs() < 1e-9);
            prop_assert!((fit.rate(4e5) / law.rate(4e5) - 1.0).abs() < 1e-9);
        }
    }
}
