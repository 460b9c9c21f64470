//! Verdicts of a run that meets every target, with something changed.

mod boots;

use super::*;
use crate::testdata::{graded, measured, number, run, samples, stated, system};
use measure::metrics::{self, DISK_RANDREAD_P99, STREAM_LATENCY, STREAM_TRIAD};
use measure::{Measurement, MetricId, NotMeasured, Outcome, Reading, Reason, Sample, Taint, Unit, Workload};
use spec::{Claim, Claimed, Standing, StatedFact};

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
    // What is said of all series of a metric is the reason of each.
    let of_all = |case: &mut Case| {
        case.system.targets[0].series = [("workers".to_owned(), "4".to_owned())].into();
        case.lose(STREAM_TRIAD.id, Reason::NotBuilt("no workers".into()));
    };
    check(of_all, Verdict::NotMeasured, "not built: no workers");
}

#[test]
fn samples_that_cannot_be_are_implausible() {
    let zero = |case: &mut Case| case.set(&[110e9, 0.0]);
    check(zero, Verdict::Implausible, "a sample is 0");
    let nan = |case: &mut Case| case.set(&[f64::NAN]);
    check(nan, Verdict::Implausible, "a sample is NaN");
    let cached = |case: &mut Case| case.triad().warnings.push(Warning::NearCache { array: 8, wanted: 32 });
    check(cached, Verdict::Implausible, "fit into the caches of 8 B");
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

#[test]
fn a_target_can_name_a_labelled_series() {
    let mut system = system();
    let target = system.targets[0].clone();
    system.targets = vec![Target {
        metric: Some(&metrics::DENSE_CLOCK),
        series: [("isa", "avx512"), ("scope", "all")].map(|(label, value)| (label.to_owned(), value.to_owned())).into(),
        value: Quantity::new(2.8e9, Unit::Hertz),
        depends_on: vec![],
        ..target
    }];
    let check = |clocks: &[(&str, &str, f64)], expect: Verdict, words: &str| {
        let mut run = run();
        run.attempts[0].workload = Workload::Dense;
        for (isa, scope, clock) in clocks {
            let mut one = measured(&metrics::DENSE_CLOCK, &[*clock]);
            if let Outcome::Measured(one) = &mut one {
                one.labels = [("isa", isa), ("scope", scope)].map(|(l, v)| (l.to_owned(), (*v).to_owned())).into();
            }
            run.attempts[0].outcomes.push(one);
        }
        let row = judge(&run, &system, &[], &[]).rows.remove(0);
        assert_eq!(row.verdict, expect, "{clocks:?}: {}", row.reason);
        assert!(row.reason.contains(words), "{}", row.reason);
    };
    let single = ("avx2", "core", 4.4e9);
    check(&[single, ("avx512", "all", 3.1e9)], Verdict::Pass, "");
    check(&[single, ("avx512", "all", 2.1e9)], Verdict::Fail, "");
    check(&[single], Verdict::NotMeasured, "dense.clock{isa=avx512,scope=all}");
}

#[test]
fn a_target_without_a_metric_says_why_nothing_measures_it() {
    let system = spec::find("PY-HPC-2024.Q3").unwrap();
    let judgement = judge(&run(), system, &[], &[]);
    let row = judgement.rows.iter().find(|row| row.id == "gpu.copy").unwrap();
    assert_eq!((row.verdict, row.required), (Verdict::NotMeasured, false));
    assert!(row.reason.contains("this suite puts no load on GPUs"), "{}", row.reason);
}

#[test]
fn a_claimed_ratio_is_judged_as_what_it_asks_for() {
    let check = |gbs: f64, grades: &[Graded], expect: Verdict| {
        let mut system = system();
        let baseline = system.baselines[0].clone();
        system.claims = vec![Claim {
            id: format!("{}.claim", baseline.target),
            target: baseline.target.clone(),
            that: Claimed::Ratio(6.0),
            approximate: true,
            place: baseline.place,
        }];
        let mut run = run();
        run.attempts[0].outcomes = vec![measured(&metrics::STREAM_TRIAD, &[gbs])];
        let judgement = judge(&run, &system, grades, &system.claimed());
        let row = judgement.rows.iter().find(|row| row.id == "memory.triad.claim").unwrap();
        assert_eq!((row.verdict, row.documented.value), (expect, 120e9), "{}", row.reason);
        assert!(!row.required);
    };
    check(125e9, &[], Verdict::Pass);
    check(60e9, &[], Verdict::Fail);
    let grade = Graded { target: "memory.triad.claim".into(), ..graded(Grade::Impossible) };
    check(60e9, &[grade], Verdict::Infeasible);
}
