//! Whether boots decide about a threshold: bounds on ln(metric), the boot being the unit of replication.

use measure::Better;

use crate::stats::t_quantile;

/// The noise between boots that is assumed of a host without a history, as a share.
pub const DEFAULT_NOISE_FLOOR: f64 = 0.03;

/// The 95 % point of the standard normal distribution.
const Z95: f64 = 1.644_853_626_951_472_7;

/// More boots than anybody makes: beyond, the answer is that boots do not decide.
const MOST_BOOTS: u32 = 1000;

/// A value that is to be reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// The promised value, positive.
    pub value: f64,
    /// How far off it is still met, as a share of it.
    pub tolerance: f64,
    /// Which direction is better.
    pub better: Better,
}

/// What boots say about a goal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    /// It is reached.
    Met,
    /// It is missed.
    Missed,
    /// Neither can be said.
    Open {
        /// How many boots would decide, were they to spread as these; `None` where no number would.
        boots: Option<u32>,
    },
}

impl Goal {
    /// T' = T·(1 − τ), or T·(1 + τ) where less is better.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        match self.better {
            Better::Higher => self.value * (1.0 - self.tolerance),
            Better::Lower => self.value * (1.0 + self.tolerance),
        }
    }

    /// Decides by the medians of boots, which are positive and finite.
    ///
    /// One boot: met at T'·(1 + g) or beyond, missed short of T'·(1 − g), with the noise floor g (mirrored where less is
    /// better). More: met if the one-sided 95 % lower bound of the mean of y = ±ln(metric), ȳ − t·s/√n with Student's t
    /// of n − 1 degrees, reaches ln T'; missed if the upper bound does not.
    #[must_use]
    pub fn decide(&self, boots: &[f64], noise_floor: f64) -> Decision {
        let turn = match self.better {
            Better::Higher => 1.0,
            Better::Lower => -1.0,
        };
        let threshold = self.threshold();
        if let [only] = boots {
            let (met, missed) = (threshold * (1.0 + turn * noise_floor), threshold * (1.0 - turn * noise_floor));
            return if turn * only >= turn * met {
                Decision::Met
            } else if turn * only < turn * missed {
                Decision::Missed
            } else {
                // The noise floor is taken for a 95 % bound of one boot.
                Decision::Open { boots: boots_to_decide((only / threshold).ln().abs(), noise_floor / Z95) }
            };
        }
        let Some(spread) = Spread::of(boots) else { return Decision::Open { boots: Some(1) } };
        let above = turn * (spread.mean - threshold.ln());
        let half = spread.half_width();
        if above >= half {
            Decision::Met
        } else if above < -half {
            Decision::Missed
        } else {
            Decision::Open { boots: boots_to_decide(above.abs(), spread.deviation) }
        }
    }
}

/// Mean and standard deviation of ln(metric) over boots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    n: f64,
    pub(crate) mean: f64,
    deviation: f64,
}

impl Spread {
    /// Of at least two positive values.
    pub(crate) fn of(boots: &[f64]) -> Option<Spread> {
        if boots.len() < 2 {
            return None;
        }
        let n = boots.len() as f64;
        let logs: Vec<f64> = boots.iter().map(|value| value.ln()).collect();
        let mean = logs.iter().sum::<f64>() / n;
        let squares: f64 = logs.iter().map(|y| (y - mean).powi(2)).sum();
        Some(Spread { n, mean, deviation: (squares / (n - 1.0)).sqrt() })
    }

    /// t·s/√n: the distance from the mean to a one-sided 95 % bound.
    pub(crate) fn half_width(&self) -> f64 {
        t95(self.n - 1.0) * self.deviation / self.n.sqrt()
    }
}

/// The one-sided 95 % point of Student's t.
fn t95(degrees_of_freedom: f64) -> f64 {
    t_quantile(0.95, degrees_of_freedom)
}

/// The smallest n with t·s/√n ≤ distance.
fn boots_to_decide(distance: f64, deviation: f64) -> Option<u32> {
    let decides = |n: &u32| t95(f64::from(*n) - 1.0) * deviation / f64::from(*n).sqrt() <= distance;
    (distance > 0.0).then(|| (2..=MOST_BOOTS).find(decides)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(better: Better, boots: &[f64], expect: Decision) {
        let goal = Goal { value: 100.0, tolerance: 0.05, better };
        assert_eq!(goal.decide(boots, 0.03), expect, "{better:?} {boots:?}");
    }

    #[test]
    fn one_boot_is_judged_by_the_noise_floor() {
        let (higher, lower) = (Better::Higher, Better::Lower);
        check(higher, &[97.86], Decision::Met);
        check(higher, &[92.14], Decision::Missed);
        // ln(97/95) = 2.1 % at s = 0.03/1.645 = 1.8 %: 2.13·1.8/√4 = 1.95 %, and 2.35·1.8/√3 = 2.5 % at three.
        check(higher, &[97.0], Decision::Open { boots: Some(5) });
        check(higher, &[95.0], Decision::Open { boots: None });
        check(lower, &[101.84], Decision::Met);
        check(lower, &[108.16], Decision::Missed);
        check(lower, &[105.0], Decision::Open { boots: None });
    }

    #[test]
    fn boots_are_judged_by_their_bounds() {
        let (higher, lower) = (Better::Higher, Better::Lower);
        check(higher, &[99.0, 99.0], Decision::Met);
        check(higher, &[94.0, 94.0, 94.0], Decision::Missed);
        check(higher, &[98.0, 99.0, 98.5], Decision::Met);
        check(higher, &[91.0, 92.0, 91.5], Decision::Missed);
        // Two boots have t = 6.31: they decide only what is far away.
        assert!(matches!(
            Goal { value: 100.0, tolerance: 0.05, better: higher }.decide(&[96.0, 97.0], 0.03),
            Decision::Open { boots: Some(3..=5) }
        ));
        check(lower, &[98.0, 99.0, 98.5], Decision::Met);
        check(lower, &[108.0, 109.0, 108.5], Decision::Missed);
        check(higher, &[], Decision::Open { boots: Some(1) });
    }

    #[test]
    fn the_points_of_students_t_are_those_of_the_tables() {
        let check = |degrees_of_freedom: f64, expect: f64| {
            assert!((t95(degrees_of_freedom) - expect).abs() < 5e-4, "{degrees_of_freedom}");
        };
        check(1.0, 6.3138);
        check(2.0, 2.9200);
        check(4.0, 2.1318);
        check(9.0, 1.8331);
        check(30.0, 1.6973);
    }

    proptest! {
        #[test]
        fn a_better_result_never_gets_a_worse_decision(
            boots in prop::collection::vec(80.0_f64..120.0, 1..8), factor in 1.0_f64..1.5
        ) {
            let rank = |decision| match decision {
                Decision::Missed => 0,
                Decision::Open { .. } => 1,
                Decision::Met => 2,
            };
            let goal = Goal { value: 100.0, tolerance: 0.02, better: Better::Higher };
            let better: Vec<f64> = boots.iter().map(|boot| boot * factor).collect();
            prop_assert!(rank(goal.decide(&better, 0.03)) >= rank(goal.decide(&boots, 0.03)));
            // Times instead of rates: the same decision, turned round.
            if boots.len() > 1 {
                let times: Vec<f64> = boots.iter().map(|boot| 1.0 / boot).collect();
                let (rate, time) = (Goal { tolerance: 0.0, ..goal },
                    Goal { value: 0.01, tolerance: 0.0, better: Better::Lower });
                prop_assert_eq!(rank(rate.decide(&boots, 0.03)), rank(time.decide(&times, 0.03)));
            }
        }
    }
}
