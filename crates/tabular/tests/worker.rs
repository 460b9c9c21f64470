//! The worker as `hostproof run` starts it: it plans, runs, and tells what was measured.

#[path = "support/faulty.rs"]
mod faulty;

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use measure::{Event, Profile, Warning, Workload, definition};
use pipe::message::{self, Message};
use pipe::request::{Choices, ClusterChoice, Planned, Request, Task};
use tabular::generate::{self, Config};

/// Asks a worker; its messages after the greeting.
fn ask(task: Task) -> Vec<Message> {
    let request = Request { workload: Workload::Tabular, parent: std::process::id(), task };
    let mut child = Command::new(env!("CARGO_BIN_EXE_hostproof-tabular"))
        .arg("worker")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(serde_json::to_string(&request).unwrap().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut messages: Vec<Message> = text.lines().map(|line| message::decode(line).unwrap()).collect();
    assert!(matches!(messages.remove(0), Message::Hello(_)), "{text}");
    messages
}

fn plan(scratch: &Path, pandas: Option<&Path>) -> Planned {
    plan_with(scratch, pandas, None)
}

fn plan_with(scratch: &Path, pandas: Option<&Path>, cluster: Option<ClusterChoice>) -> Planned {
    let (scratch, pandas) = (scratch.to_owned(), pandas.map(Path::to_owned));
    let choices = Choices { isa: None, engine: None, scratch, disk_p99: BTreeMap::new(), pandas, cluster };
    let messages = ask(Task::Plan { profile: Profile::Smoke, choices });
    let [Message::Plan(planned)] = messages.as_slice() else { panic!("{messages:?}") };
    planned.clone()
}

/// A small file, and the folders above it.
fn put(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn a_smoke_run_measures_verifies_and_extrapolates() {
    let scratch = tempfile::tempdir().unwrap();
    // What a killed worker left, and what somebody else has there.
    let mine = ["tabular/letter", "tabular-7-fedcba9876543210/letter", "tabular-8/_hostproof.unfinished"];
    let mine = mine.map(|name| scratch.path().join(format!("hostproof-{name}")));
    for path in &mine {
        put(path, "mine");
    }
    let left = scratch.path().join("hostproof-tabular-7-0123456789abcdef");
    put(&left.join("_hostproof.unfinished"), "hostproof features, process 7\n");
    put(&left.join("data-10000/events/part-00000.parquet"), "half");
    let planned = plan(scratch.path(), None);
    let needs = planned.needs;
    assert!(needs.seconds > 0.0 && needs.seconds < 15.0 && needs.memory > 0 && needs.disk > 0, "{needs:?}");
    let messages = ask(Task::Run(planned.config));
    assert_eq!(messages.last(), Some(&Message::Done));
    let mut measured = Vec::new();
    for message in &messages {
        match message {
            Message::Event(Event::Measured(one)) => measured.push(one),
            Message::Event(Event::NotMeasured(missing)) if missing.id.name == "tabular.pandas.time_500gb" => {
                let how = missing.reason.to_string();
                assert!(how.contains("`hostproof run --only tabular --pandas ENV` measures it"), "{missing:?}");
            }
            Message::Event(Event::NotMeasured(missing)) if missing.id.name == "tabular.dask.efficiency" => {
                let how = missing.reason.to_string();
                assert!(
                    how.contains("--profile full --only tabular --pandas ENV` measures pandas on Dask"),
                    "{missing:?}"
                );
            }
            Message::Event(Event::NotMeasured(missing)) if missing.id.name.starts_with("tabular.cluster.") => {
                let how = missing.reason.to_string();
                assert!(
                    how.contains("`hostproof run --only tabular --cluster local:2 --cluster-data DIR`"),
                    "{missing:?}"
                );
            }
            // On a busy host small data can take as long as large, and then nothing is extrapolated.
            Message::Event(Event::NotMeasured(missing)) => {
                assert_eq!(missing.id.name, "tabular.time_500gb", "{missing:?}");
                assert!(missing.reason.to_string().contains("do not grow"), "{missing:?}");
            }
            _ => {}
        }
    }
    for one in &measured {
        let known = definition(&one.metric.name).unwrap_or_else(|| panic!("{} is not in the catalogue", one.id()));
        assert!(one.labels.keys().all(|label| known.may_carry(label)), "{}", one.id());
        assert!(one.samples.iter().all(|sample| sample.interval.is_some()), "{} does not know when", one.id());
    }
    for name in ["tabular.time", "tabular.phase", "tabular.read", "tabular.share"] {
        assert!(measured.iter().any(|one| one.metric.name == name), "{name} is missing");
    }
    for time in measured.iter().filter(|one| one.metric.name.starts_with("tabular.time")) {
        assert!(time.samples.iter().all(|sample| sample.value > 0.0), "{time:?}");
        assert!(time.context["engine"].starts_with("Polars") && time.context["verified"].starts_with("every value"));
    }
    for headline in measured.iter().filter(|one| one.metric.name == "tabular.time_500gb") {
        assert!(headline.labels.is_empty());
        assert!(matches!(&headline.warnings[..], [Warning::Extrapolated { how }] if how.contains("T(n) = a + b·n")));
    }
    let shares: f64 =
        measured.iter().filter(|one| one.metric.name == "tabular.share").map(|one| one.samples[0].value).sum();
    assert!((shares - 1.0).abs() < 1e-9);
    assert!(mine.iter().all(|path| std::fs::read_to_string(path).unwrap() == "mine"));
    let names = std::fs::read_dir(scratch.path()).unwrap().count();
    assert_eq!(names, mine.len(), "something is left in the scratch folder");
}

#[test]
fn what_cannot_be_done_is_said() {
    let scratch = tempfile::tempdir().unwrap();
    let blocked = scratch.path().join("file");
    std::fs::write(&blocked, "a file where a folder should be").unwrap();
    let messages = ask(Task::Run(plan(&blocked, None).config));
    let lost = messages.iter().any(|message| {
        matches!(message, Message::Event(Event::NotMeasured(missing))
            if missing.id.name == "tabular.time_500gb")
    });
    assert!(lost || matches!(messages.last(), Some(Message::Failed(_))), "{messages:?}");
    assert!(matches!(ask(Task::Run(serde_json::json!({"rows": "many"})))[..], [Message::Failed(_)]));
}

/// A Python environment whose interpreter is a script.
fn environment(folder: &Path, script: &str) -> std::path::PathBuf {
    let python = folder.join("env/bin/python");
    put(&python, &format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder.join("env")
}

/// A plan of one small size for each engine.
fn small(planned: Planned) -> serde_json::Value {
    let mut config = planned.config;
    config["rows"] = serde_json::json!([2_000]);
    config["pandas"]["rows"] = serde_json::json!([2_000, 4_000, 8_000]);
    config
}

#[test]
fn pandas_is_measured_where_an_environment_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let scratch = folder.path().join("scratch");
    // It takes longer for more rows, and its result is that of our own engine.
    let script = format!(
        r#"case "$1" in -c) echo 3.1.1; exit;; esac
        script=$1; while [ $# -gt 0 ]; do case $1 in --in) in=$2;; --out) out=$2;; esac; shift; done
        case $script in *features_pandas.py) ;; *) exit 9;; esac
        "{program}" run --in "$in" --out "$out.other" --cache warm >/dev/null || exit
        mv "$out.other"/part-*.parquet "$out" && rm -r "$out.other"
        bytes=$(cat "$in"/events/*.parquet | wc -c)
        echo "{{\"phase\": \"load.read\", \"seconds\": 0.$(printf %09d $bytes)}}"
        echo "{{\"phase\": \"t01\", \"seconds\": 0.$(printf %09d $bytes)}}""#,
        program = env!("CARGO_BIN_EXE_hostproof-tabular")
    );
    let env = environment(folder.path(), &script);
    let planned = plan(&scratch, Some(&env));
    assert!(planned.config["pandas"]["rows"].as_array().is_some_and(|rows| rows.len() == 3), "{}", planned.config);
    let messages = ask(Task::Run(small(planned)));
    assert_eq!(messages.last(), Some(&Message::Done));
    let measured = |name: &str| -> Vec<&measure::Measurement> {
        let of = |message| match message {
            &Message::Event(Event::Measured(ref one)) if one.metric.name == name => Some(one),
            _ => None,
        };
        messages.iter().filter_map(of).collect()
    };
    let times = measured("tabular.pandas.time");
    assert_eq!(times.iter().map(|one| one.labels["rows"].as_str()).collect::<Vec<_>>(), ["2000", "4000", "8000"]);
    let whole = measured("tabular.pandas.time_500gb");
    assert_eq!(whole.len(), 1, "{messages:?}");
    for one in times.iter().chain(&whole) {
        assert_eq!(
            (one.context["engine"].as_str(), one.context["cache"].as_str()),
            ("pandas 3.1.1", "cold"),
            "{one:?}"
        );
        assert!(one.context["verified"].starts_with("every value") && one.samples[0].interval.is_some(), "{one:?}");
        assert!(one.context["shares"].contains("read 50 %"), "{one:?}");
    }
    assert!(matches!(&whole[0].warnings[..], [Warning::Extrapolated { .. }]), "{:?}", whole[0]);
    assert!(whole[0].samples[0].value > 100.0 * times[2].samples[0].value, "{whole:?}");
}

#[test]
fn dask_on_all_cores_is_held_against_dask_on_one() {
    let folder = tempfile::tempdir().unwrap();
    // It takes 8 s on one core and 5 s on all, as far as it tells.
    let script = format!(
        r#"case "$1" in -c) echo 2026.8.0; exit;; esac
        script=$1; seconds=5
        while [ $# -gt 0 ]; do case $1 in --in) in=$2;; --out) out=$2;; --threads) [ "$2" != 1 ] || seconds=8;; esac; shift; done
        case $script in *features_dask.py) ;; *) exit 9;; esac
        "{program}" run --in "$in" --out "$out.other" --cache warm >/dev/null || exit
        mv "$out.other"/part-*.parquet "$out" && rm -r "$out.other"
        echo "{{\"phase\": \"t01\", \"seconds\": $seconds}}""#,
        program = env!("CARGO_BIN_EXE_hostproof-tabular")
    );
    let env = environment(folder.path(), &script);
    let mut config = small(plan(&folder.path().join("scratch"), Some(&env)));
    config["pandas"]["rows"] = serde_json::json!([]);
    config["pandas"]["dask_rows"] = 2_000.into();
    let messages = ask(Task::Run(config));
    assert_eq!(messages.last(), Some(&Message::Done));
    let told = messages.iter().find_map(|message| match message {
        Message::Event(Event::Measured(one)) if one.metric.name == "tabular.dask.efficiency" => Some(Ok(one)),
        Message::Event(Event::NotMeasured(missing)) if missing.id.name == "tabular.dask.efficiency" => {
            Some(Err(missing.reason.to_string()))
        }
        _ => None,
    });
    match told.unwrap() {
        Ok(one) => {
            let cores = one.placement.as_ref().unwrap().cpus.len();
            assert!((one.samples[0].value - 8.0 / (5.0 * cores as f64)).abs() < 1e-9 && cores > 1, "{one:?}");
            assert_eq!(one.context["engine"], "Dask 2026.8.0 with pandas 2026.8.0");
            assert!(one.context["verified"].starts_with("every value") && one.samples[0].interval.is_some(), "{one:?}");
        }
        Err(why) => assert!(why.contains("this host has one core"), "{why}"),
    }
}

#[test]
fn a_pandas_that_cannot_be_had_or_is_wrong_is_a_reason_and_no_time() {
    let check = |script: &str, expect: &str| {
        let folder = tempfile::tempdir().unwrap();
        let env = environment(folder.path(), script);
        let messages = ask(Task::Run(small(plan(&folder.path().join("scratch"), Some(&env)))));
        assert_eq!(messages.last(), Some(&Message::Done), "{script}");
        let why = messages.iter().find_map(|message| match message {
            Message::Event(Event::NotMeasured(missing)) if missing.id.name == "tabular.pandas.time_500gb" => {
                Some(missing.reason.to_string())
            }
            _ => None,
        });
        assert!(why.as_ref().is_some_and(|why| why.contains(expect)), "{script}: {why:?}");
    };
    check("echo No module named pandas >&2; exit 1", "has no pandas with NumPy and PyArrow: No module named pandas");
    check("case \"$1\" in -c) echo 3.1.1;; *) exit 7;; esac", "fewer than two sizes");
    // The largest of three sizes gives the result of other data: the other two would lead to a figure.
    let wrong = format!(
        r#"case "$1" in -c) echo 3.1.1; exit;; esac
        while [ $# -gt 0 ]; do case $1 in --in) in=$2;; --out) out=$2;; esac; shift; done
        case $in in *-8000) "{program}" generate --size 3.2MB --seed 7 --out "$out.in" >/dev/null && in="$out.in";; esac
        "{program}" run --in "$in" --out "$out.other" --cache warm >/dev/null || exit
        mv "$out.other"/part-*.parquet "$out" && rm -r "$out.other"
        echo "{{\"phase\": \"load.read\", \"seconds\": 0.$(printf %09d $(cat "$in"/events/*.parquet | wc -c))}}"; rm -rf "$out.in""#,
        program = env!("CARGO_BIN_EXE_hostproof-tabular")
    );
    check(&wrong, "wrong");
}

/// A run of a small size, and of two workers of this host on an input of their own, which start this program; what is told
/// of the cluster by metric and number of workers. None where there is no Python with Dask.
fn clustered(folder: &Path, program: Option<&Path>) -> Option<BTreeMap<String, Result<measure::Measurement, String>>> {
    let data = folder.join("share/data");
    let config = Config { rows: 25_000, row_group_rows: 150, ..Config::smoke(data.clone()) };
    generate::generate(&config, &|_| ()).unwrap();
    let (cluster, program) = ("local:2".to_owned(), program.map(Path::to_owned));
    let choice = ClusterChoice { cluster, data, workers: vec![2, 1], python: None, program };
    let mut planned = plan_with(&folder.join("scratch"), None, Some(choice));
    assert!(planned.needs.seconds > 30.0, "{:?}", planned.needs);
    let room = planned.shared.as_ref().unwrap();
    assert!(room.folder.ends_with("share") && room.bytes > 25_000 * 1_000, "{room:?}");
    planned.config["rows"] = serde_json::json!([2_000]);
    let messages = ask(Task::Run(planned.config));
    assert_eq!(messages.last(), Some(&Message::Done), "{messages:?}");
    let left: Vec<_> = std::fs::read_dir(folder.join("share")).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(left, ["data"], "beside the input");
    let mut told = BTreeMap::new();
    for message in messages {
        let (id, outcome) = match message {
            Message::Event(Event::Measured(one)) => (one.id().to_string(), Ok(one)),
            Message::Event(Event::NotMeasured(missing)) => (missing.id.to_string(), Err(missing.reason.to_string())),
            _ => continue,
        };
        if id.starts_with("tabular.cluster.") {
            told.insert(id, outcome);
        }
    }
    let no_python =
        told.values().find_map(|one| one.as_ref().err().filter(|why| why.contains("needs Python with Dask")));
    if let Some(why) = no_python {
        println!("nothing is measured on a cluster: {why}");
        return None;
    }
    Some(told)
}

#[test]
fn a_cluster_is_measured_where_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let Some(told) = clustered(folder.path(), None) else { return };
    let ids: Vec<&str> = told.keys().map(String::as_str).collect();
    let expect = [
        "tabular.cluster.efficiency{workers=2}",
        "tabular.cluster.extrapolated{workers=16}",
        "tabular.cluster.extrapolated{workers=4}",
        "tabular.cluster.extrapolated{workers=64}",
        "tabular.cluster.storage.read{workers=1}",
        "tabular.cluster.storage.read{workers=2}",
        "tabular.cluster.storage.write{workers=1}",
        "tabular.cluster.storage.write{workers=2}",
        "tabular.cluster.time{workers=1}",
        "tabular.cluster.time{workers=2}",
    ];
    assert_eq!(ids, expect);
    for (id, outcome) in &told {
        let one = match outcome {
            Ok(one) => one,
            // A host with one core, and one on which the second worker came late.
            Err(why) => {
                let is_of_two = id.contains("=2") && !id.contains("storage");
                assert!(is_of_two && why.contains("no distributed result: "), "{id}: {why}");
                continue;
            }
        };
        let known = definition(&one.metric.name).unwrap();
        assert!(one.labels.keys().all(|label| known.may_carry(label)), "{id}");
        assert!(one.samples.iter().all(|sample| sample.value > 0.0 && sample.interval.is_some()), "{one:?}");
        assert!(one.placement.is_some() && one.context["cluster"] == "local:2", "{one:?}");
        assert!(one.place.as_ref().is_some_and(|place| place.path.ends_with("/share")), "{one:?}");
        let is_extrapolated = one.warnings.iter().any(|warning| matches!(warning, Warning::Extrapolated { .. }));
        assert_eq!(is_extrapolated, id.contains("extrapolated"), "{one:?}");
    }
    let one = told["tabular.cluster.time{workers=1}"].as_ref().unwrap();
    assert!(one.context["verified"].starts_with("every value"), "{one:?}");
    let worker = &one.context["worker local-0"];
    assert!(worker.contains(" tasks, ") && worker.contains("kernel ") && worker.contains("NUMA nodes"), "{worker}");
    assert!(one.context["time of the workers"].starts_with("tasks "), "{one:?}");
}

#[test]
fn a_number_of_workers_that_fails_is_a_reason_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    // The only worker is killed in the first run.
    let program = faulty::program(folder.path(), "[ \"$kind\" = t09 ] && once t09 && kill -9 $PPID", "");
    let Some(told) = clustered(folder.path(), Some(&program)) else { return };
    let why = |id: &str| told[id].as_ref().unwrap_err();
    let lost = why("tabular.cluster.time{workers=1}");
    assert!(lost.contains("all workers are lost: local-0") || lost.contains("t09-"), "{lost}");
    let efficiency = why("tabular.cluster.efficiency{workers=2}");
    let once = efficiency.contains("workers have no time: ") && !efficiency.contains("time: failed");
    assert!(once, "{efficiency}");
    assert!(told["tabular.cluster.storage.write{workers=1}"].is_ok());
    match &told["tabular.cluster.time{workers=2}"] {
        Ok(two) => assert!(two.context["verified"].starts_with("every value"), "{two:?}"),
        Err(why) => assert!(why.contains("no distributed result: "), "{why}"),
    }
}
