//! The example jobs of fio 3.33: those of engines for files and block devices are taken and run, small and on test files;
//! the others are refused by their engine's name. The files are those of the package `fio-examples`, where it is installed.

use std::fs;
use std::path::{Path, PathBuf};

use disk::job::{Amount, Job, JobTarget, Memory, Rate};
use disk::jobfile::{JobText, Surroundings};
use disk::{Settings, jobfile, run_jobs};

const FOLDER: &str = "/usr/share/doc/fio/examples";

/// Examples whose jobs are of an engine for files or block devices, and what is refused of them.
const LOCAL: [(&str, Option<&str>); 35] = [
    ("1mbs_clients", None),
    ("aio-read", None),
    ("backwards-read", None),
    ("basic-verify", None),
    ("butterfly", None),
    ("cmdprio-bssplit", None),
    ("cmdprio-percentage", None),
    ("cross-stripe-verify", None),
    ("dedupe-global", None),
    ("disk-zone-profile", None),
    ("enospc-pressure", Some("randtrim` discards data")),
    ("exitwhat", None),
    ("fio-rand-RW", None),
    ("fio-rand-read", None),
    ("fio-rand-write", None),
    ("fio-seq-RW", None),
    ("fio-seq-read", None),
    ("fio-seq-write", None),
    ("fixed-rate-submission", None),
    ("flow", None),
    ("fsx", None),
    ("iometer-file-access-server", None),
    ("jesd219", None),
    ("latency-profile", None),
    ("numa", None),
    ("poisson-rate-submission", None),
    ("rand-zones", None),
    ("ssd-steadystate", None),
    ("ssd-test", None),
    ("steadystate", None),
    ("surface-scan", None),
    ("tiobench-example", None),
    ("waitfor", None),
    ("zbd-rand-write", Some("zoned devices are not supported")),
    ("zbd-seq-read", Some("zoned devices are not supported")),
];

/// Examples whose engine, `xnvme`, is given on the command line.
const XNVME: [(&str, Option<&str>); 2] =
    [("xnvme-compare", None), ("xnvme-zoned", Some("zoned devices are not supported"))];

/// The job in small, on test files in a folder: what it does is the same, how much and for how long is not.
fn small(job: &Job, dir: &Path) -> Job {
    let mut job = job.clone();
    job.target = match &job.target {
        JobTarget::Scratch(_) => JobTarget::Scratch(vec![dir.to_owned()]),
        JobTarget::Paths(paths) => {
            let name = |path: &PathBuf| dir.join(path.file_name().unwrap_or_default());
            JobTarget::Paths(paths.iter().map(name).collect())
        }
    };
    // Blocks of 1 MiB are the largest, and zones have a gap between them.
    let bytes = 4 << 20;
    job.size = Some(Amount::Bytes(bytes));
    (job.io_size, job.file_size, job.offset) = (None, None, Amount::Bytes(0));
    let apart = job.offset_increment != Amount::Bytes(0);
    job.offset_increment = Amount::Bytes(if apart { bytes } else { 0 });
    job.flags.direct = false;
    job.workers = job.workers.min(2);
    job.loops = job.loops.min(2);
    job.requests = job.requests.map(|requests| requests.min(20));
    let timing = &mut job.timing;
    timing.runtime = timing.runtime.map(|seconds| seconds.min(0.2));
    (timing.delay, timing.ramp) = (timing.delay.min(0.02), timing.ramp.min(0.05));
    for rate in job.rate.iter_mut().flatten() {
        *rate = match *rate {
            Rate::Requests(_) => Rate::Requests(100_000),
            Rate::Bytes(_) => Rate::Bytes(1 << 30),
        };
    }
    if let Some(zones) = &mut job.zones {
        (zones.size, zones.range, zones.skip) = (1 << 17, 1 << 17, 1 << 17);
    }
    if let Some(target) = &mut job.latency_target {
        target.window = 0.001;
        // The depth is found after some windows, however slow the machine is; then the job ends.
        (job.timing.time_based, job.timing.runtime) = (true, Some(60.0));
    }
    (job.steady, job.nodes, job.memory) = (None, None, Memory::Local);
    job
}

/// The jobs of an example; some name the rest of themselves in variables.
fn read(path: &Path, dir: &Path) -> Result<Vec<Job>, String> {
    let text = fs::read_to_string(path).unwrap();
    let mut surroundings = Surroundings::at(dir);
    let variables = [("FIO_RW", "randread"), ("FIO_IODEPTH", "8"), ("FIO_BS", "8k")];
    surroundings.variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let file = JobText { path, text: &text };
    jobfile::read(&[], &[file], &surroundings).map(|found| found.jobs).map_err(|error| error.to_string())
}

#[test]
fn nine_of_ten_are_taken() {
    let taken = LOCAL.iter().filter(|(_, refused)| refused.is_none()).count();
    assert!(taken * 10 >= LOCAL.len() * 9, "{taken} of {}", LOCAL.len());
}

#[test]
fn examples_are_taken_or_refused_for_their_reason() {
    if !Path::new(FOLDER).is_dir() {
        return println!("nothing is read: the package fio-examples is not installed");
    }
    let dir = tempfile::tempdir().unwrap();
    let mut seen = 0;
    for entry in fs::read_dir(FOLDER).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "fio") {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let found = read(&path, dir.path());
        seen += 1;
        match LOCAL.iter().chain(&XNVME).find(|(local, _)| *local == name) {
            Some((_, None)) => assert!(found.is_ok(), "{name}: {found:?}"),
            Some((_, Some(why))) => {
                assert!(found.as_ref().is_err_and(|error| error.contains(why)), "{name}: {found:?}");
            }
            None => assert!(found.as_ref().is_err_and(|error| error.contains("ioengine: `")), "{name}: {found:?}"),
        }
    }
    assert_eq!(seen, 86, "the examples of fio 3.33");
}

#[test]
fn examples_that_are_taken_run() {
    if disk::available().is_err() || !Path::new(FOLDER).is_dir() {
        return println!("nothing is run: no io_uring, or the package fio-examples is not installed");
    }
    for (name, _) in LOCAL.iter().filter(|(_, refused)| refused.is_none()) {
        let dir = tempfile::tempdir().unwrap();
        let jobs = read(&Path::new(FOLDER).join(format!("{name}.fio")), dir.path()).unwrap();
        let jobs: Vec<Job> = jobs.iter().map(|job| small(job, dir.path())).collect();
        let done = || {
            let results = run_jobs(&jobs, &Settings::default(), &mut |_| {});
            let results = results.unwrap_or_else(|error| panic!("{name}: {error}"));
            results.jobs.iter().flat_map(|job| &job.stats).map(disk::Stats::operations).sum::<u64>()
        };
        // A host that is busy with other things may leave a fifth of a second without a request.
        assert!((0..20).any(|_| done() > 0), "{name}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{name} leaves nothing behind");
    }
}
