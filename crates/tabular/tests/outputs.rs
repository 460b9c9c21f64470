//! `run` never deletes, replaces or mixes data that is not its own: what each refusal leaves is compared to the byte with what
//! was there, in every mode and for the peer.

#[path = "support/tree.rs"]
mod tree;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use polars::prelude::{ParquetReader, SerReader};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use tabular::generate::{self, Config};
use tabular::schema::output_columns;
use tabular::{MARK, reference, verify};
use tree::{WAYS, done, program, run, said, tree};

/// A folder for a test, with a data set in it.
struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Case {
        let case = Case { folder: tempfile::tempdir().unwrap() };
        case.generate("data", 1);
        case
    }

    fn generate(&self, name: &str, seed: u64) {
        let config = Config { seed, rows: 2_000, ..Config::smoke(self.path(name)) };
        generate::generate(&config, &|_| ()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A small file, and the folders above it.
    fn file(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    /// An input that no run can read: who refuses the output instead of it has not read it.
    fn unreadable(&self) -> PathBuf {
        for table in ["events", "users", "items"] {
            self.file(&format!("unreadable/{table}/0.parquet"), "no Parquet");
        }
        self.path("unreadable")
    }

    /// Sees that a result is refused with these words in every way, and that nothing changes.
    fn refused(&self, input: &Path, out: impl AsRef<Path>, words: &str) {
        let before = tree(self.folder.path());
        for way in WAYS {
            for more in [&[][..], &["--replace"]] {
                let said = said(&run(input, out.as_ref(), &[way, more].concat()));
                assert!(said.contains(words), "{way:?} {more:?}: {said}");
                assert!(tree(self.folder.path()) == before, "{way:?} {more:?}: something changed");
            }
        }
    }

    /// Sees that `result` is what the transformations give of `data`, and that nothing else is there.
    fn right(&self) {
        verify::verify(&self.path("result"), &self.path("data"), &verify::Options::default(), &|_| ()).unwrap();
        let mut names = names(self.folder.path());
        names.retain(|name| name != "mine");
        assert_eq!(names, ["data", "result"]);
    }

    /// What the peer's stand-in takes for its result.
    fn saved_by_peer(&self) -> (tempfile::TempDir, PathBuf) {
        let other = tempfile::tempdir().unwrap();
        let path = other.path().join("result.parquet");
        reference::save(&self.path("data"), &path).unwrap();
        (other, path)
    }

    /// A result of `data` in a way that must succeed.
    fn made(&self, way: &[&str]) {
        let (_other, saved) = self.saved_by_peer();
        let mut command = program();
        command.arg("run").arg("--in").arg(self.path("data")).arg("--out").arg(self.path("result")).args(way);
        done(&command.env("FAKE", "save").env("FAKE_RESULT", saved).output().unwrap());
    }
}

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

#[test]
fn the_input_and_what_is_above_and_in_it_is_never_the_output() {
    let case = Case::new();
    let data = case.path("data");
    case.refused(&data, &data, "it is the input");
    case.refused(&data, data.join("events"), "it lies in the input");
    case.refused(&data, data.join("new"), "it lies in the input");
    case.refused(&data, data.join("events/new/result"), "it lies in the input");
    case.refused(&data, case.folder.path(), "it holds the input");
    case.refused(&data.join("events/.."), case.path("data/users/../../data"), "it is the input");
}

#[test]
fn links_do_not_hide_that_the_input_is_the_output() {
    let case = Case::new();
    let data = case.path("data");
    symlink(&data, case.path("alias")).unwrap();
    case.refused(&case.path("alias"), &data, "it is the input");
    case.refused(&case.path("alias"), data.join("new"), "it lies in the input");
    case.refused(&data, case.path("alias/new"), "it lies in the input");
    case.refused(&data, case.path("alias"), "it is");

    // A table that is a link, and a file that is one.
    fs::create_dir_all(case.path("pool/deep")).unwrap();
    fs::rename(data.join("events"), case.path("pool/deep/events")).unwrap();
    symlink(case.path("pool/deep/events"), data.join("events")).unwrap();
    case.refused(&data, case.path("pool/deep/events"), "it is the input");
    case.refused(&data, case.path("pool/deep/events/new"), "it lies in the input");
    case.refused(&data, case.path("pool"), "it holds the input");
    fs::create_dir(case.path("files")).unwrap();
    fs::rename(data.join("users/part-00000.parquet"), case.path("files/part-00000.parquet")).unwrap();
    symlink(case.path("files/part-00000.parquet"), data.join("users/part-00000.parquet")).unwrap();
    case.refused(&data, case.path("files"), "it holds, by a link, the input");
}

#[test]
fn a_folder_with_anything_else_in_it_is_refused_before_the_input_is_read() {
    let case = Case::new();
    let input = case.unreadable();
    case.file("sales/sales2023.parquet/a.parquet", "1");
    case.file("sales/sales2024.parquet/a.parquet", "2");
    case.refused(&input, case.path("sales"), "sales2023.parquet");
    case.file("numbers/x1.parquet", "mine");
    case.refused(&input, case.path("numbers"), "x1.parquet");
    case.file("letters/letter.txt", "mine");
    case.refused(&input, case.path("letters"), "letter.txt");
    case.file("named/part-00000.parquet", "mine");
    case.refused(&input, case.path("named"), "part-00000.parquet");
    // A table of a data set has the names that 0.1.0 gave to a result.
    case.refused(&input, case.path("data/events"), "does not have the columns of a result");
    fs::create_dir_all(case.path("folders/part-00000.parquet")).unwrap();
    case.refused(&input, case.path("folders"), "part-00000.parquet");
    case.file(&format!("forged/{MARK}"), "mine");
    case.refused(&input, case.path("forged"), "is not from this program");
}

#[test]
fn what_cannot_be_replaced_as_a_whole_is_refused_before_the_input_is_read() {
    let case = Case::new();
    let input = case.unreadable();
    case.file("file", "mine");
    case.refused(&input, case.path("file"), "it is no folder");
    fs::create_dir(case.path("target")).unwrap();
    for (link, target) in [("link", "target"), ("dangling", "nothing"), ("linked", "file")] {
        symlink(case.path(target), case.path(link)).unwrap();
        case.refused(&input, case.path(link), &case.path(target).display().to_string());
        case.refused(&input, case.path(&format!("{link}/")), "symbolic link");
    }
    for path in [".", "..", "/", "target/..", "./"] {
        let before = tree(case.folder.path());
        // The peer's script is not found from there.
        for way in &WAYS[..3] {
            let mut command = program();
            let command = command.current_dir(case.folder.path()).args(["run", "--in", "unreadable", "--out", path]);
            let said = said(&command.args(*way).output().unwrap());
            assert!(said.contains(&format!("{path} is not taken as the output")), "{way:?}: {said}");
            assert!(tree(case.folder.path()) == before, "{path} {way:?}: something changed");
        }
    }
    // The same folder by another path.
    let mut command = program();
    let command = command.current_dir(case.path("target")).arg("run").arg("--in").arg(&input);
    assert!(said(&command.arg("--out").arg(case.path("target")).output().unwrap()).contains("you are in it"));
}

#[test]
fn what_others_named_like_something_temporary_stays() {
    let case = Case::new();
    let mine = [
        "result.partial/part-00000.parquet",
        ".result.hostproof-7-0123456789abcdef/part-00000.parquet",
        ".result.hostproof-7-0123456789abcdef-old/part-00000.parquet",
        ".result.hostproof-x/_hostproof.unfinished",
        ".result.hostproof-7/_hostproof.unfinished",
        ".results.hostproof-7-0123456789abcdef/_hostproof.unfinished",
    ];
    for name in mine {
        case.file(name, "hostproof features, process 7\n");
    }
    for way in WAYS {
        case.made(way);
        for name in mine {
            assert_eq!(
                fs::read_to_string(case.path(name)).unwrap(),
                "hostproof features, process 7\n",
                "{way:?}: {name}"
            );
        }
    }
    case.file(".result.hostproof-lock", "mine");
    case.refused(&case.path("data"), case.path("result"), "it is no lock file of this program");
}

#[test]
fn a_second_run_into_one_output_is_refused() {
    let case = Case::new();
    case.generate("other", 2);
    case.made(WAYS[0]);
    let lock = case.path(".result.hostproof-lock");
    let mut held = File::create_new(&lock).unwrap();
    flock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();
    case.refused(&case.path("other"), case.path("result"), "is being written by another process");
    held.write_all(b"hostproof features, process 4242\n").unwrap();
    case.refused(&case.path("other"), case.path("result"), "is being written by process 4242");
    // A file that nobody holds any more, as a kill leaves it, blocks nothing.
    drop(held);
    assert!(lock.exists());
    fs::remove_dir_all(case.path("other")).unwrap();
    case.made(WAYS[2]);
    case.right();
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next_one() {
    let case = Case::new();
    for way in WAYS {
        case.file(".result.hostproof-lock", "hostproof features, process 7\n");
        for left in [".result.hostproof-7-0123456789abcdef", ".result.hostproof-7-fedcba9876543210"] {
            case.file(&format!("{left}/_hostproof.unfinished"), "hostproof features, process 7\n");
            case.file(&format!("{left}/part-00000.parquet"), "half");
            case.file(&format!("{left}/t08-0"), "records");
        }
        case.made(way);
        case.right();
    }
}

#[test]
fn a_run_that_is_killed_leaves_the_older_result_and_blocks_nothing() {
    let case = Case::new();
    case.made(WAYS[0]);
    let before = tree(&case.path("result"));
    let other = tempfile::tempdir().unwrap();
    let started = other.path().join("started");
    let mut command = program();
    command.arg("run").arg("--in").arg(case.path("data")).arg("--out").arg(case.path("result")).args(WAYS[3]);
    let mut child = command.env("FAKE", "wait").env("FAKE_STARTED", &started).stdout(Stdio::null()).spawn().unwrap();
    // It waits in the midst of its work.
    let peer: i32 = loop {
        match fs::read_to_string(&started) {
            Ok(text) if text.ends_with('\n') => break text.trim().parse().unwrap(),
            _ => assert!(child.try_wait().unwrap().is_none(), "it waits"),
        }
        std::thread::yield_now();
    };
    let words = format!("is being written by process {}", child.id());
    case.refused(&case.path("data"), case.path("result"), &words);
    child.kill().unwrap();
    child.wait().unwrap();
    kill_process(Pid::from_raw(peer).unwrap(), Signal::KILL).unwrap();
    assert!(tree(&case.path("result")) == before);
    assert_eq!(names(case.folder.path()).len(), 4, "result, data, lock, temporary folder");
    case.made(WAYS[1]);
    case.right();
}

#[test]
fn a_result_whose_name_a_kill_took_gets_it_back() {
    let case = Case::new();
    case.made(WAYS[0]);
    let left = case.path(".result.hostproof-7-0123456789abcdef-old");
    // As on a file system without exchange: the older result had stepped aside.
    fs::rename(case.path("result"), &left).unwrap();
    let before = tree(&left).len();
    fs::write(case.path("data/users/part-00000.parquet"), "no Parquet").unwrap();
    said(&run(&case.path("data"), case.path("result"), WAYS[0]));
    assert_eq!(tree(&case.path("result")).len(), before);
    assert_eq!(names(case.folder.path()), ["data", "result"]);
    // The same of a result of 0.1.0, which has no mark: nothing takes it for something to be removed.
    fs::rename(case.path("result"), &left).unwrap();
    let mark = fs::read(left.join(MARK)).unwrap();
    fs::remove_file(left.join(MARK)).unwrap();
    said(&run(&case.path("data"), case.path("result"), WAYS[0]));
    assert_eq!(tree(&case.path("result")).len(), before - 1);
    fs::write(case.path("result").join(MARK), mark).unwrap();
    // And with exchange: the older one had the temporary name.
    fs::remove_dir_all(case.path("data")).unwrap();
    case.generate("data", 1);
    let left = case.path(".result.hostproof-7-0123456789abcdef");
    done(&Command::new("cp").arg("-r").arg(case.path("result")).arg(&left).output().unwrap());
    case.made(WAYS[2]);
    case.right();
}

#[test]
fn a_run_that_fails_leaves_the_older_result_and_nothing_else() {
    let case = Case::new();
    let first = case.path("data/events/part-00000.parquet");
    let whole = fs::read(&first).unwrap();
    for older in [false, true] {
        let before = tree(case.folder.path());
        let mut damaged = whole.clone();
        let middle = whole.len() / 3;
        damaged[middle..middle + 5_000].fill(0xA5);
        fs::write(&first, damaged).unwrap();
        for way in WAYS {
            said(&run(&case.path("data"), case.path("result"), way));
            said(&run(&case.path("data"), case.path("new/folders/result"), way));
            assert_eq!(names(case.folder.path()).len(), if older { 2 } else { 1 }, "{way:?}");
        }
        fs::write(&first, &whole).unwrap();
        assert!(tree(case.folder.path()) == before);
        case.made(WAYS[0]);
    }
    case.right();
}

#[test]
fn a_run_that_cannot_write_all_leaves_the_older_result_and_nothing_else() {
    let case = Case::new();
    case.made(WAYS[0]);
    let before = tree(case.folder.path());
    for way in &WAYS[..3] {
        // A limit of files stands in for a full disk: a lock fits, a result does not.
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_hostproof-tabular")]);
        shell.arg("run").arg("--in").arg(case.path("data")).arg("--out").arg(case.path("result")).args(*way);
        let said = said(&shell.output().unwrap());
        assert!(said.contains("too large"), "{way:?}: {said}");
        assert!(tree(case.folder.path()) == before, "{way:?}: something changed");
    }
}

#[test]
fn only_what_a_mark_lists_is_replaced() {
    let case = Case::new();
    let input = case.unreadable();
    for way in WAYS {
        case.made(way);
        case.file("result/letter.txt", "mine");
        case.refused(&input, case.path("result"), "letter.txt");
        fs::remove_file(case.path("result/letter.txt")).unwrap();
        case.file("result/part-99999.parquet", "mine");
        case.refused(&input, case.path("result"), "part-99999.parquet");
        fs::remove_file(case.path("result/part-99999.parquet")).unwrap();
        let part = case.path("result").join(&names(&case.path("result"))[0]);
        let part = if part.ends_with(MARK) { case.path("result").join(&names(&case.path("result"))[1]) } else { part };
        let whole = fs::read(&part).unwrap();
        fs::write(&part, &whole[1..]).unwrap();
        case.refused(&input, case.path("result"), "is no longer what was saved");
        fs::remove_file(&part).unwrap();
        symlink(case.path("data/users/part-00000.parquet"), &part).unwrap();
        case.refused(&input, case.path("result"), "is no longer what was saved");
        fs::remove_file(&part).unwrap();
        case.refused(&input, case.path("result"), "it lacks");
        fs::write(&part, &whole).unwrap();
    }
}

#[test]
fn results_without_a_mark_are_replaced_when_it_is_asked_for() {
    let case = Case::new();
    for way in WAYS {
        case.made(way);
        fs::remove_file(case.path("result").join(MARK)).unwrap();
        let before = tree(case.folder.path());
        let said = said(&run(&case.path("data"), case.path("result"), way));
        assert!(said.contains("`--replace`") && tree(case.folder.path()) == before, "{way:?}: {said}");

        case.file("result/letter.txt", "mine");
        case.refused(&case.path("data"), case.path("result"), "it holds");
        fs::remove_file(case.path("result/letter.txt")).unwrap();
        case.made(&[way, &["--replace"]].concat());
        case.right();
    }
}

#[test]
fn an_empty_folder_is_taken_and_folders_on_the_way_are_made() {
    let case = Case::new();
    for way in WAYS {
        fs::create_dir(case.path("result")).unwrap();
        fs::set_permissions(case.path("result"), fs::Permissions::from_mode(0o750)).unwrap();
        case.made(way);
        case.right();
        assert_eq!(fs::metadata(case.path("result")).unwrap().mode() & 0o777, 0o750, "{way:?}");
        fs::remove_dir_all(case.path("result")).unwrap();
    }
    let out = case.path("mine/deep/result");
    done(&run(&case.path("data"), &out, &[]));
    assert!(out.join(MARK).is_file());
    // As any new folder: readable for those for whom the umask leaves it.
    fs::create_dir(case.path("mine/any")).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode();
    assert_eq!(mode(&out), mode(&case.path("mine/any")));
}

#[test]
fn the_mark_says_what_the_result_is_and_readers_take_the_folder_as_without_it() {
    let case = Case::new();
    for (way, mode) in WAYS.into_iter().zip(["phased", "fused", "bucketed", "phased"]) {
        case.made(way);
        let result = case.path("result");
        let reader = parquet::file::metadata::ParquetMetaDataReader::new();
        let metadata = reader.parse_and_finish(&File::open(result.join(MARK)).unwrap()).unwrap();
        let notes = metadata.file_metadata().key_value_metadata().unwrap();
        let note = notes.iter().find(|note| note.key == "hostproof").unwrap().value.clone().unwrap();
        let mark: serde_json::Value = serde_json::from_str(&note).unwrap();
        assert_eq!((&mark["program"], &mark["mode"]), (&"hostproof features".into(), &mode.into()), "{mark}");
        assert_eq!((&mark["build"]["version"], &mark["rows"]), (&env!("CARGO_PKG_VERSION").into(), &2_000.into()));
        assert_eq!(mark["input"]["manifest_sha256"].as_str().map(str::len), Some(64), "{mark}");
        assert!(
            mark["input"]["files"].as_array().unwrap().iter().any(|file| file["name"] == "users/part-00000.parquet")
        );
        let listed = mark["files"].as_array().unwrap();
        assert_eq!(listed.len() + 1, names(&result).len(), "{mark}");
        for file in listed {
            let length = fs::metadata(result.join(file["name"].as_str().unwrap())).unwrap().len();
            assert_eq!(file["bytes"].as_u64(), Some(length), "{mark}");
        }
        // Polars reads all files of a folder, whatever their names, and only of one schema.
        let mut rows = 0;
        for name in names(&result) {
            let frame = ParquetReader::new(File::open(result.join(&name)).unwrap()).finish().unwrap();
            assert_eq!(frame.width(), output_columns().count(), "{way:?}: {name}");
            rows += frame.height();
        }
        assert_eq!(rows, 2_000, "{way:?}");
    }
}

#[test]
fn a_peer_is_told_its_options_or_refuses_them_by_name() {
    for engine in ["pandas", "dask", "spark"] {
        a_peer(engine);
    }
}

fn a_peer(engine: &str) {
    let case = Case::new();
    let (_other, saved) = case.saved_by_peer();
    let peer = |fake: &str, more: &[&str]| {
        let mut command = program();
        command.arg("run").arg("--in").arg(case.path("data")).arg("--out").arg(case.path("result"));
        command.args(["--engine", engine]).args(more).env("FAKE", fake).env("FAKE_RESULT", &saved).output().unwrap()
    };
    let before = tree(case.folder.path());
    for mode in ["fused", "bucketed"] {
        let said = said(&peer("save", &["--mode", mode]));
        assert!(said.contains(&format!("--mode {mode} does not go with --engine {engine}")), "{said}");
    }
    assert!(said(&peer("fail", &[])).contains("exit status: 3"));
    assert!(said(&peer("nothing", &[])).contains("has no Parquet files"));
    assert!(tree(case.folder.path()) == before, "something is left");

    let ran = peer("save", &["--mode", "phased", "--threads", "1", "--cache", "warm", "--json"]);
    done(&ran);
    let arguments = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(arguments.contains(&format!("/scripts/peers.d/features_{engine}.py --in ")), "{arguments}");
    assert!(arguments.contains("--threads 1") && arguments.contains("--parent "), "{arguments}");
    let lines = String::from_utf8(ran.stdout).unwrap();
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["phase"], &lines[1]["seconds"], lines.len()), (&"t01".into(), &0.5.into(), 3));
    assert_eq!((&lines[2]["report"]["engine"], &lines[2]["report"]["rows"]), (&engine.into(), &2_000.into()));
    case.right();
    let ran = peer("save", &[]);
    done(&ran);
    let text = String::from_utf8(ran.stdout).unwrap();
    assert!(text.contains("t01") && text.contains("2000 rows in"), "{text}");
    assert!(text.contains(&format!("({engine}, cache Cold)")), "{text}");
    case.right();
}
