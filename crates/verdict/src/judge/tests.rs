//! Verdicts of a run that meets every target, with something changed.

use super::*;
use crate::testdata::{graded, measured, number, run, samples, stated, system};
use measure::metrics::{DISK_RANDREAD_P99, STREAM_LATENCY, STREAM_TRIAD};
use measure::{Measurement, MetricId, NotMeasured, Outcome, Reading, Reason, Sample, Taint, Unit, Workload};
use spec::{Standing, StatedFact};

/// What is judged: a run that meets every target on the documented machine, with something changed.
struct Case {
    run: Run,
    system: System,
    graded: Vec<Graded>,
}

impl Case {
    fn triad(&mut self) -> &mut Measurement {
        match &mut self.run.attempts[0].outcomes[0] {
            Outcome::Measured(triad) => triad,
            Outcome::NotMeasured(_) => panic!("the triad is measured"),
        }
    }

    fn set(&mut self, values: &[f64]) {
        self.triad().samples = samples(values);
    }

    fn lose(&mut self, name: &str, reason: Reason) {
        let id = MetricId { name: name.into(), labels: measure::Labels::new() };
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
    check(unmeasured, V::NotMeasured, "Not measured: the worker died: signal 4.");
    check(tainted, V::Tainted, "steal took 20.0 % of the CPU time");
    check(
        implausible,
        V::Implausible,
        "160 GB/s is above 153.6 GB/s, which is this host's physical ceiling: 4 (SMBIOS) channels",
    );
    check(unreleased, V::NotComparable, "built with profile ci");
    check(different, V::NotComparable, "cpu.sockets is 2 (documented 1)");
    check(modelled, V::Inconclusive, "extrapolated and not measured: to N = 9 by R(N).");
    check(
        unknown,
        V::Inconclusive,
        "documented machine: memory.data_rate unknown (SMBIOS may not be read: run as root).",
    );
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
    let small = |case: &mut Case| case.lose(STREAM_TRIAD.id, Reason::NoResources("1 GB".into()));
    check(small, Verdict::NotMeasured, "not enough memory, disk space or time: 1 GB");
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
            let outcomes = p99.map(|p99| measured(&DISK_RANDREAD_P99, &[p99]));
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
        run.attempts[0].outcomes[0] = measured(&STREAM_TRIAD, &[triad]);
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
    elsewhere.fingerprint.platform.insert("system.serial".into(), "SN-2".into());
    let judgement = judge_boots(&c, &[&elsewhere], &system(), &[], &[]);
    assert_eq!(judgement.rows, judge(&c, &system(), &[], &[]).rows);
    assert!(judgement.remarks[0].contains("another machine (system.serial is SN-2"), "{:?}", judgement.remarks);
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
fn samples_without_times_are_judged_as_they_were_marked_and_the_row_says_so() {
    let untimed = |case: &mut Case| {
        for sample in &mut case.triad().samples {
            sample.interval = None;
        }
    };
    let words =
        "Its samples carry no times (record of version 0.1.0): the marks are those of the program that measured.";
    let check = |change: Change| {
        let timed = row("memory.triad", change);
        let mut same = row("memory.triad", |case| {
            change(case);
            untimed(case);
        });
        assert_eq!(same.remarks.pop().as_deref(), Some(words), "{:?}", same.remarks);
        assert_eq!(same, timed);
    };
    check(|_| {});
    check(missed);
    check(tainted);
    check(|case| case.triad().samples[0].taint = Some(Taint::Environment("hot".into())));
    let run = &mut run();
    run.attempts[0].outcomes[0] = Outcome::Measured(Measurement::new(&STREAM_TRIAD, [110e9].map(Sample::untimed)));
    let mut second = run.clone();
    second.boot_id = Some("boot-2".into());
    second.build.version = "0.2.0".into();
    let rows = judge_boots(&second, &[run], &system(), &[], &[]).rows;
    assert!(rows[0].remarks.iter().any(|remark| remark.contains("version 0.1.0 and 0.2.0")), "{:?}", rows[0].remarks);
    assert!(rows[1].remarks.is_empty(), "{:?}", rows[1].remarks);
}

#[test]
fn a_part_breaks_a_limit_and_never_keeps_it() {
    check(partial, Verdict::Inconclusive, "covers only one socket");
    let check = |nanoseconds: f64, expect: Verdict| {
        let row = row("memory.latency", |case| {
            let Outcome::Measured(latency) = &mut case.run.attempts[0].outcomes[1] else { panic!("it is measured") };
            latency.samples = samples(&[nanoseconds * 1e-9]);
            latency.warnings.push(Warning::Partial { covers: "one socket".into() });
        });
        assert_eq!(row.verdict, expect, "{}", row.reason);
    };
    // The limit is 100 ns and 5 % more.
    check(50.0, Verdict::Inconclusive);
    check(150.0, Verdict::Fail);
}

/// A boot for each value; in those without, `fault` is what the triad came to.
fn boots(values: &[Option<f64>], fault: &Outcome) -> Row {
    let boot = |(number, value): (usize, &Option<f64>)| {
        let mut run = Run { id: format!("run-{number}"), boot_id: Some(format!("boot-{number}")), ..run() };
        run.attempts[0].outcomes[0] = value.map_or_else(|| fault.clone(), |value| measured(&STREAM_TRIAD, &[value]));
        run
    };
    let runs: Vec<Run> = values.iter().enumerate().map(boot).collect();
    let (last, earlier) = runs.split_last().unwrap();
    let judgement = judge_boots(last, &earlier.iter().collect::<Vec<_>>(), &system(), &[], &[]);
    judgement.rows.into_iter().next().unwrap()
}

#[test]
fn repetitions_that_failed_are_counted_and_too_many_never_pass() {
    let not_measured = |reason: Reason| {
        let id = MetricId { name: "stream".into(), labels: measure::Labels::new() };
        Outcome::NotMeasured(NotMeasured { id, reason })
    };
    let wrong = not_measured(Reason::WrongResult("a[7] is 3, not 4".into()));
    let lost = not_measured(Reason::WorkerDied("signal 9".into()));
    let zero = measured(&STREAM_TRIAD, &[0.0]);
    let (good, bad) = (Some(110e9), None);
    let check = |values: &[Option<f64>], fault: &Outcome, expect: Verdict, words: &str| {
        let row = boots(values, fault);
        assert_eq!(row.verdict, expect, "{}", row.reason);
        let text = format!("{} {}", row.reason, row.remarks.join(" "));
        assert!(text.contains(words), "{text}");
    };
    check(&[good, good, good, good, bad], &lost, Verdict::Pass, "1 of 5 repetitions failed: 1 × the worker died");
    check(&[good, good, good, good, bad], &zero, Verdict::Pass, "1 of 5 repetitions failed: 1 × a sample is 0");
    check(&[good, good, good, good, bad], &wrong, Verdict::Inconclusive, "1 of 5 repetitions failed");
    check(&[bad, bad, bad, bad, good], &lost, Verdict::Inconclusive, "4 of 5 repetitions failed: 4 × the worker died");
    check(&[bad, bad, bad, bad, good], &zero, Verdict::Inconclusive, "4 of 5");
    check(&[bad, bad, bad, bad, good], &wrong, Verdict::Fail, "4 of 5 repetitions failed: 4 × the result was wrong");
    check(&[bad, bad, bad], &wrong, Verdict::Fail, "This host computes wrongly: 3 of 3 repetitions failed");
    let mut disturbed = Measurement::new(&STREAM_TRIAD, samples(&[110e9]));
    disturbed.samples[0].taint = Some(Taint::Environment("hot".into()));
    let beside_disturbed = |failed: usize| {
        let mut run = run();
        run.attempts[0].outcomes = vec![Outcome::Measured(disturbed.clone())];
        run.attempts[0].outcomes.extend(std::iter::repeat_n(wrong.clone(), failed));
        judge(&run, &system(), &[], &[]).rows[0].verdict
    };
    assert_eq!([0, 1, 2].map(beside_disturbed), [Verdict::Tainted, Verdict::Fail, Verdict::Fail]);
    check(&[bad, bad], &lost, Verdict::NotMeasured, "2 of 2 repetitions failed");
    check(&[Some(80e9), Some(80e9), bad], &lost, Verdict::Fail, "1 of 3");
    // A boot above the ceiling of 153.6 GB/s hides in no mean.
    check(&[Some(160e9), Some(100e9), Some(100e9)], &lost, Verdict::Implausible, "160 GB/s is above 153.6 GB/s");
}

#[test]
fn a_figure_in_another_unit_or_direction_is_no_figure_of_the_metric() {
    let unit = |case: &mut Case| case.triad().metric.unit = Unit::FlopPerSecond;
    check(unit, Verdict::Implausible, "it is a metric in B/s, higher is better");
    let direction = |case: &mut Case| case.triad().metric.better = Better::Lower;
    check(direction, Verdict::Implausible, "lower is better; it is a metric in B/s");
}

#[test]
fn a_boot_with_other_facts_that_a_target_depends_on_does_not_count() {
    let mut earlier = Run { id: "earlier".into(), boot_id: Some("boot-0".into()), ..run() };
    earlier.facts.quantity("memory.data_rate", 4.4e9, Unit::TransferPerSecond, "SMBIOS");
    let judgement = judge_boots(&run(), &[&earlier], &system(), &[], &[]);
    let triad = &judgement.rows[0];
    assert_eq!(triad.measured.as_ref().unwrap().boots.len(), 1);
    assert_eq!(triad.remarks, ["Run earlier does not count here: its memory.data_rate was another."]);
}

#[test]
fn the_hosts_own_noise_floor_decides_where_its_history_told_it() {
    let check = |value: f64, floor: Option<f64>, verdict: Verdict, words: &str| {
        let own = |case: &mut Case| {
            case.set(&[value]);
            let noise = floor.map(|floor| measure::BootNoise { floor, degrees_of_freedom: 4.0 });
            case.run.noise = noise.map(|noise| (STREAM_TRIAD.id.to_owned(), noise)).into_iter().collect();
        };
        let row = check(own, verdict, words);
        let expect = floor.map_or(NoiseFloor::ASSUMED, |share| NoiseFloor { share, own: true });
        assert_eq!(row.noise_floor, expect, "{words}");
    };
    // The threshold is 100 GB/s less 5 %.
    check(91.2e9, None, Verdict::Fail, "by more than the noise floor of 3 %");
    check(91.2e9, Some(0.16), Verdict::Inconclusive, "within this host's own noise floor of 16 %");
    check(96e9, None, Verdict::Inconclusive, "within the noise floor of 3 %");
    check(96e9, Some(0.005), Verdict::Pass, "by more than this host's own noise floor of 0.5");
}

#[test]
fn what_its_medium_cannot_do_is_implausible_as_a_second_figure_too() {
    let latency = |kind: &'static str, latency: f64| {
        move |case: &mut Case| {
            case.run.facts.text("memory.type", kind, "SMBIOS");
            case.run.attempts[0].outcomes[1] = measured(&STREAM_LATENCY, &[latency]);
            case.system.targets[2].constraint = Some(spec::Constraint {
                metric: &STREAM_LATENCY,
                bound: Quantity::new(100e-9, Unit::Second),
                better: Better::Lower,
            });
        }
    };
    let check = |kind: &'static str, value: f64, verdict: Verdict| {
        for id in ["memory.latency", "storage.random"] {
            let row = row(id, latency(kind, value));
            assert_eq!(row.verdict, verdict, "{id} {kind}: {}", row.reason);
            let says = row.reason.contains("is below 25 ns, which is the least that its medium takes");
            assert_eq!(says, verdict == Verdict::Implausible, "{id} {kind}: {}", row.reason);
        }
    };
    check("DDR5 ECC RDIMM", 20e-9, Verdict::Implausible);
    check("DDR5 ECC RDIMM", 70e-9, Verdict::Pass);
    check("HBM3", 20e-9, Verdict::Pass);
}

/// The verdict on the triad of a run whose attempt ends with the loss of its worker, beside other runs of the same boot.
fn lost_after(figures: &[Option<f64>], change: impl Fn(&mut Run)) -> Row {
    let runs: Vec<Run> = (0..)
        .zip(figures)
        .map(|(number, value): (usize, &Option<f64>)| {
            let mut run = Run { id: format!("r{number}"), ..run() };
            run.attempts[0].outcomes = vec![measured(&STREAM_TRIAD, &[value.unwrap_or(110e9)])];
            if value.is_none() {
                let id = MetricId { name: "stream".into(), labels: measure::Labels::new() };
                let reason = Reason::WorkerDied("signal 4".into());
                run.attempts[0].outcomes.push(Outcome::NotMeasured(NotMeasured { id, reason }));
            }
            change(&mut run);
            run
        })
        .collect();
    let (last, earlier) = runs.split_last().unwrap();
    judge_boots(last, &earlier.iter().collect::<Vec<_>>(), &system(), &[], &[]).rows.swap_remove(0)
}

#[test]
fn a_worker_that_is_lost_after_its_figure_is_one_repetition_which_failed() {
    let check = |figures: &[Option<f64>], verdict: Verdict, value: f64, words: &str| {
        let row = lost_after(figures, |_| {});
        assert_eq!(row.verdict, verdict, "{figures:?}: {}", row.reason);
        assert!(row.remarks.concat().contains(words), "{:?}", row.remarks);
        assert_eq!(row.measured.unwrap().value.value.to_bits(), value.to_bits(), "{figures:?}");
    };
    let lost = None;
    check(&[Some(120e9), lost, Some(120e9)], Verdict::Pass, 120e9, "1 of 3 repetitions failed");
    check(&[Some(120e9), lost], Verdict::Inconclusive, 120e9, "1 of 2 repetitions failed");
    check(&[lost], Verdict::Inconclusive, 110e9, "1 of 1 repetitions failed");
    check(&[lost, lost], Verdict::Inconclusive, 110e9, "2 of 2 repetitions failed");
    check(&[Some(80e9), lost], Verdict::Fail, 80e9, "1 of 2 repetitions failed");
    // The value of a repetition that failed does not fail the host either.
    let slow = |run: &mut Run| run.attempts[0].outcomes[0] = measured(&STREAM_TRIAD, &[80e9]);
    assert_eq!(lost_after(&[None], slow).verdict, Verdict::Inconclusive);
    // What the user stopped after the figure is no failure.
    let stopped = |run: &mut Run| {
        let Some(Outcome::NotMeasured(missing)) = run.attempts[0].outcomes.last_mut() else { panic!("it is lost") };
        missing.reason = Reason::Interrupted;
    };
    assert_eq!(lost_after(&[None], stopped).verdict, Verdict::Pass);
}

#[test]
fn a_host_that_computes_wrongly_fails_whatever_machine_it_is() {
    let check = |wrong: usize, good: usize, expect: Verdict| {
        let row = row("memory.triad", |case| {
            different(case);
            let id = MetricId { name: STREAM_TRIAD.id.into(), labels: measure::Labels::new() };
            let reason = Reason::WrongResult("a[7] is 3, not 4".into());
            let bad = Outcome::NotMeasured(NotMeasured { id, reason });
            let fine = measured(&STREAM_TRIAD, &[110e9]);
            let outcomes = std::iter::repeat_n(bad, wrong).chain(std::iter::repeat_n(fine, good));
            case.run.attempts[0].outcomes = outcomes.collect();
        });
        assert_eq!(row.verdict, expect, "{}", row.reason);
        let told = std::iter::once(&row.reason).chain(&row.remarks).filter(|text| text.contains("repetitions failed"));
        assert_eq!(told.count(), 1, "{} {:?}", row.reason, row.remarks);
    };
    check(2, 0, Verdict::Fail);
    check(2, 2, Verdict::Fail);
    check(1, 2, Verdict::NotComparable);
}

#[test]
fn a_figure_of_boots_is_of_the_documented_engine_where_each_boot_is() {
    let check = |engines: [&str; 2], expect: Verdict| {
        let runs = engines.map(|engine| {
            let mut run = run();
            run.id = format!("run of {engine}");
            run.attempts[0].outcomes =
                vec![Outcome::Measured(Measurement::new(&STREAM_TRIAD, samples(&[120e9])).context("engine", engine))];
            run
        });
        let mut system = system();
        system.targets[0].conditions.insert("engine".into(), "Pandas/NumPy".into());
        let judgement = judge_boots(&runs[1], &[&runs[0]], &system, &[], &[]);
        assert_eq!(judgement.rows[0].verdict, expect, "{engines:?}: {}", judgement.rows[0].reason);
    };
    check(["pandas 3.1.1", "pandas 3.1.1"], Verdict::Pass);
    check(["pandas 3.1.1", "Polars 0.55.2"], Verdict::NotComparable);
    check(["Polars 0.55.2", "pandas 3.1.1"], Verdict::NotComparable);
}

#[test]
fn targets_count_drives_as_parts_do() {
    let check = |boot: Option<f64>, scratch: Reading, expect: Verdict| {
        let row = row("memory.triad", |case| {
            case.system.facts.push(stated("storage.scratch.drives", number(4.0, Unit::Count)));
            case.system.targets[0].depends_on.push("storage.scratch.drives".into());
            case.run.facts.put("storage.scratch.drives", scratch.clone(), "sysfs");
            if let Some(boot) = boot {
                case.run.facts.quantity("storage.boot.drives", boot, Unit::Count, "sysfs");
            }
        });
        assert_eq!(row.verdict, expect, "{boot:?} and {scratch:?}: {}", row.reason);
    };
    let drives = |count: f64| Reading::Present(number(count, Unit::Count));
    check(None, drives(4.0), Verdict::Pass);
    check(Some(2.0), drives(2.0), Verdict::Pass);
    check(Some(2.0), drives(4.0), Verdict::NotComparable);
    check(Some(2.0), Reading::Denied { remedy: "run as root".into() }, Verdict::Inconclusive);
}

#[test]
fn parts_are_judged_before_anything_is_measured() {
    let check = |change: &dyn Fn(&mut Case), expect: [Verdict; 3], settled: bool| {
        let mut case = Case { run: run(), system: system(), graded: vec![] };
        case.run.attempts.clear();
        change(&mut case);
        let judgement = judge_parts(&case.run, &case.system, &case.graded, &[]);
        assert_eq!(judgement.rows.iter().map(|row| row.verdict).collect::<Vec<_>>(), expect);
        assert_eq!(judgement.is_settled(), settled, "{expect:?}");
    };
    let open = Verdict::NotMeasured;
    let other = Verdict::NotComparable;
    let require_none = |case: &mut Case| case.system.targets.iter_mut().for_each(|target| target.required = false);
    check(&|_| {}, [open; 3], false);
    check(&different, [other; 3], true);
    check(
        &|case| {
            different(case);
            require_none(case);
        },
        [other; 3],
        false,
    );
    // What no machine can reach decides nothing.
    let only_infeasible = |case: &mut Case| {
        different(case);
        infeasible(case);
        require_none(case);
        case.system.targets[0].required = true;
    };
    check(&only_infeasible, [Verdict::Infeasible, other, other], false);
    let wrong_part = |case: &mut Case| {
        require_none(case);
        case.system.facts.push(StatedFact { required: true, ..stated("memory.channels", number(8.0, Unit::Count)) });
    };
    check(&wrong_part, [open; 3], true);
    check(&unknown, [open; 3], false);
}
