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
    check("rw=read\nio_size=10000", 12288, 0);
    check("rw=write\nio_size=1k", 0, 4096);
    check("rw=write\nsize=300000\nbs=1k\nio_size=50%", 0, 147 * 1024);
    check("rw=read\nbsrange=1k-16k", 1 << 20, 0);
    check("rw=randwrite\nbsrange=1k:16k\niodepth=8", 0, 1 << 20);
    check("rw=randread\nbssplit=4k/50:64k/50", 1 << 20, 0);
    check("rw=randread\nloops=3", 3 << 20, 0);
    check("rw=write\nnrfiles=3", 0, 255 * 4096);
    check("rw=randwrite\nnumber_ios=10\nthinktime=100\nthinktime_blocks=3", 0, 40960);
    check("rw=read:4k", 1 << 20, 0);
    check("rw=randread\nzonesize=64k\nzoneskip=64k", 1 << 20, 0);
    check("rw=write\nsync=dsync\nbs=64k", 0, 1 << 20);
    check("rw=write\nprio=7\nprioclass=2\nbuffer_compress_percentage=50", 0, 1 << 20);
    check("rw=write\nnumjobs=3\nfilename=x\noffset_increment=256k", 0, 3 << 20);
    check("rw=randwrite\nrate_iops=100000\nrate_process=poisson", 0, 1 << 20);
    check("rw=read\noffset=50%", 1 << 20, 0);
}

#[test]
fn syncs_are_counted() {
    let Some(results) = jobs("[a]\nsize=256k\nrw=write\nfsync=8\n") else { return };
    // As in fio, what is written last has no sync behind it.
    assert_eq!(results.jobs[0].syncs.moments().count, 7);
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
    check("rw=write\nverify=md5\nbuffer_compress_percentage=50", 256);
    check("rw=write\nverify=crc32c\ndo_verify=0", 0);
}

#[test]
fn what_is_read_back_is_read_as_in_fio() {
    let Some(results) = jobs("[a]\nsize=1m\nrw=write\nverify=crc32c\n") else { return };
    let document = disk::fio_json(&results, &[]);
    let of =
        |way: &str| (document["jobs"][0][way]["io_bytes"].as_u64(), document["jobs"][0][way]["total_ios"].as_u64());
    assert_eq!((of("read"), of("write")), ((Some(1 << 20), Some(256)), (Some(1 << 20), Some(256))));
    assert_eq!(results.jobs[0].stats[0].bytes, 0, "it is no part of what was measured");
}

/// One entry a group; `stonewall` and `new_group` begin one.
#[test]
fn jobs_of_a_group_are_one_entry() {
    let text = "[global]\ngroup_reporting\nsize=1m\n[a]\n[b]\nrw=write\nnumjobs=2\n[c]\nnew_group\n[d]\nstonewall\n\
                [e]\nrw=write\ngroup_reporting=0\n[f]\n";
    let Some(results) = jobs(text) else { return };
    let row = |job: &disk::JobResult| {
        let [read, written] = [0, 1].map(|way: usize| job.stats[way].bytes >> 20);
        (job.job.name.clone(), job.also.join(" "), job.group, job.workers, read, written)
    };
    let rows: Vec<_> = results.jobs.iter().map(row).collect();
    let expect = [
        ("a", "b", 0, 3, 1, 2),
        ("c", "", 1, 1, 1, 0),
        ("d", "", 2, 1, 1, 0),
        ("e", "", 2, 1, 0, 1),
        ("f", "", 2, 1, 1, 0),
    ];
    assert_eq!(
        rows,
        expect.map(|(name, also, group, workers, read, written)| {
            (name.to_owned(), also.to_owned(), group, workers, read, written)
        })
    );
}

/// The order of starts and ends, told by what the windows say and not by how long anything takes.
#[test]
fn jobs_wait_for_others_and_end_them() {
    let Some(results) =
        jobs("[a]\nsize=1m\nrw=write\n[b]\nsize=1m\nwait_for=a\n[c]\nsize=1m\nwait_for=b\nstartdelay=100ms\n")
    else {
        return;
    };
    let spans: Vec<Interval> = results.jobs.iter().map(|job| job.window.interval).collect();
    assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start), "{spans:?}");
    let endless = "size=1m\ntime_based\nruntime=100000\n";
    let check = |what: &str, expect: usize| {
        let text =
            format!("[endless]\n{endless}[short]\nsize=1m\nexitall\nexit_what={what}\n[later]\nstonewall\nsize=1m\n");
        let Some(results) = jobs(&text) else { return };
        assert_eq!(results.jobs.len(), expect, "{what}");
    };
    check("group", 3);
    check("stonewall", 3);
    check("all", 2);
}

#[test]
fn each_direction_has_its_own_rate() {
    let Some(results) = jobs("[a]\nsize=16m\nrw=randrw\nrate_iops=4000,1000\nio_size=4m\n") else { return };
    let [reads, writes] = [0, 1].map(|way: usize| results.jobs[0].stats[way].operations());
    // 1024 requests in all arrive as 4 to 1, however fast they are done.
    assert!((790..=850).contains(&reads) && reads + writes == 1024, "{reads} and {writes}");
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
    check("[a]\nsize=1m\nrw=read\ncpus_allowed=0,60000\n", "cpus_allowed names CPU 60000");
    check("[a]\nsize=1m\nrw=read\nnuma_cpu_nodes=900\n", "numa_cpu_nodes names node 900");
    check("[a]\nsize=1m\nrw=read\nnuma_mem_policy=bind:900\n", "numa_mem_policy names node 900");
    check("[a]\nfilename=x\nrw=read\n", "it has no size, and");
    check("[a]\nfilename=x\nsize=10%\nrw=read\n", "size=10% is a share of a file that is not there yet");
    check("[a]\nsize=1m\nrw=read\nio_size=2t\n", "2097152 times its region, with no end in time: add runtime=");
    check("[a]\nsize=1m\nrw=read\nnumjobs=4096\niodepth=32768\nbs=64k\n", "4096 workers would take");
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
    jobs[1].rate = [Some(disk::job::Rate::Requests(0)); 2];
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
