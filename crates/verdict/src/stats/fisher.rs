//! Fisher's exact test: Fisher (1934), Statistical Methods for Research Workers, 5th edition, §21.02.

use statrs::distribution::{DiscreteCDF, Hypergeometric};

/// The one-sided p value of "failures are not more frequent after": the chance that, of all that failed, so many fall on
/// the side after by chance alone.
#[must_use]
pub fn fisher(before: (usize, usize), after: (usize, usize)) -> f64 {
    let (failed, all) = ((before.0 + after.0) as u64, (before.1 + after.1) as u64);
    match (after.0 as u64).checked_sub(1) {
        // More than one less than this.
        Some(less) => Hypergeometric::new(all, failed, after.1 as u64).map_or(1.0, |chance| chance.sf(less)),
        None => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_are_those_of_the_tea_tasting_and_of_scipy() {
        let check = |before: (usize, usize), after: (usize, usize), expect: f64| {
            let found = fisher(before, after);
            assert!((found - expect).abs() < 1e-9, "{before:?} {after:?}: {found}, expected {expect}");
        };
        check((1, 4), (3, 4), 17.0 / 70.0);
        check((0, 6), (3, 6), 20.0 / 220.0);
        check((0, 6), (4, 6), 15.0 / 495.0);
        check((0, 6), (6, 6), 1.0 / 924.0);
        check((0, 5), (0, 5), 1.0);
        check((3, 5), (0, 5), 1.0);
        check((6, 6), (6, 6), 1.0);
        check((0, 0), (2, 2), 1.0);
        check((10, 5000), (40, 5000), 1.141_057_842_491e-5);
    }
}
