//! Where a large workload moved: how much of it memory bandwidth, clock, latency and storage of the same boots explain.
//!
//! An analysis of covariance (Fisher (1932), Statistical Methods for Research Workers, §49.1): within each side, how do
//! boots with more bandwidth do at the workload? That slope, times how much the bandwidth moved between the sides, is
//! what the bandwidth explains; the rest of the workload's change is unexplained. Slopes are taken within the sides only,
//! so that a change of both at once is not taken for its own proof.

use measure::{Definition, metrics};

use super::{MetricChange, Sides, Slice};
use crate::stats::{ALPHA, ConfidenceInterval, t_quantile};

/// The workloads that are made of others.
pub(super) const WORKLOADS: [&Definition; 2] = [&metrics::DENSE_HPL, &metrics::TABULAR_TIME_500GB];

/// What may explain them, with its name for people.
const CAUSES: [(&Definition, &str); 4] = [
    (&metrics::STREAM_TRIAD, "memory bandwidth"),
    (&metrics::DENSE_FMA, "clock"),
    (&metrics::STREAM_LATENCY, "memory latency"),
    (&metrics::DISK_SEQREAD_BANDWIDTH, "storage"),
];

/// Fewer degrees of freedom than this give no interval that is worth printing.
const LEAST_DEGREES_OF_FREEDOM: usize = 2;

/// A part of a change of y with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The part, in y: about a share of the metric, positive is better.
    pub gain: f64,
    /// Its 95 % interval.
    pub interval: ConfidenceInterval,
}

/// What one of the causes explains.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// What it is: `memory bandwidth`.
    pub name: &'static str,
    /// The metric that represents it.
    pub metric: &'static Definition,
    /// What it explains.
    pub share: Share,
}

/// A workload's change in parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribution {
    /// The workload's metric.
    pub workload: &'static Definition,
    /// Its whole change of y.
    pub gain: f64,
    /// What explains it.
    pub causes: Vec<Cause>,
    /// What all of them explain together.
    pub explained: Option<Share>,
    /// What stays unexplained; `None` where there are too few boots to tell.
    pub unexplained: Option<Share>,
    /// Causes that moved and were left out because there are too few boots for all of them.
    pub left_out: Vec<&'static str>,
}

/// The change of a workload in parts; `None` where it did not move, or was not measured.
#[must_use]
pub(super) fn attribute(
    workload: &'static Definition,
    rows: &[MetricChange],
    sides: &Sides<'_>,
) -> Option<Attribution> {
    let (before, after) = (&sides.before, &sides.after);
    let row = rows.iter().find(|row| row.id.is(workload)).filter(|row| row.finding.moved())?;
    // What failed more often did not move by its values.
    row.effect.filter(|effect| effect.worse_tests.hold() || effect.better_tests.hold())?;
    let mut moved: Vec<(&MetricChange, &'static Definition, &'static str)> =
        CAUSES.iter().filter_map(|(metric, name)| Some((moved_row(rows, metric)?, *metric, *name))).collect();
    moved.sort_by(|a, b| p(a.0).total_cmp(&p(b.0)));
    let boots = before.len() + after.len();
    let room = boots.saturating_sub(2 + LEAST_DEGREES_OF_FREEDOM);
    let left_out = moved.split_off(room.min(moved.len())).into_iter().map(|(_, _, name)| name).collect();
    let series: Vec<&MetricChange> = std::iter::once(row).chain(moved.iter().map(|(row, ..)| *row)).collect();
    let fit = Fit::of(&table(before, &series), &table(after, &series));
    let causes = fit.iter().flat_map(|fit| {
        moved.iter().enumerate().map(|(k, (_, metric, name))| Cause { name, metric, share: fit.cause(k) })
    });
    Some(Attribution {
        workload,
        gain: row.effect.as_ref().map_or(0.0, |effect| effect.estimate.difference),
        causes: causes.collect(),
        explained: fit.as_ref().map(Fit::explained),
        unexplained: fit.as_ref().map(Fit::unexplained),
        left_out,
    })
}

/// The row of a cause that moved on its own evidence: what stood still explains nothing.
fn moved_row<'a>(rows: &'a [MetricChange], metric: &Definition) -> Option<&'a MetricChange> {
    rows.iter().find(|row| row.id.is(metric)).filter(|row| p(row) <= ALPHA / 2.0)
}

/// The smaller p value of the two directions.
fn p(row: &MetricChange) -> f64 {
    row.effect.as_ref().map_or(1.0, |effect| effect.worse_tests.t.raw.min(effect.better_tests.t.raw))
}

/// y of several series in every boot that has all of them, a line for each boot.
fn table(boots: &Slice<'_>, series: &[&MetricChange]) -> Vec<Vec<f64>> {
    let columns: Vec<Vec<Option<f64>>> = series.iter().map(|row| boots.gains(&row.id)).collect();
    (0..boots.len()).filter_map(|boot| columns.iter().map(|column| column[boot]).collect()).collect()
}

/// A regression of the first column on the others, within two sides.
struct Fit {
    slopes: Vec<f64>,
    /// How much each cause moved between the sides.
    moves: Vec<f64>,
    /// The inverse of the causes' cross products within sides.
    inverse: Vec<Vec<f64>>,
    /// What of the workload's move the slopes leave.
    rest: f64,
    variance: f64,
    /// 1/n₁ + 1/n₂.
    sizes: f64,
    degrees_of_freedom: f64,
}

impl Fit {
    /// `None` where boots are too few, or causes move in step so that they cannot be told apart.
    fn of(before: &[Vec<f64>], after: &[Vec<f64>]) -> Option<Fit> {
        let causes = before.first()?.len() - 1;
        let boots = before.len() + after.len();
        if before.len() < 2 || after.len() < 2 || boots < 2 + causes + LEAST_DEGREES_OF_FREEDOM {
            return None;
        }
        let (first, second) = (means(before), means(after));
        let moves: Vec<f64> = second.iter().zip(&first).map(|(after, before)| after - before).collect();
        let centred: Vec<Vec<f64>> = centre(before, &first).chain(centre(after, &second)).collect();
        let product = |i: usize, k: usize| centred.iter().map(|line| line[i] * line[k]).sum::<f64>();
        let squares: Vec<Vec<f64>> = (1..=causes).map(|i| (1..=causes).map(|k| product(i, k)).collect()).collect();
        let inverse = invert(squares)?;
        let slopes: Vec<f64> =
            (0..causes).map(|i| (0..causes).map(|k| inverse[i][k] * product(k + 1, 0)).sum()).collect();
        let left: f64 = product(0, 0) - (0..causes).map(|i| slopes[i] * product(i + 1, 0)).sum::<f64>();
        let degrees_of_freedom = (boots - 2 - causes) as f64;
        Some(Fit {
            rest: moves[0] - (0..causes).map(|i| slopes[i] * moves[i + 1]).sum::<f64>(),
            moves: moves[1..].to_vec(),
            slopes,
            inverse,
            variance: left.max(0.0) / degrees_of_freedom,
            sizes: 1.0 / before.len() as f64 + 1.0 / after.len() as f64,
            degrees_of_freedom,
        })
    }

    fn share(&self, gain: f64, factor: f64) -> Share {
        let half_width = t_quantile(0.975, self.degrees_of_freedom) * (self.variance * factor).sqrt();
        Share { gain, interval: ConfidenceInterval { low: gain - half_width, high: gain + half_width } }
    }

    fn cause(&self, k: usize) -> Share {
        self.share(self.slopes[k] * self.moves[k], self.moves[k].powi(2) * self.inverse[k][k])
    }

    /// Δx'(X'X)⁻¹Δx.
    fn leverage(&self) -> f64 {
        let n = self.moves.len();
        (0..n)
            .flat_map(|i| (0..n).map(move |k| (i, k)))
            .map(|(i, k)| self.moves[i] * self.inverse[i][k] * self.moves[k])
            .sum()
    }

    fn explained(&self) -> Share {
        let gain = self.slopes.iter().zip(&self.moves).map(|(slope, moved)| slope * moved).sum();
        self.share(gain, self.leverage())
    }

    fn unexplained(&self) -> Share {
        self.share(self.rest, self.sizes + self.leverage())
    }
}

fn means(lines: &[Vec<f64>]) -> Vec<f64> {
    let columns = lines.first().map_or(0, Vec::len);
    (0..columns).map(|c| lines.iter().map(|line| line[c]).sum::<f64>() / lines.len() as f64).collect()
}

fn centre<'a>(lines: &'a [Vec<f64>], means: &'a [f64]) -> impl Iterator<Item = Vec<f64>> + 'a {
    lines.iter().map(move |line| line.iter().zip(means).map(|(value, mean)| value - mean).collect())
}

/// The inverse by Gauss and Jordan with pivots; `None` where it has none.
fn invert(mut matrix: Vec<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    let n = matrix.len();
    let largest = matrix.iter().flatten().fold(0.0_f64, |max, value| max.max(value.abs()));
    for (i, row) in matrix.iter_mut().enumerate() {
        row.extend((0..n).map(|k| f64::from(u8::from(i == k))));
    }
    for column in 0..n {
        let pivot = (column..n).max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))?;
        if matrix[pivot][column].abs() <= 1e-10 * largest {
            return None;
        }
        matrix.swap(column, pivot);
        let lead = matrix[column].clone();
        for (i, row) in matrix.iter_mut().enumerate() {
            let factor = if i == column { 1.0 - 1.0 / lead[column] } else { row[column] / lead[column] };
            for (value, lead) in row.iter_mut().zip(&lead) {
                *value -= factor * lead;
            }
        }
    }
    Some(matrix.into_iter().map(|row| row[n..].to_vec()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::simulate::Random;

    #[test]
    fn an_inverse_undoes_its_matrix() {
        let matrix = vec![vec![0.0, 2.0, 1.0], vec![1.0, 0.5, 0.0], vec![3.0, 1.0, 4.0]];
        let inverse = invert(matrix.clone()).unwrap();
        for (i, row) in matrix.iter().enumerate() {
            for k in 0..3 {
                let product: f64 = row.iter().zip(&inverse).map(|(value, other)| value * other[k]).sum();
                assert!((product - f64::from(u8::from(i == k))).abs() < 1e-12);
            }
        }
        assert!(invert(vec![vec![1.0, 2.0], vec![2.0, 4.0]]).is_none());
    }

    /// A workload that follows 0.8 of the first cause and nothing of the second, and loses 1 % more.
    #[test]
    fn parts_are_found_and_their_intervals_hold_the_truth_as_often_as_they_say() {
        let mut random = Random::seed(5);
        let trials = 2000;
        let mut covered = [0; 3];
        for _ in 0..trials {
            let mut side = |shift: f64, rest: f64| -> Vec<Vec<f64>> {
                let mut boot = || {
                    let (first, second) = (shift + 0.01 * random.normal(), 0.01 * random.normal());
                    vec![0.8 * first + rest + 0.003 * random.normal(), first, second]
                };
                (0..6).map(|_| boot()).collect()
            };
            let (before, after) = (side(0.0, 0.0), side(-0.05, -0.01));
            let fit = Fit::of(&before, &after).unwrap();
            // The truth for these boots: what the first cause moved by, not what it was planned to.
            let explained = 0.8 * fit.moves[0];
            for (count, (share, truth)) in
                covered.iter_mut().zip([(fit.cause(0), explained), (fit.cause(1), 0.0), (fit.unexplained(), -0.01)])
            {
                *count += u32::from(share.interval.contains(truth));
            }
        }
        for count in covered {
            let share = f64::from(count) / f64::from(trials);
            assert!((0.935..0.965).contains(&share), "{covered:?}");
        }
    }

    #[test]
    fn too_few_boots_explain_nothing() {
        let line = |y: f64, x: f64| vec![y, x];
        let sides = [vec![line(0.0, 0.0), line(0.1, 0.2)], vec![line(1.0, 1.0), line(1.1, 0.9)]];
        assert!(Fit::of(&sides[0], &sides[1]).is_none());
        assert!(Fit::of(&[], &sides[1]).is_none());
    }
}
