//! Robust statistics of a cohort: centre and spread that a bad node does not move, and how far off is too far.

use verdict::stats::{normal_below, normal_quantile, t_quantile};

/// The chance that any sound node of a fleet is called an outlier in any criterion.
pub const LEVEL: f64 = 0.05;

/// No limit is lower: Iglewicz and Hoaglin (1993), How to Detect and Handle Outliers.
pub const LEAST_LIMIT: f64 = 3.5;

/// In fewer nodes nobody can tell which one is odd.
pub const FEWEST: usize = 8;

/// The standard deviation of a normal distribution by its MAD.
const BY_MAD: f64 = 1.4826;
/// The same by its mean absolute deviation, √(π/2).
const BY_MEAN: f64 = 1.253_314;
/// Degrees of freedom of a MAD, for each value: simulated (METHODOLOGY, "Fleets"), rounded down.
const DEGREES: f64 = 0.43;
/// A node that is to be named is named with this chance.
const POWER: f64 = 0.8;

/// Where the values of a cohort lie, and how much they scatter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Centre {
    /// How many values there are.
    pub n: usize,
    /// Their median.
    pub median: f64,
    /// Their standard deviation, estimated by the MAD.
    pub deviation: f64,
}

impl Centre {
    /// Of at least one value.
    ///
    /// The MAD is corrected for few values by the factors of Croux and Rousseeuw (1992), Computational Statistics 1, 411.
    /// Where more than half of the values are the same it is 0, and the mean absolute deviation stands in; where all are,
    /// both are, and no value is off.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Centre> {
        let median = measure::median(values)?;
        let off: Vec<f64> = values.iter().map(|value| (value - median).abs()).collect();
        let mad = measure::median(&off)?;
        let n = values.len();
        let deviation =
            if mad > 0.0 { BY_MAD * correction(n) * mad } else { BY_MEAN * off.iter().sum::<f64>() / n as f64 };
        Some(Centre { n, median, deviation })
    }

    /// How many standard deviations a value lies above the median.
    #[must_use]
    pub fn z(&self, value: f64) -> f64 {
        let off = value - self.median;
        if off == 0.0 { 0.0 } else { off / self.deviation }
    }

    /// Degrees of freedom of the deviation.
    #[must_use]
    pub fn degrees_of_freedom(&self) -> f64 {
        degrees_of_freedom(self.n)
    }

    /// How far below the median a node must lie to be named: beyond the limit and beyond the margin. A bad node takes a place
    /// among the n of which the MAD is the median, so that it is a higher quantile of the others.
    fn reach(&self, limit: f64, margin: f64) -> f64 {
        let n = (self.n as f64).max(3.0);
        let raised = normal_quantile(0.5 + 0.25 * n / (n - 1.0)) / normal_quantile(0.75);
        (limit * raised * self.deviation).max(margin)
    }

    /// The deviation of what is held against the reach: the node's own, that of the median, and that of the reach.
    fn doubt(&self, limit: f64, margin: f64) -> f64 {
        let of_median = std::f64::consts::FRAC_PI_2 / self.n as f64;
        let reach = self.reach(limit, margin);
        let of_reach =
            if reach > margin { (reach / self.deviation).powi(2) / (2.0 * self.degrees_of_freedom()) } else { 0.0 };
        self.deviation * (1.0 + of_median + of_reach).sqrt()
    }

    /// The chance that a node which is worse by this is named, in closed form: Φ((fall − reach)/doubt).
    #[must_use]
    pub fn power(&self, fall: f64, limit: f64, margin: f64) -> f64 {
        normal_below((fall - self.reach(limit, margin)) / self.doubt(limit, margin))
    }

    /// How much worse a node must be to be named with a chance of 80 %.
    #[must_use]
    pub fn detectable(&self, limit: f64, margin: f64) -> f64 {
        self.reach(limit, margin) + normal_quantile(POWER) * self.doubt(limit, margin)
    }
}

/// By how much the MAD of so many normal values is too small.
fn correction(n: usize) -> f64 {
    const FEW: [f64; 10] = [1.0, 1.0, 1.196, 1.495, 1.363, 1.206, 1.200, 1.140, 1.129, 1.107];
    FEW.get(n).copied().unwrap_or(n as f64 / (n as f64 - 0.8))
}

fn degrees_of_freedom(n: usize) -> f64 {
    DEGREES * n as f64
}

/// The level of one of so many tests: Šidák (1967), Journal of the American Statistical Association 62, 626.
pub(crate) fn level_of_one(tests: usize) -> f64 {
    // 1 − (1 − α)^(1/m), without the loss of digits.
    -((-LEVEL).ln_1p() / tests.max(1) as f64).exp_m1()
}

/// How many robust standard deviations off is too far in a cohort of `n` nodes, where `tests` figures of the fleet are held
/// against limits: Student's t, because the deviation is itself estimated, at the family-wise level, and never below 3.5.
#[must_use]
pub fn limit(n: usize, tests: usize) -> f64 {
    (-t_quantile(level_of_one(tests), degrees_of_freedom(n))).max(LEAST_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::random::SplitMix64;

    fn normal(random: &mut SplitMix64, n: usize) -> Vec<f64> {
        (0..n).map(|_| random.normal()).collect()
    }

    #[test]
    fn a_centre_is_not_moved_by_a_bad_value() {
        let check = |values: &[f64], median: f64, deviation: f64| {
            let centre = Centre::of(values).unwrap();
            assert!((centre.median - median).abs() < 1e-9 && (centre.deviation - deviation).abs() < 1e-4, "{centre:?}");
        };
        check(&[1.0, 2.0, 3.0, 4.0, 1000.0], 3.0, 1.4826 * 1.206);
        check(&[5.0; 9], 5.0, 0.0);
        // More than half the same: the mean absolute deviation.
        check(&[5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 13.0], 5.0, 1.253_314);
        check(&[2.0], 2.0, 0.0);
        assert_eq!(Centre::of(&[]), None);
        assert!(Centre::of(&[5.0; 9]).unwrap().z(5.0).abs() < 1e-12);
    }

    #[test]
    fn limits_grow_with_the_tests_and_fall_with_the_nodes() {
        let check = |n: usize, tests: usize, expect: f64| {
            let found = limit(n, tests);
            assert!((found - expect).abs() < 0.02, "{n} nodes, {tests} tests: {found}");
        };
        check(1_000_000, 1, 3.5);
        check(400, 4000, 4.32);
        check(10_000, 100_000, 4.89);
        assert!(limit(8, 80) > limit(40, 400) && limit(40, 400) > limit(400, 400));
        assert!(limit(400, 400) < limit(400, 4000));
    }

    /// How often the worst of `n` sound nodes is beyond the limit of `n` × `criteria` tests in one criterion; the family of
    /// criteria follows, because they are independent here.
    fn blamed(n: usize, criteria: usize, fleets: usize) -> f64 {
        let mut random = SplitMix64::new(27);
        let limit = limit(n, n * criteria);
        let beyond = (0..fleets).filter(|_| {
            let values = normal(&mut random, n);
            let centre = Centre::of(&values).unwrap();
            values.iter().any(|value| centre.z(*value) < -limit)
        });
        let one = beyond.count() as f64 / fleets as f64;
        1.0 - (1.0 - one).powf(criteria as f64)
    }

    #[test]
    fn the_level_holds_in_simulated_cohorts() {
        for n in [8, 9, 10, 11, 12, 15, 20, 29, 40, 100] {
            for criteria in [1, 3, 10] {
                let share = blamed(n, criteria, 20_000);
                assert!(share < 0.062, "{n} nodes, {criteria} criteria: {share}");
            }
        }
        // Not by never blaming anybody: at 3.5 alone a fleet of 40 with ten criteria would have blamed somebody far oftener.
        assert!(blamed(40, 10, 20_000) > 0.02);
    }

    #[test]
    fn the_closed_form_of_the_power_is_that_of_the_simulation() {
        let check = |n: usize, tests: usize, noise: f64, fall: f64, room: f64| {
            let mut random = SplitMix64::new(5);
            let (limit, margin, fleets) = (limit(n, tests), 0.02, 4000);
            let named = (0..fleets).filter(|_| {
                let mut values: Vec<f64> = normal(&mut random, n).iter().map(|one| one * noise).collect();
                values[0] -= fall;
                let centre = Centre::of(&values).unwrap();
                let off = values[0] - centre.median;
                off < -margin && centre.z(values[0]) < -limit
            });
            let found = named.count() as f64 / f64::from(fleets);
            let told = Centre { n, median: 0.0, deviation: noise }.power(fall, limit, margin);
            println!("{n} nodes, noise {noise}, fall {fall}: {found:.2}, told {told:.2}");
            assert!((found - told).abs() < room, "{n} nodes, noise {noise}, fall {fall}: {found}, told {told}");
        };
        check(400, 4000, 0.01, 0.06, 0.05);
        check(400, 4000, 0.03, 0.15, 0.05);
        check(400, 4000, 0.03, 0.10, 0.05);
        check(40, 400, 0.01, 0.05, 0.10);
        check(40, 400, 0.03, 0.16, 0.10);
        check(8, 80, 0.01, 0.15, 0.12);
        check(8, 80, 0.003, 0.06, 0.12);
    }
}
