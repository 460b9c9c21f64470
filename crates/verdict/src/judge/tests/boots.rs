//! Several boots, and repetitions that failed.

use super::*;

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
