//! Histories of simulated hosts.

use measure::metrics::{DENSE_FMA, STREAM_LATENCY, STREAM_TRIAD};
use measure::{Better, Build, Definition, Digest, Ending, Fingerprint, Metric, Profile, Series};

use super::{Course, Trend, noise, trend};
use crate::compare::{ChangeFinding, Runs, Tolerances};
use crate::stats::simulate::Random;

const METRICS: [&Definition; 3] = [&STREAM_TRIAD, &STREAM_LATENCY, &DENSE_FMA];

/// Boots of which `bios` gives the firmware, and `gain` the change of a metric's y.
fn history(
    boots: usize,
    seed: u64,
    bios: fn(usize) -> &'static str,
    gain: fn(&Definition, usize) -> f64,
) -> Vec<Digest> {
    let mut random = Random::seed(seed);
    (0..boots)
        .map(|boot| {
            let series = METRICS.into_iter().map(|metric| {
                let y = gain(metric, boot) + 0.005 * random.normal();
                let value = if metric.better == Better::Higher { y.exp() } else { (-y).exp() };
                let medians = vec![value, value * 1.001, value * 0.999];
                (metric.series(), Series { metric: Metric::from(metric), medians, valid: 3, tainted: 0 })
            });
            Digest {
                id: format!("run{boot:03}"),
                started: format!("2026-07-01T00:00:{boot:03}Z"),
                host: "h".into(),
                boot_id: Some(format!("boot{boot}")),
                profile: Profile::Full,
                build: Build { version: "1.0.0".into(), ..Build::default() },
                fingerprint: Fingerprint {
                    config: [("bios.version".to_owned(), bios(boot).to_owned())].into(),
                    ..Fingerprint::default()
                },
                ending: Ending::Complete,
                series: series.collect(),
                failures: [].into(),
            }
        })
        .collect()
}

fn answer(runs: &[Digest], baseline: Option<&[String]>) -> Trend {
    trend(runs.iter().cloned().collect(), &Tolerances::default(), baseline, &[]).unwrap()
}

fn course<'a>(trend: &'a Trend, metric: &Definition) -> &'a Course {
    trend.courses.iter().find(|course| course.id.is(metric)).unwrap()
}

#[test]
fn a_known_change_is_tested_where_it_was() {
    let runs = history(
        16,
        1,
        |boot| if boot < 8 { "1" } else { "2" },
        |metric, boot| {
            if *metric == STREAM_TRIAD && boot >= 8 { -0.05 } else { 0.0 }
        },
    );
    let trend = answer(&runs, None);
    assert_eq!(trend.known.len(), 1);
    let known = &trend.known[0];
    assert_eq!((known.at, known.changes[0].part.as_str()), (8, "bios.version"));
    let findings: Vec<_> = known.rows.iter().map(|row| (row.id.name.as_str(), row.finding.holds())).collect();
    assert_eq!(findings, [(STREAM_TRIAD.id, false), (DENSE_FMA.id, true), (STREAM_LATENCY.id, true)]);
    assert_eq!(known.rows[0].finding, ChangeFinding::Regression);
    // What is known is not found again.
    assert!(trend.courses.iter().all(|course| course.unknown.is_empty() && course.drifts.is_empty()));
}

#[test]
fn an_unknown_step_is_found_and_a_drift_is_not_cut_into_steps() {
    let runs = history(
        40,
        2,
        |_| "1",
        |metric, boot| {
            if *metric == STREAM_TRIAD && boot >= 17 {
                -0.03
            } else if *metric == DENSE_FMA {
                -0.001 * boot as f64
            } else {
                0.0
            }
        },
    );
    let trend = answer(&runs, None);
    let triad = course(&trend, &STREAM_TRIAD);
    assert_eq!(triad.unknown.iter().map(|step| step.at).collect::<Vec<_>>(), [17]);
    assert!(triad.unknown[0].estimate.interval(0.95).contains(-0.03) && triad.drifts.is_empty(), "{triad:?}");
    let clock = course(&trend, &DENSE_FMA);
    assert!(clock.unknown.is_empty() && clock.drifts.len() == 1, "{clock:?}");
    assert!((clock.drifts[0].gain + 0.039).abs() < 0.006, "{:?}", clock.drifts);
    let latency = course(&trend, &STREAM_LATENCY);
    assert!(latency.unknown.is_empty() && latency.drifts.is_empty(), "{latency:?}");
}

#[test]
fn the_baseline_stays_where_it_was_set() {
    // Each update costs 1 %: no step is beyond the margin, and the sum is.
    let runs = history(
        40,
        3,
        |boot| ["1", "2", "3", "4"][boot / 10],
        |metric, boot| if *metric == STREAM_TRIAD { -0.012 * (boot / 10) as f64 } else { 0.0 },
    );
    let first: Vec<String> = runs.iter().take(10).map(|run| run.id.clone()).collect();
    let trend = answer(&runs, Some(&first));
    assert!(trend.known.iter().flat_map(|known| &known.rows).all(|row| row.finding != ChangeFinding::Regression));
    let rows = trend.against_baseline.unwrap();
    assert_eq!((rows[0].id.name.as_str(), rows[0].finding), (STREAM_TRIAD.id, ChangeFinding::Regression));
    assert_eq!((rows[0].before.boots, rows[0].after.boots), (10, 10));
    let unknown = answer(&runs, Some(&["gone".to_owned()]));
    assert!(unknown.remarks.iter().any(|remark| remark.contains("no run of the baseline")), "{:?}", unknown.remarks);
}

#[test]
fn noise_is_taken_within_configurations() {
    let runs = history(20, 4, |boot| if boot < 10 { "1" } else { "2" }, |_, boot| if boot < 10 { 0.0 } else { -0.3 });
    let rows = noise(runs.into_iter().collect(), &Tolerances::default());
    assert_eq!(rows.len(), 3);
    for row in rows {
        let between = row.between.unwrap();
        assert_eq!((row.boots, between.degrees_of_freedom), (20, 18.0));
        assert!((0.003..0.008).contains(&between.deviation()), "{row:?}");
        assert!((0.0009..0.0011).contains(&row.within.unwrap()), "{row:?}");
        assert!(row.can_be_judged() && row.boots_needed.unwrap() <= 5, "{row:?}");
    }
    assert!(noise(Runs::default(), &Tolerances::default()).is_empty());
}

#[test]
fn runs_that_do_not_belong_are_left_out_and_counted() {
    let mut runs = history(12, 5, |_| "1", |_, _| 0.0);
    runs[3].profile = Profile::Smoke;
    let trend = answer(&runs, None);
    assert_eq!(trend.boots.len(), 11);
    assert!(trend.remarks[0].contains("1 runs of another machine"), "{:?}", trend.remarks);
    assert!(super::trend(Runs::default(), &Tolerances::default(), None, &[]).is_none());
}

#[test]
fn a_clock_that_was_wrong_is_noticed_by_the_order_of_sealing() {
    let mut runs = history(14, 6, |boot| if boot < 7 { "1" } else { "2" }, |_, _| 0.0);
    let sealed: Vec<String> = runs.iter().map(|run| run.id.clone()).collect();
    assert_eq!(answer(&runs, None).known.len(), 1);
    // The ninth boot had no battery: it says that it was the first, and the twelfth that it is of the next century.
    runs[8].started = "1970-01-01T00:00:00Z".into();
    runs[11].started = "2100-01-01T00:00:00Z".into();
    runs.sort_by(|a, b| a.started.cmp(&b.started));
    let by_clock = answer(&runs, None);
    assert_eq!(by_clock.known.len(), 2, "a change that never was: {:?}", by_clock.known);
    let trend = super::trend(runs.iter().cloned().collect(), &Tolerances::default(), None, &sealed).unwrap();
    assert_eq!((trend.boots.len(), trend.known.len(), trend.known[0].at), (12, 1, 7));
    assert!(trend.remarks[0].contains("2 boots, for instance that of run run008"), "{:?}", trend.remarks);
}

#[test]
fn runs_in_another_unit_are_left_out_and_counted() {
    let mut runs = history(12, 7, |_| "1", |_, _| 0.0);
    runs[11].series.get_mut(&STREAM_TRIAD.series()).unwrap().metric.unit = measure::Unit::FlopPerSecond;
    let trend = answer(&runs, None);
    assert_eq!(trend.boots.len(), 11);
    assert!(trend.remarks[0].contains("1 runs of another machine"), "{:?}", trend.remarks);
}

#[test]
fn long_histories_are_used_whole_and_what_is_not_searched_is_said() {
    let runs = history(420, 8, |boot| if boot < 210 { "1" } else { "2" }, |_, _| 0.0);
    let first: Vec<String> = runs.iter().take(210).map(|run| run.id.clone()).collect();
    let trend = answer(&runs, Some(&first));
    let row = &trend.known[0].rows[0];
    assert_eq!((row.before.boots, row.after.boots), (210, 210));
    let rows = trend.against_baseline.unwrap();
    assert_eq!((rows[0].before.boots, rows[0].after.boots), (210, 210));
    assert!(trend.remarks.iter().any(|remark| remark.contains("the newest 200 of 420")), "{:?}", trend.remarks);
}
