//! Whole comparisons of simulated hosts.

use std::collections::BTreeMap;

use measure::{
    Better, Build, Definition, Digest, Ending, FailureCount, Fingerprint, Metric, MetricId, Profile, Role, Series,
    Unit, metrics,
};

use super::{ChangeFinding, Comparison, Order, Overall, Question, Refusal, compare};
use crate::power::{self, Design};
use crate::stats::Margin;
use crate::stats::simulate::Random;

/// The metrics that decide, in the order of the catalogue.
fn critical() -> impl Iterator<Item = &'static Definition> {
    metrics::ALL.iter().copied().filter(|metric| metric.role == Role::Critical)
}

/// What a simulated host is like.
#[derive(Clone)]
struct Host {
    noise: f64,
    /// How much worse metrics that begin with this are, of y.
    steps: Vec<(&'static str, f64)>,
    config: Vec<(&'static str, &'static str)>,
}

impl Host {
    fn quiet() -> Host {
        Host { noise: 0.01, steps: vec![], config: vec![("bios.version", "1.2"), ("os.kernel", "6.1")] }
    }

    fn worse(mut self, metric: &'static str, step: f64) -> Host {
        self.steps.push((metric, step));
        self
    }

    fn config(mut self, part: &'static str, value: &'static str) -> Host {
        self.config.retain(|(name, _)| *name != part);
        self.config.push((part, value));
        self
    }

    fn boots(&self, name: &str, boots: usize, random: &mut Random) -> Vec<Digest> {
        (0..boots).map(|boot| self.boot(&format!("{name}{boot:02}"), random)).collect()
    }

    fn boot(&self, name: &str, random: &mut Random) -> Digest {
        let series = critical().map(|metric| {
            let steps = self.steps.iter().filter(|(prefix, _)| metric.id.starts_with(prefix));
            let y = self.noise * random.normal() - steps.map(|(_, step)| step).sum::<f64>();
            let value = 1e9 * if metric.better == Better::Higher { y.exp() } else { (-y).exp() };
            (metric.series(), Series { metric: Metric::from(metric), medians: vec![value], valid: 1, tainted: 0 })
        });
        let parts = |parts: &[(&str, &str)]| parts.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Digest {
            id: name.to_owned(),
            started: format!("2026-07-01T00:00:00Z {name}"),
            host: "h".into(),
            boot_id: Some(name.to_owned()),
            profile: Profile::Full,
            build: Build { version: "1.0.0".into(), profile: "release".into(), ..Build::default() },
            fingerprint: Fingerprint {
                platform_id: "p".into(),
                config_id: String::new(),
                platform: parts(&[("cpu.model", "c"), ("dimm A1", "serial 1")]),
                config: parts(&self.config),
            },
            ending: Ending::Complete,
            series: series.collect(),
            failures: BTreeMap::new(),
        }
    }
}

fn compared(before: &[Digest], after: &[Digest], order: Order) -> Result<Comparison, Refusal> {
    let question = Question {
        before: before.iter().cloned().collect(),
        after: after.iter().cloned().collect(),
        order,
        ..Question::default()
    };
    compare(question)
}

fn row<'a>(comparison: &'a Comparison, metric: &Definition) -> &'a super::MetricChange {
    comparison.rows.iter().find(|row| row.id.is(metric)).unwrap()
}

#[test]
fn a_planted_step_is_a_regression_of_its_size_and_its_cause_comes_first() {
    let check = |metric: &'static str, parts: [(&'static str, &'static str); 3], planted: &str| {
        let mut random = Random::seed(3);
        let mut after = Host::quiet().worse(metric, 0.05);
        for (part, value) in parts {
            after = after.config(part, value);
        }
        let comparison =
            compared(&Host::quiet().boots("a", 5, &mut random), &after.boots("b", 5, &mut random), Order::Separate)
                .unwrap();
        assert_eq!(comparison.overall(), Overall::Regression);
        for row in comparison.critical().filter(|row| row.id.name.starts_with(metric)) {
            let effect = row.effect.unwrap();
            assert_eq!(row.finding, ChangeFinding::Regression, "{}: {}", row.id, row.reason);
            // At 95 % one of twenty would miss; there are up to six here.
            assert!(effect.estimate.interval(0.999).contains(-0.05), "{}: {:?}", row.id, effect.estimate);
        }
        assert_eq!(comparison.suspects[0].change.part, planted, "{:#?}", comparison.suspects);
        assert_eq!(comparison.suspects.len(), 3);
    };
    let (bios, microcode) = (("bios.version", "1.3"), ("cpu.microcode", "0x2c"));
    let (drive, kernel) = (("drive S1 firmware", "B"), ("os.kernel", "6.2"));
    check("stream", [bios, drive, kernel], "bios.version");
    check("stream", [microcode, bios, drive], "bios.version");
    check("disk", [bios, drive, microcode], "drive S1 firmware");
    check("disk.randread", [bios, kernel, microcode], "os.kernel");
    check("dense", [bios, drive, microcode], "cpu.microcode");
}

#[test]
fn without_a_step_nothing_is_worse_as_often_as_the_power_says() {
    let trials = 300;
    let mut random = Random::seed(11);
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..trials {
        let host = Host::quiet();
        let (before, after) = (host.boots("a", 10, &mut random), host.boots("b", 10, &mut random));
        let overall = compared(&before, &after, Order::Separate).unwrap().overall();
        *counts.entry(overall.name()).or_default() += 1;
    }
    let alone = power::of_not_worse(Design::balanced(10, None), 0.01, Margin::of_tolerance(None), 0.0);
    let expect = alone.powi(i32::try_from(critical().count()).unwrap());
    let share = f64::from(counts["NOT-WORSE"]) / f64::from(trials);
    println!("NOT-WORSE on all critical metrics: {share:.3}, computed {expect:.3}; {counts:?}");
    assert!((share - expect).abs() <= 0.03, "{share}, computed {expect}: {counts:?}");
    assert!(counts.get("REGRESSION").is_none_or(|count| *count == 0), "{counts:?}");
}

#[test]
fn pairs_cancel_a_drift_that_both_sides_share() {
    let mut random = Random::seed(31);
    let (mut before, mut after) = (vec![], vec![]);
    for pair in 0..8 {
        // The host ages by 2 % a pair, and the update costs 4 % of the memory bandwidth.
        let aging = 0.02 * f64::from(pair);
        before.push(Host::quiet().worse("", aging).boot(&format!("a{pair}"), &mut random));
        after.push(
            Host::quiet().worse("", aging).worse(metrics::STREAM_TRIAD.id, 0.04).boot(&format!("b{pair}"), &mut random),
        );
    }
    let separate = compared(&before, &after, Order::Separate).unwrap();
    assert_eq!(row(&separate, &metrics::STREAM_TRIAD).finding, ChangeFinding::CannotBeJudged);
    let paired = compared(&before, &after, Order::Paired).unwrap();
    assert_eq!(row(&paired, &metrics::STREAM_TRIAD).finding, ChangeFinding::Regression);
    assert!(paired.critical().filter(|row| row.id.name.starts_with("disk")).all(|row| row.finding.holds()));
}

#[test]
fn history_decides_where_few_boots_do_not() {
    let mut random = Random::seed(37);
    let past = Host::quiet().config("bios.version", "1.1").boots("0", 20, &mut random);
    let (before, after) = (Host::quiet().boots("a", 2, &mut random), Host::quiet().boots("b", 2, &mut random));
    let question = Question {
        before: before.iter().cloned().collect(),
        after: after.iter().cloned().collect(),
        // The boots of the sides are no history of their own.
        history: past.iter().chain(&before).chain(&after).cloned().collect(),
        ..Question::default()
    };
    let with = compare(question).unwrap();
    let without = compared(&before, &after, Order::Separate).unwrap();
    let undecided = |comparison: &Comparison| comparison.critical().filter(|row| !row.finding.holds()).count();
    assert!(undecided(&with) < undecided(&without), "{} of {}", undecided(&with), undecided(&without));
    let reason = &row(&with, &metrics::STREAM_COPY).reason;
    assert!(reason.contains("d₀ = 19"), "{reason}");
}

#[test]
fn one_part_that_got_worse_is_not_hidden_by_the_sum() {
    let mut random = Random::seed(41);
    let mut sides = [Host::quiet().boots("a", 5, &mut random), Host::quiet().boots("b", 5, &mut random)];
    for (side, boots) in sides.iter_mut().enumerate() {
        for boot in boots {
            let mut whole = boot.series[&metrics::STREAM_TRIAD.series()].clone();
            for socket in 0..2_usize {
                let factor = if side == 1 && socket == 1 { 0.9 } else { 1.0 };
                whole.medians = vec![1e9 * factor * (0.005 * random.normal()).exp()];
                let labels = [("socket".to_owned(), socket.to_string())].into();
                boot.series.insert(MetricId { labels, ..metrics::STREAM_TRIAD.series() }, whole.clone());
            }
        }
    }
    let comparison = compared(&sides[0], &sides[1], Order::Separate).unwrap();
    assert_eq!(comparison.overall(), Overall::Regression);
    assert_eq!(comparison.rows[0].id.to_string(), "stream.triad{socket=1}");
    assert!(row(&comparison, &metrics::STREAM_TRIAD).finding != ChangeFinding::Regression);
}

#[test]
fn what_cannot_be_judged_says_what_it_needs() {
    let mut random = Random::seed(43);
    let host = Host { noise: 0.04, ..Host::quiet() };
    let comparison =
        compared(&host.boots("a", 4, &mut random), &host.boots("b", 4, &mut random), Order::Separate).unwrap();
    assert_eq!(comparison.overall(), Overall::Inconclusive);
    let judged = row(&comparison, &metrics::STREAM_COPY);
    assert_eq!(judged.finding, ChangeFinding::CannotBeJudged, "{}", judged.reason);
    let needed = judged.boots_needed.unwrap();
    assert!(judged.reason.contains(&format!("needed are {needed} boots on each side")), "{}", judged.reason);
    let single = compared(&host.boots("c", 1, &mut random), &host.boots("d", 1, &mut random), Order::Separate).unwrap();
    assert!(single.rows[0].reason.contains("has no spread to judge by"), "{}", single.rows[0].reason);
}

#[test]
fn tainted_and_missing_metrics_are_named() {
    let mut random = Random::seed(47);
    let host = Host { noise: 0.002, ..Host::quiet() };
    let (before, mut after) = (host.boots("a", 5, &mut random), host.boots("b", 5, &mut random));
    for boot in &mut after {
        boot.series.remove(&metrics::DENSE_HPL.series());
        let read = boot.series.get_mut(&metrics::STREAM_READ.series()).unwrap();
        (read.medians, read.valid, read.tainted) = (vec![], 0, 5);
    }
    let comparison = compared(&before, &after, Order::Separate).unwrap();
    assert_eq!(comparison.overall(), Overall::Tainted);
    assert_eq!(row(&comparison, &metrics::STREAM_READ).finding, ChangeFinding::Tainted);
    let missing = row(&comparison, &metrics::DENSE_HPL);
    assert_eq!(missing.finding, ChangeFinding::Inconclusive);
    assert!(missing.reason.contains("no usable value after"), "{}", missing.reason);
}

#[test]
fn what_means_nothing_is_refused() {
    let mut random = Random::seed(53);
    let before = Host::quiet().boots("a", 2, &mut random);
    let after = Host::quiet().boots("b", 2, &mut random);
    let check = |alter: fn(&mut Digest), expect: &str| {
        let mut altered = after.clone();
        alter(&mut altered[1]);
        let answer = compared(&before, &altered, Order::Separate).map(|_| ()).map_err(|refusal| refusal.to_string());
        match answer {
            Ok(()) => assert_eq!(expect, ""),
            Err(text) => assert!(!expect.is_empty() && text.contains(expect), "{text}"),
        }
    };
    check(|_| {}, "");
    check(|run| run.build.version = "1.9.0".into(), "");
    check(|run| run.build.version = "2.0.0".into(), "suite 1.0.0 and suite 2.0.0");
    check(|run| run.build.profile = "ci".into(), "differ in their profile (release and ci)");
    check(|run| run.build.target_features = "avx2".into(), "target features");
    check(|run| run.profile = Profile::Smoke, "profile full and profile smoke");
    check(|run| run.boot_id = Some("a00".into()), "the boot a00 is on both sides");
    check(|run| drop(run.fingerprint.platform.insert("cpu.model".into(), "d".into())), "cpu.model is c and d");
    check(|run| drop(run.fingerprint.platform.insert("dimm A1".into(), "serial 2".into())), "different machines");
    // Without the right to read serial numbers there are none, which says nothing.
    check(|run| drop(run.fingerprint.platform.remove("dimm A1")), "");
    check(|run| run.fingerprint.platform.clear(), "");
    // A host that was renamed is known by its serial numbers; without them it is another one.
    check(|run| run.host = "i".into(), "");
    check(
        |run| {
            run.host = "i".into();
            run.fingerprint.platform.remove("dimm A1");
        },
        "host h and host i, without a serial number in both",
    );
    // Two hosts whose serial numbers differ do not lack one.
    check(
        |run| {
            run.host = "i".into();
            run.fingerprint.platform.insert("dimm A1".into(), "serial 2".into());
        },
        "host h and host i, dimm A1 is serial 1 and serial 2",
    );
    // Numbers in another unit, or that are better the other way round.
    check(
        |run| run.series.get_mut(&metrics::STREAM_TRIAD.series()).unwrap().metric.unit = Unit::FlopPerSecond,
        "run b01 has stream.triad in flop/s, higher is better; it is a metric in B/s, higher is better",
    );
    check(
        |run| run.series.get_mut(&metrics::STREAM_TRIAD.series()).unwrap().metric.better = Better::Lower,
        "stream.triad in B/s, lower is better",
    );
    let unknown = |unit| Metric { name: "future.metric".into(), unit, better: Better::Higher };
    let with_unknown = |runs: &[Digest], unit| -> Vec<Digest> {
        let mut runs = runs.to_vec();
        for run in &mut runs {
            let id = MetricId { name: "future.metric".into(), labels: BTreeMap::new() };
            run.series.insert(id, Series { metric: unknown(unit), medians: vec![1.0], valid: 1, tainted: 0 });
        }
        runs
    };
    let first = with_unknown(&before, Unit::Second);
    assert!(compared(&first, &with_unknown(&after, Unit::Second), Order::Separate).is_ok());
    let other = compared(&first, &with_unknown(&after, Unit::Hertz), Order::Separate).unwrap_err();
    assert!(other.to_string().contains("future.metric in Hz"), "{other}");
    let uneven = compared(&before, &after[..1], Order::Paired).unwrap_err();
    assert!(uneven.to_string().contains("2 boots before and 1 after cannot be paired"), "{uneven}");
    let empty = compared(&before, &[], Order::Separate).unwrap_err();
    assert!(empty.to_string().contains("no run is on the side `after`"));
}

#[test]
fn a_new_installation_is_the_same_machine_where_a_serial_number_says_so() {
    let mut random = Random::seed(55);
    let mut check = |with_serial: bool, expect: bool| {
        let mut side = |name: &str, id: &str| {
            let mut boots = Host::quiet().boots(name, 2, &mut random);
            for boot in &mut boots {
                boot.fingerprint.platform.insert("machine-id".into(), id.into());
                boot.fingerprint.platform.retain(|part, _| with_serial || part != "dimm A1");
            }
            boots
        };
        let (before, after) = (side("a", "11"), side("b", "22"));
        assert_eq!(compared(&before, &after, Order::Separate).is_ok(), expect, "{with_serial}");
    };
    check(true, true);
    check(false, false);
}

#[test]
fn a_workload_that_moved_is_explained() {
    let mut random = Random::seed(59);
    // HPL follows nine tenths of the clock, boot by boot, and nothing else.
    let mut boots = |name: &str, step: f64| {
        let mut boots = Host::quiet().worse(metrics::DENSE_FMA.id, step).boots(name, 8, &mut random);
        for boot in &mut boots {
            let clock = boot.series[&metrics::DENSE_FMA.series()].medians[0];
            let hpl = boot.series.get_mut(&metrics::DENSE_HPL.series()).unwrap();
            hpl.medians = vec![1e9 * (clock / 1e9).powf(0.9) * (0.001 * random.normal()).exp()];
        }
        boots
    };
    let (before, after) = (boots("a", 0.0), boots("b", 0.08));
    let comparison = compared(&before, &after, Order::Separate).unwrap();
    let attribution = &comparison.attributions[0];
    assert_eq!((attribution.workload, attribution.causes[0].name), (&metrics::DENSE_HPL, "clock"));
    let cause = attribution.causes[0].share;
    assert!((cause.gain / attribution.gain - 1.0).abs() < 0.1, "{attribution:?}");
    assert!(cause.interval.high < 0.0 && attribution.unexplained.unwrap().interval.contains(0.0), "{attribution:?}");
}

#[test]
fn what_fails_more_often_after_is_not_as_good() {
    let count = |wrong, no_value, lost| FailureCount { wrong, no_value, lost };
    let triad = metrics::STREAM_TRIAD.series();
    let check =
        |failing: usize, id: &MetricId, failed: FailureCount, values: usize, expect: ChangeFinding, words: &str| {
            let mut random = Random::seed(61);
            let host = Host { noise: 0.002, ..Host::quiet() };
            let (before, mut after) = (host.boots("a", 6, &mut random), host.boots("b", 6, &mut random));
            for boot in &mut after[..failing] {
                boot.failures.insert(id.clone(), failed);
                let series = boot.series.get_mut(&triad).unwrap();
                series.medians = vec![series.medians[0]; values];
                series.valid = values;
            }
            let comparison = compared(&before, &after, Order::Separate).unwrap();
            let row = row(&comparison, &metrics::STREAM_TRIAD);
            assert_eq!((row.finding, row.after.failed_boots), (expect, failing), "{}", row.reason);
            assert!(row.reason.contains(words), "{}", row.reason);
            let expect = if expect == ChangeFinding::Regression { Overall::Regression } else { Overall::Inconclusive };
            assert_eq!(comparison.overall(), expect);
        };
    let stream = MetricId { name: "stream".into(), labels: BTreeMap::new() };
    check(
        3,
        &triad,
        count(1, 0, 0),
        0,
        ChangeFinding::Inconclusive,
        "after: 3 of 6 repetitions (3 wrong) in 3 of 6 boots",
    );
    check(3, &triad, count(0, 1, 0), 0, ChangeFinding::Inconclusive, "3 without a value");
    check(3, &stream, count(0, 0, 1), 0, ChangeFinding::Inconclusive, "3 lost");
    check(4, &triad, count(1, 0, 0), 0, ChangeFinding::Regression, "p = 0.030");
    // Four of five repetitions in every boot; and nothing at all.
    check(6, &triad, count(4, 0, 0), 1, ChangeFinding::Regression, "24 of 30 repetitions (24 wrong) in 6 of 6 boots");
    check(6, &triad, count(1, 0, 0), 0, ChangeFinding::Regression, "There is no usable value after");
}

#[test]
fn a_metric_that_only_failed_has_a_row() {
    let mut random = Random::seed(67);
    let mut sides = [Host::quiet().boots("a", 3, &mut random), Host::quiet().boots("b", 3, &mut random)];
    for run in sides.iter_mut().flatten() {
        run.series.remove(&metrics::DENSE_HPL.series());
        run.failures.insert(metrics::DENSE_HPL.series(), FailureCount { wrong: 1, ..FailureCount::default() });
    }
    let comparison = compared(&sides[0], &sides[1], Order::Separate).unwrap();
    let row = row(&comparison, &metrics::DENSE_HPL);
    assert_eq!((row.finding, row.before.failures.wrong), (ChangeFinding::Inconclusive, 3), "{}", row.reason);
}

#[test]
fn what_is_said_with_confidence_has_no_change_outside_of_its_interval() {
    let mut random = Random::seed(71);
    let mut said = 0;
    for _ in 0..200 {
        let (before, after) = (Host::quiet().boots("a", 5, &mut random), Host::quiet().boots("b", 5, &mut random));
        let comparison = compared(&before, &after, Order::Separate).unwrap();
        for row in comparison.rows.iter().filter(|row| row.reason.contains("with 95 % confidence")) {
            said += 1;
            let interval = row.effect.unwrap().interval(0.95);
            assert!(!interval.contains(0.0), "{}: {} {interval:?}", row.id, row.reason);
        }
    }
    println!("{said} of 3000 rows say that they changed");
}

#[test]
fn a_side_of_one_boot_is_not_judged_by_history() {
    let mut random = Random::seed(73);
    // A quiet history, and boots that are not.
    let past = Host { noise: 0.002, ..Host::quiet() }.boots("0", 20, &mut random);
    for (n, m) in [(1, 1), (2, 1), (5, 1), (1, 5)] {
        let question = Question {
            before: Host::quiet().boots("a", n, &mut random).into_iter().collect(),
            after: Host::quiet().boots("b", m, &mut random).into_iter().collect(),
            history: past.iter().cloned().collect(),
            ..Question::default()
        };
        let comparison = compare(question).unwrap();
        for row in &comparison.rows {
            assert_eq!(row.finding, ChangeFinding::CannotBeJudged, "{n} + {m}: {}", row.reason);
            assert_eq!(row.boots_needed, Some(2), "{}", row.reason);
            assert!(row.reason.contains("2 boots on each side could decide"), "{}", row.reason);
        }
    }
}
