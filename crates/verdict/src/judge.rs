//! Judging runs against a specification.

use measure::{Better, Definition, Ending, Labels, Quantity, Run, Warning, binary_bytes};
use spec::audit::{Grade, Graded};
use spec::{System, Target};

use crate::ceiling::{host_limit, least_latency, least_read};
use crate::comparability::compare;
use crate::criteria::inspect;
use crate::drives::as_counted;
use crate::failures;
use crate::pool::{Pool, Pooled, pool, with_facts_of_last};
use crate::result::{Found, find, untimed};
use crate::{
    BaselineShare, Comparability, Decision, Goal, Judgement, LimitKind, Measured, NoiseFloor, Row, Verdict, engine,
    place, reason,
};

/// Judges one run. `graded` is the audit of the system, and `companions` are achievable targets that stand beside
/// documented ones.
#[must_use]
pub fn judge(run: &Run, system: &System, graded: &[Graded], companions: &[Target]) -> Judgement {
    judge_boots(run, &[], system, graded, companions)
}

/// Judges runs of several boots of one host together. The facts of the host and its limits are those of `last`.
#[must_use]
pub fn judge_boots(
    last: &Run,
    earlier: &[&Run],
    system: &System,
    graded: &[Graded],
    companions: &[Target],
) -> Judgement {
    let Pool { runs, remarks: left_out } = pool(last, earlier);
    let pooled = runs.iter().map(|run| Pooled { run, host: as_counted(system, &run.facts) });
    let judge = Judge { boots: pooled.collect(), last, system, graded };
    let beside = |target: &Target| {
        let id = target.id.clone();
        companions.iter().filter(move |companion| companion.companion_of.as_ref() == Some(&id))
    };
    let alone = companions
        .iter()
        .filter(|companion| companion.companion_of.as_ref().is_none_or(|id| system.target(id).is_none()));
    let targets = system.targets.iter().flat_map(|target| std::iter::once(target).chain(beside(target))).chain(alone);
    let mut boots: Vec<_> = runs.iter().map(|run| &run.boot_id).collect();
    boots.sort();
    boots.dedup();
    Judgement {
        system: system.id.clone(),
        system_name: system.name.clone(),
        host: last.name().to_owned(),
        runs: runs.iter().map(|run| run.id.clone()).collect(),
        boots: boots.len(),
        rows: targets.map(|target| judge.row(target)).collect(),
        facts: inspect(system, &last.facts),
        remarks: left_out.into_iter().chain(runs.iter().filter_map(|run| unfinished(run))).collect(),
    }
}

/// Judges the parts of a host before anything is measured: `run` has its facts, and no attempts. A target speaks of another
/// machine where a fact differs that it depends on, and is else not measured.
#[must_use]
pub fn judge_parts(run: &Run, system: &System, graded: &[Graded], companions: &[Target]) -> Judgement {
    let mut judgement = judge(run, system, graded, companions);
    for row in judgement.rows.iter_mut().filter(|row| row.verdict == Verdict::NotMeasured) {
        if row.comparability.differs.is_empty() {
            "Not measured: the parts were judged before.".clone_into(&mut row.reason);
        } else {
            (row.verdict, row.reason) = (Verdict::NotComparable, reason::differs(&row.comparability));
        }
    }
    judgement.remarks.clear();
    judgement
}

fn unfinished(run: &Run) -> Option<String> {
    match run.ending {
        Ending::Complete => None,
        Ending::Interrupted => Some(format!("Run {} was stopped by the user before its end.", run.id)),
        Ending::Cut => {
            Some(format!("The record of run {} stops without an end: the process or the machine went down.", run.id))
        }
    }
}

struct Judge<'a> {
    /// The newest last.
    boots: Vec<Pooled<'a>>,
    last: &'a Run,
    system: &'a System,
    graded: &'a [Graded],
}

impl Judge<'_> {
    fn row(&self, target: &Target) -> Row {
        let audit = self.graded.iter().find(|graded| graded.target == target.id);
        let (runs, other_facts) = with_facts_of_last(&self.boots, target);
        let found = match target.metric {
            Some(metric) => find(&runs, metric, &target.series),
            None => Found::Missing(reason::no_metric(target)),
        };
        let limit = target.metric.and_then(|metric| host_limit(metric, self.last));
        let comparability = self.boots.last().map(|boot| compare(target, self.system, &boot.host)).unwrap_or_default();
        let (verdict, reason, mut remarks) = self.answer(target, audit, &found, &comparability);
        remarks.extend(target.metric.and_then(|metric| reason::untimed(&untimed(&runs, metric, &target.series))));
        remarks.extend(other_facts);
        let (measured, disturbed) = match found {
            Found::Valid(measured) => (Some(*measured), None),
            Found::Tainted { median, .. } => (None, Some(median)),
            Found::Wrong(_) | Found::Invalid(_) | Found::Missing(_) => (None, None),
        };
        let value = measured.as_ref().map(|measured| measured.value);
        Row {
            id: target.id.clone(),
            title: target.title.clone(),
            metric: target.metric,
            series: target.series.clone(),
            documented: target.value,
            approximate: target.approximate,
            better: target.better,
            tolerance: target.tolerance,
            required: target.required,
            place: target.place.at.clone(),
            grade: audit.map(|audit| audit.grade),
            ceiling: audit.and_then(|audit| audit.ceiling),
            arithmetic: audit.map(|audit| audit.arithmetic.clone()),
            share_of_target: share(value, Some(target.value), target.better),
            share_of_host: share(value, limit.as_ref().map(|limit| limit.value), target.better),
            host_limit: limit,
            baselines: self.baselines(target, value),
            noise_floor: self.floor(target.metric, &target.series),
            measured,
            disturbed,
            comparability,
            verdict,
            reason,
            remarks,
            companion_of: target.companion_of.clone(),
        }
    }

    /// The verdict, why, and what else is to be known.
    fn answer(
        &self,
        target: &Target,
        audit: Option<&Graded>,
        found: &Found,
        comparability: &Comparability,
    ) -> (Verdict, String, Vec<String>) {
        let mut answers = self.objections(target, audit, found, comparability);
        let mut remarks = Vec::new();
        if let Found::Valid(measured) = found {
            let failed = failures::sentence(&measured.failures, measured.repetitions);
            remarks.extend(failed.filter(|told| !answers.iter().any(|(_, why)| why.contains(told))));
            if answers.is_empty() {
                answers.push(with_failures(self.decide(target, measured), measured));
                remarks.extend(reason::left_open(target, comparability));
                let (runs, _) = with_facts_of_last(&self.boots, target);
                remarks.extend(place::remark(target, self.system, &runs));
            }
            remarks.extend(reason::shares(target, measured));
            remarks.extend(tainted_in_part(measured));
        }
        let (verdict, reason) = answers.remove(0);
        remarks.splice(0..0, answers.into_iter().map(|(_, reason)| reason));
        (verdict, reason, remarks)
    }

    /// What speaks against judging the result by its value, the weightiest first: can any machine reach the target? is
    /// there a result? can it be trusted? is this the machine? is enough known to say so?
    fn objections(
        &self,
        target: &Target,
        audit: Option<&Graded>,
        found: &Found,
        comparability: &Comparability,
    ) -> Vec<(Verdict, String)> {
        let impossible = audit.filter(|audit| audit.grade == Grade::Impossible);
        let infeasible = impossible.map(|audit| (Verdict::Infeasible, reason::infeasible(&audit.arithmetic)));
        let result = match found {
            Found::Missing(why) => Some((Verdict::NotMeasured, format!("Not measured: {why}."))),
            Found::Tainted { why, .. } => Some((Verdict::Tainted, format!("Something disturbed every sample: {why}."))),
            Found::Wrong(why) => Some((Verdict::Fail, format!("This host computes wrongly: {why}"))),
            Found::Invalid(why) => Some((Verdict::Implausible, format!("The result is wrong: {why}."))),
            Found::Valid(measured) => wrong(measured)
                .map(|why| (Verdict::Fail, format!("This host computes wrongly: {why}")))
                .or_else(|| target.metric.and_then(|metric| self.implausible(measured, metric))),
        };
        let measured = !matches!(found, Found::Missing(_));
        let mismatch =
            self.build_or_host_mismatch(target, found).filter(|_| measured).map(|why| (Verdict::NotComparable, why));
        let differs =
            (!comparability.differs.is_empty()).then(|| (Verdict::NotComparable, reason::differs(comparability)));
        let unknown =
            (!comparability.unknown.is_empty()).then(|| (Verdict::Inconclusive, reason::unknown(comparability)));
        let engine = match found {
            Found::Valid(measured) => engine::objection(&target.conditions, &measured.engines),
            Found::Wrong(_) | Found::Invalid(_) | Found::Tainted { .. } | Found::Missing(_) => None,
        };
        let (runs, _) = with_facts_of_last(&self.boots, target);
        let elsewhere = place::objection(target, self.system, &runs);
        let modelled = extrapolated(found).map(|why| (Verdict::Inconclusive, why));
        let partial =
            partial(target, found, self.floor(target.metric, &target.series)).map(|why| (Verdict::Inconclusive, why));
        // That it is of another thing weighs more than that it is not known.
        let doubts = [mismatch, differs, engine, elsewhere, unknown, modelled, partial].into_iter().flatten();
        let (apart, open): (Vec<_>, Vec<_>) = doubts.partition(|(verdict, _)| *verdict == Verdict::NotComparable);
        infeasible.into_iter().chain(result).chain(apart).chain(open).collect()
    }

    /// Why the figures cannot be compared with documented ones, whatever the host.
    fn build_or_host_mismatch(&self, target: &Target, found: &Found) -> Option<String> {
        if let Some(boot) = self.boots.iter().find(|boot| boot.run.build.profile != "release") {
            return Some(format!(
                "The suite was built with profile {}: only `release` counts against documented numbers.",
                boot.run.build.profile
            ));
        }
        match found {
            Found::Valid(measured) if measured.value.unit != target.value.unit => Some(format!(
                "The target is in {}, and what is measured is in {}.",
                target.value.unit.symbol(),
                measured.value.unit.symbol()
            )),
            _ => None,
        }
    }

    /// The verdict by the value, and by the second figure that must hold with it.
    fn decide(&self, target: &Target, measured: &Measured) -> (Verdict, String) {
        let goal = Goal { value: target.value.value, tolerance: target.tolerance, better: target.better };
        let floor = self.floor(target.metric, &target.series);
        let decision = goal.decide(&measured.boots, floor.share);
        let sentence = reason::decision("", measured, &goal, decision, floor);
        let first = (verdict(decision), sentence);
        let Some(second) = self.constraint(target) else { return first };
        let sentences = format!("{} {}", first.1, second.1);
        let order = [Verdict::Fail, Verdict::Implausible, Verdict::Inconclusive];
        let worse = order.into_iter().find(|v| *v == first.0 || *v == second.0);
        (worse.unwrap_or(Verdict::Pass), sentences)
    }

    fn constraint(&self, target: &Target) -> Option<(Verdict, String)> {
        let constraint = target.constraint.as_ref()?;
        let goal = Goal { value: constraint.bound.value, tolerance: target.tolerance, better: constraint.better };
        let open =
            |why: &str| (Verdict::Inconclusive, format!("{}, which must hold as well: {why}.", constraint.metric.id));
        let (runs, _) = with_facts_of_last(&self.boots, target);
        Some(match find(&runs, constraint.metric, &Labels::new()) {
            Found::Valid(measured) if measured.value.unit == constraint.bound.unit => {
                if let Some((verdict, why)) = self.implausible(&measured, constraint.metric) {
                    let which = constraint.metric.id;
                    return Some((verdict, format!("{which}, which must hold as well, cannot be: {why}")));
                }
                let floor = self.floor(Some(constraint.metric), &Labels::new());
                let decision = goal.decide(&measured.boots, floor.share);
                let what = format!("{} of ", constraint.metric.id);
                let sentence = reason::decision(&what, &measured, &goal, decision, floor);
                with_failures((verdict(decision), sentence), &measured)
            }
            Found::Valid(..) => open("it is measured in another unit"),
            Found::Wrong(why) => (Verdict::Fail, format!("{}, which must hold as well: {why}", constraint.metric.id)),
            Found::Missing(why) | Found::Tainted { why, .. } | Found::Invalid(why) => open(&why),
        })
    }

    /// The noise floor of a series: a record knows those of whole metrics.
    fn floor(&self, metric: Option<&Definition>, series: &Labels) -> NoiseFloor {
        metric.filter(|_| series.is_empty()).map_or(NoiseFloor::ASSUMED, |metric| NoiseFloor::of(self.last, metric))
    }

    /// A result that is better than the host can be, or that caches answered.
    fn implausible(&self, measured: &Measured, metric: &Definition) -> Option<(Verdict, String)> {
        let limit = host_limit(metric, self.last).filter(|limit| limit.kind == LimitKind::Ceiling);
        let limit = limit.or_else(|| least_latency(metric, &self.last.facts));
        let runs: Vec<&Run> = self.boots.iter().map(|boot| boot.run).collect();
        let flash = || least_read(metric, &self.last.facts).filter(|_| place::is_on_volume(metric, &runs));
        let limit = limit.or_else(flash);
        if let Some(limit) =
            limit.filter(|limit| measured.boots.iter().any(|boot| limit.is_beyond(*boot, metric.better)))
        {
            return Some((Verdict::Implausible, reason::beyond_physics(measured, &limit, metric.better)));
        }
        near_cache(measured)
    }

    fn baselines(&self, target: &Target, value: Option<Quantity>) -> Vec<BaselineShare> {
        let beside = |id: &str| id == target.id || target.companion_of.as_deref() == Some(id);
        let baselines = self.system.baselines.iter().filter(|baseline| beside(&baseline.target));
        baselines
            .map(|baseline| BaselineShare {
                system: baseline.system.clone(),
                value: baseline.value,
                approximate: baseline.approximate,
                ratio: share(value, Some(baseline.value), target.better),
            })
            .collect()
    }
}

fn verdict(decision: Decision) -> Verdict {
    match decision {
        Decision::Met => Verdict::Pass,
        Decision::Missed => Verdict::Fail,
        Decision::Open { .. } => Verdict::Inconclusive,
    }
}

/// That at least half of the repetitions gave wrong results.
fn wrong(measured: &Measured) -> Option<String> {
    let at_best = failures::at_best(&measured.failures, measured.repetitions);
    failures::sentence(&measured.failures, measured.repetitions).filter(|_| at_best == Some(Verdict::Fail))
}

/// A verdict by the value, lowered by the repetitions that failed.
fn with_failures((verdict, sentence): (Verdict, String), measured: &Measured) -> (Verdict, String) {
    // Where all failed, the value itself is of one that did.
    let is_of_failed = measured.failures.len() == measured.repetitions;
    if verdict == Verdict::Fail && !is_of_failed {
        return (verdict, sentence);
    }
    match failures::at_best(&measured.failures, measured.repetitions) {
        None => (verdict, sentence),
        Some(Verdict::Fail) => {
            (Verdict::Fail, format!("At least half of the repetitions gave wrong results. {sentence}"))
        }
        Some(lowered) => {
            (lowered, format!("Repetitions failed, so that the value of the others does not decide. {sentence}"))
        }
    }
}

/// That caches answered.
fn near_cache(measured: &Measured) -> Option<(Verdict, String)> {
    measured.warnings.iter().find_map(|warning| match warning {
        // What is wanted is four times the caches.
        Warning::NearCache { array, wanted } if *array <= wanted / 4 => {
            let sentence = format!(
                "The arrays of {} fit into the caches of {}: this is not what memory delivers.",
                binary_bytes(*array as f64),
                binary_bytes((wanted / 4) as f64)
            );
            Some((Verdict::Implausible, sentence))
        }
        _ => None,
    })
}

/// A model's figure is an indication; a verdict wants a measurement.
fn extrapolated(found: &Found) -> Option<String> {
    let Found::Valid(measured) = found else { return None };
    measured.warnings.iter().find_map(|warning| match warning {
        Warning::Extrapolated { how } => Some(format!("The figure is extrapolated and not measured: {how}.")),
        _ => None,
    })
}

/// A figure of a part decides only where it is above a limit already: the whole has at least as much.
fn partial(target: &Target, found: &Found, floor: NoiseFloor) -> Option<String> {
    let Found::Valid(measured) = found else { return None };
    let covers: Vec<&str> = (measured.warnings.iter())
        .filter_map(|warning| match warning {
            Warning::Partial { covers } => Some(covers.as_str()),
            _ => None,
        })
        .collect();
    let goal = Goal { value: target.value.value, tolerance: target.tolerance, better: target.better };
    let missed = goal.decide(&measured.boots, floor.share) == Decision::Missed;
    if covers.is_empty() || (missed && target.better == Better::Lower) {
        return None;
    }
    Some(format!("{} covers only {}: the whole has at least as much.", measured.value, covers.join("; and ")))
}

fn tainted_in_part(measured: &Measured) -> Option<String> {
    let all = measured.tainted + measured.summary.n;
    (measured.tainted > 0).then(|| format!("{} of {all} samples were disturbed and do not count.", measured.tainted))
}

/// How much of `whole` was reached: above 1 is better than it, whatever the direction.
fn share(value: Option<Quantity>, whole: Option<Quantity>, better: Better) -> Option<f64> {
    let (value, whole) = (value?, whole?);
    let share = match better {
        Better::Higher => value.value / whole.value,
        Better::Lower => whole.value / value.value,
    };
    (value.unit == whole.unit && share.is_finite()).then_some(share)
}

#[cfg(test)]
mod tests;
