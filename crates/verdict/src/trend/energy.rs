//! E-divisive: the one place where a series divides best, by the energy distance of its two parts. Matteson and James
//! (2014), Journal of the American Statistical Association 109, 334; the distance of Székely and Rizzo (2005), Journal of
//! Classification 22, 151, with exponent 1. It makes no assumption on the distribution.

use measure::random::SplitMix64;

/// No part is shorter: three boots are the least that say anything of a level.
pub(super) const SHORTEST: usize = 3;

/// Random orders that a division is held against, at the least.
const ORDERS: u32 = 999;

/// The seed of the random orders.
const SEED: u64 = 0x2545_f491_4f6c_dd1d;

/// The best division of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Division {
    /// Length of the first part.
    pub(super) at: usize,
    /// The p value of "the order of the boots means nothing", where that is at most the level.
    pub(super) p: Option<f64>,
}

/// Divides a series where it divides best, and tests that at `level`, which is above 0. Random orders are drawn from a
/// fixed seed. `None` of a series that is too short, or the same throughout.
pub(super) fn divide(values: &[f64], level: f64) -> Option<Division> {
    if values.len() < 2 * SHORTEST {
        return None;
    }
    let distances = Distances::of(values);
    let mut order: Vec<usize> = (0..values.len()).collect();
    let (at, observed) = distances.best(&order);
    if observed <= 0.0 {
        return None;
    }
    let orders = orders(level);
    let mut random = SplitMix64::new(SEED);
    let mut larger = 0_u32;
    for _ in 0..orders {
        shuffle(&mut order, &mut random);
        larger += u32::from(distances.best(&order).1 >= observed);
        // The p value can only grow: most series are done after a few orders.
        if f64::from(larger + 1) / f64::from(orders + 1) > level {
            return Some(Division { at, p: None });
        }
    }
    Some(Division { at, p: Some(f64::from(larger + 1) / f64::from(orders + 1)) })
}

/// So many random orders that a p value well below the level can be seen: the smallest is 1/(orders + 1).
fn orders(level: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a level is above 0; the cast saturates"
    )]
    let wanted = (2.0 / level).ceil() as u32;
    wanted.max(ORDERS)
}

/// The smallest p value that a series of this length can give: a step in its middle, at which all orders that keep the
/// halves together divide as well.
pub(super) fn smallest_p(length: usize) -> f64 {
    let half = length / 2;
    // 2 / C(n, n/2), factor by factor.
    (1..=half).fold(2.0, |p, i| p * i as f64 / (length - half + i) as f64)
}

/// |xᵢ − xₖ| for all pairs.
struct Distances {
    n: usize,
    of_pair: Vec<f64>,
}

impl Distances {
    fn of(values: &[f64]) -> Distances {
        let of_pair = values.iter().flat_map(|a| values.iter().map(move |b| (a - b).abs())).collect();
        Distances { n: values.len(), of_pair }
    }

    /// Where the series in this order divides best, and the scaled energy distance there.
    fn best(&self, order: &[usize]) -> (usize, f64) {
        let n = self.n;
        // Sums of distances within the first part, between the parts and within the second, while the border moves.
        let (mut first, mut between, mut second) = (0.0, 0.0, self.of_pair.iter().sum::<f64>() / 2.0);
        let mut best = (SHORTEST, f64::NEG_INFINITY);
        for moved in 0..n - SHORTEST {
            let row = &self.of_pair[order[moved] * n..(order[moved] + 1) * n];
            let to_first: f64 = order[..moved].iter().map(|i| row[*i]).sum();
            let to_second: f64 = order[moved + 1..].iter().map(|i| row[*i]).sum();
            first += to_first;
            second -= to_second;
            between += to_second - to_first;
            let (m, k) = ((moved + 1) as f64, (n - moved - 1) as f64);
            if moved + 1 >= SHORTEST {
                let energy = 2.0 * between / (m * k) - first / (m * (m - 1.0) / 2.0) - second / (k * (k - 1.0) / 2.0);
                let scaled = m * k / (m + k) * energy;
                if scaled > best.1 {
                    best = (moved + 1, scaled);
                }
            }
        }
        best
    }
}

/// Fisher and Yates.
fn shuffle(order: &mut [usize], random: &mut SplitMix64) {
    for i in (1..order.len()).rev() {
        order.swap(i, random.index(i + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::simulate::Random;

    #[test]
    fn a_step_is_found_at_its_place() {
        let check = |values: &[f64], expect: Option<usize>| {
            let found = divide(values, 0.05).filter(|division| division.p.is_some());
            assert_eq!(found.map(|division| division.at), expect, "{values:?}");
        };
        check(&[1.0, 1.1, 1.0, 1.1, 1.0, 5.0, 5.1, 5.0, 5.1, 5.0], Some(5));
        check(&[1.0, 1.1, 1.0, 5.1, 5.0, 5.1, 5.0, 5.0, 5.1, 5.2], Some(3));
        check(&[1.0; 12], None);
        check(&[1.0, 5.0], None);
    }

    #[test]
    fn a_step_is_found_at_the_level_of_many_metrics() {
        let mut random = Random::seed(4);
        let values: Vec<f64> = (0..30).map(|boot| f64::from(boot / 15) + 0.1 * random.normal()).collect();
        // With 999 orders, p is 0.001 at the least.
        let level = 0.05 / 200.0;
        let division = divide(&values, level).unwrap();
        assert!(division.at == 15 && division.p.unwrap() <= level, "{division:?}");
    }

    #[test]
    fn short_series_have_a_smallest_p() {
        let check = |length: usize, expect: f64| assert!((smallest_p(length) / expect - 1.0).abs() < 1e-12, "{length}");
        check(6, 2.0 / 20.0);
        check(10, 2.0 / 252.0);
        check(15, 2.0 / 6435.0);
    }

    #[test]
    fn noise_alone_is_divided_no_more_often_than_the_level_says() {
        let mut random = Random::seed(3);
        let trials = 2000;
        let found: u32 = (0..trials)
            .map(|_| {
                let values: Vec<f64> = (0..14).map(|_| random.normal()).collect();
                u32::from(divide(&values, 0.05).is_some_and(|division| division.p.is_some()))
            })
            .sum();
        // 0.1 % above 5 % of 2000.
        assert!(found <= 131, "{found} of {trials}");
    }
}
