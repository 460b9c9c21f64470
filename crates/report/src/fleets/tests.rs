//! Views of a small fleet in which something is wrong with some nodes.

use std::collections::BTreeMap;

use fleet::{Account, FleetJudgement, FleetNode, NodeAnswer};
use measure::{Measurement, Outcome, Profile, Run, metrics};
use spec::System;
use verdict::compare::Tolerances;

use super::*;
use crate::testdata;
use crate::{exchange, html};

/// What a record from outside may say.
pub(crate) const HOSTILE: &str = "\u{1b}[2J<script>alarm=1</script>\",=1+1";

fn system() -> System {
    testdata::system_of_parts()
}

/// A run that reaches so much of what its siblings do.
fn run(name: &str, share: f64) -> Run {
    let mut run = testdata::run();
    run.id = format!("20260701T120000Z-{name}");
    run.host = name.to_owned();
    run.profile = Profile::Full;
    run.facts.quantity("cpu.sockets", 2.0, measure::Unit::Count, "test");
    run.fingerprint.config = [("bios.version", "1.3")].map(|(part, text)| (part.to_owned(), text.to_owned())).into();
    run.noise = BTreeMap::new();
    let latency = Measurement::new(&metrics::STREAM_LATENCY, testdata::samples(&[70e-9 / share]));
    let triad = Measurement::new(&metrics::STREAM_TRIAD, testdata::samples(&[1.8e12 * share]));
    let hpl = Measurement::new(&metrics::DENSE_HPL, testdata::samples(&[12e12]));
    run.attempts.truncate(1);
    run.attempts[0].outcomes = [latency, triad, hpl].map(Outcome::Measured).to_vec();
    run
}

fn node(name: &str, share: f64, change: impl FnOnce(&mut Run)) -> FleetNode {
    let mut run = run(name, share);
    change(&mut run);
    let judgement = verdict::judge(&run, &system(), &[], &[]);
    let account = Account::of(&run, &[], &judgement);
    FleetNode { name: name.to_owned(), attempts: 1, answer: NodeAnswer::Judged(Box::new(account)) }
}

fn fleet(nodes: usize) -> Vec<FleetNode> {
    let share = |n: usize| 1.0 + 0.001 * (n * 7 % 11) as f64;
    (1..=nodes).map(|n| node(&format!("node{n:03}"), share(n), |_| {})).collect()
}

/// Twelve nodes: one slow, one without an answer, one with another BIOS, one that says hostile things.
fn judged() -> FleetJudgement {
    let mut nodes = fleet(12);
    nodes[3] = node("node004", 0.8, |_| {});
    nodes[6].answer = NodeAnswer::Missing("the job was lost (NODE_FAIL)".to_owned());
    nodes[6].attempts = 2;
    nodes[8] = node("node009", 1.0, |run| {
        run.fingerprint.config.insert("bios.version".to_owned(), HOSTILE.to_owned());
    });
    fleet::judge(nodes, &Tolerances::of(&system()))
}

fn with<T>(judged: &FleetJudgement, view: impl FnOnce(&JudgedFleet<'_>) -> T) -> T {
    view(&JudgedFleet { name: "delivery-7", system: &system(), judgement: judged })
}

#[test]
fn a_fleet_on_a_terminal() {
    let judged = judged();
    for width in [60, 100, 160] {
        let look = Look::plain(width);
        let text = with(&judged, |fleet| {
            judgement(fleet, FleetExtent { again: " delivery-7", ..FleetExtent::default() }, look)
        });
        assert!(
            !text.contains('\u{1b}') && text.lines().all(|line| line.chars().count() <= usize::from(width)),
            "{text}"
        );
        insta::assert_snapshot!(format!("judged_{width}"), text);
    }
    let all =
        with(&judged, |fleet| judgement(fleet, FleetExtent { all: true, ..FleetExtent::default() }, Look::plain(100)));
    assert!((1..=12).all(|n| all.contains(&format!("\nnode{n:03}"))), "{all}");
    let colour =
        with(&judged, |fleet| judgement(fleet, FleetExtent::default(), Look { colour: true, ..Look::plain(100) }));
    assert!(colour.contains("\u{1b}[31m"));
}

#[test]
fn a_fleet_before_and_after_on_a_terminal() {
    let (before, mut after) = (fleet(12), fleet(12));
    after[3] = node("node004", 0.8, |_| {});
    after.remove(11);
    let found = fleet::compare(&before, &after, &Tolerances::of(&system()));
    for width in [60, 120] {
        insta::assert_snapshot!(format!("change_{width}"), change(&found, false, Look::plain(width)));
    }
    assert_eq!(change_json(&found)["worse_nodes"], serde_json::json!(["node004"]));
}

#[test]
fn a_fleet_in_every_format() {
    let judged = judged();
    let csv = with(&judged, exchange::fleet_csv).unwrap();
    assert!(csv.lines().all(|line| !line.starts_with('=')) && csv.contains("delivery-7,node007,NO-ANSWER,2,,,answer"));
    let of = |node: &str| csv.lines().filter(|line| line.starts_with(&format!("delivery-7,{node},"))).count();
    assert_eq!((of("node007"), of("node004")), (1, of("node001")));
    insta::assert_snapshot!(
        "csv_of_the_worst",
        csv.lines().filter(|line| line.contains("node004,")).collect::<Vec<_>>().join("\n")
    );

    let prometheus = with(&judged, exchange::fleet_prometheus);
    assert!(prometheus.contains("hostproof_fleet_nodes{fleet=\"delivery-7\",state=\"no-answer\"} 1\n"), "{prometheus}");
    assert!(prometheus.contains("hostproof_fleet_target_met{fleet=\"delivery-7\",node=\"node004\",required=\"true\",target=\"memory.stream\"} 0\n"));

    let junit = with(&judged, exchange::fleet_junit).unwrap();
    assert_eq!((junit.matches("<testsuite ").count(), junit.matches("type=\"NO-ANSWER\"").count()), (12, 1));

    let json = with(&judged, judgement_json);
    assert_eq!((json["acceptance"].as_str(), json["counts"]["no_answer"].as_u64()), (Some("rejected"), Some(1)));
}

#[test]
fn the_page_of_a_fleet_is_inert_and_names_who_is_off() {
    let page = with(&judged(), html::fleet).unwrap();
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;") && !page.contains('\u{1b}'));
    assert!(page.contains("node004 -") || page.contains("node004 −"), "the outlier is not named");
    assert_eq!(page.matches("<details id=\"node-").count(), 12);
    assert!(page.contains("NO-ANSWER") && page.contains("(2 attempts)"));
}

#[test]
fn four_hundred_nodes_fit_on_a_page() {
    let judged = fleet::judge(fleet(400), &Tolerances::of(&system()));
    let page = with(&judged, html::fleet).unwrap();
    assert!(page.len() < 10_000_000, "{} bytes", page.len());
    assert!(page.matches("<svg").count() <= judged.distributions.len());
}
