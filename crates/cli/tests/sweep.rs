//! Random specifications and runs: an oracle that shares no code with the judgement predicts the exit code of each, both
//! ways.

#[path = "sweep/kinds.rs"]
mod kinds;
#[path = "sweep/oracle.rs"]
mod oracle;
#[path = "sweep/render.rs"]
mod render;
#[path = "sweep/scenario.rs"]
mod scenario;
mod support;
#[path = "simulate/written.rs"]
mod written;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use measure::Run;
use measure::random::SplitMix64;
use oracle::{Answer, Expected, expected};
use scenario::{Dice, Scenario, scenario};
use serde_json::Value;
use support::{files, output, said};
use verdict::{Acceptance, Judgement, Verdict};

const SEED: u64 = 19;

/// What the library makes of a scenario, as `accept` calls it.
fn judged(scenario: &Scenario) -> (Judgement, u8) {
    let text = render::specification(scenario);
    let mut systems = spec::parse(&text, "sweep.toml").unwrap_or_else(|error| panic!("{error}\n{text}"));
    let system = systems.remove(0);
    let audit = spec::audit::audit(&system, &[]);
    let companions = spec::companions(&system, &audit);
    let runs = render::runs(scenario);
    let (last, earlier) = runs.split_last().unwrap();
    let earlier: Vec<&Run> = earlier.iter().collect();
    let judgement = verdict::judge_boots(last, &earlier, &system, &audit.grades(), &companions);
    // A report keeps of earlier runs what they are judged by, and nothing may come of that.
    let mut kept = report::Earlier::new(&system, &companions);
    let trimmed: Vec<Run> = earlier
        .iter()
        .map(|run| {
            let mut run = (*run).clone();
            kept.trim(&mut run);
            run
        })
        .collect();
    let trimmed: Vec<&Run> = trimmed.iter().collect();
    assert_eq!(verdict::judge_boots(last, &trimmed, &system, &audit.grades(), &companions), judgement, "{text}");
    let code = match judgement.acceptance() {
        _ if system.demands().is_empty() => 2,
        Acceptance::Accepted => 0,
        Acceptance::Rejected => 1,
        Acceptance::Inconclusive => 3,
        Acceptance::NotComparable => 4,
    };
    (judgement, code)
}

fn answer(verdict: Verdict) -> Answer {
    match verdict {
        Verdict::Pass => Answer::Pass,
        Verdict::Fail => Answer::Fail,
        Verdict::NotComparable | Verdict::Tainted => Answer::Apart,
        Verdict::Infeasible => Answer::Void,
        Verdict::Inconclusive | Verdict::Implausible | Verdict::NotMeasured => Answer::Open,
    }
}

#[test]
fn the_exit_code_is_the_one_that_the_rules_predict() {
    let mut dice = Dice(SplitMix64::new(SEED));
    let mut codes: BTreeMap<u8, usize> = BTreeMap::new();
    let mut answers: BTreeMap<Answer, usize> = BTreeMap::new();
    for number in 0..10_000 {
        let scenario = scenario(&mut dice);
        let expected = expected(&scenario);
        let (judgement, code) = judged(&scenario);
        // What the data sheet of a named processor adds is demanded by nobody, so that it changes no code.
        let (derived, stated): (Vec<_>, Vec<_>) =
            judgement.rows.iter().partition(|row| row.title.ends_with("derived from the processor"));
        assert!(derived.iter().all(|row| !row.required), "{derived:?}");
        let rows = stated.iter().map(|row| (row.id.clone(), answer(row.verdict)));
        let rows: BTreeMap<String, Answer> = rows.collect();
        let reasons = || -> Vec<String> {
            let different = stated.iter().filter(|row| expected.targets.get(&row.id) != rows.get(&row.id));
            different.map(|row| format!("{}: {} {:?}", row.id, row.reason, row.remarks)).collect()
        };
        assert_eq!(rows, expected.targets, "scenario {number}: {:#?}\n{scenario:#?}", reasons());
        assert_eq!(code, expected.code, "scenario {number}: {:?}\n{scenario:#?}", judgement.tally());
        *codes.entry(code).or_default() += 1;
        for answer in rows.into_values() {
            *answers.entry(answer).or_default() += 1;
        }
    }
    println!("{codes:?} {answers:?}");
    assert!(codes[&0] >= 2_500, "{codes:?}");
    assert!(codes.len() == 5 && codes.values().all(|count| *count >= 200), "{codes:?}");
    assert!(answers.len() == 5 && answers.values().all(|count| *count >= 500), "{answers:?}");
}

/// The word of `judge --json`, and that of its answer.
fn words(code: u8) -> (&'static str, &'static str) {
    match code {
        0 => ("accepted", "ACCEPTED"),
        1 => ("rejected", "REJECTED"),
        4 => ("not-comparable", "NOT DECIDED"),
        _ => ("inconclusive", "NOT DECIDED"),
    }
}

/// Judges the written record of one run.
fn one_record(folder: &Path, run: &Run, expected: &Expected) {
    let path = folder.join("run.jsonl");
    written::write(&path, run);
    let judged = output(folder, ["judge", path.to_str().unwrap(), "--json"]);
    assert_eq!(judged.status.code(), Some(0), "{}", said(&judged));
    assert_eq!(files(folder), [path], "a judgement writes nothing");
    let judged: Value = serde_json::from_slice(&judged.stdout).unwrap();
    let (acceptance, word) = words(expected.code);
    assert_eq!(judged["acceptance"], acceptance, "{}", judged["answer"]);
    let (met, of) = expected.met;
    let beginning = match of {
        0 => format!("{word}: no required criterion can be judged"),
        of => format!("{word}: {met} of {of} required criteria are met"),
    };
    assert!(judged["answer"].as_str().unwrap().starts_with(&beginning), "{beginning}: {}", judged["answer"]);
}

/// Judges the written records of several runs together.
fn several_records(folder: &Path, runs: &[Run], expected: &Expected) {
    let names: Vec<String> = (0..runs.len()).map(|number| format!("{number}.jsonl")).collect();
    for (name, run) in names.iter().zip(runs) {
        written::write(&folder.join(name), run);
    }
    let arguments = ["report"].into_iter().chain(names.iter().map(String::as_str)).chain(["--junit", "junit.xml"]);
    let report = output(folder, arguments);
    assert_eq!(report.status.code(), Some(0), "{}", said(&report));
    let report = fs::read_to_string(folder.join("junit.xml")).unwrap();
    let (acceptance, _) = words(expected.code);
    assert!(report.contains(&format!("name=\"acceptance\" value=\"{acceptance}\"")), "{acceptance}: {report}");
}

#[test]
fn the_program_says_of_written_records_what_the_rules_predict() {
    let mut dice = Dice(SplitMix64::new(SEED + 1));
    for number in 0..100 {
        let scenario = scenario(&mut dice);
        let (runs, expected) = (render::runs(&scenario), expected(&scenario));
        let folder = tempfile::tempdir().unwrap();
        match runs.as_slice() {
            [run] => one_record(folder.path(), run, &expected),
            runs => several_records(folder.path(), runs, &expected),
        }
        println!("scenario {number} ends with {}", expected.code);
    }
}
