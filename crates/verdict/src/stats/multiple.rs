//! Many metrics at once.

/// Adjusts p values so that the chance of any false claim in the family stays at the level: Holm (1979), Scandinavian
/// Journal of Statistics 6, 65. In the order of `p`.
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![1.0; p.len()];
    let mut largest = 0.0_f64;
    for (rank, index) in ascending(p).into_iter().enumerate() {
        largest = largest.max(p[index] * (p.len() - rank) as f64).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

/// Adjusts p values so that the expected share of false claims among all claims stays at the level: Benjamini and
/// Hochberg (1995), Journal of the Royal Statistical Society B 57, 289. In the order of `p`.
#[must_use]
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![1.0; p.len()];
    let mut smallest = 1.0_f64;
    for (rank, index) in ascending(p).into_iter().enumerate().rev() {
        smallest = smallest.min(p[index] * (p.len() as f64 / (rank + 1) as f64));
        adjusted[index] = smallest;
    }
    adjusted
}

fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(found: &[f64], expect: &[f64]) {
        assert_eq!(found.len(), expect.len());
        assert!(found.iter().zip(expect).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}, expected {expect:?}");
    }

    #[test]
    fn worked_examples() {
        check(&holm(&[0.01, 0.04, 0.03, 0.005]), &[0.03, 0.06, 0.06, 0.02]);
        check(&benjamini_hochberg(&[0.01, 0.04, 0.03, 0.005]), &[0.02, 0.04, 0.04, 0.02]);
        check(&holm(&[]), &[]);
        check(&benjamini_hochberg(&[0.9, 0.8]), &[0.9, 0.9]);
    }

    proptest! {
        #[test]
        fn adjusting_keeps_the_order_and_never_makes_smaller(p in prop::collection::vec(0.0_f64..=1.0, 1..30)) {
            for adjusted in [holm(&p), benjamini_hochberg(&p)] {
                for i in 0..p.len() {
                    prop_assert!(adjusted[i] >= p[i] && adjusted[i] <= 1.0);
                    for k in 0..p.len() {
                        prop_assert!(p[i] > p[k] || adjusted[i] <= adjusted[k]);
                    }
                }
            }
            let (family, share) = (holm(&p), benjamini_hochberg(&p));
            prop_assert!(family.iter().zip(&share).all(|(holm, bh)| holm >= bh));
        }
    }
}
