//! How noisy a host is: its own history of boots on which nothing was changed.

use super::Moments;
use super::distribution::{f_above, t_quantile};

/// The risk at which boots count as noisier than the host's history, so that the history is left out.
pub const NOISIER_RISK: f64 = 0.05;

/// The risk at which they count as quieter, so that it is left out too. Smaller, because whoever leaves a history out when
/// his boots are quiet by chance claims too often: at 1 % false alarms stay at 5 %, at 5 % two boots a side have 5.9 %.
pub const QUIETER_RISK: f64 = 0.01;

/// s₀² and d₀: the variance of y between boots of one configuration, pooled over the configurations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct History {
    /// s₀².
    pub variance: f64,
    /// d₀, its degrees of freedom: boots less configurations.
    pub degrees_of_freedom: f64,
}

impl History {
    /// Pools groups of boots, each of one configuration: Σ(nᵢ − 1)sᵢ² / Σ(nᵢ − 1). `None` where no group has two boots.
    #[must_use]
    pub fn of(groups: &[Vec<f64>]) -> Option<History> {
        let moments: Vec<Moments> = groups.iter().filter_map(|group| Moments::of(group)).collect();
        let degrees_of_freedom: f64 = moments.iter().map(Moments::degrees_of_freedom).sum();
        let squares: f64 = moments.iter().map(|group| group.variance * group.degrees_of_freedom()).sum();
        (degrees_of_freedom > 0.0).then(|| History { variance: squares / degrees_of_freedom, degrees_of_freedom })
    }

    /// Whether boots spread neither significantly more than the history says ([`NOISIER_RISK`]) nor significantly less
    /// ([`QUIETER_RISK`]): F tests.
    #[must_use]
    pub fn fits(&self, before: &Moments, after: &Moments) -> bool {
        let degrees_of_freedom = before.degrees_of_freedom() + after.degrees_of_freedom();
        if degrees_of_freedom < 1.0 {
            return true;
        }
        let pooled = (before.variance * before.degrees_of_freedom() + after.variance * after.degrees_of_freedom())
            / degrees_of_freedom;
        if self.variance == 0.0 {
            return pooled == 0.0;
        }
        let above = f_above(pooled / self.variance, degrees_of_freedom, self.degrees_of_freedom);
        above > NOISIER_RISK && above < 1.0 - QUIETER_RISK
    }

    /// s₀: the standard deviation of y between boots, about a share of the metric.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        self.variance.sqrt()
    }

    /// The noise floor g: how far one boot falls short of the mean of many in one of twenty, t₀.₉₅(d₀)·s₀, as a share.
    #[must_use]
    pub fn floor(&self) -> f64 {
        (t_quantile(0.95, self.degrees_of_freedom) * self.deviation()).exp_m1()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_pooled_within_configurations() {
        // Two configurations 10 % apart: what is between them is no noise.
        let history = History::of(&[vec![0.0, 0.02], vec![0.1, 0.12], vec![5.0]]).unwrap();
        assert!((history.variance - 0.0002).abs() < 1e-12 && (history.degrees_of_freedom - 2.0).abs() < 1e-12);
        assert_eq!(History::of(&[vec![1.0], vec![]]), None);
    }

    #[test]
    fn the_floor_is_the_reach_of_one_boot() {
        let history = History { variance: 1e-4, degrees_of_freedom: 9.0 };
        assert!((history.floor() - (0.018_331_f64).exp_m1()).abs() < 1e-5);
        assert!((history.deviation() - 0.01).abs() < 1e-12);
    }

    #[test]
    fn boots_that_are_much_noisier_or_much_quieter_do_not_fit() {
        let history = History { variance: 1e-4, degrees_of_freedom: 20.0 };
        let side = |deviation: f64| Moments { n: 5.0, mean: 0.0, variance: deviation * deviation };
        assert!(history.fits(&side(0.01), &side(0.012)));
        assert!(history.fits(&side(0.006), &side(0.005)));
        assert!(!history.fits(&side(0.001), &side(0.001)));
        assert!(!history.fits(&side(0.02), &side(0.03)));
        assert!(!History { variance: 0.0, degrees_of_freedom: 5.0 }.fits(&side(0.01), &side(0.01)));
    }
}
