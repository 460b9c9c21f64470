//! Exact one-sided permutation tests on means: Fisher (1935), The Design of Experiments, §21; Pitman (1937),
//! Supplement to the Journal of the Royal Statistical Society 4, 119.
//!
//! All C(n₁ + n₂, n₁) divisions are counted, not drawn: the values are cut into two halves, the sums of all subsets of
//! each half are listed, and pairs of sums are counted by walking two sorted lists against one another (Horowitz and
//! Sahni (1974), Journal of the ACM 21, 277). That is 2^(n/2) work where listing would be 2^n.

/// More boots than this (both sides together, or pairs) are not permuted: the t test needs no company by then.
pub const MOST_BOOTS: usize = 32;

/// What an exact permutation test gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Permutation {
    /// The p value of "it did not get worse".
    pub worse: f64,
    /// The p value of "it did not get better".
    pub better: f64,
    /// The smallest p value that this number of boots can give.
    pub smallest: f64,
}

/// Divides the boots of both sides anew in every way; `None` without boots on a side, or with more than [`MOST_BOOTS`].
#[must_use]
pub fn permute(before: &[f64], after: &[f64]) -> Option<Permutation> {
    let all: Vec<f64> = before.iter().chain(after).copied().collect();
    if before.is_empty() || after.is_empty() || all.len() > MOST_BOOTS {
        return None;
    }
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let centred: Vec<f64> = all.iter().map(|value| value - mean).collect();
    let observed: f64 = centred[before.len()..].iter().sum();
    let counts = count(&centred, Some(after.len()), observed, slack(&all));
    Some(counts.permutation())
}

/// Turns the sign of every pair's difference in every way; `None` without pairs, or with more than [`MOST_BOOTS`].
#[must_use]
pub fn sign_flips(before: &[f64], after: &[f64]) -> Option<Permutation> {
    if before.is_empty() || before.len() != after.len() || before.len() > MOST_BOOTS {
        return None;
    }
    let differences: Vec<f64> = before.iter().zip(after).map(|(before, after)| after - before).collect();
    // Σ±d = 2·Σ(kept) − Σd: as many subsets are kept with a smaller sum as there are flips with a smaller one.
    let all: Vec<f64> = before.iter().chain(after).copied().collect();
    let counts = count(&differences, None, differences.iter().sum(), slack(&all));
    Some(counts.permutation())
}

/// How many subsets have a sum that is at most, or at least, the observed one.
struct Counts {
    below: f64,
    above: f64,
    all: f64,
}

impl Counts {
    fn permutation(&self) -> Permutation {
        Permutation { worse: self.below / self.all, better: self.above / self.all, smallest: 1.0 / self.all }
    }
}

/// How far sums of these values may differ by rounding alone; never zero, so that a sum is at least as large as itself.
fn slack(values: &[f64]) -> f64 {
    (1e-12 * values.iter().map(|value| value.abs()).sum::<f64>()).max(f64::MIN_POSITIVE)
}

/// Counts subsets (of `size`, or of every size) by their sum. Sums that differ by no more than `slack` are equal.
fn count(values: &[f64], size: Option<usize>, observed: f64, slack: f64) -> Counts {
    let (left, right) = values.split_at(values.len() / 2);
    let (left, right) = (subset_sums(left), subset_sums(right));
    let mut counts = Counts { below: 0.0, above: 0.0, all: 0.0 };
    for (i, left) in left.iter().enumerate() {
        for (k, right) in right.iter().enumerate() {
            if size.is_none_or(|size| i + k == size) {
                let pairs = left.len() as f64 * right.len() as f64;
                counts.below += pairs_at_most(left, right, observed + slack);
                counts.above += pairs - pairs_at_most(left, right, observed - slack);
                counts.all += pairs;
            }
        }
    }
    counts
}

/// The sums of all subsets, by the subset's size, each list sorted.
fn subset_sums(values: &[f64]) -> Vec<Vec<f64>> {
    let mut sums = vec![Vec::new(); values.len() + 1];
    sums[0].push(0.0);
    for (known, value) in values.iter().enumerate() {
        for size in (0..=known).rev() {
            let larger: Vec<f64> = sums[size].iter().map(|sum| sum + value).collect();
            sums[size + 1].extend(larger);
        }
    }
    for list in &mut sums {
        list.sort_by(f64::total_cmp);
    }
    sums
}

/// How many pairs of one number from each sorted list have a sum of at most `limit`.
fn pairs_at_most(left: &[f64], right: &[f64], limit: f64) -> f64 {
    let mut fitting = right.len();
    let mut pairs = 0.0;
    for small in left {
        while fitting > 0 && small + right[fitting - 1] > limit {
            fitting -= 1;
        }
        pairs += fitting as f64;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same by listing every division.
    fn listed(before: &[f64], after: &[f64]) -> (f64, f64) {
        let all: Vec<f64> = before.iter().chain(after).copied().collect();
        let mean = |mask: u32| {
            let chosen = |want: bool| {
                let side = (0..all.len()).filter(|i| (mask >> i & 1 == 1) == want).map(|i| all[i]);
                side.clone().sum::<f64>() / side.count() as f64
            };
            chosen(true) - chosen(false)
        };
        let observed = mean(((1_u32 << after.len()) - 1) << before.len());
        let size = u32::try_from(after.len()).unwrap();
        let divisions: Vec<f64> = (0..1_u32 << all.len()).filter(|mask| mask.count_ones() == size).map(mean).collect();
        let share =
            |keep: &dyn Fn(f64) -> bool| divisions.iter().filter(|d| keep(**d)).count() as f64 / divisions.len() as f64;
        (share(&|d| d <= observed + 1e-9), share(&|d| d >= observed - 1e-9))
    }

    #[test]
    fn separated_samples_reach_the_smallest_p() {
        let check = |n: usize, divisions: f64| {
            let before: Vec<f64> = (0..n).map(|i| 10.0 + i as f64).collect();
            let after: Vec<f64> = (0..n).map(|i| i as f64 / 10.0).collect();
            let found = permute(&before, &after).unwrap();
            assert_eq!((found.worse, found.better, found.smallest), (1.0 / divisions, 1.0, 1.0 / divisions));
        };
        check(3, 20.0);
        check(5, 252.0);
        check(6, 924.0);
        check(12, 2_704_156.0);
        check(16, 601_080_390.0);
        assert_eq!(permute(&[0.0; 17], &[0.0; 16]), None);
    }

    #[test]
    fn five_pairs_give_one_in_thirty_two() {
        let found = sign_flips(&[5.0, 6.0, 7.0, 8.0, 9.0], &[4.0, 4.0, 4.0, 4.0, 4.0]).unwrap();
        assert_eq!((found.worse, found.better, found.smallest), (1.0 / 32.0, 1.0, 1.0 / 32.0));
    }

    #[test]
    fn equal_boots_say_nothing() {
        let found = permute(&[0.1, 0.1, 0.1], &[0.1, 0.1, 0.1]).unwrap();
        assert_eq!((found.worse, found.better), (1.0, 1.0));
        let found = permute(&[0.0], &[0.0]).unwrap();
        assert_eq!((found.worse, found.better), (1.0, 1.0));
    }

    proptest! {
        #[test]
        fn counting_agrees_with_listing(
            before in prop::collection::vec(-5_i32..5, 1..6), after in prop::collection::vec(-5_i32..5, 1..6)
        ) {
            // Small whole numbers, so that there are ties.
            let real = |values: &[i32]| values.iter().map(|v| f64::from(*v) * 0.1).collect::<Vec<_>>();
            let (before, after) = (real(&before), real(&after));
            let found = permute(&before, &after).unwrap();
            let (worse, better) = listed(&before, &after);
            prop_assert!((found.worse - worse).abs() < 1e-12 && (found.better - better).abs() < 1e-12);
        }
    }
}
