//! Records of version 0.1.0 (schema 1) judge as they did: `fixtures/0.1.0/*/run.jsonl` were made by that version, and the
//! `judged.json` beside each is what that version said of it, without its sentences: those may read better today, and nothing
//! else may differ.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What people read, in which a better wording is no other judgement.
const PROSE: [&str; 8] = ["reason", "remarks", "warnings", "how", "arithmetic", "why", "place", "not_measured"];

/// Targets whose ceiling was that of 24 channels: the audit knows data sheets today, by which the document's sockets have 16.
const OF_CHANNELS: [&str; 2] = ["memory.peak_read", "memory.stream"];

/// What is said today beside what that version said: it takes nothing away from it, and changes nothing of it.
const ADDED: [&str; 8] =
    ["answer", "criteria", "disturbed", "failed_repetitions", "node", "noise", "parts", "repetitions"];

fn fixture(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/0.1.0").join(kind)
}

/// Takes fields away, wherever they are.
fn without(names: &[&str], value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !names.contains(&name.as_str()));
            // Long times read `18 min 45 s` today; their values are compared.
            let is_long = |seconds: &Value| seconds.as_f64().is_some_and(|seconds| seconds >= 60.0);
            if fields.get("unit").is_some_and(|unit| unit == "s") && fields.get("value").is_some_and(is_long) {
                fields.remove("text");
            }
            fields.values_mut().for_each(|value| without(names, value));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| without(names, value)),
        _ => {}
    }
}

fn judged(kind: &str) -> Value {
    let record = fixture(kind).join("run.jsonl");
    let judged = Command::new(env!("CARGO_BIN_EXE_hostproof")).arg("judge").arg(record).arg("--json").output().unwrap();
    assert_eq!(judged.status.code(), Some(0), "{}", String::from_utf8_lossy(&judged.stderr));
    serde_json::from_slice(&judged.stdout).unwrap()
}

/// Takes out what the memory channels carry.
fn ceilings_of_channels(judged: &mut Value) -> Vec<f64> {
    let rows = judged["targets"].as_array_mut().unwrap();
    let bound = rows.iter_mut().filter(|row| OF_CHANNELS.iter().any(|id| row["id"] == *id));
    bound.map(|row| row["ceiling"].take()["value"].as_f64().unwrap()).collect()
}

fn check(kind: &str) {
    let mut now = judged(kind);
    let text = fs::read_to_string(fixture(kind).join("judged.json")).unwrap();
    let mut then: Value = serde_json::from_str(&text).unwrap();
    // Claims have rows today; no record is accepted or refused by one.
    let rows = now["targets"].as_array_mut().unwrap();
    let claim = rows.extract_if(.., |row| row["id"] == "memory.peak_read.claim").collect::<Vec<_>>();
    assert!(matches!(&claim[..], [row] if row["verdict"] == "INFEASIBLE" && row["required"] == false), "{claim:?}");
    let targets = |judged: &Value| judged["targets"].as_array().unwrap().len();
    assert!(targets(&then) > 15 && targets(&then) == targets(&now));
    for judged in [&mut now, &mut then] {
        without(&PROSE, judged);
    }
    assert_eq!(ceilings_of_channels(&mut then), [1_075_200_000_000.0; 2]);
    assert_eq!(ceilings_of_channels(&mut now), [716_800_000_000.0; 2]);
    without(&ADDED, &mut now);
    let (now, then) = (now.as_object().unwrap(), then.as_object().unwrap());
    assert_eq!(now.keys().collect::<Vec<_>>(), then.keys().collect::<Vec<_>>());
    for (field, then) in then {
        assert_eq!(&now[field], then, "{kind}: {field}");
    }
}

#[test]
fn a_whole_run_with_tainted_samples() {
    check("complete");
}

#[test]
fn a_run_that_the_user_stopped() {
    check("interrupted");
}

#[test]
fn a_run_whose_worker_was_killed_and_whose_record_was_cut() {
    check("cut");
}

#[test]
fn a_row_says_that_its_samples_carry_no_times() {
    let judged = judged("complete");
    let measured: Vec<&Value> =
        judged["targets"].as_array().unwrap().iter().filter(|row| !row["measured"].is_null()).collect();
    assert!(!measured.is_empty());
    for row in measured {
        let remarks = row["remarks"].as_array().unwrap();
        let says = |remark: &Value| remark.as_str().unwrap().contains("carry no times (record of version 0.1.0)");
        assert!(remarks.iter().any(says), "{row}");
    }
}
