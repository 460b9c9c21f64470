use measure::{DrivesBelow, Interval};
use serde_json::json;

use super::*;
use crate::finding::Fault;

/// A run of workers, each of which did one of as many tasks of so many seconds, at the same time.
fn report(workers: usize, seconds: f64) -> Report {
    let each = |index: usize| {
        json!({
            "name": format!("w{index}"), "host": "n1", "cpus": [index], "build": "0.1.0", "slots": 1, "tasks": 1,
            "cpu_seconds": seconds, "rows": 10, "read_bytes": 1_000, "written_bytes": 1_000, "peak_bytes": 1_000,
            "idle_seconds": 0.0, "lost": false,
            "facts": {"kernel": "6.1", "cpu_model": "Xeon", "memory_bytes": 1_000_000, "numa_nodes": 2},
        })
    };
    let done =
        |index: usize| json!({"id": format!("t{index}"), "after": [], "worker": "w0", "start": 0.0, "end": seconds});
    let all = |one: &dyn Fn(usize) -> serde_json::Value| (0..workers).map(one).collect::<Vec<_>>();
    let bytes = 1_000 * workers;
    serde_json::from_value(json!({
        "mode": "bucketed", "cluster": "local:2", "scheduler": "tcp://127.0.0.1:1", "dask": "2026.8.0",
        "python": "3.11.2", "cache": "cold", "rows": 10, "start_seconds": 3.0, "tasks_seconds": seconds,
        "save_seconds": 0.0, "tasks": workers, "already": 0, "killed": 0, "distributed": workers > 1,
        "why_not": (workers == 1).then_some("worker w0 was the only one"),
        "workers": all(&each), "done": all(&done), "interval": [5, 9],
        "kinds": [{"kind": "scan", "tasks": workers, "wall_seconds": seconds, "seconds": seconds, "cpu_seconds": seconds,
                   "read_bytes": bytes, "written_bytes": bytes}],
        "split": {"running": seconds, "waiting_for_scheduler": 0.0, "waiting_for_tasks": 0.0, "tail": 0.0},
    }))
    .unwrap()
}

fn rates(bytes_per_second: f64, file_system: &str) -> Rates {
    let rate = Rate { bytes_per_second, at_once: 0.9, interval: Interval::new(1, 2) };
    let (write, read, file_systems) = (vec![rate.clone(); 2], vec![rate; 2], vec![file_system.to_owned()]);
    Rates { write, read, bytes: 1_000, workers: report(2, 1.0).workers, file_systems, in_memory: Some(0.0) }
}

/// One worker in 8 and 9 seconds, two in 5 and 6.
fn told() -> Told {
    let rounds = |workers, seconds: [f64; 2]| (workers, Ok(seconds.map(|seconds| report(workers, seconds)).to_vec()));
    let place = StoragePlace {
        path: "/share".to_owned(),
        mount_point: "/share".to_owned(),
        file_system: "nfs4".to_owned(),
        source: "server:/share".to_owned(),
        drives: DrivesBelow::Unknown("of others".to_owned()),
        free: None,
    };
    Told {
        cluster: Cluster::Local(2),
        rounds: [rounds(1, [8.0, 9.0]), rounds(2, [5.0, 6.0])].into(),
        storage: [(1, Ok(rates(1e9, "nfs4"))), (2, Ok(rates(2e9, "nfs4")))].into(),
        verified: Ok(Some(Verified { rows: 10, bytes: 1, checked: Vec::new(), columns: Vec::new() })),
        place,
    }
}

fn find<'a>(events: &'a [Event], metric: &Definition, workers: usize) -> Result<&'a Measurement, String> {
    let is_it = |id: &measure::MetricId| id.name == metric.id && id.labels[WORKERS] == workers.to_string();
    let found = events.iter().find_map(|event| match event {
        Event::Measured(one) if is_it(&one.id()) => Some(Ok(one)),
        Event::NotMeasured(missing) if is_it(&missing.id) => Some(Err(missing.reason.to_string())),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{} of {workers} is neither measured nor not", metric.id))
}

fn check_values(one: &Measurement, expect: [f64; 2]) {
    let values: Vec<f64> = one.samples.iter().map(|sample| sample.value).collect();
    assert!(values.iter().zip(expect).all(|(value, expect)| (value / expect - 1.0).abs() < 1e-12), "{values:?}");
    assert_eq!(values.len(), 2);
}

#[test]
fn times_efficiencies_and_rates_are_told_by_workers_with_what_proves_them() {
    let events = told().events();
    let time = |workers| find(&events, &TABULAR_CLUSTER_TIME, workers).unwrap();
    check_values(time(1), [8.0, 9.0]);
    let two = time(2);
    check_values(two, [5.0, 6.0]);
    assert_eq!(two.place.as_ref().unwrap().file_system, "nfs4");
    assert_eq!(two.placement.as_ref().unwrap().cpus, [0, 1]);
    for (key, words) in [
        ("worker w1", "on n1, CPUs 1: 1 tasks"),
        ("worker w0", "kernel 6.1, Xeon, 1 MB of memory, 2 NUMA nodes"),
        ("engine", "Polars"),
        ("time of the workers", "tasks 100.0 %"),
        ("slowest kind", "scan, 2 tasks in 5 s"),
        ("verified", "equal digests"),
    ] {
        assert!(two.context[key].contains(words), "{key}: {}", two.context[key]);
    }
    let efficiency = find(&events, &TABULAR_CLUSTER_EFFICIENCY, 2).unwrap();
    check_values(efficiency, [0.8, 0.75]);
    assert_eq!(efficiency.samples[0].parts.len(), 2, "it was measured when its times were");
    let read = find(&events, &TABULAR_CLUSTER_STORAGE_READ, 2).unwrap();
    check_values(read, [2e9, 2e9]);
    assert!(read.warnings.is_empty(), "{read:?}");
    assert_eq!(events.len(), 2 + 1 + 4 + ASKED.len());
}

#[test]
fn what_is_extrapolated_is_called_so_and_says_by_what_and_how_far_it_is_off() {
    let events = told().events();
    for asked in ASKED {
        let one = find(&events, &TABULAR_CLUSTER_EXTRAPOLATED, asked).unwrap();
        // Two tasks at once gain nothing from more workers.
        check_values(one, [5.0, 6.0]);
        let [Warning::Extrapolated { how }] = &one.warnings[..] else { panic!("{:?}", one.warnings) };
        // One worker takes 10 and 12 seconds by the replay, and took 8 and 9.
        assert!(how.contains("like the 2 of local:2") && how.contains("+25.0 % at 1, +0.0 % at 2"), "{how}");
    }
    // 2,000 bytes at 100 bytes a second.
    let mut slow = told();
    slow.storage = [(2, Ok(rates(100.0, "nfs4")))].into();
    check_values(find(&slow.events(), &TABULAR_CLUSTER_EXTRAPOLATED, 64).unwrap(), [20.0, 20.0]);
    // Nothing is extrapolated to what was tried.
    let mut many = told();
    many.rounds.insert(4, Ok(vec![report(4, 3.0), report(4, 3.0)]));
    let to_four = |event: &&Event| match event {
        Event::Measured(one) => one.metric.is(&TABULAR_CLUSTER_EXTRAPOLATED) && one.labels[WORKERS] == "4",
        _ => false,
    };
    assert_eq!(many.events().iter().filter(to_four).count(), 0);
}

#[test]
fn what_is_not_of_all_workers_or_is_wrong_has_a_reason_and_no_time() {
    let check = |spoil: &dyn Fn(&mut Told), one: Option<&str>, two: &str| {
        let mut told = told();
        spoil(&mut told);
        let events = told.events();
        for metric in [&TABULAR_CLUSTER_TIME, &TABULAR_CLUSTER_EFFICIENCY] {
            let why = find(&events, metric, 2).unwrap_err();
            assert!(why.contains(two), "{}: {why}", metric.id);
        }
        match (find(&events, &TABULAR_CLUSTER_TIME, 1), one) {
            (Ok(_), None) => {}
            (Err(why), Some(words)) => assert!(why.contains(words), "{why}"),
            other => panic!("{other:?}"),
        }
    };
    let second = |told: &mut Told, change: &dyn Fn(&mut Report)| {
        let Some(Ok(rounds)) = told.rounds.get_mut(&2) else { panic!("two workers were measured") };
        change(&mut rounds[1]);
    };
    let idle = |report: &mut Report| report.why_not = Some("worker w1 did nothing".to_owned());
    check(&|told| second(told, &idle), None, "no distributed result: worker w1 did nothing");
    check(&|told| second(told, &|report| drop(report.workers.pop())), None, "1 workers worked, and 2 should have");
    check(&|told| second(told, &|report| report.killed = 1), None, "1 processes of tasks were killed");
    let larger = |report: &mut Report| report.workers[1].cpus.push(7);
    check(&|told| second(told, &larger), None, "workers are not alike: w0 has 1 CPUs of Xeon");
    let failed = || Error::Cluster("no luck".to_owned());
    check(&|told| drop(told.rounds.insert(2, Err(failed()))), None, "cluster: no luck");
    let wrong = || Error::Rejected(vec![Fault { column: "hour".to_owned(), what: "its digest differs".to_owned() }]);
    let words = "the result was wrong: the output is wrong:\n  column `hour`: its digest differs";
    check(&|told| told.verified = Err(wrong()), Some(words), words);
}

#[test]
fn an_efficiency_wants_one_worker_of_the_same_kind() {
    let check = |spoil: &dyn Fn(&mut Told), words: &str| {
        let mut told = told();
        spoil(&mut told);
        let why = find(&told.events(), &TABULAR_CLUSTER_EFFICIENCY, 2).unwrap_err();
        assert!(why.contains(words), "{why}");
    };
    check(&|told| drop(told.rounds.remove(&1)), "one worker, whose time it is held against, was not measured");
    let larger = |told: &mut Told| {
        let Some(Ok(rounds)) = told.rounds.get_mut(&1) else { panic!("one worker was measured") };
        for report in rounds {
            report.workers[0].cpus = vec![0, 1];
        }
    };
    check(&larger, "workers are not alike");
}

#[test]
fn a_folder_in_memory_and_a_cluster_of_others_are_said() {
    let mut told = told();
    told.storage = [(2, Ok(rates(1e9, "tmpfs")))].into();
    told.cluster = "tcp://n1:8786".parse().unwrap();
    let events = told.events();
    let write = find(&events, &TABULAR_CLUSTER_STORAGE_WRITE, 2).unwrap();
    let is_memory =
        |warning: &Warning| matches!(warning, Warning::OtherThing { why } if why.contains("tmpfs, which is memory"));
    assert!(write.warnings.iter().any(is_memory), "{:?}", write.warnings);
    let time = find(&events, &TABULAR_CLUSTER_TIME, 2).unwrap();
    assert!(time.placement.is_none() && time.warnings == [Warning::Note(NOT_WATCHED.to_owned())], "{time:?}");
    assert_eq!(time.context["cache"], "cold on the host of the driver alone");
}
