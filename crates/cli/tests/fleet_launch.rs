//! `hostproof fleet` as far as it needs neither Slurm nor ssh: `scripts/fleet-lab` has both.

#[allow(dead_code, reason = "other test programs use the rest of it")]
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use launch::{FleetEvent, FleetJournal, FleetPlan, Via};
use record::Store;
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::{hostproof, output, said};

/// A record of the fixtures, as one of a node; gives its path.
fn of_node(folder: &Path, node: &str, id: &str) -> PathBuf {
    let fixture = format!("{}/tests/fixtures/0.1.0/complete/run.jsonl", env!("CARGO_MANIFEST_DIR"));
    let run = record::read(Path::new(&fixture)).unwrap();
    let text = fs::read_to_string(fixture).unwrap();
    let head = format!("\"host\":\"{}\"", run.host);
    assert!(text.contains(&head) && text.contains(&run.id));
    let text = text.replacen(&head, &format!("{head},\"node\":\"{node}\""), 1).replacen(&run.id, id, 1);
    let path = Store::at(&folder.join("results")).place(node, id);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

/// A specification that demands so many sockets.
fn specification(sockets: u32) -> String {
    format!(
        "[[system]]\nid = \"RACK7-NODE\"\nname = \"A node of rack 7\"\ndocument = \"An example\"\n\n[[system.fact]]\n\
         id = \"cpu.sockets\"\nvalue = {sockets}\nrequired = true\nat = \"1\"\nsays = \"sockets\"\n"
    )
}

/// The same as a record that is judged by another specification, with what the journal notes of it.
fn judged_by(specification: &str, folder: &Path, node: &str, id: &str) -> FleetEvent {
    let path = of_node(folder, node, id);
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once('\n').unwrap();
    let mut head: Value = serde_json::from_str(head).unwrap();
    head["run"]["spec"] = serde_json::json!({"id": "RACK7-NODE", "sha256": "", "text": specification});
    fs::write(&path, format!("{head}\n{rest}")).unwrap();
    came(node, &path, id)
}

/// What the journal notes of a record that came.
fn came(node: &str, path: &Path, id: &str) -> FleetEvent {
    let sha256 = hex::encode(Sha256::digest(fs::read(path).unwrap()));
    FleetEvent::Record { node: node.into(), attempt: 1, run: id.into(), sha256, at: 160 }
}

fn fleet(folder: &Path) -> FleetJournal {
    fleet_of(folder, 4)
}

fn fleet_of(folder: &Path, nodes: usize) -> FleetJournal {
    let nodes = (1..=nodes).map(|node| format!("n{node:02}")).collect();
    let plan = FleetPlan {
        nodes,
        via: Via::Slurm,
        program: "/usr/bin/hostproof".into(),
        options: Vec::new(),
        specification: None,
        launcher: Vec::new(),
        seed: None,
        at: "2026-07-01T00:00:00Z".into(),
    };
    FleetJournal::begin(&Store::at(&folder.join("results")), "rack7", plan).unwrap()
}

#[test]
fn a_fleet_is_shown_by_what_its_journal_and_its_records_say() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let mut fleet = fleet(here);
    let id = "20260701T120000Z-0001";
    let record = of_node(here, "n01", id);
    for event in [
        FleetEvent::Asked { node: "n01".into(), attempt: 1, at: 100 },
        came("n01", &record, id),
        FleetEvent::NoAnswer { node: "n02".into(), attempt: 0, why: "Slurm has it drained (bad DIMM)".into() },
        FleetEvent::NoAnswer { node: "n03".into(), attempt: 2, why: "its job 7 ended as NODE_FAIL".into() },
    ] {
        fleet.note(event).unwrap();
    }
    let shown = output(here, ["fleet", "status", "rack7", "--out", "results"]);
    let text = said(&shown);
    assert_eq!(shown.status.code(), Some(0), "{text}");
    for words in
        ["n02 no answer: Slurm has it drained (bad DIMM)", "n03 no answer, 2 attempts: its job 7 ended as NODE_FAIL"]
    {
        assert!(text.contains(words), "{text}");
    }
    assert!(text.contains("of 4 nodes; about 1 min left"), "{text}");

    let printed = output(here, ["fleet", "status", "rack7", "--out", "results", "--json"]);
    let status: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let schema: Value = serde_json::from_slice(&output(here, ["schema", "fleet", "status"]).stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> = validator.iter_errors(&status).map(|error| error.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new());
    assert_eq!(status["nodes"][2]["attempts"], 2);
    assert_eq!(status["nodes"][3]["state"], "not asked yet");
    assert_eq!(status["nodes"][0]["run"], "20260701T120000Z-0001");

    let judged = output(here, ["fleet", "judge", "rack7", "--out", "results", "--json"]);
    assert_eq!(judged.status.code(), Some(4), "{}", said(&judged));
    let judged: Value = serde_json::from_slice(&judged.stdout).unwrap();
    assert_eq!(judged["fleet"], "rack7");
    let of = |name: &str| judged["nodes"].as_array().unwrap().iter().find(|node| node["name"] == name).unwrap().clone();
    assert_eq!((&of("n01")["answer"], &of("n01")["attempts"]), (&"NOT DECIDED".into(), &1.into()));
    assert_eq!(of("n02")["no_answer"], "Slurm has it drained (bad DIMM)");
    assert_eq!((&of("n03")["answer"], &of("n03")["attempts"]), (&"NO-ANSWER".into(), &2.into()));
    assert_eq!(of("n04")["no_answer"], "it was not asked yet");
    let mixed = output(here, ["fleet", "judge", "rack7", "20260701T120000Z-0001", "--out", "results"]);
    assert!(
        mixed.status.code() == Some(2) && said(&mixed).contains("a fleet (rack7) is judged alone"),
        "{}",
        said(&mixed)
    );
}

#[test]
fn what_cannot_be_launched_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    drop(fleet(here));
    let check = |arguments: &[&str], words: &str| {
        let refused = output(here, [&["fleet"], arguments, &["--out", "results"]].concat());
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {}", said(&refused));
        assert!(said(&refused).contains(words), "{arguments:?}: {}", said(&refused));
    };
    check(&["start", "--nodes", "n[1-", "--via", "slurm"], "is no set of nodes");
    check(&["start", "--nodes", "n1!n1", "--via", "slurm"], "no node is left");
    check(&["start", "--nodes", "n1"], "--via");
    check(&["start"], "--nodes");
    check(&["start", "--name", "rack8"], "there is no fleet rack8");
    check(&["start", "--name", "rack7", "--nodes", "n1", "--via", "slurm"], "there is a fleet rack7 already");
    check(&["start", "--name", "../x", "--nodes", "n1", "--via", "slurm"], "is no name of a fleet");
    check(&["start", "--name", "rack7", "--again", "m1"], "m1 is not in the fleet rack7");
    check(&["start", "--nodes", "n1", "--via", "ssh", "--time", "5"], "are of Slurm");
    check(&["status", "rack8"], "there are: rack7");
    check(&["drain", "rack7", "--nodes", "m1"], "m1 is not in the fleet rack7");
}

#[test]
fn what_would_be_started_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let ask = |arguments: &[&str]| {
        let printed = output(here, [&["fleet"], arguments].concat());
        assert_eq!(printed.status.code(), Some(0), "{arguments:?}: {}", said(&printed));
        String::from_utf8(printed.stdout).unwrap()
    };
    let k8s = ["print", "--via", "k8s", "--name", "r1", "--cpus", "64", "--memory", "400Gi"];
    let jobs = ask(&[&k8s[..], &["--nodes", "n[01-03]!n02", "--", "--profile", "full"]].concat());
    let jobs: Value = serde_json::from_str(&jobs).unwrap();
    let nodes: Vec<&Value> =
        jobs["items"].as_array().unwrap().iter().map(|job| &job["spec"]["template"]["spec"]["nodeName"]).collect();
    assert_eq!(nodes, ["n01", "n03"]);

    let start = ["start", "--name", "r1", "--out", "results", "--dry-run"];
    let slurm = ask(&[&start[..], &["--nodes", "n[1-2]", "--via", "slurm", "--time", "60", "--", "--beside"]].concat());
    assert_eq!(slurm.matches("sbatch --parsable --no-requeue --exclusive --mem=0 -w n").count(), 2, "{slurm}");
    assert!(slurm.contains("--time=60") && slurm.contains("HOSTPROOF_NODE=n2 exec"), "{slurm}");
    let records = here.canonicalize().unwrap().join("results/fleets/r1/nodes/n2/1/records");
    assert!(slurm.contains(&format!("accept --out {} --quiet --brief --beside", records.display())), "{slurm}");
    let ssh = ask(&[&start[..], &["--nodes", "n1", "--via", "ssh", "--ssh-config", "c"]].concat());
    assert!(ssh.contains("BatchMode=yes") && ssh.contains("nohup setsid"), "{ssh}");
    assert!(!here.join("results").exists());
    let drawn = ["--nodes", "n[1-400]", "--via", "slurm", "--sample", "3", "--seed", "7"];
    let (one, other) = (ask(&[&start[..], &drawn].concat()), ask(&[&start[..], &drawn].concat()));
    assert_eq!((one.matches("sbatch").count(), &one), (3, &other));
}

/// Programs that answer as Slurm's do, and write down how they were called.
fn slurm(folder: &Path, nodes: &str) {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let calls = folder.join("calls").display().to_string();
    for (name, answer) in [("sinfo", format!("printf '{nodes}'")), ("scontrol", "true".to_owned())] {
        let program = bin.join(name);
        fs::write(&program, format!("#!/bin/sh\necho {name} \"$@\" >>'{calls}'\n{answer}\n")).unwrap();
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn slurm_is_asked_once_for_all_nodes_and_told_of_each_that_is_drained() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let mut fleet = fleet(here);
    for (number, node) in ["n01", "n02", "n03"].into_iter().enumerate() {
        let id = format!("20260701T120000Z-000{number}");
        fleet.note(FleetEvent::Asked { node: node.into(), attempt: 1, at: 100 }).unwrap();
        fleet.note(judged_by(&specification(77), here, node, &id)).unwrap();
    }
    let ours = "hostproof rack7/20260701T120000Z-0001 cpu.sockets";
    slurm(here, &format!("n01|idle|none\\nn02|drained|{ours}\\nn03|drained|bad DIMM\\nn04|idle|none\\n"));
    let ask = |arguments: &[&str]| -> (String, Vec<String>) {
        let _ = fs::remove_file(here.join("calls"));
        let path = format!("{}:/usr/bin:/bin", here.join("bin").display());
        let answer = hostproof(here).env("PATH", path).arg("fleet").args(arguments).output().unwrap();
        assert_eq!(answer.status.code(), Some(0), "{}", said(&answer));
        let calls = fs::read_to_string(here.join("calls")).unwrap_or_default();
        (said(&answer), calls.lines().map(str::to_owned).collect())
    };
    let (text, calls) = ask(&["drain", "rack7", "--out", "results"]);
    assert_eq!(calls, ["sinfo -h -N -a -o %N|%T|%E -n n[01-03]"]);
    for words in [
        "n01 would be drained: hostproof rack7/20260701T120000Z-0000 cpu.sockets",
        "n02 is left alone: this fleet has drained it",
        "n03 is left alone: it is drained, and the reason is not this fleet's: bad DIMM",
        "1 of 4 nodes would be drained; --yes does it",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let (_, calls) = ask(&["drain", "rack7", "--out", "results", "--yes"]);
    let drained = "scontrol update nodename=n01 state=drain reason=hostproof rack7/20260701T120000Z-0000 cpu.sockets";
    assert_eq!(calls, ["sinfo -h -N -a -o %N|%T|%E -n n[01-03]", drained]);
    // Nobody is taken back who was not accepted anew: so nobody is asked about again.
    let (text, calls) = ask(&["resume", "rack7", "--out", "results", "--yes"]);
    assert_eq!(calls, ["sinfo -h -N -a -o %N|%T|%E -n n[01-04]"]);
    assert!(text.contains("n02 is left alone: no run of it is newer than 20260701T120000Z-0001"), "{text}");
    assert!(text.contains("n04 is left alone: it is not drained but idle"), "{text}");
}

#[test]
fn a_record_that_was_changed_since_it_came_is_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let mut fleet = fleet(here);
    let id = "20260701T120000Z-0001";
    let record = of_node(here, "n01", id);
    fleet.note(came("n01", &record, id)).unwrap();
    let answer = || {
        let judged = output(here, ["fleet", "judge", "rack7", "--out", "results", "--json"]);
        let judged: Value = serde_json::from_slice(&judged.stdout).unwrap();
        judged["nodes"].as_array().unwrap().iter().find(|node| node["name"] == "n01").unwrap()["no_answer"].clone()
    };
    assert_eq!(answer(), Value::Null);
    // One figure better, and a record by all that its text tells.
    let text = fs::read_to_string(&record).unwrap();
    let better = text.replacen("\"values\":[", "\"values\":[9", 1);
    assert!(better != text && record::parse(better.as_bytes(), &record).is_ok());
    fs::write(&record, better).unwrap();
    assert!(answer().as_str().unwrap().contains("is not the record that came"), "{}", answer());
    for (command, words) in [("status", "n01 no answer: "), ("drain", "n01 is left alone: ")] {
        let shown = said(&output(here, ["fleet", command, "rack7", "--out", "results"]));
        assert!(shown.contains(words) && shown.contains("is not the record that came"), "{shown}");
    }
}

/// README's rack: each line that it shows is said by the program, in that order.
#[test]
fn the_rack_that_the_readme_shows_is_the_programs() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let mut fleet = fleet_of(here, 10);
    for node in (1..=10).filter(|node| *node != 4) {
        let (node, id) = (format!("n{node:02}"), format!("20260701T120000Z-00{node:02}"));
        fleet.note(FleetEvent::Asked { node: node.clone(), attempt: 1, at: 100 }).unwrap();
        fleet.note(judged_by(&specification(1), here, &node, &id)).unwrap();
    }
    let why = "Slurm has it drained (bad DIMM, see the ticket of Tuesday)".to_owned();
    fleet.note(FleetEvent::NoAnswer { node: "n04".into(), attempt: 0, why }).unwrap();
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    let section = readme.split("\n## Accepting a rack\n").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let shown: Vec<&str> = section.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(shown.len(), 2, "{section}");
    for (shown, (command, code)) in shown.iter().zip([("status", 0), ("judge", 3)]) {
        let answer = output(here, ["fleet", command, "rack7", "--out", "results", "--width", "100"]);
        assert_eq!(answer.status.code(), Some(code), "{}", said(&answer));
        let text = String::from_utf8(answer.stdout).unwrap();
        let mut lines = text.lines();
        for line in shown.lines().filter(|line| *line != "…") {
            assert!(lines.any(|said| said == line), "this is not said, or not in this order: {line}\n{text}");
        }
    }
}
