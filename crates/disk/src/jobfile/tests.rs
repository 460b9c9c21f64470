//! Job files of many shapes, what is wrong with others, and mutations of all of them.

use std::path::PathBuf;

use super::text::MAX_INCLUDES;
use super::*;
use crate::job::{
    Access, Amount, Blocks, Checksum, Durability, Ends, FlowShare, HotZone, JobTarget, LatencyTarget, Memory, Queue,
    Rate, ReadWriteMix, StridedZones, ThinkTime,
};
use measure::random::SplitMix64;

/// Thirty job files as people write them, each with its number of jobs.
const SHAPES: [(usize, &str); 32] = [
    (1, "[a]\nrw=read\nsize=1g\n"),
    (1, "[global]\nbs=4k\nsize=64m\n[a]\nrw=randread\n"),
    (2, "[global]\nsize=1G\nrw=randread\n[a]\n[b]\nrw=randwrite\n"),
    (2, "[a]\nsize=1m\n[b]\nsize=2m\nstonewall\nrw=write\n"),
    (1, "; a comment\n# another\n[a]\nsize=16k ; behind\nbs=4k # too\n"),
    (1, "[a]\nsize=10m\nbs=4k,64k\nrw=randrw\nrwmixread=70\n"),
    (1, "[a]\nsize=10m\nbsrange=4k-64k\nrw=randwrite\n"),
    (1, "[a]\nsize=10m\nbsrange=1k-4k,2k-8k\nrw=rw\nrwmixwrite=20\n"),
    (1, "[a]\nfilename=/dev/nvme0n1:/dev/nvme1n1\nrw=randread\niodepth=128\nnumjobs=8\n"),
    (1, "[a]\nfilename=/dev/pci-0000\\:01\nrw=read\nsize=50%\noffset=10%\n"),
    (1, "[a]\ndirectory=/scratch\nsize=4g\nio_size=8g\nrw=write\ndirect=1\n"),
    (1, "[a]\nsize=1g\nruntime=60\ntime_based\nramp_time=5s\nrw=randread\n"),
    (1, "[a]\nsize=1g\nruntime=1m30s\ntime_based=1\nrw=randread\n"),
    (
        1,
        "[a]\nsize=1g\niodepth=64\niodepth_batch_submit=16\niodepth_batch_complete_min=8\niodepth_batch_complete_max=16\n",
    ),
    (1, "[a]\nsize=1g\niodepth=64\niodepth_batch=16\niodepth_batch_complete=8\n"),
    (1, "[a]\nioengine=io_uring\nregisterfiles\nfixedbufs\nhipri\nsqthread_poll\nsize=1g\n"),
    (1, "[a]\nioengine=libaio\nsize=1g\n"),
    (1, "[a]\nsize=1g\nrate_iops=10000\nrw=randread\n"),
    (1, "[a]\nsize=1g\nrandseed=42\nnorandommap\nrw=randread\n"),
    (1, "[a]\nsize=1g\nnumjobs=4\ngroup_reporting\ncpus_allowed=0-3,8\ncpus_allowed_policy=split\n"),
    (1, "[a]\nsize=1g\nnuma_cpu_nodes=0-1\nnuma_mem_policy=bind:1\n"),
    (1, "[a]\nsize=1g\nnuma_mem_policy=interleave:0-1\n"),
    (1, "[a]\nsize=1g\nrw=write\nfsync=32\nfdatasync=8\nend_fsync=1\n"),
    (1, "[a]\nsize=1g\nrw=randwrite\nverify=crc32c\n"),
    (1, "[a]\nsize=1g\nrw=write\nverify=xxhash\nbs=128k\n"),
    (1, "[a]\nsize=1g\npercentile_list=50:99:99.9:99.99\n"),
    (1, "[a]\nsize=1g\nss=iops:5%\nss_dur=30\nss_ramp=10\n"),
    (1, "[a]\nsize=1g\nss=bw_slope:10m\nss_dur=1m\n"),
    (3, "[global]\nsize=1g\n[a]\n[global]\nbs=8k\n[b]\n[c]\nbs=16k\n"),
    (1, "  [a]  \n  size = 1g  \n  bs\t=\t8k\n"),
    (1, "[a]\r\nsize=1g\r\nrw=readwrite\r\nthread=1\r\nunlink=1\r\n"),
    (
        1,
        "[global]\nBS=4K\nSize=1G\n[Job With Blanks]\nRW=randread\nrefill_buffers\nrandrepeat=1\ndescription=all\nname=other\n",
    ),
];

fn jobs(text: &str) -> Vec<Job> {
    parse(text, Path::new("/jobs")).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn job_files_of_many_shapes() {
    for (count, text) in SHAPES {
        assert_eq!(jobs(text).len(), count, "{text}");
    }
}

#[test]
fn options_arrive_in_the_job() {
    let check = |text: &str, holds: fn(&Job) -> bool| {
        let job = jobs(&format!("[a]\nsize=1g\n{text}\n")).remove(0);
        assert!(holds(&job), "{text}: {job:?}");
    };
    check("", |job| {
        job.target == JobTarget::Scratch(vec!["/jobs".into()]) && job.queue.depth == 1 && !job.flags.direct
    });
    check("rw=randrw\nrwmixread=70", |job| {
        job.rw == ReadWriteMix::Mixed { read_percent: 70 } && job.access == Access::Random
    });
    check("rwmixread=70\nrw=randrw", |job| job.rw == ReadWriteMix::Mixed { read_percent: 70 });
    check("bs=4k,64k", |job| job.blocks[0].max == 4096 && job.blocks[1].max == 65536);
    check("bsrange=1k-4k", |job| job.blocks[1].min == 1024 && job.blocks[1].max == 4096);
    check("filename=x:/y", |job| job.target == JobTarget::Paths(vec![PathBuf::from("/jobs/x"), PathBuf::from("/y")]));
    check("directory=d\nfilename=x", |job| job.target == JobTarget::Paths(vec![PathBuf::from("/jobs/d/x")]));
    check("directory=d", |job| job.target == JobTarget::Scratch(vec!["/jobs/d".into()]));
    check("offset=8k", |job| job.offset == Amount::Bytes(8192) && job.size == Some(Amount::Bytes(1 << 30)));
    check("iodepth=8\niodepth_batch=16", |job| job.queue.submit == 8 && job.queue.complete == 1);
    check("iodepth=8", |job| job.queue == Queue::deep(8));
    check("iodepth=8\niodepth_batch_complete_min=0", |job| job.queue.complete == 1);
    check("hipri\nsqthread_poll=0", |job| job.flags.iopoll && !job.flags.sqpoll);
    check("norandommap", |job| !job.random_map);
    check("cpus_allowed=1,3", |job| job.cpus.as_ref().is_some_and(|cpus| cpus.to_string() == "1,3"));
    check("numa_mem_policy=bind:1", |job| job.memory == Memory::Bind(1));
    check("verify=crc32c", |job| job.verify == Some(Checksum::Crc32c));
    check("verify=0", |job| job.verify.is_none());
    check("runtime=0", |job| job.timing.runtime.is_none());
    check("percentile_list=99:50", |job| job.percentiles == [50.0, 99.0]);
    check("ss=iops:5%\nss_dur=30", |job| job.steady.is_some_and(|steady| (steady.duration - 30.0).abs() < 1e-9));
    check("name=b", |job| job.name == "b");
    check("bs=4ki", |job| job.blocks[0].max == 4096);
    check("bsrange=16k:1k", |job| job.blocks[0] == Blocks { min: 1024, max: 16384 });
    check("bssplit=4k/60:64k/40", |job| job.blocks[1] == Blocks { min: 4096, max: 65536 } && job.shares[1].len() == 2);
    check("bssplit=4k/60:64k/40\nbs=8k", |job| job.blocks[1] == Blocks::of(8192) && job.shares[1].is_empty());
    check("rate_iops=500", |job| job.rate == [Some(Rate::Requests(500)); 2]);
    check("rate_iops=500\nrate_iops=0,100", |job| job.rate == [None, Some(Rate::Requests(100))]);
    check("rate=10m,5m", |job| job.rate == [Some(Rate::Bytes(10 << 20)), Some(Rate::Bytes(5 << 20))]);
    check("rate_process=poisson", |job| job.poisson);
    check("thinktime=2000\nthinktime_blocks=4", |job| job.think == Some(ThinkTime { after: 4, seconds: 0.002 }));
    check("thinktime=1ms", |job| job.think == Some(ThinkTime { after: 1, seconds: 0.001 }));
    check("startdelay=1500ms", |job| (job.timing.delay - 1.5).abs() < 1e-9);
    check("number_ios=100\nloops=3", |job| job.requests == Some(100) && job.loops == 3);
    check("rw=read:-8k", |job| job.step == -8192 && job.run == 1);
    check("rw=randread:8\nrw_sequencer=identical", |job| job.step == 0 && job.run == 8 && job.identical);
    check("percentage_random=30", |job| job.random_percent == 30);
    check("zonesize=64k\nzoneskip=1m", |job| {
        job.zones == Some(StridedZones { size: 65536, range: 65536, skip: 1 << 20 })
    });
    check("random_distribution=zoned:60/10:40/", |job| job.hot_zones[1] == HotZone { requests: 40, size: 90 });
    check("rw=randread\nblockalign=16k", |job| job.align == Some(16384) && !job.has_random_map());
    check("blockalign=16k", |job| job.align.is_none());
    check("flow=8\nflow_sleep=1000", |job| job.flow == Some(FlowShare { id: 0, weight: 8, sleep: 0.001 }));
    check("latency_target=500000\nlatency_window=5s\nlatency_percentile=99.9", |job| {
        job.latency_target == Some(LatencyTarget { seconds: 0.5, window: 5.0, percent: 99.9, goes_on: false })
    });
    check("buffered=0", |job| job.flags.direct);
    check("sync=dsync", |job| job.durability == Durability::Data);
    check("fsync_on_close=1", |job| job.syncs.at_end);
    check("exitall\nexit_what=all", |job| job.ends == Some(Ends::All));
    check("exit_what=all", |job| job.ends.is_none());
    check("timeout=60", |job| job.timing.runtime == Some(60.0));
    check("prio=3", |job| job.priority == 2 << 13 | 3);
    check("prioclass=1\nprio=5", |job| job.priority == 1 << 13 | 5);
    check("verify=md5\ndo_verify=0", |job| job.verify == Some(Checksum::Crc32c) && !job.read_back);
    check("filesize=2m\noffset_increment=25%", |job| {
        job.file_size == Some(2 << 20) && job.offset_increment == Amount::Percent(25)
    });
    check("write_bw_log\nwrite_iops_log=x", |job| job.logs == [Some(String::new()), Some("x".into())]);
    check("size = 8m", |job| job.size == Some(Amount::Bytes(8 << 20)));
    check("kb_base=1000\nbs=4k", |job| job.blocks[0] == Blocks::of(4000));
    check("BS=8k", |job| job.options.contains(&("bs".into(), "8k".into())));
}

#[test]
fn what_cannot_be_honoured_is_said() {
    let check = |text: &str, expect: &str| {
        let job = jobs(&format!("[a]\nsize=1g\niodepth=8\n{text}\n")).remove(0);
        assert!(job.not_honoured.iter().any(|note| note.contains(expect)), "{text}: {:?}", job.not_honoured);
    };
    check("ioengine=libaio", "io_uring was used");
    check("iodepth_low=4", "refilled");
    check("iodepth_batch_complete_max=4", "all completions");
    check("numa_mem_policy=interleave:0-1", "local or bound");
    check("randrepeat=0", "randseed");
    check("unlink=0", "always removed");
    check("fallocate=none", "written in full");
    check("gtod_reduce=1", "same places");
    check("verify=sha512", "CRC-32C");
    check("verify_backlog=1024", "as a whole");
    check("dedupe_percentage=50", "no two blocks are equal");
    assert!(jobs("[a]\nsize=1g\niodepth=8\niodepth_batch_complete_max=8\n")[0].not_honoured.is_empty());
    assert!(jobs("[a]\nsize=1g\ngtod_reduce=0\nioengine=io_uring\n")[0].not_honoured.is_empty());
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let check = |text: &str, line: usize, expect: &str| {
        let error = parse(text, Path::new("/jobs")).unwrap_err();
        let Error::JobFile { line: seen, what, .. } = &error else { panic!("{text}: {error}") };
        assert!(*seen == line && what.contains(expect), "{text}: {error}");
    };
    check("", 0, "no job");
    check("[global]\nbs=4k\n", 0, "no job");
    check("bs=4k\n[a]\n", 1, "before the first");
    check("[a\nsize=1g\n", 1, "not a section");
    check("[a]\nsize=1g\nblocksise=4k\n", 3, "unknown option `blocksise`; did you mean `blocksize`?");
    check("[a]\nbs=4x\n", 2, "not a size");
    check("[a]\nrw=reads\n", 2, "none of read, write, rw");
    check("[a]\nrw=trim\n", 2, "discards data");
    check("[a]\nsize=1g\nrw=randread:0\n", 3, "whole number from 1");
    check("[a]\nsize=1g\ndirect\n", 3, "direct needs a value");
    check("[a]\nsize=1g\nbs=\n", 3, "bs has no value");
    check("[a]\nsize=${NO_SUCH_VARIABLE}\n", 2, "a variable that is not set is empty");
    check("[a]\nsize=1g\nioengine=null\n", 3, "`null` is not supported");
    check(
        "[global]\npool=x\n[a]\nsize=1g\nioengine=rbd\n",
        5,
        "engines whose jobs it takes are io_uring, libaio, psync",
    );
    check("[a]\nsize=1g\nmax_latency=2s\n", 3, "read the percentiles");
    check("[a]\nsize=1g\nlatency_target=2ms\n", 1, "needs a latency_window");
    check("[a]\nsize=1g\nzonemode=zbd\n", 3, "zonemode=strided is");
    check("[a]\nsize=1g\nzonemode=strided\n", 1, "needs a zonesize");
    check("[a]\nsize=1g\nkb_base=512\n", 3, "kb_base: `512` is none of 1000, 1024");
    check("[a]\nsize=1g\nrate=1m\nrate_iops=,5\n", 1, "exclude each other");
    check("[a]\nsize=1g\nrandom_distribution=zipf:1.2\n", 3, "zoned:60/10:40/90");
    check("[a]\niodepth=0\n", 2, "from 1 to 32768");
    check("[a]\nsize=1g\ntime_based\n", 1, "needs a runtime");
    check("[a]\nrw=read\n", 1, "neither a size in bytes nor a file");
    check("[a]\nsize=50%\n", 1, "neither a size in bytes nor a file");
    check("[a]\nsize=1g\nverify=md6\n", 3, "crc32c");
    check("[a]\nsize=1g\nverify=crc32c\nbsrange=4k-8k\n", 1, "one block size");
    check("[a]\nfilename=x\nsize=1g\nrw=write\nnumjobs=2\nverify=crc32c\n", 1, "several workers");
    check("[a]\nsize=1g\nverify=crc32c\nrw=write:2k\n", 1, "do not overlap");
    check("[a]\nsize=1g\nverify=crc32c\nrw=randwrite\nnorandommap\nblockalign=2k\n", 1, "do not overlap");
    check("[a]\nsize=1g\nverify=crc32c\nrw=write\nzonesize=6k\n", 1, "do not overlap");
    for engine in ["null", "net", "cpuio", "rbd", "filecreate", "exec", "libblkio"] {
        check(&format!("[a]\nsize=1g\nioengine={engine}\n"), 3, "does I/O to files and block devices, by io_uring");
    }
    check("[a]\nsize=1g\nrate_iops=1,x\n", 3, "whole number");
    check("[a]\nsize=1g\nss=iops:5%\n", 1, "ss_dur");
    check("[a]\nsize=1g\ncpus_allowed=a\n", 3, "not a list of CPUs");
    check("[a]\nsize=99999999p\n", 2, "2^64");
    check("[a]\ninclude /no/such/file\n", 2, "include /no/such/file");
}

#[test]
fn variables_and_words_are_replaced() {
    let mut surroundings = Surroundings::at(Path::new("/jobs"));
    surroundings.variables =
        [("DEV", "/dev/nvme0n1:/dev/nvme1n1"), ("SZ", "64")].map(|(a, b)| (a.into(), b.into())).into();
    (surroundings.cpus, surroundings.page_size, surroundings.memory) = (6, 4096, 2000);
    let check = |text: &str, holds: fn(&Job) -> bool| {
        let text = format!("[a-$ncpus]\nsize=1g\n{text}\n");
        let file = JobText { path: Path::new("x"), text: &text };
        let job = read(&[], &[file], &surroundings).unwrap().jobs.remove(0);
        assert!(holds(&job), "{text}: {job:?}");
    };
    check("filename=${DEV}", |job| matches!(&job.target, JobTarget::Paths(paths) if paths.len() == 2));
    check("size=${SZ}m", |job| job.size == Some(Amount::Bytes(64 << 20)));
    check("filename=a${NOT_SET}b", |job| job.target == JobTarget::Paths(vec!["/jobs/ab".into()]));
    check("numjobs=$ncpus", |job| job.workers == 6);
    check("numjobs=$ncpus*2 - 1", |job| job.workers == 11);
    check("bs=$pagesize", |job| job.blocks[0] == Blocks::of(4096));
    check("size=$mb_memory/4*1048576", |job| job.size == Some(Amount::Bytes(500 << 20)));
    check("filename=/x/$ncpus-a", |job| job.target == JobTarget::Paths(vec!["/x/6-a".into()]));
    check("", |job| job.name == "a-$ncpus");
}

#[test]
fn sections_that_begin_with_global_are_defaults() {
    let check = |text: &str, expect: &[(&str, u32)]| {
        let jobs = jobs(text);
        let seen: Vec<_> = jobs.iter().map(|job| (job.name.as_str(), job.blocks[0].max)).collect();
        assert_eq!(seen, expect, "{text}");
    };
    check("[global read]\nbs=8k\nsize=1m\n[a]\n[globals]\nbs=16k\n[b]\n", &[("a", 8192), ("b", 16384)]);
    check("[GLOBAL]\nbs=8k\nsize=1m\n[a]\nsize=1m\n", &[("GLOBAL", 8192), ("a", 4096)]);
    check("[global]\nname=all\nsize=1m\n[a]\n[b]\nname=own\n", &[("all", 4096), ("own", 4096)]);
    check("[a]\nsize=1m\nbs=4k\nkb_base=1000\n", &[("a", 4000)]);
}

#[test]
fn names_add_up_and_mean_devices_where_those_are() {
    let check = |text: &str, expect: &[&str]| {
        let job = jobs(text).remove(0);
        let JobTarget::Paths(paths) = &job.target else { panic!("{text}: {:?}", job.target) };
        assert_eq!(paths, &expect.iter().map(PathBuf::from).collect::<Vec<_>>(), "{text}");
    };
    check("[global]\nfilename=a\n[j]\nsize=1m\nfilename=b\nfilename=c:a\n", &["/jobs/a", "/jobs/b", "/jobs/c"]);
    check("[/dev/null]\nsize=1m\n", &["/dev/null"]);
    check("[/dev/nvme77n1]\nsize=1m\n", &["/dev/nvme77n1"]);
    let job = jobs("[a/b]\nsize=1m\ndirectory=d1:/d2\nnrfiles=3\n").remove(0);
    assert_eq!(job.target, JobTarget::Scratch(vec!["/jobs/d1".into(), "/d2".into()]));
    assert_eq!((job.files, job.file_names.as_str()), (3, "a/b.$jobnum.$filenum"));
}

#[test]
fn options_of_the_command_line_are_jobs() {
    let folder = Surroundings::at(Path::new("/jobs"));
    let read = |options: &[&str], files: &[&str]| {
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        let files: Vec<JobText<'_>> = files.iter().map(|text| JobText { path: Path::new("x.fio"), text }).collect();
        super::read(&options, &files, &folder).map(|found| found.jobs).map_err(|error| error.to_string())
    };
    let jobs = read(&["size=1m", "name=a", "rw=randread", "bs=8k", "name=b", "stonewall"], &[]).unwrap();
    let seen: Vec<_> = jobs.iter().map(|job| (job.name.as_str(), job.blocks[0].max, job.stonewall)).collect();
    assert_eq!(seen, [("a", 8192, false), ("b", 4096, true)]);
    let jobs = read(&["bs=8k"], &["[a]\nsize=1m\n", "[b]\nsize=1m\n"]).unwrap();
    let seen: Vec<_> = jobs.iter().map(|job| (job.name.as_str(), job.blocks[0].max, job.stonewall)).collect();
    assert_eq!(seen, [("a", 8192, false), ("b", 4096, true)]);
    assert_eq!(
        read(&["name=a", "bss=1"], &[]).unwrap_err(),
        "command line:2: unknown option `bss`; did you mean `bs`?"
    );
    assert!(read(&["bs=4k"], &[]).unwrap_err().contains("--name=read"));
}

#[test]
fn files_include_others() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put("common", "bs=16k\nsize=1g\n");
    put("self", "include self\n");
    put("wrong", "\nbz=1\n");
    put("sub/first", "include second\n");
    put("sub/second", "bs=2k\nsize=1g\ninclude common\niodepth=3\n");
    put("sub/common", "size=2g\n");
    for depth in 0..20 {
        put(&format!("chain{depth}"), &format!("include chain{}\n", depth + 1));
    }
    put("chain20", "bs=1k\nsize=1g\n");
    // Read in the folder that the program was started in, from a job file in another one.
    let path = Path::new("sub/job.fio");
    let read =
        |text: &str| super::read(&[], &[JobText { path, text }], &Surroundings::at(dir.path())).map(|found| found.jobs);
    let job = |text: &str| read(text).unwrap().remove(0);
    assert_eq!(job("[global]\ninclude common\n[a]\n").blocks[0].max, 16384, "the working folder comes first");
    let nested = job("[a]\ninclude first\n");
    assert_eq!((nested.blocks[0].max, nested.queue.depth), (16384, 3), "then the one of the file that includes");
    assert_eq!(job("[a]\ninclude chain0\n").blocks[0].max, 1024);
    assert_eq!(job("[a]\nsize=1m\nfilename=x\n").target, JobTarget::Paths(vec![dir.path().join("x")]));
    assert!(read("include self\n").unwrap_err().to_string().contains("deep"));
    let wrong = read("[a]\ninclude wrong\n").unwrap_err().to_string();
    assert!(wrong.contains("wrong:2: unknown option `bz`"), "{wrong}");
    assert!(read("include .\n").unwrap_err().to_string().contains("not a regular file"));
    // A few files that include each other often are many.
    std::fs::write(dir.path().join("often"), "include common\n".repeat(MAX_INCLUDES)).unwrap();
    assert!(read("[a]\ninclude often\n").unwrap_err().to_string().contains("more than 1000 files are included"));
}

/// 10^4 mutations of a job file and of the files that it includes. None may panic, and none takes a second.
#[test]
fn mutated_includes_are_read_or_refused() {
    let mut random = SplitMix64::new(6);
    let mut pick = |end: usize| usize::try_from(random.below(end as u64)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let names = ["job", "a", "b", "c"];
    let lines = [
        "include a",
        "include b",
        "include c",
        "include job",
        "include ../x",
        "[j]",
        "bs=4k",
        "size=1m",
        "rw=randread",
        "\0",
    ];
    let mut read = 0;
    for _ in 0..10_000 {
        let name = names[pick(names.len())];
        let text: String = (0..pick(6)).map(|_| lines[pick(lines.len())].to_owned() + "\n").collect();
        std::fs::write(dir.path().join(name), &text).unwrap();
        let before = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        read += usize::from(parse(&format!("[j]\nsize=1m\ninclude {name}\n{text}"), dir.path()).is_ok());
        let took = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime) - before;
        assert!(took.tv_sec < 1, "{text}");
    }
    assert!((500..9_500).contains(&read), "some are still read, some are not: {read}");
}

#[test]
fn global_options_are_kept_for_the_result() {
    let text = "[global]\nbs=4k\nthread\n[a]\nsize=1g\n";
    let file = JobText { path: Path::new("x"), text };
    let found = read(&[], &[file], &Surroundings::at(Path::new("/jobs"))).unwrap();
    assert_eq!(found.globals, [("bs".to_owned(), "4k".to_owned())]);
    assert_eq!(found.jobs[0].options, [("size".to_owned(), "1g".to_owned())]);
}

#[test]
fn every_option_is_in_the_document() {
    let document = include_str!("../../../../docs/job-files.md");
    for name in options::TABLE.iter().flat_map(options::OptionRow::names) {
        assert!(document.contains(&format!("`{name}`")), "docs/job-files.md lacks `{name}`");
    }
}

#[test]
fn every_option_is_documented_once() {
    let mut names: Vec<&str> = honoured().chain(not_honoured().map(|(name, _)| name)).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// 10^5 mutations: bytes changed, removed, doubled, and lines of other files put in. None may panic.
#[test]
fn mutated_job_files_are_read_or_refused() {
    let mut random = SplitMix64::new(5);
    let mut pick = |end: usize| usize::try_from(random.below(end as u64)).unwrap();
    // A folder without files, so that a mutated `include` finds nothing.
    let dir = tempfile::tempdir().unwrap();
    let surroundings = Surroundings::at(dir.path());
    let mut read = 0;
    for _ in 0..100_000 {
        let mut text = SHAPES[pick(SHAPES.len())].1.as_bytes().to_vec();
        for _ in 0..=pick(4) {
            let at = pick(text.len().max(1)).min(text.len().saturating_sub(1));
            match pick(5) {
                0 => text[at] = u8::try_from(pick(256)).unwrap(),
                1 => drop(text.remove(at)),
                2 => text.insert(at, b"=[]:,;#%-0k9g\n\\ "[pick(16)]),
                3 => text.extend_from_within(at..),
                _ => {
                    let lines: Vec<&str> = SHAPES[pick(SHAPES.len())].1.lines().collect();
                    text.extend_from_slice(lines[pick(lines.len())].as_bytes());
                    text.push(b'\n');
                }
            }
            if text.is_empty() {
                break;
            }
        }
        let file = JobText { path: Path::new("x"), text: &String::from_utf8_lossy(&text) };
        read += usize::from(super::read(&[], &[file], &surroundings).is_ok());
    }
    assert!((10_000..90_000).contains(&read), "some are still read, some are not: {read}");
}
