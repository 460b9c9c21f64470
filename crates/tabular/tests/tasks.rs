//! The tasks of `bucketed` as processes of their own, and runs that go on where an earlier one ended.

#[path = "support/tree.rs"]
mod tree;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Output, Stdio};

use tabular::generate::{self, Config};
use tabular::pipeline::tasks::{Kind, Plan, Task, Work};
use tabular::pipeline::{self, Cache, Job, Mode};
use tabular::{Error, verify};
use tree::{done, program, run, said, tree};

struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Case {
        let case = Case { folder: tempfile::tempdir().unwrap() };
        let config = Config { rows: 3_000, row_group_rows: 20, ..Config::smoke(case.path("data")) };
        generate::generate(&config, &|_| ()).unwrap();
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn plan(&self, input: &str, work: &str) -> Output {
        let mut command = program();
        command.arg("plan").arg("--in").arg(self.path(input)).arg("--work").arg(self.path(work));
        command.output().unwrap()
    }

    fn task(&self, work: &str, id: &str) -> Output {
        program().args(["task", "--id", id, "--work"]).arg(self.path(work)).output().unwrap()
    }

    fn job(&self, resume: bool) -> Job {
        let (input, output) = (self.path("data"), self.path("result"));
        Job { input, output, mode: Mode::Bucketed, cache: Cache::Warm, replace: false, resume }
    }

    /// A run that fails after some of its tasks; how many there are.
    fn fail(&self, after: usize, resume: bool) -> usize {
        let mut tasks = 0;
        let failed = pipeline::run_tasks(&self.job(resume), |work: &Work| -> Result<(), Error> {
            let missing = work.missing();
            tasks = missing.len();
            missing.into_iter().take(after).try_for_each(|task| work.run(task).map(drop))?;
            Err(Error::Process("a failure".to_owned()))
        });
        assert!(matches!(failed, Err(Error::Process(_))), "{failed:?}");
        tasks
    }

    /// Sees that the result is right, and that nothing else is beside it.
    fn right(&self) {
        verify::verify(&self.path("result"), &self.path("data"), &verify::Options::default(), &|_| ()).unwrap();
        assert_eq!(self.names(), ["data", "result"]);
        let names = names(&self.path("result"));
        assert!(names.iter().all(|name| name.ends_with(".parquet")), "{names:?}");
    }

    fn names(&self) -> Vec<String> {
        names(self.folder.path())
    }

    /// The folder that an ended run left.
    fn left(&self) -> PathBuf {
        let name = self.names().into_iter().find(|name| name.starts_with(".result.hostproof-")).unwrap();
        self.path(&name)
    }
}

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

/// CPU time of a process in seconds, by the kernel's ticks of a hundredth, rounded up.
fn cpu_seconds(id: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let mut fields = stat.rsplit(") ").next().unwrap().split(' ').skip(11);
    let mut ticks = || fields.next().unwrap().parse::<u32>().unwrap() + 1;
    f64::from(ticks() + ticks()) / 100.0
}

/// A process that does one task after the other.
struct Serving {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Serving {
    fn start(work: &Path, more: &[&str]) -> Serving {
        let mut command = program();
        command.args(["tasks", "--threads", "1", "--parent", &std::process::id().to_string(), "--work"]).arg(work);
        let mut child = command.args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Serving { child, stdin, stdout }
    }

    /// What it answers to a task.
    fn ask(&mut self, id: &str) -> serde_json::Value {
        writeln!(self.stdin, "{id}").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Its end when there is nothing more to ask.
    fn end(self) -> Option<i32> {
        let Serving { mut child, stdin, stdout: _ } = self;
        drop(stdin);
        child.wait().unwrap().code()
    }
}

/// The line that a task prints.
fn figures(output: &Output) -> serde_json::Value {
    done(output);
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    line["task"].clone()
}

#[test]
fn processes_do_a_plan_and_say_what_each_took() {
    let case = Case::new();
    let planned = case.plan("data", "work");
    done(&planned);
    let plan = Plan::read(&case.path("work")).unwrap();
    assert!(String::from_utf8_lossy(&planned.stdout).contains(&format!("{} tasks are in ", plan.tasks.len())));
    for Task { id, kind, .. } in &plan.tasks {
        let took = figures(&case.task("work", id));
        assert_eq!((took["id"].as_str(), took["kind"].as_str()), (Some(id.as_str()), Some(kind.name())));
        assert_eq!(took["already"], false);
        assert!(took["rows"].as_u64().is_some_and(|rows| rows > 0), "{took}");
        assert!(took["written_bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{took}");
        assert!(took["seconds"].as_f64() > Some(0.0) && took["cpu_seconds"].as_f64() > Some(0.0), "{took}");
        assert!(took["cpus"].as_array().is_some_and(|cpus| !cpus.is_empty()), "{took}");
        assert!(
            took["host"].is_string()
                && took["build"].as_str().is_some_and(|build| build.starts_with(env!("CARGO_PKG_VERSION")))
        );
        assert!(took["read_bytes"].as_u64() > Some(0), "{took}");
    }
    let rows = |kind: Kind| -> u64 {
        let tasks = plan.tasks.iter().filter(|task| task.kind == kind).count();
        let work = Work::open(&case.path("work")).unwrap();
        (0..tasks).map(|part| work.run(plan.task(&kind.id(part)).unwrap()).unwrap()).sum()
    };
    for kind in [Kind::Scan, Kind::T08, Kind::T09, Kind::T10, Kind::Rows] {
        assert_eq!(rows(kind), 3_000, "{kind:?}");
    }
    // Nothing is done twice.
    let before = tree(&case.path("work"));
    let took = figures(&case.task("work", "t09-00000"));
    assert_eq!((&took["already"], &took["rows"]), (&true.into(), &0.into()));
    assert!(tree(&case.path("work")) == before);
    done(&case.plan("data", "work"));
    verify::verify(&case.path("work"), &case.path("data"), &verify::Options::default(), &|_| ()).unwrap();
}

#[test]
fn one_process_does_them_all_and_says_of_each_what_it_took_alone() {
    let case = Case::new();
    done(&case.plan("data", "alone"));
    let tasks = Plan::read(&case.path("alone")).unwrap().tasks;
    let alone: Vec<_> = tasks.iter().map(|task| figures(&case.task("alone", &task.id))).collect();
    for (work, more) in [("some", &[][..]), ("durable", &["--durable"])] {
        done(&case.plan("data", work));
        let (mut serving, mut all) = (Serving::start(&case.path(work), more), 0.0);
        for (Task { id, .. }, alone) in tasks.iter().zip(&alone) {
            let took = serving.ask(id)["task"].clone();
            for same in ["id", "kind", "already", "rows", "read_bytes", "written_bytes"] {
                assert_eq!(took[same], alone[same], "{same} of {took}");
            }
            assert!(took["cpu_seconds"].as_f64() > Some(0.0) && took["seconds"].as_f64() > Some(0.0), "{took}");
            all += took["cpu_seconds"].as_f64().unwrap();
        }
        // Together they took what the process took: its start is none of them.
        assert!(all <= cpu_seconds(serving.child.id()), "{all}");
        // A task that is done, one that is none, and one whose files are gone: it lives on.
        assert_eq!(serving.ask("t09-00000")["task"]["already"], true);
        assert!(serving.ask("t09")["error"].as_str().unwrap().contains("the plan has no task `t09`"));
        fs::remove_file(case.path(work).join("part-00000.parquet")).unwrap();
        fs::remove_file(case.path(work).join("tasks/limits-00000.words")).unwrap();
        let refused = serving.ask("rows-00000");
        assert!(
            refused["error"].as_str().unwrap().contains("is not there: run task `limits-00000` first"),
            "{refused}"
        );
        assert_eq!(serving.ask("limits-00000")["task"]["already"], false);
        let rows = alone.iter().find(|took| took["id"] == "rows-00000").unwrap();
        assert_eq!(serving.ask("rows-00000")["task"]["read_bytes"], rows["read_bytes"]);
        assert_eq!(serving.end(), Some(0));
        verify::verify(&case.path(work), &case.path("data"), &verify::Options::default(), &|_| ()).unwrap();
    }
}

#[test]
fn what_a_process_cannot_do_is_said() {
    let case = Case::new();
    let check = |output: &Output, words: &str| {
        let said = said(output);
        assert!(said.starts_with("error: ") && said.contains(words), "{said}");
    };
    check(&case.task("nowhere", "scan-00000"), "nowhere cannot be worked on by tasks: it has no `plan.json`");
    assert!(!case.path("nowhere").exists());
    check(&case.plan("nothing", "work"), "nothing");
    done(&case.plan("data", "work"));
    check(&case.task("work", "scan"), "the plan has no task `scan`; the last of each kind are scan-0000");
    check(&case.task("work", "merge-00000"), "scan-00000.statistics is not there: run task `scan-00000` first");
    check(&case.plan("data", "data"), "` and no plan: name an empty folder");
    fs::write(case.path("data/users/part-00000.parquet"), "other").unwrap();
    check(&case.task("work", "scan-00000"), "it was changed since the work on it was planned");
}

#[test]
fn a_task_that_was_killed_is_done_again() {
    let case = Case::new();
    done(&case.plan("data", "work"));
    let tasks = Plan::read(&case.path("work")).unwrap().tasks;
    for (number, Task { id, .. }) in tasks.iter().enumerate() {
        let mut command = program();
        command.args(["task", "--id", id, "--work"]).arg(case.path("work")).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        // At a moment that differs from task to task.
        for _ in 0..number * 2_000 {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        done(&case.task("work", id));
    }
    // As a kill leaves it in the midst of writing.
    fs::write(case.path("work/.part-00000.parquet.7-0123456789abcdef"), "half").unwrap();
    fs::write(case.path("work/tasks/.t08-00000.words.7-0123456789abcdef"), "half").unwrap();
    verify::verify(&case.path("work"), &case.path("data"), &verify::Options::default(), &|_| ()).unwrap();
}

#[test]
fn a_run_goes_on_from_what_is_whole() {
    let case = Case::new();
    let mut after = 0;
    let tasks = loop {
        let tasks = case.fail(after, true);
        let left = case.left();
        assert!(left.join("plan.json").exists());
        // Half a file, as a kill leaves it.
        fs::create_dir_all(left.join("tasks")).unwrap();
        fs::write(left.join("tasks/.scan-00000.t08.7-0123456789abcdef"), "half").unwrap();
        let report = pipeline::run(&case.job(true), &mut |_| ()).unwrap();
        assert_eq!(report.tasks_before, Some(after));
        case.right();
        fs::remove_dir_all(case.path("result")).unwrap();
        if after == tasks {
            break tasks;
        }
        after = (after + 5).min(tasks);
    };
    // What is damaged is made again.
    case.fail(tasks - 1, true);
    for name in ["t08-00000.words", "merge-00003.words", "scan-00002.slots"] {
        let path = case.left().join("tasks").join(name);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 8]).unwrap();
    }
    let report = pipeline::run(&case.job(true), &mut |_| ()).unwrap();
    assert_eq!(report.tasks_before, Some(tasks - 4), "these three, and the last");
    case.right();
    // With nothing to go on from it begins.
    assert_eq!(pipeline::run(&case.job(true), &mut |_| ()).unwrap().tasks_before, Some(0));
    assert_eq!(pipeline::run(&case.job(false), &mut |_| ()).unwrap().tasks_before, None);
    case.right();
}

#[test]
fn without_being_asked_a_failed_run_leaves_nothing_and_begins_anew() {
    let case = Case::new();
    case.fail(9, false);
    assert_eq!(case.names(), ["data"]);
    case.fail(9, true);
    assert_eq!(case.names().len(), 2);
    done(&run(&case.path("data"), case.path("result"), &["--mode", "bucketed"]));
    case.right();
}

#[test]
fn a_run_goes_on_only_with_the_same_work_of_its_own() {
    let case = Case::new();
    let resume = || run(&case.path("data"), case.path("result"), &["--mode", "bucketed", "--resume"]);
    // Somebody else's folders of such names stay, and are not taken for work.
    let mine = [".result.hostproof-7-0123456789abcdef/plan.json", ".result.hostproof-x/plan.json"];
    for name in mine {
        fs::create_dir_all(case.path(name).parent().unwrap()).unwrap();
        fs::write(case.path(name), "mine").unwrap();
    }
    done(&resume());
    assert!(mine.iter().all(|name| fs::read_to_string(case.path(name)).unwrap() == "mine"));
    for name in mine {
        fs::remove_dir_all(case.path(name).parent().unwrap()).unwrap();
    }
    fs::remove_dir_all(case.path("result")).unwrap();

    let refused = |words: &str| {
        let (before, said) = (tree(&case.left()), said(&resume()));
        assert!(said.contains(words), "{said}");
        // It has a new name, and is what it was.
        assert!(tree(&case.left()).len() == before.len() && !case.path("result").exists(), "{said}");
    };
    case.fail(7, true);
    let plan = case.left().join("plan.json");
    let text = fs::read_to_string(&plan).unwrap();
    fs::write(&plan, text.replace("\"revision\":\"", "\"revision\":\"other-")).unwrap();
    refused("(other-");
    fs::write(case.left().join("plan.json"), text).unwrap();
    let file = case.path("data/items/part-00000.parquet");
    let items = fs::read(&file).unwrap();
    fs::write(&file, &items).unwrap();
    refused("it was changed since the work on it was planned");
    // Who does not ask for it begins anew, and removes it.
    done(&run(&case.path("data"), case.path("result"), &["--mode", "bucketed"]));
    case.right();
    case.fail(7, true);
    done(&resume());
    case.right();

    for more in [&["--mode", "fused"][..], &[], &["--engine", "pandas"]] {
        let said = said(&run(&case.path("data"), case.path("result"), &[more, &["--resume"]].concat()));
        assert!(said.contains("--resume goes with --mode bucketed alone"), "{said}");
    }
}
