//! The peers' scripts with the engines themselves: what they save is right, and nothing of them is left or open to others.
//! `HOSTPROOF_PEERS` names the Python that has the engines; `scripts/long peers` installs them and sets that.

#[path = "support/tree.rs"]
mod tree;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use polars::prelude::{ParquetReader, SerReader};
use tabular::generate::{self, Config};
use tabular::schema::output_columns;
use tabular::verify;
use tree::{done, program, tree};

const PHASES: [&str; 13] = [
    "load.read+decode",
    "t01",
    "t02",
    "t03",
    "t04",
    "t05",
    "t06",
    "t07",
    "t08",
    "t09",
    "t10",
    "save.encode",
    "save.sync",
];

/// A run of an engine by two workers, where it is installed with what it needs.
fn run(engine: &str, needs: &[&[&str]], folder: &Path) -> Option<Command> {
    let Ok(python) = std::env::var("HOSTPROOF_PEERS") else {
        println!("HOSTPROOF_PEERS names no Python with {engine}: its script is not run");
        return None;
    };
    for need in needs {
        let (name, arguments) = need.split_first().unwrap();
        let started = Command::new(name.replace("python", &python)).args(arguments).output();
        if !started.as_ref().is_ok_and(|output| output.status.success()) {
            println!("{need:?} does not work: the script of {engine} is not run: {started:?}");
            return None;
        }
    }
    let data = folder.join("data");
    generate::generate(&Config::new(20_000, data.clone()), &|_| ()).unwrap();
    let threads = std::thread::available_parallelism().unwrap().get().min(2);
    let mut command = program();
    command.args(["run", "--json", "--cache", "warm", "--engine", engine, "--threads", &threads.to_string()]);
    command.arg("--in").arg(data).arg("--out").arg(folder.join("result")).env("HOSTPROOF_PYTHON", python);
    Some(command)
}

/// Sees that the result of a run is right, in the order of the columns, and all that is there.
fn is_right(engine: &str, needs: &[&[&str]]) {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut command) = run(engine, needs, folder.path()) else { return };
    let (data, result) = (folder.path().join("data"), folder.path().join("result"));
    let before = tree(&data);
    let ran = command.output().unwrap();
    done(&ran);
    let lines = String::from_utf8(ran.stdout).unwrap();
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let phases: Vec<&str> = lines.iter().filter_map(|line| line["phase"].as_str()).collect();
    assert_eq!(phases, PHASES);
    verify::verify(&result, &data, &verify::Options::default(), &|_| ()).unwrap();
    for path in tree(&result).into_keys() {
        let frame = ParquetReader::new(File::open(path).unwrap()).finish().unwrap();
        let names = frame.get_column_names().into_iter().map(polars::prelude::PlSmallStr::as_str);
        assert!(names.eq(output_columns().map(|column| column.name)), "{engine}: another order");
    }
    assert!(tree(&data) == before, "the input changed");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "data and result");
}

/// The processes below one, with their parents' ids in second place of what the kernel tells behind the name.
fn below(root: u32) -> BTreeSet<u32> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let id = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse::<u32>().ok());
        parents.extend(id.zip(parent));
    }
    let mut found = BTreeSet::from([root]);
    while let Some((id, _)) = parents.iter().find(|(id, parent)| found.contains(parent) && !found.contains(id)) {
        found.insert(*id);
    }
    found
}

/// Where a process listens, as the kernel writes addresses.
fn listening(process: u32) -> Vec<String> {
    let sockets: BTreeSet<String> = fs::read_dir(format!("/proc/{process}/fd"))
        .map(|links| links.flatten().filter_map(|link| fs::read_link(link.path()).ok()))
        .map(|links| {
            links.filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.trim_end_matches(']').to_owned()))
        })
        .map(Iterator::collect)
        .unwrap_or_default();
    let mut addresses = Vec::new();
    for table in ["tcp", "tcp6"] {
        let text = fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            if fields[3] == "0A" && sockets.contains(fields[9]) {
                addresses.push(fields[1].to_owned());
            }
        }
    }
    addresses
}

/// Sees that the processes of a run listen on loopback alone, and end with the run when it is killed.
fn ends_with_the_run(engine: &str, needs: &[&[&str]]) {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut command) = run(engine, needs, folder.path()) else { return };
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().map(Result::unwrap);
    let processes = below(child.id());
    let addresses: Vec<String> = processes.iter().flat_map(|&process| listening(process)).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(first.is_some_and(|line| line.contains("load.read+decode")), "{said}");
    assert!(processes.len() > 3, "the program, the script and two workers: {processes:?}");
    // 127.0.0.1, by itself or as an address of IPv6, or ::1.
    let is_loopback = |address: &String| {
        let host = address.split(':').next().unwrap_or_default();
        ["0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"].contains(&host)
    };
    assert!(addresses.len() > 2 && addresses.iter().all(is_loopback), "{addresses:?}");
    let end = Instant::now() + Duration::from_mins(2);
    // One that has ended may wait for whoever adopted it.
    let is_there =
        |process: &u32| fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    while processes.iter().any(is_there) {
        assert!(Instant::now() < end, "of {processes:?} some are still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

const PANDAS: &[&[&str]] = &[&["python", "-c", "import pandas, pyarrow"]];
const DASK: &[&[&str]] = &[&["python", "-c", "import dask.dataframe, distributed"]];
const SPARK: &[&[&str]] = &[&["python", "-c", "import pyspark"], &["java", "-version"]];

#[test]
fn pandas_gives_what_is_right() {
    is_right("pandas", PANDAS);
}

#[test]
fn dask_gives_what_is_right() {
    is_right("dask", DASK);
}

#[test]
fn spark_gives_what_is_right() {
    is_right("spark", SPARK);
}

#[test]
fn a_killed_run_leaves_nothing_of_dask() {
    ends_with_the_run("dask", DASK);
}

#[test]
fn a_killed_run_leaves_nothing_of_spark() {
    ends_with_the_run("spark", SPARK);
}
