//! Checks of matrix products: by a random vector, and by compensated sums on a random row.

use crate::Error;
use crate::blas::View;
use crate::matrix::uniform;

/// Columns of the random row that are summed with compensation, at most.
const COLUMNS: usize = 256;

/// Rounding errors are compared with bounds that hold for any order of summation and for elements up to this.
const LARGEST: f64 = 0.5;

/// The relative error of one rounding.
const ROUNDOFF: f64 = f64::EPSILON / 2.0;

/// That C = A·B, for elements of A and B in [−0.5, 0.5].
///
/// First C·x against A·(B·x) for a random vector of ±1 (R. Freivalds, "Probabilistic machines can use less running
/// time", IFIP 1977): any wrong element that exceeds the rounding errors shows with a chance of one half or more, the
/// more the larger it is. Then the elements of one random row, each against a sum of twice the precision.
///
/// # Errors
///
/// [`Error::Wrong`] with the place and the size of the difference.
pub fn product(seed: u64, a: View<'_>, b: View<'_>, c: View<'_>) -> Result<(), Error> {
    let (rows, cols, inner) = (a.rows(), b.cols(), a.cols());
    if rows == 0 || cols == 0 {
        return Ok(());
    }
    let sign = |j: usize| if uniform(seed, j, 0) < 0.0 { -1.0 } else { 1.0 };
    let x: Vec<f64> = (0..cols).map(sign).collect();
    let expect = times(a, &times(b, &x));
    let found = times(c, &x);
    let size = (inner * cols) as f64 * LARGEST * LARGEST;
    let bound = 2.0 * (inner + cols) as f64 * ROUNDOFF * size;
    for (row, (expect, found)) in expect.iter().zip(&found).enumerate() {
        let difference = (expect - found).abs();
        if difference.is_nan() || difference > bound {
            return Err(Error::Wrong(format!(
                "row {row} of the product is off by {difference:.2e} in Freivalds' check (bound {bound:.2e})"
            )));
        }
    }
    random_row(seed, a, b, c)
}

fn random_row(seed: u64, a: View<'_>, b: View<'_>, c: View<'_>) -> Result<(), Error> {
    let (rows, cols, inner) = (a.rows(), b.cols(), a.cols());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number in 0..rows")]
    let row = ((uniform(seed, 0, 1) + 0.5) * rows as f64) as usize;
    let elements: Vec<f64> = (0..inner).map(|k| a.column(k)[row]).collect();
    let bound = 2.0 * inner as f64 * ROUNDOFF * (inner as f64 * LARGEST * LARGEST);
    for j in (0..cols).step_by(cols.div_ceil(COLUMNS)) {
        let difference = (dot(&elements, b.column(j)) - c.column(j)[row]).abs();
        if difference.is_nan() || difference > bound {
            return Err(Error::Wrong(format!(
                "element ({row}, {j}) of the product is off by {difference:.2e} (bound {bound:.2e})"
            )));
        }
    }
    Ok(())
}

/// A·x.
fn times(a: View<'_>, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; a.rows()];
    for (j, &factor) in x.iter().enumerate() {
        for (y, element) in y.iter_mut().zip(a.column(j)) {
            *y = element.mul_add(factor, *y);
        }
    }
    y
}

/// The scalar product as if in twice the precision (T. Ogita, S. Rump, S. Oishi, "Accurate sum and dot product", SIAM J.
/// Sci. Comput. 26 (2005), algorithm Dot2 with a fused multiply-add).
fn dot(x: &[f64], y: &[f64]) -> f64 {
    let (mut sum, mut error) = (0.0_f64, 0.0_f64);
    for (&x, &y) in x.iter().zip(y) {
        let product = x * y;
        let next = sum + product;
        let part = next - sum;
        error += x.mul_add(y, -product) + ((sum - (next - part)) + (product - part));
        sum = next;
    }
    sum + error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blas::{Blas, ViewMut};

    #[test]
    fn a_compensated_sum_keeps_what_cancels() {
        let check = |x: &[f64], y: &[f64], expect: f64| assert_eq!(dot(x, y).to_bits(), expect.to_bits());
        check(&[1e20, 1.0, -1e20], &[1.0, 1.0, 1.0], 1.0);
        check(&[1.0 + f64::EPSILON, -1.0], &[1.0 - f64::EPSILON, 1.0], -f64::EPSILON * f64::EPSILON);
        check(&[], &[], 0.0);
    }

    /// Whether a product passes whose element (i, j) is off by `by`.
    fn passes(rows: usize, cols: usize, inner: usize, wrong: Option<(usize, usize, f64)>) -> bool {
        let a: Vec<f64> = (0..rows * inner).map(|at| uniform(1, at % rows, at / rows)).collect();
        let b: Vec<f64> = (0..inner * cols).map(|at| uniform(2, at % inner, at / inner)).collect();
        let mut c = vec![f64::NAN; rows * cols];
        let (a, b) = (View::new(&a, rows, inner, rows), View::new(&b, inner, cols, inner));
        (Blas::load().unwrap().gemm)(1.0, a, b, 0.0, ViewMut::new(&mut c, rows, cols, rows));
        if let Some((i, j, by)) = wrong {
            c[j * rows + i] += by;
        }
        product(7, a, b, View::new(&c, rows, cols, rows)).is_ok()
    }

    #[test]
    fn right_products_pass_and_disturbed_ones_do_not() {
        for (rows, cols, inner) in [(1, 1, 1), (3, 500, 64), (500, 3, 64), (257, 129, 1000), (300, 300, 2)] {
            assert!(passes(rows, cols, inner, None), "{rows}×{cols}×{inner}");
            let (i, j) = (rows / 2, cols / 2);
            for by in [1e-6, -1.0, f64::NAN, f64::INFINITY] {
                assert!(!passes(rows, cols, inner, Some((i, j, by))), "{rows}×{cols}×{inner} off by {by}");
            }
        }
    }
}
