//! A kill at any moment leaves a record that can be judged, and nothing else.

mod support;

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use support::{files, hostproof, output, said};

const KILLS: u64 = 50;
/// Kills fall from the start of the program to the middle of the measurements.
const SPAN_MS: u64 = 4000;

/// Direct children of a process.
fn children(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Waits until a process is gone; a zombie that waits for its reaper is gone.
fn wait_until_gone(pid: u32) {
    for _ in 0..6000 {
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if state.is_empty() || state.contains(") Z") {
            return;
        }
        sleep(Duration::from_millis(50));
    }
    panic!("worker {pid} outlived the program that started it");
}

fn kill_once(folder: &Path, delay: Duration) {
    let out = folder.join("results");
    let mut child = hostproof(folder)
        .args(["run", "--profile", "smoke", "--only", "stream", "--out"])
        .arg(&out)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    sleep(delay);
    let workers = children(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    workers.into_iter().for_each(wait_until_gone);
    let left = files(&out);
    for record in &left {
        assert_eq!(record.file_name().unwrap(), "run.jsonl", "left behind: {}", record.display());
        let judged = output(folder, ["judge".as_ref(), record.as_os_str()]);
        assert_eq!(judged.status.code(), Some(0), "after {delay:?}: {}", said(&judged));
    }
    assert!(left.len() <= 1, "{left:?}");
}

#[test]
fn a_kill_leaves_a_record_that_can_be_judged() {
    let random = RandomState::new();
    for number in 0..KILLS {
        let folder = tempfile::tempdir().unwrap();
        // One delay in each fiftieth of the span, at a random place in it.
        let step = SPAN_MS / KILLS;
        kill_once(folder.path(), Duration::from_millis(number * step + random.hash_one(number) % step));
    }
}

#[test]
fn a_kill_leaves_no_test_file() {
    let folder = tempfile::tempdir().unwrap();
    let job = folder.path().join("job.fio");
    fs::write(&job, "[a]\nsize=64m\nrw=randrw\nbs=4k\niodepth=8\nnumjobs=2\nruntime=60\ntime_based\n").unwrap();
    // From before the test files are made, through their layout, to the middle of the job.
    for delay in [5, 50, 150, 400, 1000] {
        let mut child =
            hostproof(folder.path()).arg("disk").arg(&job).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(files(folder.path()), std::slice::from_ref(&job), "after {delay} ms");
    }
}
