//! Repetitions that failed: they have no value, but they are evidence.

use std::fmt;
use std::iter::Sum;
use std::ops::AddAssign;

use crate::{Measurement, Reason, Unit};

/// In which way a repetition failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// What it computed, or read back, was wrong.
    Wrong,
    /// Its value is 0, negative or no number: the measurement failed, and says nothing of the host.
    NoValue,
    /// Its worker died, or an error ended it.
    Lost,
}

impl FailureKind {
    /// What a reason why there is no value says of the repetition: `None` where it was not tried.
    #[must_use]
    pub fn of(reason: &Reason) -> Option<FailureKind> {
        match reason {
            Reason::WrongResult(_) => Some(FailureKind::Wrong),
            Reason::WorkerDied(_) | Reason::Failed(_) => Some(FailureKind::Lost),
            Reason::NoHardware(_)
            | Reason::NotAllowed(_)
            | Reason::NoResources(_)
            | Reason::NotInProfile(_)
            | Reason::NotBuilt(_)
            | Reason::Interrupted => None,
        }
    }
}

/// How many repetitions failed, by the way in which they did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FailureCount {
    /// Wrong results.
    pub wrong: u32,
    /// Values that are no positive number.
    pub no_value: u32,
    /// Workers that died, and errors.
    pub lost: u32,
}

impl FailureCount {
    /// One more.
    pub fn add(&mut self, kind: FailureKind) {
        match kind {
            FailureKind::Wrong => self.wrong += 1,
            FailureKind::NoValue => self.no_value += 1,
            FailureKind::Lost => self.lost += 1,
        }
    }

    /// All of them.
    #[must_use]
    pub fn all(self) -> u32 {
        self.wrong + self.no_value + self.lost
    }
}

impl AddAssign for FailureCount {
    fn add_assign(&mut self, other: FailureCount) {
        self.wrong += other.wrong;
        self.no_value += other.no_value;
        self.lost += other.lost;
    }
}

impl Sum for FailureCount {
    fn sum<I: Iterator<Item = FailureCount>>(counts: I) -> FailureCount {
        counts.fold(FailureCount::default(), |mut all, one| {
            all += one;
            all
        })
    }
}

impl fmt::Display for FailureCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [(self.wrong, "wrong"), (self.no_value, "without a value"), (self.lost, "lost")];
        let each: Vec<String> = kinds.iter().filter(|(n, _)| *n > 0).map(|(n, how)| format!("{n} {how}")).collect();
        f.write_str(&each.join(", "))
    }
}

/// Whether a repetition has no value that counts: no samples, or one among those that count that is no positive number.
/// A share, a count or a temperature may be 0.
pub(crate) fn is_without_value(one: &Measurement) -> bool {
    let zero_counts = matches!(one.metric.unit, Unit::Ratio | Unit::Count | Unit::Celsius);
    let bad = |value: f64| !value.is_finite() || value < 0.0 || (value == 0.0 && !zero_counts);
    one.samples.is_empty() || one.samples.iter().any(|sample| sample.taint.is_none() && bad(sample.value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Sample, Taint, metrics};

    #[test]
    fn counts_add_up_and_print() {
        let mut count = FailureCount::default();
        for kind in [FailureKind::Wrong, FailureKind::Lost, FailureKind::Wrong] {
            count.add(kind);
        }
        assert_eq!((count.all(), count.to_string().as_str()), (3, "2 wrong, 1 lost"));
        let twice: FailureCount = [count, count].into_iter().sum();
        assert_eq!((twice.wrong, twice.no_value, twice.lost), (4, 0, 2));
    }

    #[test]
    fn what_is_no_positive_number_is_no_value() {
        let check = |values: &[f64], metric, expect: bool| {
            let one = Measurement::new(metric, values.iter().copied().map(Sample::untimed));
            assert_eq!(is_without_value(&one), expect, "{values:?}");
        };
        check(&[1.0, 2.0], &metrics::STREAM_TRIAD, false);
        check(&[1.0, 0.0], &metrics::STREAM_TRIAD, true);
        check(&[f64::NAN], &metrics::STREAM_TRIAD, true);
        check(&[-1.0], &metrics::DENSE_DGEMM_KEPT, true);
        check(&[0.0], &metrics::DENSE_DGEMM_KEPT, false);
        check(&[], &metrics::STREAM_TRIAD, true);
        let mut tainted = Measurement::new(&metrics::STREAM_TRIAD, [Sample::untimed(0.0), Sample::untimed(1.0)]);
        tainted.samples[0].taint = Some(Taint::WrongNode { share: 0.5 });
        assert!(!is_without_value(&tainted));
    }
}
