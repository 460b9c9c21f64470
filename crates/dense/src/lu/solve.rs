//! The solution of U·x = y by the team, and the check of x against the matrix, generated again.

use std::sync::{PoisonError, RwLock};

use machine::{Team, chunks};

use super::plan::Plan;
use super::schedule::Kept;

/// Writes the elements of a column of A from its first row on; the column of index N is b.
pub type Fill<'a> = &'a (dyn Fn(usize, &mut [f64]) + Sync);

/// Solves U·x = y, where U lies above the diagonal panels in `matrix` and on them in `kept`, and y is its last column.
///
/// The blocks of rows are dealt out in turn; the owner of a block solves its triangle, then all subtract its part of
/// the solution from theirs.
pub(super) fn back_substitute(team: &Team, plan: &Plan, matrix: &[f64], kept: &[Kept]) -> Vec<f64> {
    let workers = team.workers().len();
    let y = column(plan, matrix, plan.order());
    let parts: Vec<RwLock<Vec<f64>>> =
        (0..plan.panels()).map(|panel| RwLock::new(vec![0.0; plan.panel_columns(panel).len()])).collect();
    let mut owned: Vec<Vec<(usize, Vec<f64>)>> = vec![Vec::new(); workers];
    for panel in 0..plan.panels() {
        owned[panel % workers].push((panel, y[plan.panel_columns(panel)].to_vec()));
    }
    team.each(&mut owned, |member, own| {
        for panel in (0..plan.panels()).rev() {
            if own.last().is_some_and(|(last, _)| *last == panel) {
                let (_, mut part) = own.pop().expect("just looked at");
                solve_triangle(&kept[panel].upper, &mut part);
                *parts[panel].write().unwrap_or_else(PoisonError::into_inner) = part;
            }
            member.barrier();
            let x = parts[panel].read().unwrap_or_else(PoisonError::into_inner);
            for (block, y) in own.iter_mut() {
                let rows = plan.panel_columns(*block);
                let part = |j: usize| &column(plan, matrix, plan.panel_columns(panel).start + j)[rows.clone()];
                let (fours, rest) = x.as_chunks::<4>();
                for (four, factors) in fours.iter().enumerate() {
                    subtract(y, std::array::from_fn(|k| part(4 * four + k)), *factors);
                }
                for (k, &factor) in rest.iter().enumerate() {
                    subtract(y, [part(4 * fours.len() + k)], [factor]);
                }
            }
        }
    });
    parts.into_iter().flat_map(|part| part.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

/// The elements of a column of the matrix.
fn column<'a>(plan: &Plan, matrix: &'a [f64], j: usize) -> &'a [f64] {
    let group = plan.group_of(j / plan.block()).min(plan.groups() - 1);
    let start = group * plan.group_stride() + (j - plan.group_columns(group).start) * plan.ld();
    &matrix[start..][..plan.order()]
}

/// y ← y − Σ factor · column. Several columns at a time are several streams from memory, and y is written once for them.
fn subtract<const COLUMNS: usize>(y: &mut [f64], columns: [&[f64]; COLUMNS], factors: [f64; COLUMNS]) {
    let columns = columns.map(|column| &column[..y.len()]);
    for (i, y) in y.iter_mut().enumerate() {
        for (column, factor) in columns.iter().zip(factors) {
            *y = column[i].mul_add(-factor, *y);
        }
    }
}

/// Solves with a small upper triangle, stored by columns.
fn solve_triangle(upper: &[f64], y: &mut [f64]) {
    let n = y.len();
    for j in (0..n).rev() {
        let column = &upper[j * n..][..n];
        let (above, rest) = y.split_at_mut(j);
        rest[0] /= column[j];
        subtract(above, [column], [rest[0]]);
    }
}

/// The scaled residual of HPL 2.3: ‖A·x − b‖∞ / (ε·(‖A‖∞·‖x‖∞ + ‖b‖∞)·N) with ε = 2⁻⁵³, where A and b are generated
/// again; below 16 it passes. A result that is not a number stays one.
#[must_use]
pub fn residual(team: &Team, fill: Fill<'_>, x: &[f64]) -> f64 {
    /// The unit roundoff that HPL calls epsilon; Rust's `f64::EPSILON` is twice as large and would halve the result.
    const UNIT_ROUNDOFF: f64 = f64::EPSILON / 2.0;
    let n = x.len();
    let mut parts: Vec<Part> =
        chunks(n, team.workers().len(), 1).into_iter().map(|columns| Part::new(n, columns)).collect();
    team.each(&mut parts, |_, part| part.add(fill, x));
    let mut sum = Part::new(n, 0..0);
    for part in &parts {
        add(&mut sum.product, &part.product);
        add(&mut sum.rows, &part.rows);
    }
    let mut b = vec![0.0; n];
    fill(n, &mut b);
    let difference: Vec<f64> = sum.product.iter().zip(&b).map(|(product, b)| product - b).collect();
    let scale = norm(&sum.rows) * norm(x) + norm(&b);
    norm(&difference) / (UNIT_ROUNDOFF * scale * n as f64)
}

/// sum ← sum + part.
fn add(sum: &mut [f64], part: &[f64]) {
    for (sum, part) in sum.iter_mut().zip(part) {
        *sum += part;
    }
}

/// The largest magnitude; NaN if one is.
fn norm(vector: &[f64]) -> f64 {
    let larger =
        |most: f64, element: &f64| if most.is_nan() || element.is_nan() { f64::NAN } else { most.max(element.abs()) };
    vector.iter().fold(0.0, larger)
}

/// A worker's share of the check: some columns.
struct Part {
    columns: std::ops::Range<usize>,
    /// A·x over these columns.
    product: Vec<f64>,
    /// The sums of magnitudes in each row over these columns.
    rows: Vec<f64>,
}

impl Part {
    fn new(n: usize, columns: std::ops::Range<usize>) -> Self {
        Part { columns, product: vec![0.0; n], rows: vec![0.0; n] }
    }

    fn add(&mut self, fill: Fill<'_>, x: &[f64]) {
        let mut column = vec![0.0; x.len()];
        for j in self.columns.clone() {
            fill(j, &mut column);
            for ((element, product), row) in column.iter().zip(&mut self.product).zip(&mut self.rows) {
                *product += element * x[j];
                *row += element.abs();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_keep_what_is_not_a_number() {
        assert_eq!(norm(&[1.0, -3.0, 2.0]).to_bits(), 3.0_f64.to_bits());
        assert!(norm(&[1.0, f64::NAN, 5.0]).is_nan());
        assert!(norm(&[f64::NAN, 5.0]).is_nan());
    }
}
