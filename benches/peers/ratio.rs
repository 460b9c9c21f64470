//! The median of ratios, and its interval.

use serde::Serialize;

/// A median with an interval that holds the true one in 95 % of cases or more.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Estimate {
    pub(crate) median: f64,
    /// Both ends; `None` where there are too few values for one.
    pub(crate) interval: Option<[f64; 2]>,
}

/// The interval is made of order statistics, which assumes nothing of how the values are distributed: the true median
/// lies between the k-th smallest and the k-th largest of n values unless fewer than k of n fair coins show the one
/// side or the other (David and Nagaraja, Order Statistics, 7.1).
pub(crate) fn estimate(values: &[f64]) -> Option<Estimate> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let middle = n.checked_sub(1)? / 2;
    let median = if n % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle], sorted[middle + 1]) };
    let interval = rank(n).map(|k| [sorted[k - 1], sorted[n - k]]);
    Some(Estimate { median, interval })
}

/// The largest k for which fewer than k heads in n tosses have a probability of 2.5 % at most.
fn rank(n: usize) -> Option<usize> {
    let mut probability = 0.5_f64.powi(i32::try_from(n).ok()?);
    let mut below = 0.0;
    let mut rank = None;
    for k in 1..=n / 2 {
        below += probability;
        if below > 0.025 {
            break;
        }
        rank = Some(k);
        probability *= (n - k + 1) as f64 / k as f64;
    }
    rank
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranks_are_those_of_the_tables() {
        let check = |n: usize, expect: Option<usize>| assert_eq!(rank(n), expect, "{n}");
        check(0, None);
        check(5, None);
        check(6, Some(1));
        check(9, Some(2));
        check(15, Some(4));
        check(25, Some(8));
        check(100, Some(40));
    }

    #[test]
    fn median_and_ends() {
        assert_eq!(estimate(&[]), None);
        assert_eq!(estimate(&[2.0, 1.0]), Some(Estimate { median: 1.5, interval: None }));
        let values: Vec<f64> = (1..=15).rev().map(f64::from).collect();
        assert_eq!(estimate(&values), Some(Estimate { median: 8.0, interval: Some([4.0, 12.0]) }));
    }

    proptest! {
        #[test]
        fn the_median_lies_in_its_interval(values in prop::collection::vec(0.1_f64..10.0, 1..80)) {
            let estimate = estimate(&values).unwrap();
            if let Some([low, high]) = estimate.interval {
                prop_assert!(low <= estimate.median && estimate.median <= high);
            }
            prop_assert_eq!(estimate.interval.is_some(), values.len() >= 6);
        }
    }
}
