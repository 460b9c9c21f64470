//! What judging gives: a row for each target, and what they add up to.

use std::fmt;

use measure::{Better, Definition, Labels, MetricId, Quantity};
use spec::audit::Grade;

use crate::{Comparability, FactRow, HostLimit, Measured, NoiseFloor};

/// The verdict on one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// The host delivers it.
    Pass,
    /// The host does not deliver it.
    Fail,
    /// The measurements, or what is known of the host, do not decide.
    Inconclusive,
    /// No machine that matches the document's own tables can reach the target; it decides nothing.
    Infeasible,
    /// The result is above what physics allows on this host, so it is wrong.
    Implausible,
    /// The host or the build is not the one that the target speaks of.
    NotComparable,
    /// There is no result.
    NotMeasured,
    /// The environment disturbed every sample.
    Tainted,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Verdict; 8] = [
        Verdict::Pass,
        Verdict::Fail,
        Verdict::Inconclusive,
        Verdict::Infeasible,
        Verdict::Implausible,
        Verdict::NotComparable,
        Verdict::NotMeasured,
        Verdict::Tainted,
    ];

    /// The word in tables and records: `NOT-COMPARABLE`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "PASS",
            Verdict::Fail => "FAIL",
            Verdict::Inconclusive => "INCONCLUSIVE",
            Verdict::Infeasible => "INFEASIBLE",
            Verdict::Implausible => "IMPLAUSIBLE",
            Verdict::NotComparable => "NOT-COMPARABLE",
            Verdict::NotMeasured => "NOT-MEASURED",
            Verdict::Tainted => "TAINTED",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A target with what the document, its audit and the measurements say of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Id of the target.
    pub id: String,
    /// What it is, in a few words.
    pub title: String,
    /// The metric that it is judged by, where the suite has one.
    pub metric: Option<&'static Definition>,
    /// The labels of the series that it is judged by; without any, that of the whole host.
    pub series: Labels,
    /// The promised value.
    pub documented: Quantity,
    /// Whether the document says "about" (`~`).
    pub approximate: bool,
    /// Which direction is better.
    pub better: Better,
    /// How far off the value is still met, as a share of it.
    pub tolerance: f64,
    /// Whether `accept` demands it.
    pub required: bool,
    /// Section and row of the document.
    pub place: String,
    /// The audit's grade.
    pub grade: Option<Grade>,
    /// The most that the document's own tables allow.
    pub ceiling: Option<Quantity>,
    /// The audit's arithmetic, in one line.
    pub arithmetic: Option<String>,
    /// What was measured, where a sample is valid.
    pub measured: Option<Measured>,
    /// The median of all samples where the environment disturbed every one: it decides nothing.
    pub disturbed: Option<Quantity>,
    /// How much of the promised value was reached: 1 is all of it and more is better, whatever the direction.
    pub share_of_target: Option<f64>,
    /// What this host could deliver at most, or the best that was measured on it.
    pub host_limit: Option<HostLimit>,
    /// The result as a share of that.
    pub share_of_host: Option<f64>,
    /// The result against the other systems that the document names beside this target.
    pub baselines: Vec<BaselineShare>,
    /// The noise floor between boots that decides where there is one boot.
    pub noise_floor: NoiseFloor,
    /// How the host differs from the documented one in the facts that this target depends on.
    pub comparability: Comparability,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in a sentence.
    pub reason: String,
    /// What else is to be known: other checks that the result does not pass, tainted samples, samples
    /// without times, conditions left open.
    pub remarks: Vec<String>,
    /// For a companion that was derived: the id of the documented target that it accompanies.
    pub companion_of: Option<String>,
}

impl Row {
    /// Whether it is judged by this series.
    #[must_use]
    pub fn is_judged_by(&self, id: &MetricId) -> bool {
        self.metric.is_some_and(|metric| metric.id == id.name) && self.series == id.labels
    }
}

/// A result against a figure of another system.
#[derive(Clone, Debug, PartialEq)]
pub struct BaselineShare {
    /// Which system.
    pub system: String,
    /// Its figure.
    pub value: Quantity,
    /// Whether the document says "about" (`~`).
    pub approximate: bool,
    /// How many times as good the result is: above 1 is better, whatever the direction.
    pub ratio: Option<f64>,
}

/// A run, or runs of several boots, judged against a specification.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Id of the specification.
    pub system: String,
    /// Its name.
    pub system_name: String,
    /// The host's name.
    pub host: String,
    /// Ids of the runs that were judged.
    pub runs: Vec<String>,
    /// How many boots they were.
    pub boots: usize,
    /// A row for each target in the order of the document, each followed by its companions.
    pub rows: Vec<Row>,
    /// A row for each statement about the host's parts: facts, limits, rules.
    pub facts: Vec<FactRow>,
    /// What concerns all of it: a record that was cut.
    pub remarks: Vec<String>,
}

/// What all rows add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// All required criteria are met, and there is one.
    Accepted,
    /// A required criterion is not met.
    Rejected,
    /// A required criterion could not be decided, or nothing was demanded.
    Inconclusive,
    /// A required target speaks of another machine or build, or the environment tainted it.
    NotComparable,
}

impl Acceptance {
    /// All answers.
    pub const ALL: [Acceptance; 4] =
        [Acceptance::Accepted, Acceptance::Rejected, Acceptance::Inconclusive, Acceptance::NotComparable];
}

/// The required criteria, targets and parts alike, counted by what came of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many are required, without the INFEASIBLE ones, which decide nothing.
    pub required: usize,
    /// How many of these are met.
    pub passed: usize,
    /// Ids of those that are not met.
    pub failed: Vec<String>,
    /// Ids of those that are not decided.
    pub open: Vec<String>,
    /// How many required targets are INFEASIBLE.
    pub infeasible: usize,
    /// Whether a target is among the required ones: a specification may demand parts alone.
    pub performance: bool,
}

impl Judgement {
    /// The rule of `accept`: rejected if any required criterion FAILs; else not comparable if any is NOT-COMPARABLE or
    /// TAINTED; else inconclusive if any is INCONCLUSIVE, NOT-MEASURED or IMPLAUSIBLE, or if none is PASS: where nothing was
    /// demanded, nothing is accepted. INFEASIBLE targets decide nothing; their companions do.
    #[must_use]
    pub fn acceptance(&self) -> Acceptance {
        let any = |verdicts: &[Verdict]| self.required().any(|(_, verdict)| verdicts.contains(&verdict));
        if any(&[Verdict::Fail]) {
            Acceptance::Rejected
        } else if any(&[Verdict::NotComparable, Verdict::Tainted]) {
            Acceptance::NotComparable
        } else if any(&[Verdict::Inconclusive, Verdict::NotMeasured, Verdict::Implausible]) || !any(&[Verdict::Pass]) {
            Acceptance::Inconclusive
        } else {
            Acceptance::Accepted
        }
    }

    /// Whether no measurement can lead to acceptance any more: a required part FAILs, or a required target is
    /// NOT-COMPARABLE.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        matches!(self.acceptance(), Acceptance::Rejected | Acceptance::NotComparable)
    }

    /// The required criteria, counted.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let performance = self.rows.iter().any(|row| row.required && row.verdict != Verdict::Infeasible);
        let mut tally = Tally { performance, ..Tally::default() };
        for (id, verdict) in self.required() {
            match verdict {
                Verdict::Infeasible => tally.infeasible += 1,
                Verdict::Pass => tally.passed += 1,
                Verdict::Fail => tally.failed.push(id.to_owned()),
                Verdict::Inconclusive
                | Verdict::Implausible
                | Verdict::NotComparable
                | Verdict::NotMeasured
                | Verdict::Tainted => tally.open.push(id.to_owned()),
            }
        }
        tally.required = tally.passed + tally.failed.len() + tally.open.len();
        tally
    }

    /// Ids and verdicts of the required criteria: targets first, then parts.
    fn required(&self) -> impl Iterator<Item = (&str, Verdict)> {
        let targets = self.rows.iter().filter(|row| row.required).map(|row| (row.id.as_str(), row.verdict));
        let parts = self.facts.iter().filter(|row| row.required).map(|row| (row.id.as_str(), row.verdict));
        targets.chain(parts)
    }

    /// How many rows have this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.rows.iter().filter(|row| row.verdict == verdict).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge;
    use crate::testdata::{run, system};

    fn check(rows: &[(Verdict, bool)], expect: Acceptance) {
        let mut judgement = judge(&run(), &system(), &[], &[]);
        let row = judgement.rows[0].clone();
        judgement.rows = rows.iter().map(|&(verdict, required)| Row { required, verdict, ..row.clone() }).collect();
        assert_eq!(judgement.acceptance(), expect, "{rows:?}");
    }

    #[test]
    fn acceptance_is_the_rule_of_accept() {
        use Acceptance as A;
        use Verdict as V;
        check(&[], A::Inconclusive);
        check(&[(V::Infeasible, true), (V::Pass, false)], A::Inconclusive);
        check(&[(V::Pass, true), (V::Infeasible, true)], A::Accepted);
        check(&[(V::Pass, true), (V::Fail, false), (V::Tainted, false), (V::NotMeasured, false)], A::Accepted);
        for (verdict, alone) in [
            (V::Fail, A::Rejected),
            (V::NotComparable, A::NotComparable),
            (V::Tainted, A::NotComparable),
            (V::Inconclusive, A::Inconclusive),
            (V::NotMeasured, A::Inconclusive),
            (V::Implausible, A::Inconclusive),
        ] {
            check(&[(V::Pass, true), (verdict, true)], alone);
            check(&[(verdict, true), (V::Fail, true)], A::Rejected);
        }
        check(&[(V::Inconclusive, true), (V::Tainted, true)], A::NotComparable);
    }

    #[test]
    fn parts_decide_as_targets_do() {
        let check = |target: Option<Verdict>, part: Verdict, expect: Acceptance, counts: [usize; 4]| {
            let mut judgement = judge(&run(), &system(), &[], &[]);
            judgement.rows.truncate(usize::from(target.is_some()));
            if let (Some(row), Some(verdict)) = (judgement.rows.first_mut(), target) {
                row.verdict = verdict;
            }
            let fact = judgement.facts[0].clone();
            judgement.facts = vec![
                FactRow { required: true, verdict: part, ..fact.clone() },
                FactRow { required: false, verdict: Verdict::Fail, ..fact },
            ];
            assert_eq!(judgement.acceptance(), expect, "{target:?} {part:?}");
            let tally = judgement.tally();
            assert_eq!([tally.required, tally.passed, tally.failed.len(), tally.open.len()], counts);
            assert_eq!(tally.performance, target.is_some_and(|verdict| verdict != Verdict::Infeasible));
        };
        check(Some(Verdict::Pass), Verdict::Pass, Acceptance::Accepted, [2, 2, 0, 0]);
        check(Some(Verdict::Pass), Verdict::Fail, Acceptance::Rejected, [2, 1, 1, 0]);
        check(Some(Verdict::NotComparable), Verdict::Fail, Acceptance::Rejected, [2, 0, 1, 1]);
        check(Some(Verdict::Pass), Verdict::NotMeasured, Acceptance::Inconclusive, [2, 1, 0, 1]);
        check(Some(Verdict::Infeasible), Verdict::Pass, Acceptance::Accepted, [1, 1, 0, 0]);
        check(None, Verdict::Pass, Acceptance::Accepted, [1, 1, 0, 0]);
    }
}
