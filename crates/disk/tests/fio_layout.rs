//! The keys of our JSON are those of fio 3.33, from a list that was made of its output and, where fio is, from fio.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use disk::jobfile::{self, JobText, Surroundings};
use disk::{Settings, fio_json, run_jobs};
use serde_json::Value;

const JOB: &str = "[global]\nioengine=io_uring\nbs=4k\nsize=1m\nunlink=1\n\
    [mixed]\nrw=randrw\niodepth=8\n[synced]\nstonewall\nrw=write\nfsync=16\n\
    [steady]\nstonewall\nrw=randread\nruntime=3\ntime_based\nss=iops:90%\nss_dur=2\n";

/// Paths of all keys; the elements of an array share theirs.
fn keys(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| {
            let path = format!("{at}/{key}");
            keys(value, &path, found);
            found.insert(path);
        }),
        Value::Array(values) => values.iter().for_each(|value| keys(value, at, found)),
        _ => {}
    }
}

/// What this engine says of the jobs.
fn document(dir: &Path) -> Option<Value> {
    if let Err(error) = disk::available() {
        println!("nothing is run: {error}");
        return None;
    }
    let file = JobText { path: Path::new("job.fio"), text: JOB };
    let found = jobfile::read(&[], &[file], &Surroundings::at(dir)).unwrap();
    let results = run_jobs(&found.jobs, &Settings::default(), &mut |_| {}).unwrap();
    Some(fio_json(&results, &found.globals))
}

/// A file system without a device has no counters, in fio as here.
fn comparable(key: &str) -> bool {
    !key.starts_with("/disk_util/")
}

fn golden() -> BTreeSet<String> {
    include_str!("fio-3.33-keys.txt").lines().map(str::to_owned).filter(|key| comparable(key)).collect()
}

#[test]
fn keys_are_those_of_fio() {
    let dir = tempfile::tempdir().unwrap();
    let Some(document) = document(dir.path()) else { return };
    let mut found = BTreeSet::new();
    keys(&document, "", &mut found);
    let own =
        found.into_iter().filter(|key| !key.starts_with("/hostproof") && comparable(key)).collect::<BTreeSet<_>>();
    let golden = golden();
    let differ: Vec<_> = own.symmetric_difference(&golden).collect();
    assert!(differ.is_empty(), "{differ:?}");
}

#[test]
fn submission_and_completion_add_up_to_the_whole() {
    let dir = tempfile::tempdir().unwrap();
    let Some(document) = document(dir.path()) else { return };
    let mut seen = 0;
    for (job, way) in document["jobs"].as_array().unwrap().iter().flat_map(|job| [(job, "read"), (job, "write")]) {
        let of = |times: &str, what: &str| job[way][times][what].as_f64().unwrap();
        if job[way]["total_ios"] == 0 {
            continue;
        }
        let [slat, clat, lat] = ["slat_ns", "clat_ns", "lat_ns"].map(|times| of(times, "mean"));
        assert!(of("slat_ns", "max") > 0.0, "a system call takes time: {job}");
        assert!((slat + clat - lat).abs() < 1e-6 * lat, "{slat} + {clat} is not {lat}");
        seen += 1;
    }
    assert_eq!(seen, 4, "reads and writes, writes, reads");
}

#[test]
fn the_list_is_what_fio_prints() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("job.fio");
    std::fs::write(&file, JOB).unwrap();
    let output = Command::new("fio").arg("--output-format=json").arg(&file).current_dir(dir.path()).output();
    let Ok(output) = output else { return println!("fio is not installed: only the stored list is compared") };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let Some(start) = text.find('{') else { return println!("fio could not run: {text}") };
    let document: Value = serde_json::from_str(&text[start..]).unwrap();
    if document["fio version"] != "fio-3.33" {
        return println!("another fio ({}): only the stored list is compared", document["fio version"]);
    }
    let mut found = BTreeSet::new();
    keys(&document, "", &mut found);
    let found: BTreeSet<String> = found.into_iter().filter(|key| comparable(key)).collect();
    let golden = golden();
    let differ: Vec<_> = found.symmetric_difference(&golden).collect();
    assert!(differ.is_empty(), "{differ:?}");
}
