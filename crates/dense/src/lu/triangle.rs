//! The solution with a small unit lower triangle, for many right-hand sides.
//!
//! Libraries solve the innermost blocks of their `trsm` element by element. Here a block of right-hand sides is turned,
//! so that a vector register holds one row of several of them and every step is a vector operation.

use crate::blas::{View, ViewMut};

/// Rows of the largest triangle.
pub(super) const ROWS: usize = 32;
/// Right-hand sides that are solved together: enough chains to hide the latency of a multiply-add.
const SIDES: usize = 32;
/// Rows and columns of the tiles that are turned in registers.
const TILE: usize = 4;

/// B ← L⁻¹·B with L the unit lower triangle of a square matrix of at most [`ROWS`] rows.
///
/// # Panics
///
/// If L is larger, or B not as high.
pub(super) fn solve(l: View<'_>, mut b: ViewMut<'_>) {
    let negated = negated_rows(l);
    let mut sides = [[0.0; SIDES]; ROWS];
    for first in (0..b.cols()).step_by(SIDES) {
        let width = SIDES.min(b.cols() - first);
        for tile in (0..width).step_by(TILE) {
            let mut columns = [[0.0; ROWS]; TILE];
            for (j, column) in columns.iter_mut().enumerate().take(width - tile) {
                column[..l.rows()].copy_from_slice(b.column(first + tile + j));
            }
            turn_in(&columns, &mut sides, tile);
        }
        substitute(&negated, &mut sides);
        for tile in (0..width).step_by(TILE) {
            let columns = turn_out(&sides, tile);
            for (j, column) in columns.iter().enumerate().take(width - tile) {
                b.column(first + tile + j).copy_from_slice(&column[..l.rows()]);
            }
        }
    }
}

/// The rows of −L, without its diagonal; zeros elsewhere.
fn negated_rows(l: View<'_>) -> [[f64; ROWS]; ROWS] {
    let mut rows = [[0.0; ROWS]; ROWS];
    for j in 0..l.cols() {
        for (row, element) in rows.iter_mut().zip(l.column(j)).skip(j + 1) {
            row[j] = -element;
        }
    }
    rows
}

/// Each row less what the rows above it contribute.
fn substitute(negated: &[[f64; ROWS]; ROWS], sides: &mut [[f64; SIDES]; ROWS]) {
    for (i, factors) in negated.iter().enumerate().skip(1) {
        let (solved, rest) = sides.split_at_mut(i);
        let mut row = rest[0];
        for (above, factor) in solved.iter().zip(factors) {
            for (element, above) in row.iter_mut().zip(above) {
                *element = factor.mul_add(*above, *element);
            }
        }
        rest[0] = row;
    }
}

fn turn_in(columns: &[[f64; ROWS]; TILE], sides: &mut [[f64; SIDES]; ROWS], first: usize) {
    for (i, row) in sides.iter_mut().enumerate() {
        let part: [f64; TILE] = std::array::from_fn(|j| columns[j][i]);
        row[first..first + TILE].copy_from_slice(&part);
    }
}

fn turn_out(sides: &[[f64; SIDES]; ROWS], first: usize) -> [[f64; ROWS]; TILE] {
    let mut columns = [[0.0; ROWS]; TILE];
    for (i, row) in sides.iter().enumerate() {
        for (j, column) in columns.iter_mut().enumerate() {
            column[i] = row[first + j];
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::uniform;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn l_times_the_solution_is_the_right_hand_side(
            rows in 1..=ROWS, cols in 0_usize..80, pad in 0_usize..5, seed in 0_u64..99
        ) {
            let ld = rows + pad;
            // What lies on and above the diagonal is not looked at.
            let lower: Vec<f64> = (0..rows * ld)
                .map(|at| if at % ld > at / ld { uniform(seed, at % ld, at / ld) } else { f64::NAN })
                .collect();
            let b: Vec<f64> = (0..cols * ld).map(|at| uniform(seed + 1, at % ld, at / ld)).collect();
            let mut x = b.clone();
            solve(View::new(&lower, rows, rows, ld), ViewMut::new(&mut x, rows, cols, ld));
            for (at, b) in b.iter().enumerate() {
                let (i, j) = (at % ld, at / ld);
                if i >= rows {
                    prop_assert_eq!(x[at].to_bits(), b.to_bits(), "a row outside of B was written");
                    continue;
                }
                let product: f64 = (0..i).map(|k| lower[k * ld + i] * x[j * ld + k]).sum::<f64>() + x[at];
                let scale: f64 = (0..i).map(|k| (lower[k * ld + i] * x[j * ld + k]).abs()).sum::<f64>() + 1.0;
                prop_assert!((product - b).abs() <= 1e-13 * scale, "({i}, {j}): {product} for {b}");
            }
        }
    }

    #[test]
    fn what_is_not_a_number_stays_in_its_column() {
        let lower = [0.0, 0.5, 0.0, 0.0];
        let mut b = [f64::NAN, 1.0, 2.0, 3.0];
        solve(View::new(&lower, 2, 2, 2), ViewMut::new(&mut b, 2, 2, 2));
        assert!(b[0].is_nan() && b[1].is_nan());
        assert_eq!(b[2..], [2.0, 2.0]);
    }
}
