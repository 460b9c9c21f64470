//! The factorisation of one panel: recursive, with partial pivoting, by one worker.
//!
//! Half of the columns is factored, the other half updated with it and factored in turn, so that most of the work is in
//! matrix products (S. Toledo, "Locality of reference in LU decomposition with partial pivoting", SIAM J. Matrix Anal.
//! Appl. 18 (1997)).

use super::triangle;
use crate::blas::{Blas, View, ViewMut};

/// Columns that are factored without recursion: they fit a level-2 cache for some ten thousand rows.
const BASE: usize = 8;

/// Elements that are looked at together in the search for a pivot.
const LANES: usize = 16;

/// No pivot: the column is zero on and below the diagonal, or not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoPivot {
    /// The column, from the panel's first.
    pub(super) column: usize,
}

/// Factors the `rows` × `pivots.len()` matrix `a`, columns `ld` apart, in place: below the diagonal L, on and above U.
/// `pivots[i]` is the row that row i was exchanged with.
pub(super) fn factor(a: &mut [f64], rows: usize, ld: usize, pivots: &mut [usize], blas: &Blas) -> Result<(), NoPivot> {
    let cols = pivots.len();
    let a = &mut a[..(cols - 1) * ld + rows];
    if cols <= BASE {
        return base(a, rows, ld, pivots);
    }
    let half = (cols / 2).next_multiple_of(BASE).min(cols - 1);
    let rest = cols - half;
    let (left, right) = a.split_at_mut(half * ld);
    let (first, second) = pivots.split_at_mut(half);
    factor(left, rows, ld, first, blas)?;
    exchange(right, ld, first);
    let below = rows - half;
    let left_view = View::new(left, rows, half, ld);
    solve_lower(left_view.part((0, 0), half, half), ViewMut::new(right, half, rest, ld), blas);
    (blas.eliminate)(left_view.part((half, 0), below, half), ViewMut::new(right, rows, rest, ld));
    factor(&mut right[half..], below, ld, second, blas)
        .map_err(|NoPivot { column }| NoPivot { column: half + column })?;
    for pivot in &mut *second {
        *pivot += half;
    }
    exchange_from(left, ld, half, second);
    Ok(())
}

/// B ← L⁻¹·B with L the unit lower triangle of a square matrix: by halves, so that most of it is a matrix product, which
/// libraries form faster than they solve with a triangle.
pub(super) fn solve_lower(l: View<'_>, mut b: ViewMut<'_>, blas: &Blas) {
    let rows = l.rows();
    if rows <= triangle::ROWS {
        return triangle::solve(l, b);
    }
    let half = (rows / 2).next_multiple_of(BASE);
    solve_lower(l.part((0, 0), half, half), b.rows_from(0, half), blas);
    (blas.eliminate)(l.part((half, 0), rows - half, half), b.rows_from(0, rows));
    solve_lower(l.part((half, half), rows - half, rows - half), b.rows_from(half, rows - half), blas);
}

/// Applies exchanges of rows, the first with row `pivots[0]` and so on, to all columns.
pub(super) fn exchange(columns: &mut [f64], ld: usize, pivots: &[usize]) {
    exchange_from(columns, ld, 0, pivots);
}

fn exchange_from(columns: &mut [f64], ld: usize, first: usize, pivots: &[usize]) {
    for column in columns.chunks_mut(ld) {
        for (row, &pivot) in (first..).zip(pivots) {
            column.swap(row, pivot);
        }
    }
}

/// Few columns: one after another, each subtracted from those on its right.
fn base(a: &mut [f64], rows: usize, ld: usize, pivots: &mut [usize]) -> Result<(), NoPivot> {
    let cols = pivots.len();
    for j in 0..cols {
        let pivot = j + largest(&a[j * ld + j..j * ld + rows]).ok_or(NoPivot { column: j })?;
        pivots[j] = pivot;
        for column in a.chunks_mut(ld).take(cols) {
            column.swap(j, pivot);
        }
        let behind = ((j + 1) * ld).min(a.len());
        let (done, right) = a.split_at_mut(behind);
        let (above, below) = done[j * ld..][..rows].split_at_mut(j + 1);
        divide(below, above[j]);
        for column in right.chunks_mut(ld).take(cols - j - 1) {
            let factor = column[j];
            for (element, multiplier) in column[j + 1..rows].iter_mut().zip(&*below) {
                *element = multiplier.mul_add(-factor, *element);
            }
        }
    }
    Ok(())
}

/// Divides a column by its pivot: by one division and products, unless the inverse would overflow.
fn divide(column: &mut [f64], pivot: f64) {
    let inverse = pivot.recip();
    if inverse.is_finite() {
        for element in column {
            *element *= inverse;
        }
    } else {
        for element in column {
            *element /= pivot;
        }
    }
}

/// The place of the first element of the largest magnitude; `None` where all are zero or one is not finite.
fn largest(column: &[f64]) -> Option<usize> {
    let (chunks, rest) = column.as_chunks::<LANES>();
    let mut most = [0.0_f64; LANES];
    // 0·x is 0 for a number, and NaN for what is not finite: NaN stays in the sum.
    let mut odd = [0.0_f64; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            let magnitude = chunk[lane].abs();
            most[lane] = if magnitude > most[lane] { magnitude } else { most[lane] };
            odd[lane] += chunk[lane] * 0.0;
        }
    }
    for &element in rest {
        most[0] = most[0].max(element.abs());
        odd[0] += element * 0.0;
    }
    let most = most.into_iter().fold(0.0, f64::max);
    if most == 0.0 || odd.iter().any(|lane| lane.is_nan()) {
        return None;
    }
    let chunk = chunks.iter().position(|chunk| chunk.iter().fold(false, |found, e| found | (e.abs() >= most)));
    let start = chunk.map_or(chunks.len() * LANES, |chunk| chunk * LANES);
    column[start..].iter().position(|element| element.abs() >= most).map(|place| start + place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// P·A by the exchanges, and L·U by the definition: they must agree.
    fn check(
        rows: usize,
        cols: usize,
        ld: usize,
        element: impl Fn(usize, usize) -> f64,
    ) -> Result<Vec<usize>, NoPivot> {
        let mut a: Vec<f64> = (0..cols * ld).map(|at| element(at % ld, at / ld)).collect();
        let mut expect = a.clone();
        let mut pivots = vec![0; cols];
        factor(&mut a, rows, ld, &mut pivots, &Blas::load().unwrap())?;
        exchange(&mut expect, ld, &pivots);
        for j in 0..cols {
            for i in 0..rows {
                let upper = |k: usize| a[j * ld + k];
                let lower = |k: usize| if k == i { 1.0 } else { a[k * ld + i] };
                let product: f64 = (0..=i.min(j)).map(|k| lower(k) * upper(k)).sum();
                let error = (product - expect[j * ld + i]).abs();
                assert!(error < 1e-13 * rows as f64, "{rows}×{cols}: ({i}, {j}) is off by {error:e}");
                assert!(i <= j || a[j * ld + i].abs() <= 1.0, "a multiplier above 1");
            }
        }
        Ok(pivots)
    }

    #[test]
    fn the_pivot_is_the_first_largest() {
        let check = |column: &[f64], expect: Option<usize>| assert_eq!(largest(column), expect, "{column:?}");
        check(&[], None);
        check(&[0.0, -0.0], None);
        check(&[1.0, -3.0, 3.0], Some(1));
        check(&[1.0, f64::NAN], None);
        check(&[1.0, f64::INFINITY], None);
        let mut long = vec![0.5; 100];
        check(&long, Some(0));
        long[37] = -0.75;
        long[99] = 0.75;
        check(&long, Some(37));
        long[98] = f64::MIN_POSITIVE;
        long[97] = f64::NAN;
        check(&long, None);
    }

    #[test]
    fn a_column_of_zeros_has_no_pivot() {
        for zero in [0, 3, 20, 30] {
            let result = check(40, 31, 45, |i, j| if j == zero { 0.0 } else { crate::matrix::uniform(9, i, j) });
            assert_eq!(result, Err(NoPivot { column: zero }));
        }
    }

    #[test]
    fn a_tiny_pivot_does_not_overflow() {
        assert_eq!(check(3, 1, 3, |i, _| [1e-310, 1e-311, -1e-310][i]), Ok(vec![0]));
    }

    proptest! {
        #[test]
        fn l_times_u_is_the_permuted_matrix(cols in 1_usize..70, more in 0_usize..90, pad in 0_usize..9, seed in 0_u64..99) {
            let rows = cols + more;
            prop_assert!(check(rows, cols, rows + pad, |i, j| crate::matrix::uniform(seed, i, j)).is_ok());
        }
    }
}
