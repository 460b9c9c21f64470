//! Synthetic fleets for the tests: deterministic for each seed.

use std::collections::BTreeMap;

use measure::metrics::{DENSE_HPL, DISK_RANDREAD_IOPS, STREAM_LATENCY, STREAM_TRIAD};
use measure::random::SplitMix64;
use measure::{
    Attempt, Better, Build, Definition, Ending, Facts, Fingerprint, Interval, Measurement, Metric, MetricId, Outcome,
    Profile, Quantity, Run, Sample, SpecSource, Workload,
};
use spec::{Place, System, Target};
use verdict::compare::Tolerances;

use crate::{Account, Among, Figure, FleetNode, NodeAnswer, OwnNoise, judge, limit};

/// The documented value of each target.
const DOCUMENTED: f64 = 100e9;

fn target(id: &str, metric: &'static Definition) -> Target {
    Target {
        id: id.into(),
        title: id.into(),
        metric: Some(metric),
        series: BTreeMap::new(),
        value: Quantity::new(DOCUMENTED, metric.unit),
        approximate: false,
        better: metric.better,
        tolerance: 0.05,
        required: true,
        place: Place { at: "§1".into(), says: "so".into() },
        conditions: BTreeMap::new(),
        open: vec![],
        constraint: None,
        depends_on: vec![],
        shares: BTreeMap::new(),
        phases: vec![],
        companion_of: None,
    }
}

pub(crate) fn system() -> System {
    System {
        id: "X-1".into(),
        name: "Example".into(),
        document: "example.txt".into(),
        family: None,
        facts: vec![],
        baselines: vec![],
        targets: vec![target("memory.triad", &STREAM_TRIAD), target("compute.hpl", &DENSE_HPL)],
        claims: vec![],
        limits: vec![],
        prose: vec![],
    }
}

fn measured(metric: &Definition, value: f64) -> Outcome {
    let sample = |at: u64| Sample::timed(value, Interval::new(at, at + 1));
    Outcome::Measured(Measurement::new(metric, [sample(0), sample(1)]))
}

/// A run that meets every target by 10 %.
pub(crate) fn run(name: &str) -> Run {
    let attempt = |workload, outcomes| Attempt { workload, repetition: 0, outcomes, warnings: vec![] };
    let config = [("bios.version", "1.3"), ("os.kernel", "6.1")];
    Run {
        id: format!("20260701T120000Z-{name}"),
        started: "2026-07-01T12:00:00Z".into(),
        host: name.into(),
        node: None,
        boot_id: Some(format!("boot of {name}")),
        profile: Profile::Full,
        build: Build { version: "0.1.0".into(), profile: "release".into(), ..Build::default() },
        spec: SpecSource::default(),
        facts: Facts::default(),
        fingerprint: Fingerprint {
            config: config.map(|(part, text)| (part.to_owned(), text.to_owned())).into(),
            ..Fingerprint::default()
        },
        noise: BTreeMap::new(),
        attempts: vec![
            attempt(Workload::Stream, vec![measured(&STREAM_TRIAD, 1.1 * DOCUMENTED), measured(&STREAM_LATENCY, 9e-8)]),
            attempt(Workload::Dense, vec![measured(&DENSE_HPL, 1.1 * DOCUMENTED)]),
        ],
        ending: Ending::Complete,
    }
}

/// Makes a run reach so much of the documented value.
pub(crate) fn scale(run: &mut Run, metric: &Definition, share: f64) {
    for outcome in run.attempts.iter_mut().flat_map(|attempt| &mut attempt.outcomes) {
        let Outcome::Measured(one) = outcome else { continue };
        if one.metric.is(metric) {
            one.samples.iter_mut().for_each(|sample| sample.value = share * DOCUMENTED);
        }
    }
}

/// A judged node whose run was changed so.
pub(crate) fn node(name: &str, change: impl FnOnce(&mut Run)) -> FleetNode {
    let mut run = run(name);
    change(&mut run);
    let judgement = verdict::judge(&run, &system(), &[], &[]);
    let account = Account::of(&run, &[], &judgement);
    FleetNode { name: name.into(), attempts: 1, answer: NodeAnswer::Judged(Box::new(account)) }
}

/// So many nodes that are all alike.
pub(crate) fn fleet(nodes: usize) -> Vec<FleetNode> {
    (1..=nodes).map(|n| node(&format!("node{n:03}"), |_| {})).collect()
}

/// Series of a synthetic fleet.
const SERIES: usize = 10;

/// Nodes whose figures scatter by `noise`; those of `faults` are worse by so much in the first series.
pub(crate) fn scattered(nodes: usize, noise: f64, faults: &[(usize, f64)], seed: u64) -> Vec<FleetNode> {
    let mut random = SplitMix64::new(seed);
    let plain = node("node", |_| {});
    let metrics = [&STREAM_TRIAD, &STREAM_LATENCY, &DENSE_HPL, &DISK_RANDREAD_IOPS];
    let series: Vec<(MetricId, Metric)> = (0..SERIES)
        .map(|n| {
            let metric = metrics[n % metrics.len()];
            let labels = BTreeMap::from([("socket".to_owned(), n.to_string())]);
            (MetricId { labels, ..metric.series() }, Metric::from(metric))
        })
        .collect();
    let of_node = |place: usize| {
        let mut account = plain.account().unwrap().clone();
        account.figures = series
            .iter()
            .enumerate()
            .map(|(number, (id, metric))| {
                let fault = faults.iter().find(|(node, _)| *node == place && number == 0);
                let fall = fault.map_or(0.0, |(_, share)| (1.0 - share).ln());
                let gain = 20.0 + noise * random.normal() + fall;
                (id.clone(), Figure { metric: metric.clone(), gain, noise: None })
            })
            .collect();
        FleetNode { name: format!("node{place:05}"), attempts: 1, answer: NodeAnswer::Judged(Box::new(account)) }
    };
    (0..nodes).map(of_node).collect()
}

/// Names of the nodes that are outliers, and in how many series anybody is one.
fn blamed(fleet: Vec<FleetNode>) -> Vec<(String, MetricId)> {
    let judged = judge(fleet, &Tolerances::default());
    let named = |one: &crate::Distribution| {
        let nodes = one.nodes(Among::Outlier).map(|place| (judged.nodes[place.node].name.clone(), one.id.clone()));
        nodes.collect::<Vec<_>>()
    };
    judged.distributions.iter().flat_map(named).collect()
}

#[test]
fn planted_faults_are_named_where_the_power_is_there_and_nobody_else_is_blamed() {
    const SEEDS: u64 = 100;
    for nodes in [8_usize, 40, 400] {
        for noise in [0.003, 0.01, 0.03] {
            let faults: Vec<(usize, f64)> = match nodes {
                8 => vec![(3, 0.15)],
                40 => vec![(3, 0.06), (17, 0.15)],
                _ => vec![(3, 0.06), (17, 0.1), (230, 0.15)],
            };
            let (mut clean, mut found) = (0, vec![0; faults.len()]);
            for seed in 0..SEEDS {
                let blamed = blamed(scattered(nodes, noise, &faults, seed));
                let planted = |node: usize| (format!("node{node:05}"), 0_usize);
                let is_planted = |name: &str| faults.iter().any(|(node, _)| planted(*node).0 == name);
                clean += u64::from(blamed.iter().all(|(name, _)| is_planted(name)));
                for (place, (node, _)) in faults.iter().enumerate() {
                    found[place] += u64::from(blamed.iter().any(|(name, _)| *name == planted(*node).0));
                }
            }
            assert!(clean >= 95, "{nodes} nodes, noise {noise}: no other node blamed in {clean} of {SEEDS} fleets");
            for ((_, share), found) in faults.iter().zip(found) {
                let centre = crate::Centre { n: nodes, median: 0.0, deviation: noise };
                let margin = verdict::stats::Margin::of_tolerance(None).log();
                let power = centre.power(-(1.0 - share).ln(), limit(nodes, nodes * SERIES), margin);
                let share_found = found as f64 / SEEDS as f64;
                println!("{nodes} nodes, noise {noise}, fault {share}: named in {found}, power {power:.2}");
                assert!((share_found - power).abs() < 0.17, "{nodes}, {noise}, {share}: {found}, power {power}");
                assert!(power < 0.99 || found >= 95, "{nodes}, {noise}, {share}: {found}, power {power}");
            }
        }
    }
}

#[test]
fn a_sound_fleet_blames_nobody() {
    for (nodes, noise) in [(8, 0.03), (12, 0.03), (29, 0.03), (40, 0.03), (400, 0.01), (400, 0.03)] {
        let fleets = if nodes > 100 { 60 } else { 200 };
        let clean = (0..fleets).filter(|seed| blamed(scattered(nodes, noise, &[], 1000 + seed)).is_empty()).count();
        assert!(clean as u64 * 100 >= fleets * 92, "{nodes} nodes, noise {noise}: {clean} of {fleets} blame nobody");
    }
}

/// What the other tests change of one node.
fn figure(node: &mut FleetNode, change: impl FnOnce(&mut Figure)) {
    if let NodeAnswer::Judged(account) = &mut node.answer {
        account.figures.values_mut().next().map(change);
    }
}

fn among(fleet: Vec<FleetNode>, name: &str) -> Among {
    let judged = judge(fleet, &Tolerances::default());
    let node = judged.nodes.iter().position(|node| node.name == name).unwrap();
    judged.distributions[0].places.iter().find(|place| place.node == node).unwrap().among
}

#[test]
fn only_what_is_worse_beyond_margin_limit_and_own_noise_is_an_outlier() {
    let check = |nodes: usize, noise: f64, change: &dyn Fn(&mut Figure), expect: Among| {
        let mut fleet = scattered(nodes, noise, &[], 3);
        figure(&mut fleet[5], |one| {
            one.gain = 20.0;
            change(one);
        });
        assert_eq!(among(fleet, "node00005"), expect, "{nodes} nodes");
    };
    check(40, 0.003, &|_| {}, Among::Alike);
    check(40, 0.003, &|one| one.gain -= 0.1, Among::Outlier);
    check(40, 0.003, &|one| one.gain += 0.1, Among::Unusual);
    // Beyond the limit, and less than δ.
    check(40, 0.001, &|one| one.gain -= 0.015, Among::Alike);
    check(7, 0.003, &|one| one.gain -= 0.5, Among::TooFew);
    let noisy = |error: f64, degrees_of_freedom: f64| {
        move |one: &mut Figure| {
            one.gain -= 0.1;
            one.noise = Some(OwnNoise { error, degrees_of_freedom });
        }
    };
    check(40, 0.003, &noisy(0.05, 9.0), Among::OwnNoise);
    check(40, 0.003, &noisy(0.003, 9.0), Among::Outlier);
    check(40, 0.003, &noisy(0.006, 30.0), Among::Outlier);
}

#[test]
fn where_most_figures_are_the_same_the_odd_one_is_still_named() {
    let mut fleet = scattered(40, 0.0, &[], 1);
    assert_eq!(among(fleet.clone(), "node00005"), Among::Alike);
    figure(&mut fleet[5], |one| one.gain -= 0.1);
    assert_eq!(among(fleet.clone(), "node00005"), Among::Outlier);
    assert_eq!(among(fleet, "node00006"), Among::Alike);
}

#[test]
fn a_slow_cohort_is_not_hidden_and_not_blamed_node_by_node() {
    let mut fleet = scattered(40, 0.003, &[], 1);
    for node in fleet.iter_mut().take(12) {
        if let NodeAnswer::Judged(account) = &mut node.answer {
            account.facts.insert("bios.version", "1.2".into());
        }
        figure(node, |one| one.gain -= 0.1);
    }
    let judged = judge(fleet, &Tolerances::default());
    assert_eq!(judged.counts().outliers, 0);
    let medians: Vec<f64> = judged.distributions[0].cohorts.iter().map(|cohort| cohort.median).collect();
    let better = judged.distributions[0].metric.better;
    let ratio = if better == Better::Higher { medians[1] / medians[0] } else { medians[0] / medians[1] };
    assert!((ratio - (-0.1_f64).exp()).abs() < 0.01, "{medians:?}");
    assert_eq!(judged.differences.len(), 1);
}

#[test]
fn a_missing_answer_is_never_a_pass_and_the_worst_come_first() {
    use verdict::Acceptance;
    let mut fleet = fleet(30);
    assert_eq!(judge(fleet.clone(), &Tolerances::default()).acceptance(), Acceptance::Accepted);
    fleet[7].answer = NodeAnswer::Missing("the job was lost (NODE_FAIL)".into());
    let judged = judge(fleet.clone(), &Tolerances::default());
    assert_eq!((judged.acceptance(), judged.nodes[0].name.as_str()), (Acceptance::Inconclusive, "node008"));
    let counts = judged.counts();
    assert_eq!((counts.nodes, counts.accepted, counts.no_answer), (30, 29, 1));
    fleet[4] = node("node005", |run| scale(run, &STREAM_TRIAD, 0.7));
    fleet[5] = node("node006", |run| run.attempts.clear());
    fleet[6] = node("node007", |run| scale(run, &DENSE_HPL, 1.0));
    let judged = judge(fleet, &Tolerances::default());
    assert_eq!(judged.acceptance(), Acceptance::Rejected);
    let first: Vec<&str> = judged.nodes.iter().take(4).map(|node| node.name.as_str()).collect();
    assert_eq!(first, ["node005", "node008", "node006", "node007"]);
    assert_eq!(judge(Vec::new(), &Tolerances::default()).acceptance(), Acceptance::Inconclusive);
    let odd: Vec<&str> = judged.odd_figures(0).map(|(one, _)| one.id.name.as_str()).collect();
    assert_eq!(odd, [STREAM_TRIAD.id]);
}

#[test]
fn a_node_knows_its_own_noise_from_history_boots_or_repetitions() {
    let noise_of = |change: &dyn Fn(&mut Run)| {
        let node = node("n1", |run| change(run));
        node.account().unwrap().figures[&STREAM_TRIAD.series()].noise
    };
    assert_eq!(noise_of(&|_| {}), None);
    let told = noise_of(&|run| {
        let noise = measure::BootNoise { floor: 0.03, degrees_of_freedom: 9.0 };
        run.noise.insert(STREAM_TRIAD.id.into(), noise);
    });
    assert!((told.unwrap().error - 0.03_f64.ln_1p() / 1.8331).abs() < 1e-5);
    let repeated = noise_of(&|run| {
        let values = [1.0, 1.01, 0.99, 1.02, 0.98];
        run.attempts[0].outcomes = values.map(|value| measured(&STREAM_TRIAD, value * DOCUMENTED)).to_vec();
    });
    let repeated = repeated.unwrap();
    assert!((repeated.error - 1.2533 * 0.015_81 / 5.0_f64.sqrt()).abs() < 2e-4, "{repeated:?}");
    assert!((repeated.degrees_of_freedom - 4.0).abs() < 1e-12);
}
