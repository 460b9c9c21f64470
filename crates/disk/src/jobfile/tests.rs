//! Job files of many shapes, what is wrong with others, and mutations of all of them.

use std::path::PathBuf;

use super::*;
use crate::job::{Access, Amount, Checksum, JobTarget, Memory, Queue, ReadWriteMix};
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
        "[GLOBAL]\nBS=4K\nSize=1G\n[Job With Blanks]\nRW=randread\nrefill_buffers\nrandrepeat=1\ndescription=all\nname=other\n",
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
    check("", |job| job.target == JobTarget::Scratch("/jobs".into()) && job.queue.depth == 1 && !job.flags.direct);
    check("rw=randrw\nrwmixread=70", |job| {
        job.rw == ReadWriteMix::Mixed { read_percent: 70 } && job.access == Access::Random
    });
    check("rwmixread=70\nrw=randrw", |job| job.rw == ReadWriteMix::Mixed { read_percent: 70 });
    check("bs=4k,64k", |job| job.blocks[0].max == 4096 && job.blocks[1].max == 65536);
    check("bsrange=1k-4k", |job| job.blocks[1].min == 1024 && job.blocks[1].max == 4096);
    check("filename=x:/y", |job| job.target == JobTarget::Paths(vec![PathBuf::from("/jobs/x"), PathBuf::from("/y")]));
    check("directory=d\nfilename=x", |job| job.target == JobTarget::Paths(vec![PathBuf::from("/jobs/d/x")]));
    check("directory=d", |job| job.target == JobTarget::Scratch("/jobs/d".into()));
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
    assert!(jobs("[a]\nsize=1g\niodepth=8\niodepth_batch_complete_max=8\n")[0].not_honoured.is_empty());
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
    check("[a]\nsize=1g\nblocksise=4k\n", 3, "unknown option `blocksise`; known options are blocksize, ");
    check("[a]\nbs=4x\n", 2, "not a size");
    check("[a]\nrw=trim\n", 2, "none of read, write, rw");
    check("[a]\nsize=1g\nrw=read:8\n", 3, "none of");
    check("[a]\niodepth=0\n", 2, "from 1 to 32768");
    check("[a]\nsize=1g\ntime_based\n", 1, "needs a runtime");
    check("[a]\nrw=read\n", 1, "needs a size");
    check("[a]\nsize=50%\n", 1, "needs a size in bytes");
    check("[a]\nsize=1g\nverify=md5\n", 3, "crc32c");
    check("[a]\nsize=1g\nverify=crc32c\nbsrange=4k-8k\n", 1, "one block size");
    check("[a]\nfilename=x\nsize=1g\nrw=write\nnumjobs=2\nverify=crc32c\n", 1, "several workers");
    check("[a]\nsize=1g\nrate_iops=1,2\n", 3, "only one rate");
    check("[a]\nsize=1g\nss=iops:5%\n", 1, "ss_dur");
    check("[a]\nsize=1g\ncpus_allowed=a\n", 3, "not a list of CPUs");
    check("[a]\nsize=99999999p\n", 2, "2^64");
    check("[a]\ninclude /no/such/file\n", 2, "include /no/such/file");
}

#[test]
fn files_include_others() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("common"), "bs=16k\nsize=1g\n").unwrap();
    std::fs::write(dir.path().join("self"), "include self\n").unwrap();
    std::fs::write(dir.path().join("wrong"), "\nbz=1\n").unwrap();
    let read = |text: &str| parse(text, dir.path());
    assert_eq!(read("[global]\ninclude common\n[a]\n").unwrap()[0].blocks[0].max, 16384);
    assert!(read("include self\n").unwrap_err().to_string().contains("deep"));
    assert!(read("[a]\ninclude wrong\n").unwrap_err().to_string().starts_with("wrong:2:"));
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
    let options = global_options("[global]\nbs=4k\nthread\n[a]\nsize=1g\n", Path::new("/jobs")).unwrap();
    assert_eq!(options, [("bs".to_owned(), "4k".to_owned())]);
    let job = jobs("[global]\nbs=4k\n[a]\nsize=1g\n").remove(0);
    assert_eq!(job.options, [("size".to_owned(), "1g".to_owned())]);
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
        read += usize::from(parse(&String::from_utf8_lossy(&text), dir.path()).is_ok());
    }
    assert!((10_000..90_000).contains(&read), "some are still read, some are not: {read}");
}
