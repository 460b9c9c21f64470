//! `watch` as a whole: what breaks in the trees of a host is told in words, to a program, and in the Prometheus file.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use support::{files, hostproof, output, said};

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn what_breaks_is_told_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let (root, prom) = (folder.path().join("root"), folder.path().join("watch.prom"));
    write(&root, "sys/class/hwmon/hwmon0/name", "coretemp");
    write(&root, "sys/class/hwmon/hwmon0/temp1_input", "95000");
    write(&root, "dev/kmsg", "");
    let told = folder.path().join("told");
    write(
        folder.path(),
        "page-me",
        &format!("#!/bin/sh\necho \"$HOSTPROOF_EVENT $HOSTPROOF_PART\" >> {}\n", told.display()),
    );
    fs::set_permissions(folder.path().join("page-me"), fs::Permissions::from_mode(0o755)).unwrap();
    // Heat lasts as long as the specification says: here no longer than it takes to read it once.
    let spec = output(folder.path(), ["spec", "show", "PY-HPC-2024.Q3", "--toml"]).stdout;
    let spec = String::from_utf8(spec).unwrap();
    let limit = "fact = \"thermal.limit\"\n";
    assert!(spec.contains(limit), "the specification limits heat");
    fs::write(folder.path().join("mine.toml"), spec.replace(limit, &format!("{limit}sustained = \"0 s\"\n"))).unwrap();
    let mut watch = hostproof(folder.path());
    watch.args(["watch", "--spec", "mine.toml", "--interval", "1", "--readings", "1"]);
    watch.args(["--on-event", "./page-me", "--prom", "watch.prom", "--out", "store", "--root"]).arg(&root);
    let watched = watch.output().unwrap();
    assert_eq!(watched.status.code(), Some(0), "{}", said(&watched));
    let words = String::from_utf8(watched.stdout).unwrap();
    assert!(words.trim_end().ends_with("coretemp temp1: temperature 95 °C, at most 90 °C"), "{words}");
    assert_eq!(fs::read_to_string(told).unwrap(), "temperature coretemp temp1\n");
    let prom = fs::read_to_string(prom).unwrap();
    assert!(prom.contains("hostproof_watch_temperature_celsius{part=\"coretemp temp1\"} 95\n"), "{prom}");
    assert!(prom.contains("hostproof_watch_events_all 1\n"), "{prom}");
    assert!(files(&folder.path().join("store")).is_empty(), "a host without NVMe drives has no wear to note");
}

#[test]
fn a_program_or_file_that_cannot_be_used_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let check = |arguments: &[&str], words: &str| {
        let all = [&["watch", "--readings", "1", "--root", "."], arguments].concat();
        let refused = output(folder.path(), all);
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        assert!(said(&refused).contains(words), "{}", said(&refused));
    };
    check(&["--on-event", "nobody-has-this"], "--on-event nobody-has-this is no program");
    check(&["--prom", "no/such/folder/x.prom"], "could not open no/such/folder/x.prom");
    check(&["--interval", "0"], "1..=3600");
    fs::write(folder.path().join("mine.txt"), "mine").unwrap();
    check(&["--prom", "mine.txt"], "mine.txt");
}

#[test]
fn root_runs_no_program_of_somebody_else() {
    let folder = tempfile::tempdir().unwrap();
    if !rustix::process::geteuid().is_root() {
        return;
    }
    write(folder.path(), "page-me", "#!/bin/sh\n");
    let program = folder.path().join("page-me");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o777)).unwrap();
    let refused = output(folder.path(), ["watch", "--readings", "1", "--on-event", "./page-me"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("root does not act on what others may have written"), "{}", said(&refused));
}

#[test]
fn a_polite_kill_ends_it_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut watch = hostproof(folder.path());
    watch.args(["watch", "--interval", "3600", "--root", ".", "--prom", "watch.prom", "--out", "store"]);
    let mut watch = watch.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    while !folder.path().join("watch.prom").exists() {
        assert!(watch.try_wait().unwrap().is_none() && Instant::now() < deadline, "it ended, or read nothing");
        thread::sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_child(&watch), Signal::TERM).unwrap();
    assert_eq!(watch.wait().unwrap().code(), Some(0));
}
