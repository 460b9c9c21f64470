//! Fleets from records: judged together, compared with each other, before and after an update.

mod simulate;
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use measure::random::SplitMix64;
use record::Store;
use serde_json::Value;
use simulate::Host;
use support::{files, hostproof, output, said};

/// Nodes that repeat to 0.3 %.
fn quiet() -> Host {
    Host { noise: 0.003, ..Host::usual() }
}

/// A node of this number, in the store: the path of its record.
fn node(store: &Path, number: u32, host: &Host, seed: u64) -> PathBuf {
    let mut random = SplitMix64::new(seed * 1000 + u64::from(number));
    let mut run = host.run(u32::try_from(seed).unwrap() * 100 + number, &mut random);
    run.node = Some(format!("n{number:02}"));
    let place = Store::at(store).place(run.name(), &run.id);
    simulate::write(&place, &run);
    if place.is_dir() { place.join("run.jsonl") } else { place }
}

/// Twelve nodes; the fifth is slow in memory, the ninth has another BIOS.
fn delivery(store: &Path) -> Vec<String> {
    let of = |number: u32| match number {
        5 => quiet().worse("stream", 0.1),
        9 => quiet().with("bios.version", "1.1"),
        _ => quiet(),
    };
    (1..=12).map(|number| node(store, number, &of(number), 1).display().to_string()).collect()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = hostproof(folder).args(arguments).arg("--json").output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {}", said(&output)))
}

#[test]
fn a_delivery_is_judged_and_who_is_worse_than_its_siblings_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    delivery(&here.join("here"));
    let judged = output(here, ["fleet", "judge", "--out", "here"]);
    // Virtual figures, and facts that nobody read: nothing is decided, and nothing is accepted.
    assert!(matches!(judged.status.code(), Some(3 | 4)), "{}", said(&judged));
    let text = said(&judged);
    for words in [
        "12 nodes, 0 accepted",
        "1 of 12 has bios.version 1.1 (cohort A 1.2): n09",
        "n05: stream.",
        "against its siblings (z −",
        "cohort B: too few nodes to compare (fewer than 8)",
        "hostproof fleet report --out here --html fleet.html",
        "worse than their siblings: n05.",
    ] {
        assert!(text.replace('-', "−").contains(&words.replace('-', "−")), "{words}: {text}");
    }
    let found = json(here, &["fleet", "judge", "--out", "here"]);
    assert_eq!((&found["counts"]["nodes"], &found["counts"]["outliers"]), (&Value::from(12), &Value::from(1)));
    let brief = output(here, ["fleet", "judge", "--out", "here", "--brief"]);
    assert_eq!(String::from_utf8(brief.stdout).unwrap().trim().lines().count(), 1);
}

#[test]
fn what_cannot_be_read_is_no_answer_and_what_is_of_another_specification_is_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let records = delivery(&here.join("here"));
    let mut typed: Vec<&str> = records.iter().map(String::as_str).collect();
    fs::write(here.join("broken.jsonl"), "no record").unwrap();
    typed.push("broken.jsonl");
    let found = json(here, &[&["fleet", "judge"], typed.as_slice()].concat());
    assert_eq!(found["counts"]["no_answer"], 1);
    let of =
        |node: &Value| node["answer"] == "NO-ANSWER" && node["no_answer"].as_str().unwrap().contains("cannot be read");
    assert!(found["nodes"].as_array().unwrap().iter().any(of), "{}", found["nodes"]);

    // Cut behind its first line: a run in which nothing was measured, and no pass either.
    let whole = fs::read_to_string(&records[0]).unwrap();
    let other = whole.replacen("\"id\":\"PY-HPC-2024.Q3\"", "\"id\":\"HOSTED-CORE-I7-6700K-7700\"", 1);
    assert_ne!(other, whole);
    fs::write(here.join("other.jsonl"), other.replace("\"node\":\"n01\"", "\"node\":\"n77\"")).unwrap();
    let check = |arguments: &[&str], words: &str| {
        let refused = output(here, [&["fleet"], arguments].concat());
        assert!(refused.status.code() == Some(2) && said(&refused).contains(words), "{}", said(&refused));
    };
    check(&["judge", &records[0], "other.jsonl"], "give one for all with --spec");
    check(&["judge", &records[0], "bios=1.2"], "give either");
    check(&["judge", "broken.jsonl"], "give one with --spec");
    check(&["judge", "--out", "nowhere"], "no run in nowhere is selected");
    check(&["compare", "--before", &records[0], "--after", &records[1]], "no node has an answer before and after");
    let typed = output(here, ["fleet", "judge", &records[0], "other.jsonl", "--spec", "PY-HPC-2024.Q3"]);
    assert!(matches!(typed.status.code(), Some(3 | 4)), "{}", said(&typed));
}

#[test]
fn an_older_record_does_not_stand_in_for_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    delivery(&here.join("here"));
    let newest = node(&here.join("here"), 3, &quiet(), 2);
    fs::write(newest, "no record").unwrap();
    let found = json(here, &["fleet", "judge", "--out", "here"]);
    assert_eq!((&found["counts"]["nodes"], &found["counts"]["no_answer"]), (&Value::from(12), &Value::from(1)));
    let third = found["nodes"].as_array().unwrap().iter().find(|node| node["name"] == "n03").unwrap();
    assert_eq!(third["answer"], "NO-ANSWER");
}

#[test]
fn every_format_is_written_and_only_what_is_ours_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    delivery(&here.join("here"));
    let formats =
        ["--html", "f.html", "--csv", "f.csv", "--json", "f.json", "--prometheus", "f.prom", "--junit", "f.xml"];
    for _ in 0..2 {
        let report = output(here, [&["fleet", "report", "--out", "here"], formats.as_slice()].concat());
        assert_eq!(report.status.code(), Some(0), "{}", said(&report));
    }
    let text = |name: &str| fs::read_to_string(here.join(name)).unwrap();
    assert!(text("f.html").contains("n05") && text("f.html").len() < 1_000_000);
    assert!(text("f.csv").lines().skip(1).all(|line| line.starts_with("fleet,n")));
    assert_eq!(text("f.xml").matches("<testsuite ").count(), 12);
    assert!(text("f.prom").contains("hostproof_fleet_nodes{fleet=\"fleet\",state=\"accepted\"} 0"));
    assert_eq!(serde_json::from_str::<Value>(&text("f.json")).unwrap()["counts"]["nodes"], 12);
    let is_left =
        |path: &&PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".hostproof-"));
    assert_eq!(files(here).iter().find(is_left), None);
    fs::write(here.join("letter"), "dear").unwrap();
    let refused = output(here, ["fleet", "report", "--out", "here", "--csv", "letter"]);
    assert!(refused.status.code() == Some(2) && text("letter") == "dear", "{}", said(&refused));
}

#[test]
fn an_update_is_compared_node_by_node() {
    let check = |after: &dyn Fn(u32) -> Host, code: i32, words: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        for number in 1..=12 {
            node(&here.join("here"), number, &quiet(), 1);
            node(&here.join("here"), number, &after(number).with("bios.version", "1.3"), 2);
        }
        let arguments = ["fleet", "compare", "--before", "bios=1.2", "--after", "bios=1.3", "--out", "here"];
        let found = output(here, arguments);
        // Where lines end is not what this is about.
        let text = said(&found).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(found.status.code(), Some(code), "{text}");
        assert!(words.iter().all(|words| text.contains(words)), "{words:?}: {text}");
    };
    check(&|_| quiet(), 0, &["bios.version: 1.2 → 1.3 on 12 of 12", "NOT-WORSE: not one of"]);
    check(&|_| quiet().worse("stream", 0.05), 1, &["REGRESSION: worse over the fleet: "]);
    let one = |number: u32| if number == 7 { quiet().worse("stream", 0.1) } else { quiet() };
    check(&one, 1, &["NOT-WORSE", "1 node got worse although the fleet did not: n07"]);
}
