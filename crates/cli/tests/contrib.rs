//! The examples in contrib/ speak of what this version writes. `ReFrame`, GitLab and Jenkins are run by `scripts/contrib`.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::{files, output, said};

fn contrib(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contrib").join(name)
}

/// The metrics that a report for Prometheus has, each with its labels, and with those that `node_exporter` adds.
fn exported() -> BTreeMap<String, BTreeSet<String>> {
    let folder = tempfile::tempdir().unwrap();
    let record = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/0.1.0/complete/run.jsonl");
    let report = output(folder.path(), ["report", record.to_str().unwrap(), "--prom", "-"]);
    assert_eq!(report.status.code(), Some(0), "{}", said(&report));
    let text = String::from_utf8(report.stdout).unwrap();
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let known = all.entry(name.to_owned()).or_default();
        known.extend(["instance".to_owned(), "job".to_owned()]);
        known.extend(labels.split("\",").filter_map(|pair| Some(pair.split_once("=\"")?.0.to_owned())));
    }
    all
}

/// The metrics of ours in a query, each with the labels that it is selected by.
fn selected(query: &str) -> Vec<(String, Vec<String>)> {
    let starts = query.match_indices("hostproof_").map(|(at, _)| &query[at..]);
    let one = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let inside =
            rest[end..].strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(inside, _)| inside);
        let labels =
            inside.split(", ").filter_map(|pair| pair.split_once(['=', '!'])).map(|(label, _)| label.to_owned());
        (rest[..end].to_owned(), labels.collect())
    };
    starts.map(one).collect()
}

fn check(query: &str, exported: &BTreeMap<String, BTreeSet<String>>) {
    let selected = selected(query);
    assert!(!selected.is_empty(), "{query}");
    for (name, labels) in selected {
        let known = exported.get(&name).unwrap_or_else(|| panic!("{name} is not exported: {query}"));
        for label in labels {
            assert!(known.contains(&label), "{name} has no label {label}: {query}");
        }
    }
}

#[test]
fn the_dashboard_asks_for_what_is_exported() {
    let exported = exported();
    let dashboard: Value =
        serde_json::from_str(&std::fs::read_to_string(contrib("grafana/hostproof.json")).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let queries = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap()).map(|target| &target["expr"]);
    let queries: Vec<&str> = queries.map(|query| query.as_str().unwrap()).collect();
    assert!(queries.len() > 10, "{queries:?}");
    for query in queries {
        check(query, &exported);
    }
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "an id twice");
    for variable in dashboard["templating"]["list"].as_array().unwrap().iter().filter(|one| one["type"] == "query") {
        let query = variable["query"]["query"].as_str().unwrap();
        check(query, &exported);
        let label = query.trim_end_matches(')').rsplit_once(", ").unwrap().1;
        let name = &selected(query)[0].0;
        assert!(exported[name].contains(label), "{query}");
    }
}

#[test]
fn the_alerts_ask_for_what_is_exported() {
    let exported = exported();
    let rules = std::fs::read_to_string(contrib("prometheus/hostproof.rules.yml")).unwrap();
    let queries: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).collect();
    assert_eq!(queries.len(), rules.matches("- alert: ").count());
    for query in queries {
        check(query, &exported);
    }
}

/// Prometheus' own checker, on the PATH or where `scripts/test` unpacks it.
fn promtool() -> Command {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let unpacked = cache.map(|cache| cache.join("hostproof/tools/promtool")).filter(|path| path.is_file());
    Command::new(unpacked.unwrap_or_else(|| "promtool".into()))
}

#[test]
fn prometheus_takes_the_alerts_and_the_report() {
    for arguments in [["check", "rules", "hostproof.rules.yml"], ["test", "rules", "hostproof.rules.test.yml"]] {
        let checked = promtool().args(arguments).current_dir(contrib("prometheus")).output();
        let checked = checked.expect("promtool is missing: scripts/test brings it");
        assert!(checked.status.success(), "{arguments:?}: {}", said(&checked));
    }
    let folder = tempfile::tempdir().unwrap();
    let record = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/0.1.0/complete/run.jsonl");
    let report = output(folder.path(), ["report", record.to_str().unwrap(), "--prom", "out.prom"]);
    assert_eq!(report.status.code(), Some(0), "{}", said(&report));
    let text = std::fs::File::open(folder.path().join("out.prom")).unwrap();
    let checked = promtool().args(["check", "metrics"]).stdin(text).output().unwrap();
    // What it advises about names is no fault of the format.
    assert_ne!(checked.status.code(), Some(1), "{}", said(&checked));
    assert!(!said(&checked).contains("error"), "{}", said(&checked));
}

#[test]
fn the_page_of_the_examples_names_each() {
    let page = std::fs::read_to_string(contrib("README.md")).unwrap();
    let all = files(&contrib("")).into_iter().map(|path| path.strip_prefix(contrib("")).unwrap().to_owned());
    // What a tool needs beside its example stands with it.
    let beside = ["README.md", "reframe/requirements.txt", "prometheus/hostproof.rules.test.yml"];
    for path in all.filter(|path| !beside.iter().any(|known| path == Path::new(known))) {
        assert!(page.contains(&format!("`{}`", path.display())), "{} is not named", path.display());
    }
}
