//! Repetitions that failed, and what they do to a verdict.
//!
//! A repetition failed where its result was wrong, is no positive number, or its worker was lost. It has no value, but it
//! is evidence: a host that computes wrongly now and then is no good host.

use std::collections::BTreeMap;

pub use measure::FailureKind;

use crate::Verdict;

/// A repetition that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Id of the run that it belongs to.
    pub run: String,
    /// In which way.
    pub kind: FailureKind,
    /// What happened.
    pub reason: String,
}

/// What the failures leave of a verdict at best: FAIL where at least half of the repetitions gave wrong results;
/// INCONCLUSIVE where at least half failed in any way, or one gave a wrong result; all else decides by its value.
pub(crate) fn at_best(failures: &[Failure], repetitions: usize) -> Option<Verdict> {
    let wrong = failures.iter().filter(|failure| failure.kind == FailureKind::Wrong).count();
    let is_half = |n: usize| n > 0 && 2 * n >= repetitions;
    if is_half(wrong) {
        Some(Verdict::Fail)
    } else if wrong > 0 || is_half(failures.len()) {
        Some(Verdict::Inconclusive)
    } else {
        None
    }
}

/// How many failed, and why, in a sentence.
pub(crate) fn sentence(failures: &[Failure], repetitions: usize) -> Option<String> {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for failure in failures {
        *reasons.entry(&failure.reason).or_default() += 1;
    }
    let each: Vec<String> = reasons.iter().map(|(why, n)| format!("{n} × {why}")).collect();
    (!failures.is_empty())
        .then(|| format!("{} of {repetitions} repetitions failed: {}.", failures.len(), each.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use FailureKind::{Lost, NoValue, Wrong};

    fn failures(kinds: &[FailureKind]) -> Vec<Failure> {
        kinds.iter().map(|kind| Failure { run: "r".into(), kind: *kind, reason: format!("{kind:?}") }).collect()
    }

    #[test]
    fn failures_lower_a_verdict_by_the_stated_rule() {
        let check = |kinds: &[FailureKind], repetitions: usize, expect: Option<Verdict>| {
            assert_eq!(at_best(&failures(kinds), repetitions), expect, "{kinds:?} of {repetitions}");
        };
        check(&[], 0, None);
        check(&[], 5, None);
        check(&[Lost], 5, None);
        check(&[NoValue, Lost], 5, None);
        check(&[Lost, Lost, NoValue], 5, Some(Verdict::Inconclusive));
        check(&[Lost], 2, Some(Verdict::Inconclusive));
        check(&[Wrong], 5, Some(Verdict::Inconclusive));
        check(&[Wrong, Wrong], 5, Some(Verdict::Inconclusive));
        check(&[Wrong, Wrong, Wrong], 5, Some(Verdict::Fail));
        check(&[Wrong, Wrong, Wrong, Wrong], 5, Some(Verdict::Fail));
        check(&[Wrong, Lost, Lost], 5, Some(Verdict::Inconclusive));
        check(&[Wrong], 2, Some(Verdict::Fail));
    }

    #[test]
    fn a_sentence_counts_the_reasons() {
        let text = sentence(&failures(&[Lost, Wrong, Lost]), 5);
        assert_eq!(text.as_deref(), Some("3 of 5 repetitions failed: 2 × Lost; 1 × Wrong."));
        assert_eq!(sentence(&[], 5), None);
    }
}
