//! The worker as `hostproof run` starts it: it plans, runs, and tells what was measured.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use measure::{Event, Profile, Warning, Workload, definition};
use record::pipe::{self, Message};
use record::request::{Choices, Planned, Request, Task};

/// Asks a worker; its messages after the greeting.
fn ask(task: Task) -> Vec<Message> {
    let request = Request { workload: Workload::Tabular, parent: std::process::id(), task };
    let mut child = Command::new(env!("CARGO_BIN_EXE_hostproof-tabular"))
        .arg("worker")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(serde_json::to_string(&request).unwrap().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut messages: Vec<Message> = text.lines().map(|line| pipe::decode(line).unwrap()).collect();
    assert!(matches!(messages.remove(0), Message::Hello(_)), "{text}");
    messages
}

fn plan(scratch: &Path) -> Planned {
    let choices = Choices { isa: None, engine: None, scratch: scratch.to_owned(), disk_p99: BTreeMap::new() };
    let messages = ask(Task::Plan { profile: Profile::Smoke, choices });
    let [Message::Plan(planned)] = messages.as_slice() else { panic!("{messages:?}") };
    planned.clone()
}

/// A small file, and the folders above it.
fn put(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn a_smoke_run_measures_verifies_and_extrapolates() {
    let scratch = tempfile::tempdir().unwrap();
    // What a killed worker left, and what somebody else has there.
    let mine = ["tabular/letter", "tabular-7-fedcba9876543210/letter", "tabular-8/_hostproof.unfinished"];
    let mine = mine.map(|name| scratch.path().join(format!("hostproof-{name}")));
    for path in &mine {
        put(path, "mine");
    }
    let left = scratch.path().join("hostproof-tabular-7-0123456789abcdef");
    put(&left.join("_hostproof.unfinished"), "hostproof features, process 7\n");
    put(&left.join("data-10000/events/part-00000.parquet"), "half");
    let planned = plan(scratch.path());
    let needs = planned.needs;
    assert!(needs.seconds > 0.0 && needs.seconds < 15.0 && needs.memory > 0 && needs.disk > 0, "{needs:?}");
    let messages = ask(Task::Run(planned.config));
    assert_eq!(messages.last(), Some(&Message::Done));
    let mut measured = Vec::new();
    for message in &messages {
        match message {
            Message::Event(Event::Measured(one)) => measured.push(one),
            // On a busy host small data can take as long as large, and then nothing is extrapolated.
            Message::Event(Event::NotMeasured(missing)) => {
                assert_eq!(missing.id.name, "tabular.time_500gb", "{missing:?}");
                assert!(missing.reason.to_string().contains("do not grow"), "{missing:?}");
            }
            _ => {}
        }
    }
    for one in &measured {
        let known = definition(&one.metric.name).unwrap_or_else(|| panic!("{} is not in the catalogue", one.id()));
        assert!(one.labels.keys().all(|label| known.may_carry(label)), "{}", one.id());
        assert!(one.samples.iter().all(|sample| sample.interval.is_some()), "{} does not know when", one.id());
    }
    for name in ["tabular.time", "tabular.phase", "tabular.read", "tabular.share"] {
        assert!(measured.iter().any(|one| one.metric.name == name), "{name} is missing");
    }
    for time in measured.iter().filter(|one| one.metric.name.starts_with("tabular.time")) {
        assert!(time.samples.iter().all(|sample| sample.value > 0.0), "{time:?}");
        assert!(time.context["engine"].starts_with("Polars") && time.context["verified"].starts_with("every value"));
    }
    for headline in measured.iter().filter(|one| one.metric.name == "tabular.time_500gb") {
        assert!(headline.labels.is_empty());
        assert!(matches!(&headline.warnings[..], [Warning::Extrapolated { how }] if how.contains("T(n) = a + b·n")));
    }
    let shares: f64 =
        measured.iter().filter(|one| one.metric.name == "tabular.share").map(|one| one.samples[0].value).sum();
    assert!((shares - 1.0).abs() < 1e-9);
    assert!(mine.iter().all(|path| std::fs::read_to_string(path).unwrap() == "mine"));
    let names = std::fs::read_dir(scratch.path()).unwrap().count();
    assert_eq!(names, mine.len(), "something is left in the scratch folder");
}

#[test]
fn what_cannot_be_done_is_said() {
    let scratch = tempfile::tempdir().unwrap();
    let blocked = scratch.path().join("file");
    std::fs::write(&blocked, "a file where a folder should be").unwrap();
    let messages = ask(Task::Run(plan(&blocked).config));
    let lost = messages.iter().any(|message| {
        matches!(message, Message::Event(Event::NotMeasured(missing))
            if missing.id.name == "tabular.time_500gb")
    });
    assert!(lost || matches!(messages.last(), Some(Message::Failed(_))), "{messages:?}");
    assert!(matches!(ask(Task::Run(serde_json::json!({"rows": "many"})))[..], [Message::Failed(_)]));
}
