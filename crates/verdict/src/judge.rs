//! Judging runs against a specification.

use measure::{Better, Ending, Quantity, Run, Warning};
use spec::audit::{Grade, Graded};
use spec::{System, Target};

use crate::ceiling::host_limit;
use crate::comparability::compare;
use crate::decide::DEFAULT_NOISE_FLOOR;
use crate::result::{Found, find};
use crate::{
    BaselineShare, Comparability, Decision, Goal, HostLimit, Judgement, LimitKind, Measured, Row, Verdict, reason,
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
    let runs: Vec<&Run> = earlier.iter().copied().chain([last]).collect();
    let judge = Judge { runs: &runs, last, system, graded };
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
        host: last.host.clone(),
        runs: runs.iter().map(|run| run.id.clone()).collect(),
        boots: boots.len(),
        noise_floor: DEFAULT_NOISE_FLOOR,
        rows: targets.map(|target| judge.row(target)).collect(),
        remarks: runs.iter().filter_map(|run| unfinished(run)).collect(),
    }
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
    runs: &'a [&'a Run],
    last: &'a Run,
    system: &'a System,
    graded: &'a [Graded],
}

impl Judge<'_> {
    fn row(&self, target: &Target) -> Row {
        let audit = self.graded.iter().find(|graded| graded.target == target.id);
        let found = match &target.metric {
            Some(metric) => find(self.runs, metric),
            None => Found::Missing("this suite has no measurement of it".to_owned()),
        };
        let limit = target.metric.as_deref().and_then(|metric| host_limit(metric, self.last));
        let comparability = compare(target, self.system, &self.last.facts);
        let mut said = self.objections(target, audit, &found, limit.as_ref(), &comparability);
        let mut remarks = Vec::new();
        let measured = match found {
            Found::Valid(measured, failed) => {
                remarks.extend(failed.iter().map(|reason| format!("A repetition has no result: {reason}.")));
                Some(*measured)
            }
            Found::Nonsense(_) | Found::Tainted(_) | Found::Missing(_) => None,
        };
        if let (true, Some(measured)) = (said.is_empty(), &measured) {
            said.push(self.decide(target, measured));
            remarks.extend(reason::left_open(target, &comparability));
        }
        remarks.extend(measured.iter().flat_map(|measured| reason::engine(target, measured)));
        remarks.extend(measured.as_ref().and_then(tainted_in_part));
        let (verdict, reason) = said.remove(0);
        remarks.splice(0..0, said.into_iter().map(|(_, reason)| reason));
        let value = measured.as_ref().map(|measured| measured.value);
        Row {
            id: target.id.clone(),
            title: target.title.clone(),
            metric: target.metric.clone(),
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
            measured,
            comparability,
            verdict,
            reason,
            remarks,
            companion_of: target.companion_of.clone(),
        }
    }

    /// What stands against judging the result by its value, the weightiest first: can any machine reach the target? is
    /// there a result? can it be trusted? is this the machine? is enough known to say so?
    fn objections(
        &self,
        target: &Target,
        audit: Option<&Graded>,
        found: &Found,
        limit: Option<&HostLimit>,
        comparability: &Comparability,
    ) -> Vec<(Verdict, String)> {
        let impossible = audit.filter(|audit| audit.grade == Grade::Impossible);
        let infeasible = impossible.map(|audit| (Verdict::Infeasible, reason::infeasible(&audit.arithmetic)));
        let result = match found {
            Found::Missing(why) => Some((Verdict::NotMeasured, format!("There is no result: {why}."))),
            Found::Tainted(why) => Some((Verdict::Tainted, format!("Something disturbed every sample: {why}."))),
            Found::Nonsense(why) => Some((Verdict::Implausible, format!("The result is wrong: {why}."))),
            Found::Valid(measured, _) => implausible(measured, limit, target.better),
        };
        let measured = !matches!(found, Found::Missing(_));
        let foreign = self.foreign(target, found).filter(|_| measured).map(|why| (Verdict::NotComparable, why));
        let differs =
            (!comparability.differs.is_empty()).then(|| (Verdict::NotComparable, reason::differs(comparability)));
        let unknown =
            (!comparability.unknown.is_empty()).then(|| (Verdict::Inconclusive, reason::unknown(comparability)));
        let modelled = extrapolated(found).map(|why| (Verdict::Inconclusive, why));
        let partial = partial(target, found).map(|why| (Verdict::Inconclusive, why));
        [infeasible, result, foreign, differs, unknown, modelled, partial].into_iter().flatten().collect()
    }

    /// Why the figures cannot be held against documented ones, whatever the host.
    fn foreign(&self, target: &Target, found: &Found) -> Option<String> {
        if let Some(run) = self.runs.iter().find(|run| run.build.profile != "release") {
            return Some(format!(
                "The suite was built with profile {}: only `release` counts against documented numbers.",
                run.build.profile
            ));
        }
        let major = |run: &Run| run.build.version.split('.').next().map(str::to_owned);
        for run in self.runs {
            if run.host != self.last.host || major(run) != major(self.last) {
                return Some(format!(
                    "Runs {} and {} are of different hosts, or of versions of the suite whose numbers differ.",
                    run.id, self.last.id
                ));
            }
        }
        match found {
            Found::Valid(measured, _) if measured.value.unit != target.value.unit => Some(format!(
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
        let decision = goal.decide(&measured.boots, DEFAULT_NOISE_FLOOR);
        let sentence = reason::decision("", measured, &goal, decision, DEFAULT_NOISE_FLOOR);
        let first = (verdict(decision), sentence);
        let Some(second) = self.constraint(target) else { return first };
        let sentences = format!("{} {}", first.1, second.1);
        let worse = [Verdict::Fail, Verdict::Inconclusive].into_iter().find(|v| *v == first.0 || *v == second.0);
        (worse.unwrap_or(Verdict::Pass), sentences)
    }

    fn constraint(&self, target: &Target) -> Option<(Verdict, String)> {
        let constraint = target.constraint.as_ref()?;
        let goal = Goal { value: constraint.bound.value, tolerance: target.tolerance, better: constraint.better };
        let open =
            |why: &str| (Verdict::Inconclusive, format!("{}, which must hold as well: {why}.", constraint.metric));
        Some(match find(self.runs, &constraint.metric) {
            Found::Valid(measured, _) if measured.value.unit == constraint.bound.unit => {
                let decision = goal.decide(&measured.boots, DEFAULT_NOISE_FLOOR);
                let what = format!("{} of ", constraint.metric);
                (verdict(decision), reason::decision(&what, &measured, &goal, decision, DEFAULT_NOISE_FLOOR))
            }
            Found::Valid(..) => open("it is measured in another unit"),
            Found::Missing(why) | Found::Tainted(why) | Found::Nonsense(why) => open(&why),
        })
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

/// A result that is better than the host can be, or that caches answered.
fn implausible(measured: &Measured, limit: Option<&HostLimit>, better: Better) -> Option<(Verdict, String)> {
    let ceiling = limit.filter(|limit| limit.kind == LimitKind::Ceiling && better == Better::Higher);
    if let Some(limit) = ceiling.filter(|limit| measured.value.value > limit.value.value * (1.0 + limit.slack)) {
        return Some((Verdict::Implausible, reason::above_ceiling(measured, limit)));
    }
    measured.warnings.iter().find_map(|warning| match warning {
        // What is wanted is four times the caches.
        Warning::NearCache { array, wanted } if *array <= wanted / 4 => {
            let sentence = format!(
                "The arrays of {array} bytes fit into the caches of {} bytes: this is not what memory delivers.",
                wanted / 4
            );
            Some((Verdict::Implausible, sentence))
        }
        _ => None,
    })
}

/// A model's figure shows where things stand; a verdict wants a measurement.
fn extrapolated(found: &Found) -> Option<String> {
    let Found::Valid(measured, _) = found else { return None };
    measured.warnings.iter().find_map(|warning| match warning {
        Warning::Extrapolated { how } => Some(format!("The figure is extrapolated and not measured: {how}.")),
        _ => None,
    })
}

/// A figure of a part decides only where it is above a limit already: the whole has at least as much.
fn partial(target: &Target, found: &Found) -> Option<String> {
    let Found::Valid(measured, _) = found else { return None };
    let covers: Vec<&str> = (measured.warnings.iter())
        .filter_map(|warning| match warning {
            Warning::Partial { covers } => Some(covers.as_str()),
            _ => None,
        })
        .collect();
    let goal = Goal { value: target.value.value, tolerance: target.tolerance, better: target.better };
    let missed = goal.decide(&measured.boots, DEFAULT_NOISE_FLOOR) == Decision::Missed;
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
mod tests {
    use super::*;
    use crate::testdata::{graded, measured, number, run, stated, system};
    use measure::{NotMeasured, Outcome, Reading, Reason, Taint, Unit, Workload};
    use spec::Standing;

    /// What is judged: a run that meets every target on the documented machine, with something changed.
    struct Case {
        run: Run,
        system: System,
        graded: Vec<Graded>,
    }

    impl Case {
        fn triad(&mut self) -> &mut measure::Measurement {
            match &mut self.run.attempts[0].outcomes[0] {
                Outcome::Measured(triad) => triad,
                Outcome::NotMeasured(_) => panic!("the triad is measured"),
            }
        }

        fn set(&mut self, values: &[f64]) {
            self.triad().samples = values.iter().copied().map(measure::Sample::valid).collect();
        }

        fn lose(&mut self, name: &str, reason: Reason) {
            let id = measure::MetricId { name: name.into(), labels: measure::Labels::new() };
            self.run.attempts[0].outcomes = vec![Outcome::NotMeasured(NotMeasured { id, reason })];
        }
    }

    type Change = fn(&mut Case);

    fn row(id: &str, change: impl FnOnce(&mut Case)) -> Row {
        let mut case = Case { run: run(), system: system(), graded: vec![] };
        change(&mut case);
        let judgement = judge(&case.run, &case.system, &case.graded, &[]);
        assert_eq!(judgement, judge(&case.run, &case.system, &case.graded, &[]));
        judgement.rows.into_iter().find(|row| row.id == id).unwrap()
    }

    fn check(change: impl FnOnce(&mut Case), verdict: Verdict, words: &str) -> Row {
        let row = row("memory.triad", change);
        assert_eq!(row.verdict, verdict, "{}", row.reason);
        assert!(row.reason.contains(words), "{}", row.reason);
        row
    }

    fn infeasible(case: &mut Case) {
        case.graded = vec![graded(Grade::Impossible)];
    }

    fn unmeasured(case: &mut Case) {
        case.lose("stream", Reason::WorkerDied("signal 4".into()));
    }

    fn tainted(case: &mut Case) {
        for sample in &mut case.triad().samples {
            sample.taint = Some(Taint::CpuTaken { share: 0.2, by: "steal".into() });
        }
    }

    fn implausible(case: &mut Case) {
        case.set(&[160e9]);
    }

    fn unreleased(case: &mut Case) {
        case.run.build.profile = "ci".into();
    }

    fn different(case: &mut Case) {
        case.run.facts.quantity("cpu.sockets", 2.0, Unit::Count, "sysfs");
    }

    fn unknown(case: &mut Case) {
        case.run.facts.put("memory.data_rate", Reading::Denied { remedy: "run as root".into() }, "SMBIOS");
    }

    fn partial(case: &mut Case) {
        case.triad().warnings.push(Warning::Partial { covers: "one socket".into() });
    }

    fn modelled(case: &mut Case) {
        case.triad().warnings.push(Warning::Extrapolated { how: "to N = 9 by R(N)".into() });
    }

    fn missed(case: &mut Case) {
        case.set(&[80e9]);
    }

    #[test]
    fn each_verdict_has_its_reason() {
        use Verdict as V;
        check(|_| {}, V::Pass, "110 GB/s (one boot) is above the threshold of 95 GB/s (100 GB/s less 5 %)");
        check(missed, V::Fail, "80 GB/s (one boot) is below the threshold of 95 GB/s");
        check(|case| case.set(&[96e9]), V::Inconclusive, "within the noise floor of 3 %");
        check(infeasible, V::Infeasible, "own tables can reach it: 2 channels × 4800 MT/s × 8 B = 76.8 GB/s.");
        check(unmeasured, V::NotMeasured, "There is no result: the worker died: signal 4.");
        check(tainted, V::Tainted, "steal took 20.0 % of the CPU time");
        check(
            implausible,
            V::Implausible,
            "160 GB/s is above 153.6 GB/s, which is all that this host can deliver: 4 (SMBIOS) channels",
        );
        check(unreleased, V::NotComparable, "built with profile ci");
        check(different, V::NotComparable, "cpu.sockets is 2 (documented 1)");
        check(modelled, V::Inconclusive, "extrapolated and not measured: to N = 9 by R(N).");
        check(unknown, V::Inconclusive, "for want of memory.data_rate (SMBIOS may not be read: run as root)");
    }

    #[test]
    fn the_weightiest_of_two_verdicts_wins_and_the_other_is_a_remark() {
        let in_order: [(Change, Verdict); 9] = [
            (infeasible, Verdict::Infeasible),
            (unmeasured, Verdict::NotMeasured),
            (tainted, Verdict::Tainted),
            (|case| case.set(&[0.0]), Verdict::Implausible),
            (unreleased, Verdict::NotComparable),
            (different, Verdict::NotComparable),
            (unknown, Verdict::Inconclusive),
            (modelled, Verdict::Inconclusive),
            (missed, Verdict::Fail),
        ];
        for (i, (weighty, verdict)) in in_order.iter().enumerate() {
            for (light, _) in &in_order[i + 1..] {
                let row = row("memory.triad", |case| {
                    // The lighter change first: losing a result takes away what the other one changed.
                    light(case);
                    weighty(case);
                });
                assert_eq!(row.verdict, *verdict, "{}", row.reason);
            }
        }
        let row = row("memory.triad", |case| {
            infeasible(case);
            different(case);
        });
        assert!(row.remarks[0].contains("This host is not the documented machine"), "{:?}", row.remarks);
    }

    #[test]
    fn only_what_the_document_states_firmly_decides() {
        let weaken = |standing: Standing| {
            move |case: &mut Case| {
                different(case);
                case.system.facts[0].standing = standing;
            }
        };
        let row = check(weaken(Standing::Placeholder("§1.2".into())), Verdict::Pass, "above the threshold");
        assert!(row.remarks[0].contains("cpu.sockets"), "{:?}", row.remarks);
        check(weaken(Standing::Contradicted("§1.3".into())), Verdict::Pass, "above the threshold");
        // Of two firm statements, either is the documented machine.
        let twice = |case: &mut Case| {
            different(case);
            case.system.facts.push(stated("cpu.sockets", number(2.0, Unit::Count)));
        };
        check(twice, Verdict::Pass, "above the threshold");
    }

    #[test]
    fn a_missing_result_says_why() {
        let gone = |case: &mut Case| case.run.attempts.clear();
        check(gone, Verdict::NotMeasured, "the run did not include stream");
        let cut = |case: &mut Case| {
            case.run.attempts[0].outcomes.clear();
            case.run.ending = Ending::Cut;
        };
        check(cut, Verdict::NotMeasured, "the record was cut before it");
        let unknown_metric = |case: &mut Case| case.system.targets[0].metric = None;
        check(unknown_metric, Verdict::NotMeasured, "this suite has no measurement of it");
        let small = |case: &mut Case| case.lose("stream.triad", Reason::NoResources("1 GB".into()));
        check(small, Verdict::NotMeasured, "too little room: 1 GB");
    }

    #[test]
    fn samples_that_cannot_be_are_implausible() {
        let zero = |case: &mut Case| case.set(&[110e9, 0.0]);
        check(zero, Verdict::Implausible, "a sample is 0");
        let nan = |case: &mut Case| case.set(&[f64::NAN]);
        check(nan, Verdict::Implausible, "a sample is NaN");
        let cached = |case: &mut Case| case.triad().warnings.push(Warning::NearCache { array: 8, wanted: 32 });
        check(cached, Verdict::Implausible, "fit into the caches of 8 bytes");
        let near = |case: &mut Case| case.triad().warnings.push(Warning::NearCache { array: 9, wanted: 32 });
        check(near, Verdict::Pass, "above the threshold");
    }

    #[test]
    fn samples_that_were_disturbed_do_not_count() {
        let some = |case: &mut Case| {
            case.set(&[110e9, 111e9, 20e9]);
            case.triad().samples[2].taint = Some(Taint::Environment("hot".into()));
        };
        let row = check(some, Verdict::Pass, "110.5 GB/s (one boot)");
        assert_eq!(row.remarks, ["1 of 3 samples were disturbed and do not count."]);
    }

    #[test]
    fn a_second_figure_must_hold_as_well() {
        let check = |p99: Option<f64>, verdict: Verdict, words: &str| {
            let row = row("storage.random", |case| {
                case.run.attempts[1].outcomes.truncate(1);
                let outcomes = p99.map(|p99| measured("disk.randread.p99", Unit::Second, &[p99]));
                case.run.attempts[1].outcomes.extend(outcomes);
            });
            assert_eq!(row.verdict, verdict, "{}", row.reason);
            assert!(row.reason.contains(words), "{}", row.reason);
            assert_eq!(row.remarks, ["The document leaves open: queue depth not stated."]);
        };
        check(Some(40e-6), Verdict::Pass, "disk.randread.p99 of 40 µs (one boot) is below");
        check(Some(80e-6), Verdict::Fail, "disk.randread.p99 of 80 µs (one boot) is above");
        check(Some(52.5e-6), Verdict::Inconclusive, "within the noise floor");
        check(None, Verdict::Inconclusive, "disk.randread.p99, which must hold as well: the run has no");
    }

    #[test]
    fn shares_say_how_much_was_reached_whatever_the_direction() {
        let triad = row("memory.triad", |_| {});
        assert_eq!((triad.share_of_target, triad.share_of_host), (Some(1.1), Some(110.0 / 153.6)));
        assert_eq!(triad.baselines[0].ratio, Some(5.5));
        let latency = row("memory.latency", |_| {});
        assert_eq!(latency.verdict, Verdict::Pass);
        assert!((latency.share_of_target.unwrap() - 100.0 / 90.0).abs() < 1e-12);
        assert_eq!(latency.share_of_host, None);
    }

    #[test]
    fn companions_follow_their_targets_and_are_judged() {
        let system = system();
        let mut companion = system.targets[0].clone();
        companion.id = "memory.triad.achievable".into();
        companion.companion_of = Some("memory.triad".into());
        companion.value = Quantity::new(70e9, Unit::BytePerSecond);
        let judgement = judge(&run(), &system, &[graded(Grade::Impossible)], &[companion]);
        let rows: Vec<_> = judgement.rows.iter().map(|row| (row.id.as_str(), row.verdict)).collect();
        assert_eq!(rows[0], ("memory.triad", Verdict::Infeasible));
        assert_eq!(rows[1], ("memory.triad.achievable", Verdict::Pass));
        assert_eq!(rows.len(), system.targets.len() + 1);
        assert_eq!(judgement.acceptance(), crate::Acceptance::Accepted);
    }

    #[test]
    fn boots_are_the_sample_and_repetitions_are_not() {
        let with = |boot: &str, triad: f64| {
            let mut run = run();
            run.boot_id = Some(boot.into());
            run.attempts[0].outcomes[0] = measured("stream.triad", Unit::BytePerSecond, &[triad]);
            run
        };
        let (a, b, c) = (with("a", 96e9), with("b", 100e9), with("b", 90e9));
        let judgement = judge_boots(&c, &[&a, &b], &system(), &[], &[]);
        let triad = &judgement.rows[0];
        assert_eq!(judgement.boots, 2);
        assert_eq!(triad.measured.as_ref().unwrap().boots, [96e9, 95e9]);
        assert_eq!(triad.verdict, Verdict::Inconclusive);
        assert!(triad.reason.contains("over 2 boots is too close"), "{}", triad.reason);
        let mut elsewhere = with("c", 100e9);
        elsewhere.host = "node-2".into();
        let rows = judge_boots(&c, &[&elsewhere], &system(), &[], &[]).rows;
        assert_eq!(rows[0].verdict, Verdict::NotComparable);
    }

    #[test]
    fn a_workload_that_was_not_run_has_no_attempt() {
        let mut run = run();
        run.attempts.retain(|attempt| attempt.workload == Workload::Stream);
        let judgement = judge(&run, &system(), &[], &[]);
        assert_eq!(judgement.count(Verdict::NotMeasured), 1);
        assert_eq!(judgement.count(Verdict::Pass), 2);
    }
    #[test]
    fn a_part_breaks_a_limit_and_never_keeps_it() {
        check(partial, Verdict::Inconclusive, "covers only one socket");
        let check = |nanoseconds: f64, expect: Verdict| {
            let row = row("memory.latency", |case| {
                let Outcome::Measured(latency) = &mut case.run.attempts[0].outcomes[1] else {
                    panic!("it is measured")
                };
                latency.samples = vec![measure::Sample::valid(nanoseconds * 1e-9)];
                latency.warnings.push(Warning::Partial { covers: "one socket".into() });
            });
            assert_eq!(row.verdict, expect, "{}", row.reason);
        };
        // The limit is 100 ns and 5 % more.
        check(50.0, Verdict::Inconclusive);
        check(150.0, Verdict::Fail);
    }
}
