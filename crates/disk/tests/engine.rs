//! Jobs end to end on small test files; nothing here depends on how fast they are.

use std::fs;

use disk::{Config, Results, Settings, jobfile, run, run_jobs};
use machine::Clock;
use measure::{Event, Interval, Measurement, definition};

/// Runs a job file in a folder of its own; `None` where the kernel has no `io_uring` for us.
fn jobs(text: &str) -> Option<Results> {
    if let Err(error) = disk::available() {
        println!("nothing is run: {error}");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let jobs = jobfile::parse(text, dir.path()).unwrap();
    let results = run_jobs(&jobs, &Settings::default(), &mut |_| {}).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
    Some(results)
}

#[test]
fn amounts_are_exact() {
    let check = |text: &str, read: u64, written: u64| {
        let Some(results) = jobs(&format!("[a]\ngroup_reporting\nsize=1m\n{text}\n")) else { return };
        let [reads, writes] = &results.jobs[0].stats;
        assert_eq!((reads.bytes, writes.bytes), (read, written), "{text}");
    };
    check("rw=read", 1 << 20, 0);
    check("rw=write\niodepth=8\nbs=64k", 0, 1 << 20);
    check("rw=randread\nio_size=3m\niodepth=4", 3 << 20, 0);
    check("rw=randwrite\nnumjobs=2\ndirect=1", 0, 2 << 20);
    check("rw=randread\nregisterfiles\nfixedbufs\niodepth=16\niodepth_batch=4", 1 << 20, 0);
    check("rw=write\nfsync=16\nend_fsync=1\nrefill_buffers", 0, 1 << 20);
    check("rw=read\nfilename=x:y:z:w", 1 << 20, 0);
    check("rw=read\nsqthread_poll\nhipri", 1 << 20, 0);
}

#[test]
fn syncs_are_counted() {
    let Some(results) = jobs("[a]\nsize=256k\nrw=write\nfsync=8\n") else { return };
    assert_eq!(results.jobs[0].syncs.moments().count, 8);
}

#[test]
fn what_was_written_is_read_back_and_checked() {
    let check = |text: &str, blocks: u64| {
        let Some(results) = jobs(&format!("[a]\nsize=1m\niodepth=8\n{text}\n")) else { return };
        assert_eq!(results.jobs[0].verified, blocks, "{text}");
    };
    check("rw=write\nverify=crc32c", 256);
    check("rw=randwrite\nverify=xxhash\ndirect=1", 256);
    check("rw=randwrite\nverify=crc32c\nnorandommap", 256);
    check("rw=randread\nverify=crc32c", 256);
}

#[test]
fn a_later_job_reads_what_an_earlier_one_wrote() {
    let text = "[global]\nfilename=x\nsize=1m\nverify=crc32c\n[w]\nrw=write\n[r]\nstonewall\nrw=randread\n";
    let Some(results) = jobs(text) else { return };
    let groups: Vec<u32> = results.jobs.iter().map(|job| job.group).collect();
    assert_eq!(groups, [0, 1]);
    assert_eq!(results.jobs[1].verified, 256);
}

#[test]
fn damage_is_found() {
    if disk::available().is_err() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("x"), vec![1; 1 << 20]).unwrap();
    let jobs = jobfile::parse("[a]\nfilename=x\nrw=read\nverify=crc32c\n", dir.path()).unwrap();
    let error = run_jobs(&jobs, &Settings::default(), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("not what was written"), "{error}");
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_written() {
    let check = |text: &str, expect: &str| {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("small"), vec![1; 8192]).unwrap();
        let jobs = jobfile::parse(text, dir.path()).unwrap();
        let error = run_jobs(&jobs, &Settings::default(), &mut |_| {}).unwrap_err().to_string();
        assert!(error.contains(expect), "{text}: {error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    };
    check("[a]\nsize=4096t\nrw=read\n", "free");
    check("[a]\nsize=2k\nrw=read\n", "less than one block");
    check("[a]\nfilename=small\nsize=1m\nrw=read\n", "not enlarged");
    check("[a]\nsize=1g\nbs=1g\niodepth=32768\nrw=read\n", "buffers");
    check("[a]\nfilename=/dev/null\nsize=1m\nrw=read\n", "is a character device");
    check("[a]\nfilename=/dev/no-such-device\nsize=1m\nrw=read\n", "no such device");
    check("[a]\ndirectory=/dev\nsize=1m\nrw=write\n", "no such device");
}

#[test]
fn a_worker_that_panics_ends_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let jobs = "[endless]\nsize=1m\nrw=read\ntime_based\nruntime=100000\n[panics]\nsize=1m\nrw=read\n";
    let mut jobs = jobfile::parse(jobs, dir.path()).unwrap();
    // A rate that no job file can have: the worker divides by it.
    jobs[1].rate = Some(0);
    let run = || run_jobs(&jobs, &Settings::default(), &mut |_| {});
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err(), "the panic is handed on");
}

#[test]
fn the_workload_gives_every_headline() {
    let machine = machine::Machine::detect(&machine::Source::Host).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = Config { directory: dir.path().to_owned(), ..Config::smoke() };
    let mut names = Vec::new();
    let begin = Clock::now();
    let ran = run(&config, &machine, &mut |event| match event {
        Event::Measured(measured) => {
            check_measurement(&measured, Interval::new(begin, Clock::now()));
            names.push(measured.id().to_string());
        }
        Event::NotMeasured(missing) => names.push(missing.id.to_string()),
        _ => {}
    });
    if let Err(error) = ran {
        return println!("nothing is measured: {error}");
    }
    for headline in
        ["seqread.bandwidth", "seqread.p99", "seqwrite.bandwidth", "seqwrite.p99", "randread.iops", "randread.p99"]
    {
        assert!(names.contains(&format!("disk.{headline}")), "{headline}: {names:?}");
    }
    for case in ["seqread", "seqwrite", "randread"] {
        for depth in [1, 8] {
            assert!(names.contains(&format!("disk.{case}.frontier{{depth={depth}}}")), "{case}, {depth}: {names:?}");
        }
    }
}

/// It is in the catalogue with its labels, and each sample was taken while the workload ran.
fn check_measurement(measured: &Measurement, run: Interval) {
    let known = definition(&measured.metric.name).unwrap_or_else(|| panic!("{} is not known", measured.id()));
    assert!(measured.labels.keys().all(|label| known.may_carry(label)), "{}", measured.id());
    for sample in &measured.samples {
        let interval = sample.interval.unwrap_or_else(|| panic!("{} does not know when", measured.id()));
        assert!(run.start <= interval.start && interval.start < interval.end && interval.end <= run.end);
    }
}

#[test]
fn a_folder_that_is_not_there_is_a_reason_and_not_a_zero() {
    let machine = machine::Machine::detect(&machine::Source::Host).unwrap();
    let config = Config { directory: "/no/such/folder".into(), ..Config::smoke() };
    let mut missing = 0;
    let ran = run(&config, &machine, &mut |event| match event {
        Event::NotMeasured(_) => missing += 1,
        Event::Measured(measured) => panic!("{measured:?}"),
        _ => {}
    });
    assert!(ran.is_err() || missing == 6);
}
