//! What a shell completes.

#[path = "support/recorded.rs"]
mod recorded;
mod support;

use std::path::Path;
use std::process::Command;

use recorded::{recorded, reworded, run_id};
use support::{output, said};

/// What bash would offer behind these words, in a folder whose store is the usual one.
fn offered(folder: &Path, words: &[&str]) -> Vec<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_hostproof"));
    let script = output(folder, ["completions", "bash"]);
    assert_eq!(script.status.code(), Some(0), "{}", said(&script));
    std::fs::write(folder.join("completions.bash"), &script.stdout).unwrap();
    let ask = "source ./completions.bash; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9; \
               eval \"$(complete -p hostproof | sed 's/.*-F \\([^ ]*\\).*/\\1/') hostproof '${COMP_WORDS[-1]}'\"; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let asked = Command::new("bash")
        .args(["--norc", "-c", ask, "bash", "hostproof"])
        .args(words)
        .current_dir(folder)
        .env("PATH", path)
        .env("HOME", folder)
        .env("XDG_STATE_HOME", folder.join("state"))
        .output()
        .unwrap();
    assert!(asked.stderr.is_empty(), "{}", said(&asked));
    let text = String::from_utf8(asked.stdout).unwrap();
    text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn a_shell_completes_what_there_is_at_that_moment() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let check = |words: &[&str], expect: &[&str]| {
        let offered = offered(here, words);
        for word in expect {
            assert!(offered.iter().any(|one| one == word), "{words:?}: {word} is not in {offered:?}");
        }
        offered
    };
    let commands = check(&["com"], &["compare", "completions"]);
    assert!(!commands.iter().any(|word| word == "judge"), "{commands:?}");
    check(&["run", "--profile", ""], &["smoke", "quick", "full"]);
    check(&["run", "--spec", "PY"], &["PY-HPC-2024.Q3"]);
    let all = check(&[""], &["run", "accept", "schema"]);
    assert!(!all.iter().any(|word| word == "manual" || word == "worker"), "hidden commands stay hidden: {all:?}");

    // A store with two runs, of which one has a tag, where the program looks without `--out`.
    let record = recorded(here);
    let (id, other) = (run_id(&record), "29990101T000000Z-0001");
    let beside = Path::new(&record).parent().unwrap().with_file_name(other);
    std::fs::create_dir(&beside).unwrap();
    reworded(&record, &beside, "run.jsonl", &[(id.as_str(), other)]);
    std::fs::create_dir_all(here.join("state/hostproof")).unwrap();
    std::fs::rename(here.join("here"), here.join("state/hostproof/results")).unwrap();
    let tagged = output(here, ["store", "tag", &id, "accepted", "--out", "state/hostproof/results"]);
    assert_eq!(tagged.status.code(), Some(0), "{}", said(&tagged));
    check(&["judge", ""], &["latest", &id, other]);
    check(&["report", &id[..8]], &[&id]);
    check(&["show", "latest", "stream.tr"], &["stream.triad"]);
    check(&["noise", "ta"], &["tag=accepted"]);
    check(&["run", "--tag", ""], &["accepted"]);

    // What a vendor sent is offered where it is wanted, and nowhere else.
    let log = concat!(env!("CARGO_MANIFEST_DIR"), "/../import/tests/logs/hpl.txt");
    let kept = output(here, ["import", log, "--host", "node1", "--json", "--out", "state/hostproof/results"]);
    let json: serde_json::Value = serde_json::from_slice(&kept.stdout).unwrap();
    let imported = json["vendor"][0]["record"].as_str().unwrap();
    check(&["judge", "latest", "--with", ""], &[imported]);
    check(&["report", "latest", "--html", "x", "--with", ""], &[imported]);
    let runs = check(&["judge", ""], &[&id]);
    assert!(!runs.iter().any(|word| word == imported), "{runs:?}");
}
