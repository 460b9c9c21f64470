//! The model of how time grows with the number of rows.

use measure::LinearFit;

/// T(n) = start + row·n: what a run takes whatever its size, and what each row adds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fit {
    /// Seconds whatever the size; not below 0.
    pub(super) start: f64,
    /// Seconds that a row adds.
    pub(super) row: f64,
    /// The largest distance of a point from the line, as a share of it.
    pub(super) miss: f64,
}

impl Fit {
    /// The least-squares line in relative errors; `None` where the points do not determine one that grows.
    pub(super) fn of(points: &[(f64, f64)]) -> Option<Fit> {
        let mut line = LinearFit::relative(points)?;
        if line.intercept < 0.0 {
            // No run takes less than nothing before its first row: the line through the origin instead.
            line = LinearFit::relative_through_origin(points)?;
        }
        let LinearFit { intercept: start, slope: row, .. } = line;
        let miss = points.iter().map(|&(n, t)| (t / (start + row * n) - 1.0).abs()).fold(0.0, f64::max);
        (row > 0.0).then_some(Fit { start, row, miss })
    }

    pub(super) fn seconds(&self, rows: f64) -> f64 {
        self.start + self.row * rows
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
        check(&[(1e5, 1.0)]);
        check(&[(1e5, 1.0), (1e5, 2.0)]);
        check(&[(1e5, f64::NAN), (2e5, 2.0)]);
    }

    #[test]
    fn a_line_does_not_begin_below_nothing() {
        let fit = Fit::of(&[(1e6, 1.0), (2e6, 2.4), (4e6, 5.2)]).unwrap();
        assert!(fit.start.abs() < f64::EPSILON);
        assert!(fit.miss > 0.05 && fit.miss < 0.2, "{fit:?}");
    }

    proptest! {
        #[test]
        fn a_line_is_found_again(start in 0.01_f64..2.0, row in 1e-7_f64..1e-4) {
            let points: Vec<_> = [1e5, 2e5, 4e5].map(|n| (n, start + row * n)).to_vec();
            let fit = Fit::of(&points).unwrap();
            prop_assert!((fit.row / row - 1.0).abs() < 1e-6, "{fit:?}");
            prop_assert!(fit.miss < 1e-6, "{fit:?}");
        }
    }
}
