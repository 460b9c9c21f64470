//! Reports through the real binary, from a record of the smoke profile.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use support::{files, output, said};

/// A record of this host in `folder/here`.
fn recorded(folder: &Path) -> String {
    let run = output(folder, ["run", "--profile", "smoke", "--only", "stream", "--out", "here"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    files(&folder.join("here")).iter().find(|path| path.ends_with("run.jsonl")).unwrap().to_str().unwrap().to_owned()
}

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
    fs::write(folder.path().join("out.md"), "old ".repeat(100_000)).unwrap();
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

    // The same record twice is one run, and a report of it says the same.
    let again = output(folder.path(), ["report", &record, &record, "--csv", "again.csv"]);
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    assert_eq!(fs::read_to_string(folder.path().join("again.csv")).unwrap(), read("csv"));
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
