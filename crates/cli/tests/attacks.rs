//! Closed terminals, full disks, hostile names and workers that talk rubbish, through the real binary.
//!
//! Nothing here harms anybody: each is a harmless stand-in for what would.

#[path = "support/recorded.rs"]
mod recorded;
mod support;

use std::fs::{self, File, Permissions};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use measure::{Ending, Needs};
use pipe::message::{Hello, Message, encode};
use pipe::request::{Planned, Room};
use recorded::{recorded, reworded, run_id};
use rustix::process::{Pid, Signal, kill_process};
use support::{files, hostproof, output, said};

const SMOKE: [&str; 7] = ["run", "--profile", "smoke", "--only", "stream", "--out", "here"];

fn records(folder: &Path) -> Vec<PathBuf> {
    files(&folder.join("here")).into_iter().filter(|path| path.ends_with("run.jsonl")).collect()
}

fn only_record(folder: &Path) -> PathBuf {
    let records = records(folder);
    assert_eq!(records.len(), 1, "{records:?}");
    records[0].clone()
}

/// A pipe that nobody reads.
fn broken_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[test]
fn a_stderr_that_fails_ends_no_run() {
    for stderr in [File::create("/dev/full").unwrap().into(), broken_pipe()] {
        let folder = tempfile::tempdir().unwrap();
        let status = hostproof(folder.path()).args(SMOKE).stdout(Stdio::null()).stderr(stderr).status().unwrap();
        assert_eq!(status.code(), Some(0));
        assert_eq!(record::read(&only_record(folder.path())).unwrap().ending, Ending::Complete);
    }
}

#[test]
fn a_reader_that_goes_away_does_not_change_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = SMOKE;
    arguments[0] = "accept";
    let mut accept = hostproof(folder.path());
    let status = accept.args(arguments).stdout(broken_pipe()).stderr(Stdio::null()).status().unwrap();
    // This host is not the documented one.
    assert_eq!(status.code(), Some(1));
    let mut full = hostproof(folder.path());
    let full = full.args(["spec", "list"]).stdout(File::create("/dev/full").unwrap()).output().unwrap();
    assert_eq!(full.status.code(), Some(2), "{}", said(&full));
    assert!(said(&full).contains("could not write to the standard output"), "{}", said(&full));
}

#[test]
fn a_closed_terminal_interrupts_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = hostproof(folder.path())
        .args(["run", "--profile", "full", "--only", "stream", "--out", "here"])
        .stdout(broken_pipe())
        .stderr(broken_pipe())
        .spawn()
        .unwrap();
    while records(folder.path()).is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it began a record");
        sleep(Duration::from_millis(20));
    }
    // The kernel, the shell and the session each send what they send.
    for signal in [Signal::HUP, Signal::HUP, Signal::TERM] {
        let _ = kill_process(Pid::from_child(&child), signal);
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(record::read(&only_record(folder.path())).unwrap().ending, Ending::Interrupted);
    let verified = output(folder.path(), ["store", "verify", "--out", "here"]);
    assert!(said(&verified).contains("1 records are as they were sealed"), "{}", said(&verified));
}

#[test]
fn a_full_disk_is_an_error_and_leaves_what_can_be_read() {
    // A limit on the size of files stands for the disk: writing fails at that point, and a signal is sent.
    for kilobytes in [0, 1, 40, 80, 120, 200] {
        let folder = tempfile::tempdir().unwrap();
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("ulimit -f {kilobytes}; exec \"$0\" \"$@\"")]).arg(env!("CARGO_BIN_EXE_hostproof"));
        let run = shell.args(SMOKE).current_dir(folder.path()).env("HOSTPROOF_BESIDE", "1").output().unwrap();
        assert!(matches!(run.status.code(), Some(0 | 2)), "{kilobytes}: {}", said(&run));
        let runs =
            fs::read_dir(folder.path().join("here/hosts")).into_iter().flatten().map(|host| host.unwrap().path());
        let runs: Vec<PathBuf> =
            runs.flat_map(|host| fs::read_dir(host).unwrap()).map(|run| run.unwrap().path()).collect();
        for run in &runs {
            let judged = output(folder.path(), ["judge".as_ref(), run.as_os_str()]);
            assert_eq!(judged.status.code(), Some(0), "{kilobytes}: {}", said(&judged));
        }
        assert!(kilobytes > 1 || runs.is_empty(), "a run that never began left {runs:?}");
        assert!(run.status.success() || said(&run).contains("File too large"), "{kilobytes}: {}", said(&run));
    }
}

/// A program in the place of the feature workload's, which greets as this build and then does `plan` or `run`.
fn stand_in(folder: &Path, hello: &str, plan: &str, run: &str) -> PathBuf {
    let program = folder.join("hostproof");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_hostproof"), &program).unwrap();
    }
    fs::write(folder.join("hello"), hello).unwrap();
    let script = format!(
        "#!/bin/bash\ncd '{}'\nrequest=$(cat)\ncat hello\ncase \"$request\" in *'\"Run\":'*) {run};; *) {plan};; esac\n",
        folder.display()
    );
    let worker = folder.join("hostproof-tabular");
    fs::write(&worker, script).unwrap();
    fs::set_permissions(&worker, Permissions::from_mode(0o755)).unwrap();
    program
}

#[test]
fn whatever_a_worker_says_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let record = recorded(folder.path());
    let hello = encode(&Message::Hello(Hello::new(record::read(Path::new(&record)).unwrap().build)));
    let needs = Needs { seconds: 1.0, ..Needs::default() };
    let planned = encode(&Message::Plan(Planned::new(&(), needs).unwrap()));
    fs::write(folder.path().join("planned"), &planned).unwrap();
    let ask = |hello: &str, plan: &str, run: &str| -> Output {
        let program = stand_in(folder.path(), hello, plan, run);
        let mut command = Command::new(program);
        command.args(["run", "--profile", "smoke", "--only", "tabular", "--out", "there"]).current_dir(folder.path());
        command.env("HOSTPROOF_BESIDE", "1").output().unwrap()
    };
    let no_plan = |hello: &str, plan: &str, expect: &str| {
        let run = ask(hello, plan, "exit 1");
        assert_eq!(run.status.code(), Some(2), "{plan}: {}", said(&run));
        assert!(said(&run).contains(expect), "{plan}: {}", said(&run));
        assert!(!said(&run).contains('\u{1b}'), "{plan}: {}", said(&run));
    };
    no_plan("rubbish\n", "true", "it sent a bad line");
    no_plan("", "cat planned", "it did not greet");
    no_plan(&hello, "printf 'cut'", "exit code 0 before its work was done");
    no_plan(&hello, "printf '\\377\\n'", "a line that is not UTF-8");
    no_plan(&hello, "kill -9 $$", "SIGKILL");
    no_plan(&hello, "printf '{\"failed\":\"no room\\\\u001b[2J\"}\\n'", "no room");
    no_plan(&hello, "printf '\\033[2J last words' >&2; exit 3", "last words");
    no_plan(&hello, "sed 's/\"seconds\":1.0/\"seconds\":1e300/' planned", "which is no plan");

    let reason = |run: &str, expect: &str| {
        let ran = ask(&hello, "cat planned", run);
        assert_eq!(ran.status.code(), Some(0), "{run}: {}", said(&ran));
        let record = fs::read_dir(folder.path().join("there/hosts")).unwrap().next().unwrap().unwrap().path();
        let record = fs::read_dir(&record).unwrap().next().unwrap().unwrap().path().join("run.jsonl");
        let text = fs::read_to_string(&record).unwrap();
        assert!(text.contains(expect) && text.contains("\"run_end\""), "{run}: {}", said(&ran));
        fs::remove_dir_all(folder.path().join("there")).unwrap();
    };
    reason("echo rubbish", "it sent a bad line");
    reason("echo '{\"event\":{\"progress\":{\"done\":NaN,\"doing\":\"\"}}}'", "it sent a bad line");
    reason("echo '{\"event\":{\"progress\":{\"done\":1e400,\"doing\":\"\"}}}'", "it sent a bad line");
    reason("echo '{\"event\":{\"progress\":{\"done\":-1e300,\"doing\":\"\"}}}'", "before its work was done");
    reason("printf '{\"event\":{\"progr'", "before its work was done");
    reason("echo '{\"plan\":{}}'", "it sent a bad line");
    reason("cat planned", "answered another question");
}

#[test]
fn a_shared_folder_is_in_the_plan_and_refused_without_room() {
    let folder = tempfile::tempdir().unwrap();
    let record = recorded(folder.path());
    let hello = encode(&Message::Hello(Hello::new(record::read(Path::new(&record)).unwrap().build)));
    let ask = |bytes: u64| -> Output {
        let room = Room { folder: folder.path().to_owned(), bytes };
        let planned = Planned::new(&(), Needs { seconds: 1.0, ..Needs::default() }).unwrap().with_shared(Some(room));
        fs::write(folder.path().join("planned"), encode(&Message::Plan(planned))).unwrap();
        let mut command = Command::new(stand_in(folder.path(), &hello, "cat planned", "exit 1"));
        command.args(["run", "--dry-run", "--profile", "smoke", "--only", "tabular", "--out", "there"]);
        command.current_dir(folder.path()).env("HOSTPROOF_BESIDE", "1").output().unwrap()
    };
    let fits = ask(1_000);
    assert_eq!(fits.status.code(), Some(0), "{}", said(&fits));
    let line = format!("and 1 kB in {}, which its workers share", folder.path().display());
    assert!(String::from_utf8_lossy(&fits.stdout).contains(&line), "{}", said(&fits));
    let refused = ask(1_000_000_000_000_000_000);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    let text = said(&refused);
    assert!(text.contains("what tasks hand on would take ") && text.contains(" are free there: free space"), "{text}");
}

#[test]
fn root_runs_no_command_that_others_may_have_written() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let start = [
        "campaign",
        "start",
        "--order",
        "AABB",
        "--before",
        "kernel=*",
        "--after",
        "kernel=none",
        "--out",
        "here",
        "--",
        "touch",
        "ran",
    ];
    let started = output(folder.path(), start);
    assert_eq!(started.status.code(), Some(0), "{}", said(&started));
    let journal = files(&folder.path().join("here/campaigns")).remove(0);
    let check = |path: &Path, owner: u32, mode: u32, expect: &str| {
        let before = fs::metadata(path).unwrap().permissions();
        chown(path, Some(owner), None).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        let next = output(folder.path(), ["campaign", "next", "--out", "here"]);
        assert_eq!(next.status.code(), Some(2), "{}", said(&next));
        assert!(said(&next).contains(expect), "{}", said(&next));
        assert!(!folder.path().join("ran").exists());
        chown(path, Some(0), None).unwrap();
        fs::set_permissions(path, before).unwrap();
    };
    check(&journal, 65534, 0o644, "sudo chown -h root:root");
    check(&journal, 0, 0o666, "sudo chmod go-w");
    check(&folder.path().join("here"), 65534, 0o755, "belongs to another user");
    check(folder.path(), 0, 0o777, "can be written to by other users");
    let next = output(folder.path(), ["campaign", "next", "--out", "here"]);
    assert!(folder.path().join("ran").exists(), "{}", said(&next));
}

#[test]
fn a_campaign_that_no_boot_could_meet_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let start = output(folder.path(), ["campaign", "start", "--after", "os.nothing=1", "--out", "here"]);
    assert_eq!(start.status.code(), Some(2), "{}", said(&start));
    assert!(said(&start).contains("this host does not tell what os.nothing=1 asks for"), "{}", said(&start));
    assert!(files(folder.path()).is_empty());
}

#[test]
fn one_measurement_runs_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let address = SocketAddr::from_abstract_name("hostproof-measurement").unwrap();
    // Another test may have it for a moment.
    let _held = loop {
        match UnixListener::bind_addr(&address) {
            Ok(held) => break held,
            Err(_) => sleep(Duration::from_millis(10)),
        }
    };
    let refused = hostproof(folder.path()).args(SMOKE).env_remove("HOSTPROOF_BESIDE").output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("another measurement runs on this host"), "{}", said(&refused));
    assert!(records(folder.path()).is_empty());
    let mut beside = hostproof(folder.path());
    let beside = beside.args(SMOKE).arg("--beside").env_remove("HOSTPROOF_BESIDE").output().unwrap();
    assert_eq!(beside.status.code(), Some(0), "{}", said(&beside));
    assert!(said(&beside).contains("both are disturbed"), "{}", said(&beside));
}

#[test]
fn nothing_from_a_file_steers_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let record = recorded(folder.path());
    let spec = "[[system]]\nid = \"\\u001b[2JX\"\nname = \"a\\u202eb\"\ndocument = \"test\"\n";
    fs::write(folder.path().join("spec.toml"), spec).unwrap();
    let hostile = folder.path().join("there/\u{1b}[2Jhost/1");
    fs::create_dir_all(&hostile).unwrap();
    fs::write(hostile.join("run.jsonl"), "damaged\n").unwrap();
    fs::write(folder.path().join("job.fio"), "[\u{1b}[2J]\nsize=1m\n\u{1b}[2J=1\n").unwrap();
    let host = record::read(Path::new(&record)).unwrap().host;
    let words = [(format!("\"host\":\"{host}\""), "\"host\":\"\\u001b[2J=1+1\"")];
    let words: Vec<(&str, &str)> = words.iter().map(|(old, new)| (old.as_str(), *new)).collect();
    let second = reworded(&record, folder.path(), "second.jsonl", &words);
    for arguments in [
        &["spec", "check", "spec.toml"][..],
        &["spec", "show", "spec.toml"],
        &["store", "reindex", "--out", "there"],
        &["store", "list", "--out", "there"],
        &["store", "verify", "--out", "there"],
        &["disk", "job.fio"],
        &["judge", &second],
        &["show", &second],
        &["judge", &record, "--spec", "\u{1b}[2J"],
        &["report", &second, "--csv", "-"],
        &["report", &second, "--junit", "-"],
        &["report", &second, "--md", "-"],
        &["report", &second, "--prom", "-"],
        &["store", "import", &second, "--out", "there"],
    ] {
        let shown = output(folder.path(), arguments);
        let text = said(&shown);
        let harmful = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
        assert!(!text.contains(harmful), "{arguments:?}: {text:?}");
        assert!(shown.status.code().is_some_and(|code| code <= 4), "{arguments:?}: {text}");
    }
    let words: Vec<(&str, &str)> = words.iter().map(|(old, _)| (*old, "\"host\":\"=1+1\"")).collect();
    let formula = reworded(&record, folder.path(), "formula.jsonl", &words);
    let csv = output(folder.path(), ["report", &formula, "--csv", "-"]);
    let csv = String::from_utf8(csv.stdout).unwrap();
    assert!(csv.contains(",'=1+1,") && !csv.contains(",=1+1,"), "{csv}");
}

#[test]
fn an_imported_run_takes_nobodys_place() {
    let folder = tempfile::tempdir().unwrap();
    let record = recorded(folder.path());
    let id = run_id(&record);
    for (name, new) in [("a", "latest"), ("b", "2026-07-01"), ("c", "../../up")] {
        let renamed = reworded(&record, folder.path(), name, &[(id.as_str(), new)]);
        let import = output(folder.path(), ["store", "import", &renamed, "--out", "here"]);
        assert_eq!(import.status.code(), Some(2), "{}", said(&import));
        assert!(said(&import).contains("means something else"), "{}", said(&import));
    }
    for (text, expect) in [("2026-02-30", "no such day"), ("2026-07-02..2026-07-01", "turned round")] {
        let list = output(folder.path(), ["store", "list", text, "--out", "here"]);
        assert_eq!(list.status.code(), Some(2), "{}", said(&list));
        assert!(said(&list).contains(expect), "{}", said(&list));
    }
}

#[test]
fn a_device_is_no_input() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["spec", "check", "/dev/zero"][..],
        &["audit", "--spec", "/dev/zero"],
        &["disk", "/dev/zero"],
        &["dossier", "verify", "/dev/zero"],
        &["store", "import", "/dev/zero", "--out", "here"],
    ] {
        let refused = output(folder.path(), arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {}", said(&refused));
        assert!(said(&refused).contains("it is a device"), "{arguments:?}: {}", said(&refused));
    }
    let plan = output(folder.path(), ["plan", "--topology", "/dev/zero"]);
    assert!(plan.status.code() == Some(2) && said(&plan).contains("no ordinary file"), "{}", said(&plan));
}
