//! The tasks of `bucketed` on workers of Dask: the result is that of one process, whatever fails it is right or there is a reason,
//! and nothing of it is left.

#[path = "support/cluster.rs"]
mod cluster;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use cluster::{Case, Dask, listening};
use serde_json::Value;
use tabular::cluster::{self as workers, Options, storage};
use tabular::pipeline::{Cache, Job, Mode};

/// The sum of a number of all workers.
fn sum(report: &Value, name: &str) -> f64 {
    report["workers"].as_array().unwrap().iter().map(|worker| worker[name].as_f64().unwrap()).sum()
}

#[test]
fn any_number_of_workers_gives_the_result_of_one_process() {
    let case = Case::new();
    let alone = case.end(case.start(&[]));
    assert_eq!(alone.code, Some(0), "{}", alone.said);
    let expect = case.digests();
    for (workers, why_not) in [(1, "worker local-0 was the only one"), (2, ""), (4, "")] {
        let Some(ended) = case.run(&["--cluster", &format!("local:{workers}")]) else { return };
        let report = ended.report();
        assert_eq!(case.digests(), expect, "{workers} workers");
        case.nothing_is_left(&["result"]);
        let listed = report["workers"].as_array().unwrap();
        assert_eq!(listed.len(), workers);
        assert!((sum(&report, "tasks") - report["tasks"].as_f64().unwrap()).abs() < 0.5, "{report}");
        assert_eq!(report["rows"], 25_000);
        assert!(report["tasks"].as_u64().unwrap() >= 14 && sum(&report, "cpu_seconds") > 0.0, "{report}");
        for worker in listed {
            assert!(worker["cpus"].as_array().is_some_and(|cpus| !cpus.is_empty()), "{worker}");
            assert!(worker["build"].as_str().is_some_and(|build| build.contains("revision")), "{worker}");
        }
        let split = report["split"].as_object().unwrap().values().map(|part| part.as_f64().unwrap()).sum::<f64>();
        let all = report["tasks_seconds"].as_f64().unwrap() * workers as f64;
        assert!((split - all).abs() < 1e-6 * all, "{split} {all}");
        if !why_not.is_empty() {
            assert_eq!((&report["distributed"], report["why_not"].as_str()), (&Value::Bool(false), Some(why_not)));
        }
    }
}

#[test]
fn nothing_listens_beyond_loopback() {
    let case = Case::new();
    let mut run = case.start(&["--cluster", "local:2"]);
    let mut addresses = BTreeSet::new();
    while run.try_wait().unwrap().is_none() {
        addresses.extend(listening(Path::new("/proc/net"), &case.alive()));
        sleep(Duration::from_millis(10));
    }
    let ended = case.end(run);
    if ended.said.contains("the driver needs Python with Dask") {
        return println!("nothing is looked at: {}", ended.said.trim());
    }
    ended.report();
    // Scheduler and workers, each with the port of its HTTP.
    assert!(addresses.len() >= 4, "{addresses:?}");
    assert!(addresses.iter().all(|address| address.starts_with("0100007F:")), "{addresses:?}");
}

#[test]
fn a_worker_has_one_process_for_all_of_its_tasks() {
    let case = Case::new();
    let log = case.own("log");
    let note = format!("[ -z \"$id\" ] || echo \"$PPID $$ $id\" >> '{}'", log.display());
    let Some(ended) = case.run_with(2, &note, &[]) else { return };
    let report = ended.report();
    case.digests();
    let lines = fs::read_to_string(log).unwrap();
    let lines: Vec<Vec<&str>> = lines.lines().map(|line| line.split(' ').collect()).collect();
    let distinct = |at: usize| lines.iter().map(|line| line[at]).collect::<BTreeSet<_>>().len();
    assert_eq!((distinct(1), Some(distinct(2) as u64)), (distinct(0), report["tasks"].as_u64()), "{lines:?}");
    assert_eq!(lines.len(), distinct(2), "each task once");
    case.nothing_is_left(&["result"]);
}

#[test]
fn a_process_that_is_killed_between_two_tasks_is_followed_by_another() {
    let case = Case::new();
    let program = case.faulty_after("once \"$kind\" && kill -9 $$");
    let options = ["--cluster", "local:2", "--program", program.to_str().unwrap()];
    let Some(ended) = case.run(&options) else { return };
    // A worker that had not seen the end yet asks in vain, and the task is tried again.
    let report = ended.report();
    assert!(report["killed"].as_u64().unwrap() <= 8, "{report}");
    case.digests();
    case.nothing_is_left(&["result"]);
}

#[test]
fn a_refused_task_ends_its_run_alone_and_the_next_one_has_processes_of_its_own() {
    let case = Case::new();
    let Some(dask) = Dask::start(&case, 2, "") else { return };
    // What an earlier task wrote is gone when a later one wants it: the process lives, and says so.
    dask.run("[ \"$kind\" = t08 ] && rm -f \"$work\"/tasks/scan-*.t08", &[]).failed("is not there: run task `scan-");
    case.nothing_runs_but(&dask.ids());
    // Another plan, in a folder of the same name.
    let ended = dask.run("", &[]);
    ended.report();
    case.digests();
    case.nothing_runs_but(&dask.ids());
    drop(dask);
    case.nothing_is_left(&["result"]);
}

#[test]
fn a_worker_killed_in_each_kind_of_task_changes_nothing() {
    // Two in a run: a task that was under way on three lost workers is given up.
    for kinds in [["scan", "merge"], ["quantiles", "limits"], ["t08", "t09"], ["t10", "rows"]] {
        let case = Case::new();
        let fault = format!("case $kind in {}) once $kind && kill -9 $PPID ;; esac", kinds.join(" | "));
        let Some(ended) = case.run_with(4, &fault, &[]) else { return };
        let report = ended.report();
        case.digests();
        case.nothing_is_left(&["result"]);
        for kind in kinds {
            assert!(case.own(&format!("once-{kind}")).exists(), "no worker was killed in {kind}");
        }
        assert_eq!(report["distributed"], false);
        // Each loss is told, also one just before the end.
        let workers = report["workers"].as_array().unwrap();
        assert_eq!(workers.iter().filter(|worker| worker["lost"] == true).count(), 2, "{report}");
        let why = report["why_not"].as_str().unwrap();
        assert!(why.contains("was lost") || why.contains("did nothing"), "{why}");
    }
}

#[test]
fn a_process_of_a_task_that_is_killed_is_tried_again_but_not_for_ever() {
    let case = Case::new();
    // What it had begun is no file of the result.
    let left = "\"$work/.part-00000.parquet.7-0123456789abcdef\"";
    let fault = format!("[ \"$kind\" = rows ] && once rows && {{ : > {left}; kill -9 $$; }}");
    let Some(ended) = case.run_with(2, &fault, &[]) else { return };
    assert_eq!(ended.report()["killed"], 1);
    case.digests();
    let names = fs::read_dir(case.path("result")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.filter(|name| name.to_string_lossy().starts_with(".part")).count(), 0);
    let Some(ended) = case.run_with(2, "[ \"$kind\" = t10 ] && kill -9 $$", &[]) else { return };
    ended.failed("t10-00000: was killed by signal 9; it was tried 3 times");
    case.nothing_is_left(&["result"]);
}

#[test]
fn a_task_that_fails_ends_the_run_with_its_reason() {
    let case = Case::new();
    let fault = "[ \"$kind\" = merge ] && { echo 'error: no such luck' >&2; exit 2; }";
    let Some(ended) = case.run_with(2, fault, &[]) else { return };
    ended.failed("no such luck");
    case.nothing_is_left(&[]);
    // What an earlier task wrote is gone when a later one wants it.
    let Some(ended) = case.run_with(2, "[ \"$kind\" = t08 ] && rm -f \"$work\"/tasks/scan-*.t08", &[]) else { return };
    ended.failed("scan-");
    case.nothing_is_left(&[]);
}

#[test]
fn a_run_without_progress_ends_with_what_is_under_way() {
    // On a host that is busy with other things, no task may end for so long before.
    for _ in 0..10 {
        let case = Case::new();
        let fault = "[ \"$kind\" = limits ] && once limits && kill -STOP $PPID";
        let Some(ended) = case.run_with(2, fault, &["--stall", "3"]) else { return };
        let stopped = case.own("once-limits").exists();
        let task = if stopped { "limits-00000 " } else { "" };
        ended.failed(&format!("no task ended for 3 s; under way: {task}"));
        case.nothing_is_left(&[]);
        if stopped {
            return;
        }
    }
    panic!("no run came to its limits");
}

#[test]
fn all_workers_lost_is_a_reason() {
    let case = Case::new();
    let Some(ended) = case.run_with(2, "[ \"$kind\" = scan ] && kill -9 $PPID", &[]) else { return };
    assert!(
        ended.said.contains("all workers are lost: local-0, local-1") || ended.said.contains("scan-"),
        "{}",
        ended.said
    );
    ended.failed("cluster: ");
    case.nothing_is_left(&[]);
}

#[test]
fn a_driver_that_is_killed_takes_all_with_it() {
    let case = Case::new();
    let Some(ended) = case.run_with(2, "[ \"$kind\" = merge ] && kill -9 $(parent_of $PPID)", &[]) else { return };
    ended.failed("the driver ended with signal: 9");
    case.nothing_is_left(&[]);
}

#[test]
fn nothing_outlives_a_run_that_is_killed_and_the_next_one_is_right() {
    let case = Case::new();
    let fault = "[ \"$kind\" = merge ] && once merge && kill -9 $(parent_of $(parent_of $PPID))";
    let Some(ended) = case.run_with(2, fault, &[]) else { return };
    assert_eq!(ended.code, None, "it was killed: {}", ended.said);
    case.nothing_runs_but(&[]);
    let Some(ended) = case.run_with(2, fault, &[]) else { return };
    ended.report();
    case.digests();
    case.nothing_is_left(&["result"]);
}

#[test]
fn another_build_on_a_worker_is_refused_by_its_name() {
    let case = Case::new();
    let fault =
        "[ \"$1\" = --version ] && grep -q local-1 /proc/$PPID/cmdline && { echo hostproof features 9.9; exit 0; }";
    let Some(ended) = case.run_with(2, fault, &[]) else { return };
    ended.failed("worker local-1 on ");
    ended.failed("has another build");
    ended.failed("hostproof features 9.9; this one is hostproof features 0.1.0 revision");
    case.nothing_is_left(&[]);
}

#[test]
fn what_is_whole_is_gone_on_with() {
    let case = Case::new();
    let fault = "[ \"$kind\" = t09 ] && { echo 'error: no such luck' >&2; exit 2; }";
    let Some(ended) = case.run_with(2, fault, &["--resume"]) else { return };
    ended.failed("no such luck");
    let Some(ended) = case.run_with(2, "", &["--resume"]) else { return };
    let report = ended.report();
    let (done, before) = (report["tasks"].as_u64().unwrap(), report["already"].as_u64().unwrap());
    assert!(before > 0 && done > 0, "{report}");
    assert_eq!(report["why_not"].as_str().unwrap(), format!("{before} tasks had been done before"));
    case.digests();
    case.nothing_is_left(&["result"]);
}

#[test]
fn what_is_no_cluster_is_refused_before_anything_is_made() {
    let case = Case::new();
    let check = |more: &[&str], words: &str| {
        let ended = case.end(case.start(more));
        assert!(ended.code == Some(2) && ended.said.contains(words), "{ended:?}");
        case.nothing_is_left(&[]);
    };
    check(&["--cluster", "node1:8786"], "expected local:WORKERS, slurm:NODES, or a scheduler of Dask");
    check(&["--cluster", "local:2", "--engine", "pandas"], "--cluster goes with --mode bucketed alone");
    check(&["--cluster", "local:2", "--threads", "1"], "cannot be used with");
    check(&["--python", "python3"], "--cluster");
    check(&["--cluster", "tcp://127.0.0.1:1", "--python", "./no/such/python"], "no/such/python: No such file");
    check(&["--cluster", "local:2", "--workers", "0"], "--workers");
    // A scheduler may have more workers than this host has processors.
    let many = ["--cluster", "tcp://127.0.0.1:1", "--workers", "9999", "--python", "./no/such/python"];
    check(&many, "no/such/python: No such file");
}

#[test]
fn a_scheduler_that_is_there_gives_the_same_and_keeps_its_workers() {
    let case = Case::new();
    let Some(mut dask) = Dask::start(&case, 1, "") else { return };
    // The second worker comes in the middle, and the first one does not end before it has begun.
    let fault = "wait_for() { i=0; until eval \"$1\" || [ $i -ge 1200 ]; do sleep 0.1; i=$((i+1)); done; }
        [ -z \"$id\" ] || once \"worker-$$\"
        case $kind in
        merge) once merge; wait_for '[ -e OWN/second ]' ;;
        rows) wait_for '[ $(ls -d OWN/once-worker-* | wc -l) -ge 2 ]' ;;
        esac";
    let program = case.faulty(fault);
    let python = dask.python.to_str().unwrap().to_owned();
    let address = dask.address.clone();
    let run = case.start(&["--cluster", &address, "--python", &python, "--program", program.to_str().unwrap()]);
    case.wait_for("a task of merge", || case.own("once-merge").exists().then_some(()));
    dask.add_worker(1);
    case.wait_for("the second worker", || {
        let said = fs::read_to_string(case.own("worker-1.err")).ok()?;
        said.contains("Registered to").then_some(())
    });
    fs::write(case.own("second"), "").unwrap();
    let report = case.end(run).report();
    case.digests();
    let names: Vec<_> = report["workers"].as_array().unwrap().iter().map(|worker| worker["name"].clone()).collect();
    assert_eq!(names, ["own-0", "own-1"], "{report}");
    case.nothing_runs_but(&dask.ids());
    drop(dask);
    case.nothing_is_left(&["result"]);
}

#[test]
fn a_scheduler_that_is_killed_is_a_reason_and_its_tasks_end() {
    let case = Case::new();
    let Some(dask) = Dask::start(&case, 2, "") else { return };
    let fault = format!("[ \"$kind\" = merge ] && kill -9 {}", dask.scheduler.id());
    dask.run(&fault, &[]).failed(&format!("the scheduler at {} is gone", dask.address));
    drop(dask);
    case.nothing_is_left(&[]);
}

#[test]
fn a_client_that_is_killed_leaves_workers_without_tasks() {
    let case = Case::new();
    let Some(dask) = Dask::start(&case, 2, "") else { return };
    // The run is killed; what the worker runs would go on for minutes.
    let fault = "[ \"$kind\" = merge ] && { kill -9 $(cat \"$(dirname \"$0\")/run.pid\"); exec sleep 600; }";
    let program = case.faulty(fault);
    let options = ["--cluster", &dask.address, "--python", dask.python.to_str().unwrap()];
    let run = case.start(&[&options[..], &["--program", program.to_str().unwrap()]].concat());
    fs::write(case.own("run.pid"), run.id().to_string()).unwrap();
    assert_eq!(case.end(run).code, None);
    case.nothing_runs_but(&dask.ids());
}

#[test]
fn other_versions_are_refused_with_both() {
    let case = Case::new();
    let patched = "import distributed.versions as versions\n\
                   own = versions.get_package_info\n\
                   versions.get_package_info = lambda packages: {**own(packages), 'distributed': '2020.1.0'}";
    let Some(dask) = Dask::start(&case, 1, patched) else { return };
    let ended = dask.run("", &[]);
    ended.failed("the scheduler has distributed 2020.1.0 and this host's Python distributed 2026.8.0");
    drop(dask);
    case.nothing_is_left(&[]);
}

#[test]
fn where_no_scheduler_answers_that_is_said() {
    let case = Case::new();
    let Some(python) = case.python() else { return };
    let ended = case.end(case.start(&["--cluster", "tcp://127.0.0.1:1", "--python", python.to_str().unwrap()]));
    ended.failed("no scheduler of Dask answers at tcp://127.0.0.1:1");
    let ended = case.end(case.start(&["--cluster", "tcp://127.0.0.1:1", "--python", "/usr/bin/false"]));
    ended.failed("the driver ended with exit status: 1");
    case.nothing_is_left(&[]);
}

#[test]
fn a_full_disk_is_named() {
    let case = Case::new();
    let small = case.path("small");
    fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "none"]).arg(&small).status();
    if !mounted.is_ok_and(|status| status.success()) {
        return println!("no disk is filled: nothing could be mounted");
    }
    let ended = case.run_to(&small.join("result"), &["--cluster", "local:2"]);
    let left = fs::read_dir(&small).unwrap().count();
    let unmounted = Command::new("umount").arg("-l").arg(&small).status().unwrap();
    assert!(unmounted.success());
    fs::remove_dir(&small).unwrap();
    let Some(ended) = ended else { return };
    ended.failed("is full");
    assert_eq!(left, 0, "something is left on the full disk");
    case.nothing_is_left(&[]);
}

/// The workers that take part in what `hostproof run` measures, and what goes wrong on them.
fn options(case: &Case, fault: &str, cluster: &str, python: Option<PathBuf>, count: usize) -> Options {
    let (program, stall) = (Some(case.faulty(fault)), Duration::from_mins(1));
    Options { cluster: cluster.parse().unwrap(), python, program, workers: Some(count), stall }
}

fn names(reports: &[workers::WorkerReport]) -> Vec<&str> {
    reports.iter().map(|worker| worker.name.as_str()).collect()
}

#[test]
fn so_many_workers_of_a_scheduler_work_as_are_asked_for_and_the_others_do_nothing() {
    let case = Case::new();
    let Some(dask) = Dask::start(&case, 3, "") else { return };
    let options = |count| options(&case, "", &dask.address, Some(dask.python.clone()), count);
    let folder = case.own("folder");
    fs::create_dir(&folder).unwrap();
    case.wait_for("three workers", || (workers::count_workers(&options(1), &folder).unwrap() == 3).then_some(()));
    let (input, output) = (case.path("data"), case.path("result"));
    let job = Job { input, output, mode: Mode::Bucketed, cache: Cache::Warm, replace: false, resume: false };
    let report = workers::run(&options(2), &job, &mut |_| ()).unwrap();
    assert_eq!(names(&report.workers), ["own-0", "own-1"]);
    assert!(
        report.workers.iter().all(|worker| worker.facts.memory_bytes > 0 && worker.facts.numa_nodes > 0),
        "{report:?}"
    );
    assert!(report.done.iter().all(|task| task.end > task.start && task.worker != "own-2"), "{report:?}");
    assert_eq!(report.done.len(), report.tasks);
    assert!(report.interval.seconds() > report.tasks_seconds, "{report:?}");
    case.digests();
    let rates = storage::measure(&options(3), &folder, 1 << 20, 2).unwrap();
    assert_eq!(names(&rates.workers), ["own-0", "own-1", "own-2"]);
    for rate in [&rates.write, &rates.read].into_iter().flatten() {
        assert!(rate.bytes_per_second > 0.0 && rate.at_once > 0.0 && rate.interval.seconds() > 0.0, "{rates:?}");
    }
    assert_eq!((rates.write.len(), rates.read.len(), rates.bytes), (2, 2, 1 << 20));
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(left, ["plan.json"], "no file of a worker");
    case.nothing_runs_but(&dask.ids());
    drop(dask);
    case.nothing_is_left(&["result"]);
}

#[test]
fn a_worker_that_is_lost_while_the_folder_is_measured_is_a_reason() {
    let case = Case::new();
    if case.python().is_none() {
        return;
    }
    let folder = case.own("folder");
    fs::create_dir(&folder).unwrap();
    let options = options(&case, "[ \"$id\" = write-0-1 ] && kill -9 $PPID", "local:2", None, 2);
    let error = storage::measure(&options, &folder, 1 << 20, 1).unwrap_err().to_string();
    assert!(error.contains("worker local-1 is lost, and nobody else can do its part"), "{error}");
}
