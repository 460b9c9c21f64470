//! The tasks of a plan in any order, twice, and after every kind of damage: always the same bytes, or an error that names what is
//! wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::generate::{self, Config};
use crate::manifest::Layout;
use crate::pipeline::output::part_name;
use crate::verify;

/// A data set in many pieces, and the folders of works on it.
struct Case {
    folder: tempfile::TempDir,
}

/// Several groups and buckets of little data.
const FINE: Grain = Grain { records_a_bucket: 1_500, pieces_a_group: 3 };

impl Case {
    fn new(layout: Layout) -> Case {
        let case = Case { folder: tempfile::tempdir().unwrap() };
        let config = Config { layout, rows: 6_000, row_group_rows: 40, ..Config::smoke(case.path("data")) };
        generate::generate(&config, &|_| ()).unwrap();
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn plan(&self, grain: Grain) -> Plan {
        Plan::cut(&Dataset::open(&self.path("data")).unwrap(), |_| grain).unwrap()
    }

    /// The work of a plan in a folder of its own.
    fn work(&self, name: &str, grain: Grain) -> Work {
        self.plan(grain).write(&self.path(name)).unwrap();
        Work::open(&self.path(name)).unwrap()
    }

    /// The work in a folder, all done in the order of the plan.
    fn done(&self, name: &str) -> Work {
        let work = self.work(name, FINE);
        do_all(&work, &work.plan().tasks);
        work
    }

    /// Sees that the result in a folder is right.
    fn right(&self, name: &str) {
        verify::verify(&self.path(name), &self.path("data"), &verify::Options::default(), &|_| ()).unwrap();
    }
}

/// Does some tasks one after the other.
fn do_all<'a>(work: &Work, tasks: impl IntoIterator<Item = &'a Task>) {
    for task in tasks {
        work.run(task).unwrap();
    }
}

/// All files below a folder, by their paths in it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = PathBuf::from(path.file_name().unwrap());
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(below, bytes)| (name.join(below), bytes)));
        } else {
            found.insert(name, fs::read(&path).unwrap());
        }
    }
    found
}

/// Does all tasks, each time one of those that are ready, which `choose` picks by their number.
fn in_order_of(work: &Work, mut choose: impl FnMut(usize) -> usize) {
    let (mut left, mut ended) = (work.plan().tasks.clone(), BTreeSet::new());
    while !left.is_empty() {
        let is_ready = |task: &Task| task.after.iter().all(|id| ended.contains(id));
        let ready: Vec<usize> = (0..left.len()).filter(|&at| is_ready(&left[at])).collect();
        let task = left.remove(ready[choose(ready.len())]);
        work.run(&task).unwrap();
        ended.insert(task.id);
    }
}

#[test]
fn tasks_write_the_same_bytes_in_every_order_on_any_threads_and_again() {
    for layout in [Layout::Arrival, Layout::Bucketed] {
        let case = Case::new(layout);
        let work = case.done("forwards");
        assert!(work.plan().buckets > 1 && work.plan().groups.len() > 2, "{:?}", work.plan());
        case.right("forwards");
        let expect = files(&case.path("forwards"));
        in_order_of(&case.work("backwards", FINE), |ready| ready - 1);
        let mut random = 1_u64;
        for name in ["random-1", "random-2", "random-3"] {
            in_order_of(&case.work(name, FINE), |ready| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 33) as usize % ready
            });
        }
        // By threads of the pool each task is the work of one.
        let pool = case.work("pool", FINE);
        RAYON.install(|| in_order_of(&pool, |_| 0));
        // Everything once more, and two of a kind at the same time.
        let twice = case.done("twice");
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| do_all(&twice, &twice.plan().tasks));
            }
        });
        for name in ["backwards", "random-1", "random-2", "random-3", "pool", "twice"] {
            let found = files(&case.path(name));
            assert_eq!(found.keys().collect::<Vec<_>>(), expect.keys().collect::<Vec<_>>(), "{name}");
            let differs = found.iter().find(|(path, bytes)| *path != Path::new(PLAN) && expect[*path] != **bytes);
            assert!(differs.is_none(), "{name}: {:?}", differs.map(|(path, _)| path));
        }
    }
}

#[test]
fn however_the_work_is_cut_the_result_is_right() {
    let case = Case::new(Layout::Arrival);
    for (name, records_a_bucket, pieces_a_group) in [("coarse", 500_000, 100), ("fine", 100, 1)] {
        let work = case.work(name, Grain { records_a_bucket, pieces_a_group });
        in_order_of(&work, |_| 0);
        work.clear().unwrap();
        case.right(name);
        let names: Vec<PathBuf> = files(&case.path(name)).into_keys().collect();
        let expect: Vec<PathBuf> = (0..work.plan().groups.len()).map(|part| part_name(part).into()).collect();
        assert_eq!(names, expect, "nothing else stays");
    }
}

#[test]
fn what_is_damaged_or_not_there_is_named_and_made_anew() {
    let case = Case::new(Layout::Arrival);
    let work = case.done("work");
    assert!(work.missing().is_empty());
    let result = work.plan().tasks.last().unwrap().clone();
    let part = case.path("work").join(part_name(result.part));
    for task in work.plan().tasks.iter().filter(|task| task.part == 0 && task.kind != Kind::Rows) {
        for file in files::outputs(task.kind, task.part) {
            let path = work.path(file);
            let whole = fs::read(&path).unwrap();
            let readers = work.plan().tasks.iter().filter(|reader| files::inputs(work.plan(), reader).contains(&file));
            let readers: Vec<&Task> = readers.collect();
            assert!(!readers.is_empty(), "somebody reads {}", path.display());
            for cut in [whole.len() - 1, 20, 0] {
                fs::write(&path, &whole[..cut]).unwrap();
                let error = work.run(readers[0]).unwrap_err().to_string();
                let words = format!("{} is damaged", path.display());
                assert!(error.contains(&words) && error.contains(&task.id), "{error}");
                assert!(!work.is_done(task));
            }
            fs::remove_file(&path).unwrap();
            let error = work.run(readers[0]).unwrap_err().to_string();
            assert!(error.contains(&format!("is not there: run task `{}` first", task.id)), "{error}");
            // Nobody needs it, since the result is there; where it is not, it is made again.
            assert!(work.missing().is_empty());
            let saved = fs::read(&part).unwrap();
            fs::remove_file(&part).unwrap();
            let ids: Vec<&str> = work.missing().iter().map(|task| task.id.as_str()).collect();
            assert!(ids.ends_with(&[result.id.as_str()]), "{ids:?}");
            do_all(&work, work.missing());
            assert!(fs::read(&part).unwrap() == saved, "{}", path.display());
            assert!(work.run(task).is_ok() && fs::read(&path).unwrap() == whole, "{}", path.display());
        }
    }
    // A file of the result that a kill of the whole host cut off.
    let saved = fs::read(&part).unwrap();
    fs::write(&part, &saved[..saved.len() - 9]).unwrap();
    assert_eq!(work.missing(), [&result]);
}

#[test]
fn a_byte_that_changed_is_never_worked_on() {
    let case = Case::new(Layout::Arrival);
    let work = case.done("work");
    let expect = files(&case.path("work"));
    let mut found = 0;
    for task in work.plan().tasks.iter().filter(|task| task.part == 0 && task.kind != Kind::Rows) {
        for file in files::outputs(task.kind, task.part) {
            let path = work.path(file);
            let whole = fs::read(&path).unwrap();
            let readers = work.plan().tasks.iter().filter(|reader| files::inputs(work.plan(), reader).contains(&file));
            let readers: Vec<&Task> = readers.collect();
            for at in [64, whole.len() / 3, whole.len() / 2, whole.len() - 20] {
                let mut changed = whole.clone();
                changed[at] ^= 0x40;
                fs::write(&path, &changed).unwrap();
                // Each reader reads a part of it.
                for reader in &readers {
                    match work.run(reader) {
                        Err(Error::DamagedPart { path: named, .. }) if named == path => found += 1,
                        Err(other) => panic!("{other}"),
                        Ok(_) => {}
                    }
                }
                fs::write(&path, &whole).unwrap();
            }
        }
    }
    assert!(found > 30, "{found} readers have met a changed byte");
    assert!(files(&case.path("work")) == expect, "a reader that did not meet it wrote what it wrote before");
}

#[test]
fn a_file_of_another_plan_or_task_is_not_taken() {
    let case = Case::new(Layout::Arrival);
    let (work, other) = (case.done("work"), case.work("other", Grain { pieces_a_group: 4, ..FINE }));
    in_order_of(&other, |_| 0);
    let path = work.path(files::all(Kind::Merge, 0));
    fs::copy(other.path(files::all(Kind::Merge, 0)), &path).unwrap();
    let error = work.run(work.plan().task("quantiles-00000").unwrap()).unwrap_err().to_string();
    assert!(error.contains("merge-00000.words is damaged: it is not of this plan and task"), "{error}");
    fs::copy(work.path(files::all(Kind::Merge, 1)), &path).unwrap();
    assert!(work.run(work.plan().task("quantiles-00000").unwrap()).is_err());
}

#[test]
fn work_that_is_not_what_was_planned_is_refused() {
    let case = Case::new(Layout::Arrival);
    let refused = |words: &str| {
        let error = Work::open(&case.path("work")).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    refused("it has no `plan.json`: `hostproof features plan` makes one");
    let work = case.work("work", FINE);
    assert!(
        work.plan()
            .task("scan-99999")
            .unwrap_err()
            .to_string()
            .contains("no task `scan-99999`; the last of each kind are scan-")
    );
    let path = case.path("work").join(PLAN);
    let text = fs::read_to_string(&path).unwrap();
    let revision = &work.plan().build.revision;
    fs::write(&path, text.replace(&format!("\"revision\":\"{revision}\""), "\"revision\":\"other\"")).unwrap();
    refused("(other, ");
    fs::write(&path, text.replace("\"format\":2", "\"format\":1")).unwrap();
    refused("planned it");
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    refused("its `plan.json` is damaged");
    fs::write(&path, &text).unwrap();
    assert!(Work::open(&case.path("work")).is_ok());

    // The same bytes, written again.
    let file = case.path("data/users/part-00000.parquet");
    let users = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    fs::write(&file, &users).unwrap();
    refused("it was changed since the work on it was planned");
    // Another number of files.
    fs::remove_file(&file).unwrap();
    assert!(Work::open(&case.path("work")).is_err());
}

#[test]
fn a_plan_of_paths_that_are_no_text_is_read_as_it_was_written() {
    let case = Case::new(Layout::Arrival);
    let odd = case.folder.path().join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"d\xFFta"));
    fs::rename(case.path("data"), &odd).unwrap();
    let plan = Plan::of(&odd).unwrap();
    plan.write(&case.path("work")).unwrap();
    assert_eq!(Plan::read(&case.path("work")).unwrap(), plan);
    let work = Work::open(&case.path("work")).unwrap();
    do_all(&work, &work.plan().tasks);
    verify::verify(&case.path("work"), &odd, &verify::Options::default(), &|_| ()).unwrap();
}

#[test]
fn a_folder_with_anything_else_in_it_is_no_work_folder() {
    let case = Case::new(Layout::Arrival);
    fs::create_dir(case.path("mine")).unwrap();
    fs::write(case.path("mine/letter"), "mine").unwrap();
    let error = case.plan(FINE).write(&case.path("mine")).unwrap_err().to_string();
    assert!(error.contains("it holds `letter` and no plan"), "{error}");
    assert_eq!(files(&case.path("mine")).len(), 1);
    // The same plan again changes nothing; another one is refused.
    case.done("work");
    let before = files(&case.path("work"));
    case.plan(FINE).write(&case.path("work")).unwrap();
    let error = case.plan(Grain { pieces_a_group: 1, ..FINE }).write(&case.path("work")).unwrap_err().to_string();
    assert!(error.contains("it holds the plan of other work"), "{error}");
    assert!(files(&case.path("work")) == before);
}
