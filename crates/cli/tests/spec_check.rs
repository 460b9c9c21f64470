//! `hostproof spec check`: what can never be judged is refused, and what a file demands is said.

mod support;

use std::fs;

use support::{files, output, said};

const GOOD: &str = r#"
[[system]]
id = "NODE"
name = "A node"
document = "order 4711"

[[system.fact]]
id = "cpu.model"
value = "AMD EPYC 9454P"
required = true
at = "position 1"
says = "EPYC 9454P"

[[system.target]]
id = "memory.triad"
title = "STREAM triad"
metric = "stream.triad"
value = "250 GB/s"
better = "higher"
required = true
at = "position 2"
says = "at least 250 GB/s"
"#;

/// Checks a changed file: the exit code, and what is said.
fn check(from: &str, to: &str, code: i32, expect: &str) {
    assert!(GOOD.contains(from), "{from}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("node.toml"), GOOD.replace(from, to)).unwrap();
    let output = output(folder.path(), ["spec", "check", "node.toml"]);
    assert_eq!(output.status.code(), Some(code), "{to}: {}", said(&output));
    assert!(said(&output).contains(expect), "{to}: {}", said(&output));
    assert_eq!(files(folder.path()).len(), 1, "a check writes nothing");
}

#[test]
fn what_a_file_demands_is_said() {
    check(
        "NODE",
        "NODE",
        0,
        "demands: 1 required target (memory.triad), 1 required fact (cpu.model), 0 required limits",
    );
    check("required = true\n", "", 0, "demands nothing that this suite measures: `accept` will refuse it");
    check("NODE", "NODE", 0, "NODE: 1 fact, 1 target, 0 limits: good");
    let optional = |from: &str, to: &str, expect: &str| check(from, to, 0, expect);
    optional("better = \"higher\"\nrequired = true", "better = \"higher\"", "\n  optional targets: memory.triad");
    optional("9454P\"\nrequired = true", "9454P\"", "\n  optional facts: cpu.model");
    let limit =
        "[[system.limit]]\nfact = \"power.supplies\"\nat_least = 2\nat = \"3\"\nsays = \"two\"\n\n[[system.target]]";
    optional("[[system.target]]", limit, "\n  optional limits: power.supplies");
    check("metric = \"stream.triad\"\n", "", 0, "demands: 0 required targets, 1 required fact (cpu.model)");
}

#[test]
fn where_each_statement_of_the_document_lives_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let shown = output(folder.path(), ["spec", "show", "PY-HPC-2024.Q3", "--coverage"]);
    let text = said(&shown);
    assert_eq!(shown.status.code(), Some(0), "{text}");
    let count = |status| {
        let statements = spec::coverage("PY-HPC-2024.Q3").unwrap();
        statements.iter().filter(|statement| statement.status == status).count()
    };
    let counted = format!(
        "228 statements: {} criteria, {} findings, {} remarks, {} prose.",
        count(spec::Status::Criterion),
        count(spec::Status::Finding),
        count(spec::Status::Remark),
        count(spec::Status::Prose)
    );
    assert!(text.contains(&counted), "{text}");
    assert!(text.contains("finding power.circuit"), "{text}");
    let other = output(folder.path(), ["spec", "show", "HOSTED-EPYC-9454P", "--coverage"]);
    assert_eq!(other.status.code(), Some(2), "{}", said(&other));
    assert!(said(&other).contains("are not numbered"), "{}", said(&other));
}

#[test]
fn what_can_never_be_judged_is_refused() {
    check("stream.triad", "stream.traid", 2, "the nearest is `stream.triad`");
    check("250 GB/s\"\nbetter", "1 s\"\nbetter", 2, "a quantity in B/s, the unit of `stream.triad`");
    check("\"250 GB/s\"\nbetter", "250\nbetter", 2, "a value without a unit");
    check("higher", "lower", 2, "`higher`, which is better for `stream.triad`");
    check("\"AMD EPYC 9454P\"\n", "\"AMD EPYC 9454P\"\nplaceholder = \"§1\"\n", 2, "does not stand by");
}
