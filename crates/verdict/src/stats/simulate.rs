//! A small simulation of hosts, for the tests: deterministic for each seed.

use measure::random::SplitMix64;

/// Random numbers as boots scatter.
pub(crate) struct Random(SplitMix64);

impl Random {
    pub(crate) fn seed(seed: u64) -> Random {
        Random(SplitMix64::new(seed))
    }

    /// Above 0 and below 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0.uniform()
    }

    /// Standard normal.
    pub(crate) fn normal(&mut self) -> f64 {
        self.0.normal()
    }

    /// Student's t with three degrees of freedom, scaled to a variance of 1.
    pub(crate) fn heavy(&mut self) -> f64 {
        let chi: f64 = (0..3).map(|_| self.normal().powi(2)).sum();
        self.normal() / (chi / 3.0).sqrt() / 3.0_f64.sqrt()
    }
}

/// Normal noise of a variance of 1 in which each boot remembers the one before it.
pub(crate) fn autoregressive(count: usize, correlation: f64, random: &mut Random) -> Vec<f64> {
    let fresh = (1.0 - correlation * correlation).sqrt();
    let mut last = random.normal();
    let mut next = || {
        let now = last;
        last = correlation * last + fresh * random.normal();
        now
    };
    (0..count).map(|_| next()).collect()
}

/// How a host's repetitions scatter: of a variance of `total`², `correlation` lies between boots and the rest within.
#[derive(Clone, Copy)]
pub(crate) struct Host {
    pub(crate) total: f64,
    pub(crate) correlation: f64,
    pub(crate) repetitions: usize,
}

impl Host {
    /// Repetitions of one boot on the scale of y, around `mean`.
    pub(crate) fn boot(&self, mean: f64, random: &mut Random) -> Vec<f64> {
        let centre = mean + self.total * self.correlation.sqrt() * random.normal();
        let within = self.total * (1.0 - self.correlation).sqrt();
        (0..self.repetitions).map(|_| centre + within * random.normal()).collect()
    }

    /// The medians of `boots` boots.
    pub(crate) fn boots(&self, boots: usize, mean: f64, random: &mut Random) -> Vec<f64> {
        (0..boots).filter_map(|_| measure::median(&self.boot(mean, random))).collect()
    }
}

#[test]
fn the_simulation_has_the_moments_that_it_says() {
    let mut random = Random::seed(1);
    let check = |values: Vec<f64>, variance: f64| {
        let moments = super::Moments::of(&values).unwrap();
        assert!(moments.mean.abs() < 0.02 * variance.sqrt(), "{moments:?}");
        assert!((moments.variance / variance - 1.0).abs() < 0.03, "{moments:?}");
    };
    check((0..40_000).map(|_| random.normal()).collect(), 1.0);
    check((0..40_000).map(|_| random.uniform() - 0.5).collect(), 1.0 / 12.0);
    let host = Host { total: 2.0, correlation: 0.25, repetitions: 1 };
    check(host.boots(40_000, 0.0, &mut random), 4.0);
    // The variance of a median of five normal values is 0.2868 of one.
    let host = Host { total: 2.0, correlation: 0.0, repetitions: 5 };
    check(host.boots(40_000, 0.0, &mut random), 4.0 * 0.2868);
}
