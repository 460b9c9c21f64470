//! What the commands print with `--json` is what their schemas say.

#[path = "support/help.rs"]
mod help;
#[path = "support/recorded.rs"]
mod recorded;
mod simulate;
mod support;

use std::collections::BTreeSet;
use std::path::Path;

use help::commands;
use measure::random::SplitMix64;
use record::Store;
use recorded::{recorded, reworded, run_id};
use serde_json::Value;
use simulate::Host;
use support::{hostproof, output, said};

fn printed(folder: &Path, arguments: &[&str]) -> Value {
    let output = hostproof(folder).args(arguments).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {}", said(&output)))
}

/// Runs a command with `--json` and holds its output against the schema of its name.
fn check(folder: &Path, name: &str, arguments: &[&str]) {
    let schema = printed(folder, &[&["schema"], name.split(' ').collect::<Vec<_>>().as_slice()].concat());
    let validator = jsonschema::validator_for(&schema).unwrap();
    let json = printed(folder, &[name.split(' ').collect::<Vec<_>>().as_slice(), arguments, &["--json"]].concat());
    let faults = validator.iter_errors(&json).map(|error| format!("{}: {error}", error.instance_path()));
    let faults: Vec<String> = faults.map(|fault| fault.chars().take(300).collect()).take(5).collect();
    assert_eq!(faults, Vec::<String>::new(), "{name} {arguments:?}");
}

fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/0.1.0/{name}/run.jsonl", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn what_is_printed_of_runs_is_what_the_schemas_say() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for name in ["complete", "interrupted", "cut"] {
        check(here, "judge", &[&fixture(name)]);
    }
    let now = recorded(here);
    let words = [(run_id(&now), "29990101T000000Z-0001")];
    let later = reworded(&now, here, "later.jsonl", &words.each_ref().map(|(old, new)| (old.as_str(), *new)));
    check(here, "show", &[&now]);
    check(here, "diff", &[&now, &later]);
    check(here, "run", &["--profile", "smoke", "--only", "stream,disk", "--dry-run"]);
    check(here, "accept", &["--profile", "smoke", "--only", "stream", "--dry-run"]);
}

#[test]
fn what_is_printed_of_hosts_and_documents_is_what_the_schemas_say() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    check(here, "audit", &[]);
    check(here, "doctor", &[]);
    check(here, "inspect", &[]);
    check(here, "inspect", &["--spec", "PY-HPC-2024.Q3"]);
    check(here, "plan", &["--topology", "pack:2 numa:1 core:4 pu:2", "--array", "1MiB"]);
    check(here, "spec metrics", &[]);
    let log = format!("{}/../import/tests/logs/hpl.txt", env!("CARGO_MANIFEST_DIR"));
    check(here, "import", &[&log, "--out", "here"]);
    let hosts = std::fs::read_dir(here.join("here/hosts")).unwrap().map(|host| host.unwrap().path());
    let kept = hosts.flat_map(|host| std::fs::read_dir(host).unwrap()).next().unwrap().unwrap().path();
    let kept = kept.join("imported.json");
    check(here, "judge", &[&fixture("complete"), "--with", kept.to_str().unwrap(), "--out", "here"]);
}

#[test]
fn what_is_printed_of_a_store_is_what_the_schemas_say() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let mut random = SplitMix64::new(7);
    let after = Host::usual().worse("stream", 0.05).with("bios.version", "1.3");
    let hosts = std::iter::repeat_n(Host::usual(), 5).chain(std::iter::repeat_n(after, 5));
    for (number, host) in (0..).zip(hosts) {
        let run = host.run(number, &mut random);
        simulate::write(&Store::at(&here.join("here")).place(&run.host, &run.id), &run);
    }
    let mut other = Host::usual().with("bios.version", "1.4").run(20, &mut random);
    other.build.version = "9.0.0".into();
    simulate::write(&Store::at(&here.join("here")).place(&other.host, &other.id), &other);
    let set = output(here, ["baseline", "set", "bios=1.2", "--out", "here"]);
    assert_eq!(set.status.code(), Some(0), "{}", said(&set));
    let store = ["--out", "here"];
    check(here, "compare", &[&["--before", "bios=1.2", "--after", "bios=1.3"], store.as_slice()].concat());
    check(here, "compare", &[&["--before", "bios=1.2", "--after", "bios=1.4"], store.as_slice()].concat());
    for (number, host) in
        (0..18).map(|n| (n, if n < 9 { Host::usual() } else { Host::usual().with("bios.version", "1.3") }))
    {
        let mut run = host.run(100 + number, &mut random);
        run.node = Some(format!("n{}", number % 9));
        simulate::write(&Store::at(&here.join("fleet")).place(run.name(), &run.id), &run);
    }
    check(here, "fleet judge", &["--out", "fleet"]);
    check(here, "fleet compare", &["--before", "bios=1.2", "--after", "bios=1.3", "--out", "fleet"]);
    check(here, "noise", &store);
    check(here, "trend", &store);
    check(here, "store list", &store);
    check(here, "store show", &[&["latest"], store.as_slice()].concat());
    check(here, "baseline show", &store);
}

/// The commands that have an option `--json`, by their help.
fn json_commands(folder: &Path, path: &[String]) -> BTreeSet<String> {
    let asked = output(folder, path.iter().map(String::as_str).chain(["--help"]));
    let help = String::from_utf8(asked.stdout).unwrap();
    // It hands over to another program.
    let names = commands(&help).into_iter().filter(|name| name != "features");
    let mut found: BTreeSet<String> = names.flat_map(|name| json_commands(folder, &[path, &[name]].concat())).collect();
    if help.lines().any(|line| line.trim_start().starts_with("--json")) {
        found.insert(path.join(" "));
    }
    found
}

#[test]
fn every_command_with_json_has_a_schema_and_no_other_has() {
    let folder = tempfile::tempdir().unwrap();
    let all = printed(folder.path(), &["schema"]);
    let with_schema: BTreeSet<String> = all["commands"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(json_commands(folder.path(), &[]), with_schema);
    let none = output(folder.path(), ["schema", "disk"]);
    assert_eq!(none.status.code(), Some(2), "{}", said(&none));
    assert!(said(&none).contains("store list"), "{}", said(&none));
}
