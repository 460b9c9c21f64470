//! What people see of comparisons, noise, histories, runs and campaigns.

use std::collections::BTreeSet;

use measure::{Build, Definition, Digest, Ending, FailureCount, Fingerprint, Metric, Profile, Series, metrics};
use verdict::compare::{Comparison, Question, Tolerances, compare};

use super::CampaignBoot;
use crate::Look;

const WIDE: Look = Look::plain(140);
const NARROW: Look = Look::plain(60);

static METRICS: [(&Definition, f64); 5] = [
    (&metrics::DENSE_HPL, 11.2e12),
    (&metrics::DISK_RANDREAD_IOPS, 1.8e6),
    (&metrics::DISK_RANDREAD_P99, 35e-6),
    (&metrics::STREAM_LATENCY, 75e-9),
    (&metrics::STREAM_TRIAD, 537e9),
];

/// A change of ln(metric).
type Step = (&'static Definition, f64);

/// Boots of a host after changes.
fn boots(names: std::ops::Range<usize>, bios: &str, steps: &[Step]) -> Vec<Digest> {
    // Noise without a random number: it must scatter, and be the same for ever.
    let noise = |metric: usize, boot: usize| [-1.1, 0.4, 0.9, -0.6, 0.5, -0.2, 1.2][(metric * 3 + boot) % 7];
    names
        .map(|boot| {
            let series = METRICS.iter().enumerate().map(|(index, (definition, value))| {
                let step: f64 = steps.iter().filter(|(of, _)| of == definition).map(|(_, step)| step).sum();
                let spread = if *definition == &metrics::DISK_RANDREAD_P99 { 0.06 } else { 0.004 };
                let value = value * (step + spread * noise(index, boot)).exp();
                let metric = Metric::from(*definition);
                (definition.series(), Series { metric, medians: vec![value, value * 1.001], valid: 10, tainted: 0 })
            });
            let part = |part: &str, value: &str| (part.to_owned(), value.to_owned());
            Digest {
                id: format!("20260701T{boot:02}0000Z-0{boot:03}"),
                started: format!("2026-07-01T{boot:02}:00:00Z"),
                host: "node7".into(),
                boot_id: Some(format!("boot{boot}")),
                profile: Profile::Full,
                build: Build {
                    version: "0.1.0".into(),
                    revision: "abc".into(),
                    profile: "release".into(),
                    ..Build::default()
                },
                fingerprint: Fingerprint {
                    platform_id: "a1".into(),
                    config_id: format!("c{bios}"),
                    platform: [part("cpu.model", "a cpu\u{1b}[2J")].into(),
                    config: [part("bios.version", bios), part("cpu.microcode", "0x2b"), part("os.kernel", "6.1.0")]
                        .into(),
                },
                ending: Ending::Complete,
                series: series.collect(),
                failures: [].into(),
            }
        })
        .collect()
}

fn compared(steps: &[Step], after: usize) -> Comparison {
    let (before, after) = (boots(0..5, "1.2", &[]), boots(5..5 + after, "1.3", steps));
    compared_sides(before, after)
}

fn compared_sides(before: Vec<Digest>, after: Vec<Digest>) -> Comparison {
    let (before, after) = (before.into_iter().collect(), after.into_iter().collect());
    compare(Question { before, after, ..Question::default() }).unwrap()
}

/// Nothing steers the terminal, and no line is longer than it.
fn check(text: String, look: Look) -> String {
    assert!(!text.contains('\u{1b}'), "{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= usize::from(look.width), "{line}");
    }
    text
}

#[test]
fn a_regression() {
    let worse = compared(&[(&metrics::STREAM_TRIAD, -0.06), (&metrics::DENSE_HPL, -0.05)], 5);
    insta::assert_snapshot!("regression_wide", check(super::comparison(&worse, false, WIDE), WIDE));
    insta::assert_snapshot!("regression_narrow", check(super::comparison(&worse, false, NARROW), NARROW));
    insta::assert_snapshot!("regression_json", serde_json::to_string_pretty(&super::comparison_json(&worse)).unwrap());
}

#[test]
fn what_is_not_decided() {
    let open = compared(&[(&metrics::STREAM_TRIAD, -0.015)], 2);
    insta::assert_snapshot!("undecided_wide", check(super::comparison(&open, true, WIDE), WIDE));
}

#[test]
fn what_failed_is_counted_on_each_side() {
    let (before, mut after) = (boots(0..5, "1.2", &[]), boots(5..10, "1.3", &[]));
    for run in &mut after[..3] {
        run.failures.insert(metrics::STREAM_TRIAD.series(), FailureCount { wrong: 2, no_value: 0, lost: 1 });
    }
    for run in &mut after {
        run.series.remove(&metrics::DENSE_HPL.series());
        run.failures.insert(metrics::DENSE_HPL.series(), FailureCount { lost: 1, ..FailureCount::default() });
    }
    let failing = compared_sides(before, after);
    let look = Look::plain(160);
    insta::assert_snapshot!("failing_wide", check(super::comparison(&failing, false, look), look));
    let json = super::comparison_json(&failing);
    let row = json["metrics"].as_array().unwrap().iter().find(|row| row["metric"]["name"] == "stream.triad").unwrap();
    assert_eq!(row["after"]["failures"], serde_json::json!({"wrong": 6, "no_value": 0, "lost": 3, "boots": 3}));
    assert_eq!(row["verdict"], "INCONCLUSIVE");
    assert!(row["failures"]["p"].as_f64().unwrap() > 0.05, "{row:#}");
}

#[test]
fn the_noise_of_a_host() {
    let runs = boots(0..6, "1.2", &[]);
    let noise = verdict::trend::noise(runs.into_iter().collect(), &Tolerances::default());
    insta::assert_snapshot!("noise_wide", check(super::noise(&noise, WIDE), WIDE));
    insta::assert_snapshot!("noise_narrow", check(super::noise(&noise, NARROW), NARROW));
}

#[test]
fn a_history() {
    let mut runs = boots(0..8, "1.2", &[]);
    runs.extend(boots(8..24, "1.3", &[(&metrics::STREAM_TRIAD, -0.05)]));
    for run in runs.iter_mut().skip(16) {
        for series in run.series.values_mut().filter(|series| series.metric.is(&metrics::STREAM_LATENCY)) {
            series.medians.iter_mut().for_each(|value| *value *= 1.08);
        }
    }
    let baseline: Vec<String> = runs.iter().take(8).map(|run| run.id.clone()).collect();
    let trend =
        verdict::trend::trend(runs.into_iter().collect(), &Tolerances::default(), Some(&baseline), &[]).unwrap();
    insta::assert_snapshot!("trend_wide", check(super::trend(&trend, WIDE), WIDE));
    insta::assert_snapshot!("trend_narrow", check(super::trend(&trend, NARROW), NARROW));
}

#[test]
fn runs_of_a_store() {
    let runs = boots(0..3, "1.2", &[]);
    let tags: BTreeSet<String> = ["good".to_owned(), "quiet".to_owned()].into();
    let rows: Vec<_> = runs.iter().map(|run| (run, &tags)).collect();
    insta::assert_snapshot!("runs_wide", check(super::runs(&rows, WIDE), WIDE));
    insta::assert_snapshot!("runs_narrow", check(super::runs(&rows, NARROW), NARROW));
    insta::assert_snapshot!("run_wide", check(super::run(&runs[0], &tags, WIDE), WIDE));
    insta::assert_snapshot!("run_narrow", check(super::run(&runs[0], &tags, NARROW), NARROW));
}

#[test]
fn the_boots_of_a_campaign() {
    let boot = |side, state, run: &str| CampaignBoot { side, state, run: run.to_owned() };
    let boots = [
        boot("before", "measured", "20260701T000000Z-0001"),
        boot("after", "next", ""),
        boot("after", "", ""),
        boot("before", "", ""),
    ];
    insta::assert_snapshot!("campaign_wide", check(super::campaign("c20260701T000000Z", &boots, WIDE), WIDE));
    insta::assert_snapshot!("campaign_narrow", check(super::campaign("c20260701T000000Z", &boots, NARROW), NARROW));
}
