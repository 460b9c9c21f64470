//! Slow drift, by cumulative sums: Page (1954), Biometrika 41, 100, in the self-starting form of Hawkins (1987), The
//! Statistician 36, 299, which needs no level that is known beforehand: every boot is held against all before it.

use measure::median;

use crate::stats::{normal_below, normal_quantile, t_below};

/// Half of the shift, in standard deviations, that is found soonest.
const SLACK: f64 = 0.5;

/// The sum that is an alarm: about one false alarm in 465 boots (Montgomery, Introduction to Statistical Quality Control,
/// §9.1). Alarms only say when; that there is a drift is tested apart ([`mann_kendall`]).
const LIMIT: f64 = 5.0;

/// The index of the boot at which the sum, upward or downward, that ended in the first alarm began; `None` without one.
pub(super) fn alarm(values: &[f64]) -> Option<usize> {
    let (mut mean, mut squares) = (*values.first()?, 0.0);
    let (mut up, mut down) = ((0.0_f64, 0), (0.0_f64, 0));
    for (n, value) in values.iter().enumerate().skip(1) {
        let count = n as f64;
        if n >= 2 && squares > 0.0 {
            let deviation = (squares / (count - 1.0)).sqrt();
            // Exactly t of n − 1 degrees where nothing drifts; turned into a normal score.
            let t = (value - mean) / deviation * (count / (count + 1.0)).sqrt();
            let score = normal_quantile(t_below(t, count - 1.0).clamp(1e-12, 1.0 - 1e-12));
            for (sum, signed) in [(&mut up, score), (&mut down, -score)] {
                let next = sum.0 + signed - SLACK;
                *sum = if next > 0.0 { (next, if sum.0 > 0.0 { sum.1 } else { n }) } else { (0.0, n) };
            }
            if let Some((_, began)) = [up, down].into_iter().find(|(sum, _)| *sum > LIMIT) {
                return Some(began);
            }
        }
        let distance = value - mean;
        mean += distance / (count + 1.0);
        squares += distance * (value - mean);
    }
    None
}

/// The p value of "there is no monotone trend", in either direction: Mann (1945), Econometrica 13, 245, by the normal
/// approximation with correction for continuity.
pub(super) fn mann_kendall(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let pairs = pairs(values.len());
    let sign = |(i, k): (usize, usize)| match values[k].total_cmp(&values[i]) {
        std::cmp::Ordering::Less => -1.0,
        std::cmp::Ordering::Equal => 0.0,
        std::cmp::Ordering::Greater => 1.0,
    };
    let sum: f64 = pairs.map(sign).sum();
    let variance = n * (n - 1.0) * (2.0 * n + 5.0) / 18.0;
    2.0 * normal_below(-(sum.abs() - 1.0).max(0.0) / variance.sqrt())
}

/// The median slope over all pairs, for each boot: Theil (1950), Sen (1968), Journal of the American Statistical
/// Association 63, 1379. 0 of fewer than two values. Not by least squares: one odd boot would turn such a line.
pub(super) fn slope(values: &[f64]) -> f64 {
    let slopes: Vec<f64> = pairs(values.len()).map(|(i, k)| (values[k] - values[i]) / (k - i) as f64).collect();
    median(&slopes).unwrap_or(0.0)
}

fn pairs(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).flat_map(move |i| (i + 1..n).map(move |k| (i, k)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::simulate::Random;

    #[test]
    fn a_slow_slope_raises_an_alarm_and_is_measured() {
        let mut random = Random::seed(1);
        let values: Vec<f64> = (0..40).map(|boot| -0.002 * f64::from(boot) + 0.005 * random.normal()).collect();
        assert!(alarm(&values).is_some());
        assert!(mann_kendall(&values) < 1e-4);
        assert!((slope(&values) + 0.002).abs() < 3e-4);
        assert_eq!((alarm(&[]), alarm(&[1.0; 20]), slope(&[1.0])), (None, None, 0.0));
    }

    #[test]
    fn noise_alone_rarely_alarms_and_its_p_values_hold() {
        let mut random = Random::seed(2);
        let (mut alarms, mut trends) = (0, 0);
        for _ in 0..10_000 {
            let values: Vec<f64> = (0..20).map(|_| random.normal()).collect();
            alarms += u32::from(alarm(&values).is_some());
            trends += u32::from(mann_kendall(&values) <= 0.05);
        }
        // The upper binomial limits (0.1 %) of 5 %.
        assert!(trends <= 569 && alarms <= 569, "{alarms} alarms, {trends} trends");
    }
}
