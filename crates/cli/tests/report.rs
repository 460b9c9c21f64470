//! Reports through the real binary, from a record of the smoke profile.

#[path = "support/recorded.rs"]
mod recorded;
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use recorded::{recorded, reworded, run_id};
use support::{files, output, said};

#[test]
fn one_command_writes_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let record = recorded(folder.path());
    let formats = ["html", "ocptv", "junit", "prom", "csv", "md", "bmf"];
    let mut arguments = vec!["report".to_owned(), record.clone()];
    for format in formats {
        arguments.extend([format!("--{format}"), format!("out.{format}")]);
    }
    // What is longer than the new content must not stay behind it.
    fs::write(folder.path().join("out.md"), format!("| target | documented | document's {}", "old ".repeat(100_000)))
        .unwrap();
    let report = output(folder.path(), &arguments);
    assert_eq!(report.status.code(), Some(0), "{}", said(&report));
    let read = |format: &str| fs::read_to_string(folder.path().join(format!("out.{format}"))).unwrap();
    for format in formats {
        let expect = if matches!(format, "md" | "junit") { "memory.stream" } else { "stream" };
        assert!(read(format).contains(expect), "{format}");
    }
    assert!(!read("md").contains("old old"));
    assert!(read("html").len() < 1_500_000);
    let mode = fs::metadata(folder.path().join("out.prom")).unwrap().permissions().mode();
    assert_eq!(mode & 0o044, 0o044, "the collector reads as another user");
    let left = files(folder.path()).into_iter().filter(|path| path.to_string_lossy().contains(".hostproof-"));
    assert_eq!(left.count(), 0);

    // Each report may be written again in its own place.
    let again = output(folder.path(), &arguments);
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));

    // The same record twice is one run, and a report of it says the same.
    let again = output(folder.path(), ["report", &record, &record, "--csv", "again.csv"]);
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    assert_eq!(fs::read_to_string(folder.path().join("again.csv")).unwrap(), read("csv"));

    // Two runs are shown as before and after.
    let id = run_id(&record);
    let words = [(id.as_str(), "29990101T000000Z-0001")];
    let second = reworded(&record, folder.path(), "second.jsonl", &words);
    let two = output(folder.path(), ["report", &record, &second, "--html", "two.html"]);
    assert_eq!(two.status.code(), Some(0), "{}", said(&two));
    let page = fs::read_to_string(folder.path().join("two.html")).unwrap();
    assert!(page.contains("Before and after at a glance") && page.contains("29990101T000000Z-0001"));
}

#[test]
fn several_hosts_are_a_page_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = format!("{}/tests/fixtures/0.1.0/complete/run.jsonl", env!("CARGO_MANIFEST_DIR"));
    let other = reworded(&fixture, folder.path(), "other.jsonl", &[("\"host\":\"vm\"", "\"host\":\"node-2\"")]);
    let page = output(folder.path(), ["report", &fixture, &other, "--html", "hosts.html"]);
    assert_eq!(page.status.code(), Some(0), "{}", said(&page));
    let html = fs::read_to_string(folder.path().join("hosts.html")).unwrap();
    let table = html.split_once("<table class=\"matrix").unwrap().1;
    let rows = table.split_once("</table>").unwrap().0.matches("<tr").count();
    assert_eq!(rows, 3, "a header and a row for each host");
    assert!(html.find("class=\"matrix").unwrap() < html.find("class=\"verdict").unwrap(), "the table is first");
    let refused = output(folder.path(), ["report", &fixture, &other, "--junit", "junit.xml"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("2 hosts (node-2, vm)"), "{}", said(&refused));
    assert!(!folder.path().join("junit.xml").exists());
}

#[test]
fn recorded_runs_are_shown_and_set_beside_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let record = recorded(folder.path());
    let shown = output(folder.path(), ["show", &record]);
    assert_eq!(shown.status.code(), Some(0), "{}", said(&shown));
    assert!(said(&shown).contains("All that was measured"), "{}", said(&shown));
    let judged = output(folder.path(), ["judge", &record]);
    assert!(said(&judged).contains("every metric, a line each: hostproof show "), "{}", said(&judged));
    assert!(!said(&judged).contains("All that was measured"), "the verdict is buried in figures: {}", said(&judged));
    let json = output(folder.path(), ["show", "latest", "--out", "here", "--json"]);
    assert_eq!(serde_json::from_slice::<Value>(&json.stdout).unwrap()["run"]["id"], run_id(&record));

    let id = run_id(&record);
    let second = reworded(&record, folder.path(), "second.jsonl", &[(id.as_str(), "29990101T000000Z-0001")]);
    let text = output(folder.path(), ["diff", &record, &second]);
    assert_eq!(text.status.code(), Some(0), "{}", said(&text));
    let text = String::from_utf8(text.stdout).unwrap();
    // Two records of one boot: figures beside each other, and no verdict.
    for expect in ["stream.triad", "+0.00 %", "No verdict on the change: the boot", "29990101T000000Z-0001"] {
        assert!(text.contains(expect), "{expect}: {text}");
    }
    let json = output(folder.path(), ["diff", &record, &second, "--json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    let triad = json["metrics"].as_array().unwrap().iter().find(|one| one["id"] == "stream.triad").unwrap();
    assert_eq!((&triad["before"]["value"], &triad["change"]), (&triad["after"]["value"], &Value::from(0.0)));
}

#[test]
fn wrong_use_is_told_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let check = |arguments: &[&str], expect: &str| {
        let output = output(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(expect), "{arguments:?}: {text}");
    };
    // The run does not exist either: the path is what is told first.
    check(&["report", "no-such-run", "--html", "no/such/folder/x.html"], "no/such/folder/x.html");
    check(&["report", "no-such-run", "--prom", "no/such/folder/x.prom"], "no/such/folder/x.prom");
    check(&["report", "no-such-run", "--prom", "."], "it is a folder");
    check(&["report", "no-such-run", "--out", "nowhere", "--md", "x.md"], "no-such-run");
    check(&["report", "no-such-run"], "--html");
    check(&["report", "--html", "x.html"], "RUN");
}

#[test]
fn a_report_is_written_over_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let record = recorded(folder.path());
    let sound = fs::read(&record).unwrap();
    fs::write(folder.path().join("letter"), "dear").unwrap();
    let check = |arguments: &[&str], expect: Option<&str>| {
        let report = output(folder.path(), [&["report", record.as_str()], arguments].concat());
        assert_eq!(
            report.status.code(),
            Some(if expect.is_some() { 2 } else { 0 }),
            "{arguments:?}: {}",
            said(&report)
        );
        assert!(said(&report).contains(expect.unwrap_or_default()), "{arguments:?}: {}", said(&report));
        report.stdout
    };
    check(&["--csv", &record], Some("is never written over"));
    check(&["--csv", &record, "--force"], Some("is never written over"));
    check(&["--csv", "here/chain.jsonl", "--force"], Some("is never written over"));
    check(&["--csv", "letter"], Some("--force"));
    check(&["--csv", "/dev/null"], Some("--force"));
    check(&["--csv", "/dev/null", "--force"], None);
    check(&["--csv", "x", "--md", "./x"], Some("two reports cannot go to"));
    check(&["--csv", "-", "--md", "-"], Some("two reports cannot go to"));
    check(&["--csv", "x", "--spec", "no-such-system"], Some("no-such-system"));
    assert!(!folder.path().join("x").exists(), "what could not be judged leaves nothing");
    let printed = check(&["--csv", "-"], None);
    assert!(printed.starts_with(b"run,host,"), "{}", String::from_utf8_lossy(&printed));
    check(&["--csv", "letter", "--force"], None);
    assert_eq!(fs::read(folder.path().join("letter")).unwrap(), printed);
    assert_eq!(fs::read(&record).unwrap(), sound);
}
