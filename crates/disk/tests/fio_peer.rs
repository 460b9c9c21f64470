//! Job files made at random, read and run by fio and by this engine: both take or refuse a file, and what they transfer
//! is the same. The seeds are fixed, so that a file which agrees once always does.

use std::fs;
use std::path::Path;
use std::process::Command;

use disk::{Settings, fio_json, jobfile, run_jobs};
use measure::random::SplitMix64;
use serde_json::Value;

/// Job files that are read, and of which fewer are run where there is no time for all.
const FILES: u64 = 300;
const FEW_FILES: u64 = 60;
/// Deviation from the mean beyond which 0.1 % of a normal distribution lies.
const NORMAL_999: f64 = 3.2905;

/// Whether fio is there and the one that is compared with; a reason is printed where not.
fn has_fio() -> bool {
    let version = Command::new("fio").arg("--version").output().map(|output| output.stdout);
    let found = version.as_deref().is_ok_and(|version| version.trim_ascii() == b"fio-3.33");
    if !found {
        println!("nothing is compared: fio 3.33 is not installed");
    }
    found
}

struct Random(SplitMix64);

impl Random {
    fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[usize::try_from(self.0.below(choices.len() as u64)).unwrap()]
    }

    fn once_in(&mut self, times: u64) -> bool {
        self.0.below(times) == 0
    }
}

/// How a job's requests compare with fio's.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Agreement {
    /// In bytes and in number.
    Exact,
    /// In bytes: their sizes are at random.
    Bytes,
    /// In all bytes: which of them are reads is at random, with this share.
    Mixed(u32),
}

/// A job on test files of at most 4 MiB, and how its result compares.
struct Section {
    text: String,
    agreement: Agreement,
    rw: &'static str,
    /// Whether its blocks have several sizes.
    sizes: bool,
}

impl Section {
    fn put(&mut self, line: &str) {
        self.text += line;
        self.text.push('\n');
    }

    fn is_mixed(&self) -> bool {
        self.rw.ends_with("rw")
    }

    fn is_random(&self) -> bool {
        self.rw.starts_with("rand")
    }

    fn writes_alone(&self) -> bool {
        self.rw.ends_with("write")
    }

    /// One job, by its number in the file.
    fn new(random: &mut Random, number: u64) -> Self {
        let rw = random.pick(&["read", "write", "randread", "randwrite", "rw", "randrw"]);
        let mut section = Section { text: format!("[job{number}]\n"), agreement: Agreement::Exact, rw, sizes: false };
        if section.is_mixed() || !random.once_in(4) || !section.shape(random) {
            section.directions(random);
            section.amounts(random);
            section.files(random);
            section.data(random);
            section.pace(random);
        }
        if random.once_in(3) {
            section.put(random.pick(&NOTES));
        }
        section.put(random.pick(&["stonewall", "stonewall", "new_group\nstonewall"]));
        section
    }

    /// What the order of its blocks is beside sequential and random, where it has one.
    fn shape(&mut self, random: &mut Random) -> bool {
        // fio ends a job with a step where a block ends with the region, or does not fit: none of these does.
        let stepped = ["4k\nbs=4k\nsize=1m", "4k\nbs=1k\nsize=3m", "64k\nbs=16ki\nsize=2Mi", "64k\nbs=1k\nsize=4000k"];
        match self.rw {
            "read" | "write" if random.once_in(2) => {
                let (rw, step) = (self.rw, random.pick(&stepped));
                self.put(&format!("rw={rw}:{step}"));
            }
            "read" | "write" => {
                let zones = ["64k", "64k\nzonerange=128k", "64k\nzonerange=64k\nzoneskip=64k"];
                let (rw, zones) = (self.rw, random.pick(&zones));
                self.put(&format!("rw={rw}\nbs=4k\nsize=1m\nzonemode=strided\nzonesize={zones}"));
            }
            "randread" => {
                self.put(random.pick(&[
                    "rw=randread:8",
                    "rw=randread\npercentage_random=40",
                    "rw=randread:4\nrw_sequencer=identical",
                ]));
                self.put(random.pick(&["bs=4k\nsize=1m", "bs=1k\nsize=4m", "bs=16ki\nsize=2Mi"]));
            }
            _ => return false,
        }
        true
    }

    /// Which way and in which blocks.
    fn directions(&mut self, random: &mut Random) {
        self.put(&format!("rw={}", self.rw));
        if self.is_mixed() {
            let (line, share) = [("rwmixread=50", 50), ("rwmixread=30", 30), ("rwmixwrite=15", 85)]
                [usize::try_from(random.0.below(3)).unwrap()];
            self.put(line);
            self.agreement = Agreement::Mixed(share);
        } else if random.once_in(4) {
            self.put(random.pick(&[
                "bsrange=1k-16k",
                "bsrange=4k:64k",
                "bssplit=4k/50:16k/50",
                "bssplit=1k/10:4k/80:32k",
            ]));
            (self.agreement, self.sizes) = (Agreement::Bytes, true);
            return;
        }
        self.put(match self.rw {
            "rw" => random.pick(&["bs=4k", "bs=1k", "bs=16ki", "bs=64k", "blocksize=8192", "bs=4KB"]),
            _ => random.pick(&["bs=4k", "bs=1k", "bs=12k", "bs=16ki", "bs=64k", "blocksize=8192", "bs=4KB"]),
        });
    }

    /// How much, and of which region.
    fn amounts(&mut self, random: &mut Random) {
        let with_size = !random.once_in(6);
        self.put(match (with_size, random.once_in(8)) {
            // fio ends a sequential job of both where one of them meets the end with a part of a block.
            (true, _) if self.rw == "rw" => random.pick(&["size=4m", "size=1Mi", "size=3mb"]),
            (true, false) => random.pick(&["size=4m", "size=1Mi", "size=1000k", "size=300000", "size=3mb"]),
            (true, true) if self.sizes => random.pick(&["kb_base=1000\nsize=2m", "size=1m\nunlink=1"]),
            (true, true) => random.pick(&["kb_base=1000\nsize=2m", "filesize=2m\nsize=1m", "size=1m\nunlink=1"]),
            (false, _) => "filesize=1m",
        });
        match random.0.below(8) {
            0 if !self.sizes => self.put(random.pick(&["io_size=100000", "io_size=5m", "io_size=50%", "io_size=1k"])),
            1 => self.put(random.pick(&["loops=2", "loops=3"])),
            2 if !self.sizes => self.put(random.pick(&["number_ios=10", "number_ios=33"])),
            3 if with_size && !self.is_mixed() => self.put(random.pick(&["offset=256k", "offset=64k"])),
            _ => {}
        }
    }

    /// On how many files, by how many workers.
    fn files(&mut self, random: &mut Random) {
        if random.once_in(5) {
            let three = if self.rw == "rw" { "nrfiles=4" } else { "nrfiles=3" };
            self.put(random.pick(&["nrfiles=2", three, "filename=x:y", "filename=z\nfilename=w"]));
            if random.once_in(2) {
                self.put(random.pick(&["file_service_type=random", "file_service_type=sequential"]));
            }
        }
        if random.once_in(5) {
            self.put(random.pick(&["numjobs=2", "numjobs=3\ngroup_reporting"]));
        }
        if self.is_random() && !self.sizes && random.once_in(4) {
            self.put(random.pick(&[
                "norandommap",
                "random_distribution=zoned:60/10:40/90",
                "norandommap\nblockalign=2k",
            ]));
        }
    }

    /// What is written, and what makes it durable.
    fn data(&mut self, random: &mut Random) {
        if random.once_in(4) {
            self.put(random.pick(&[
                "refill_buffers",
                "end_fsync=1",
                "fsync=64",
                "fdatasync=100",
                "buffer_compress_percentage=50",
            ]));
        }
        let twice = ["loops", "number_ios", "io_size", "norandommap", "zoned", "filename"]
            .iter()
            .any(|word| self.text.contains(word));
        if self.writes_alone() && !self.sizes && !twice && random.once_in(3) {
            self.put(random.pick(&["verify=crc32c", "verify=md5", "verify=xxhash\ndo_verify=0"]));
        }
    }

    /// How deep, how fast, and when.
    fn pace(&mut self, random: &mut Random) {
        if random.once_in(3) {
            self.put(random.pick(&[
                "iodepth=8\nioengine=libaio",
                "iodepth=16\nioengine=libaio\niodepth_batch=4",
                "iodepth=8\nioengine=io_uring\niodepth_batch_complete_min=3",
                "ioengine=pvsync",
            ]));
        }
        // Of a mixed job a rate would decide the shares, if the host keeps it.
        if !self.is_mixed() && random.once_in(6) {
            self.put(random.pick(&[
                "rate_iops=100000",
                "rate_iops=100000\nrate_process=poisson",
                "rate=400m,300m",
                "thinktime=100\nthinktime_blocks=16",
                "startdelay=10ms",
            ]));
        }
    }
}

/// Lines that change nothing of what is transferred.
const NOTES: [&str; 24] = [
    "thread",
    "invalidate=1",
    "gtod_reduce=1",
    "prio=4",
    "loops=1",
    "disable_lat=1",
    "clat_percentiles=0",
    "percentile_list=50:99",
    "nice=1",
    "softrandommap=1",
    "fadvise_hint=0",
    "scramble_buffers=0",
    "zero_buffers",
    "dedupe_percentage=20",
    "buffer_pattern=0xdeadbeef",
    "write_hint=short",
    "clocksource=clock_gettime",
    "overwrite=1",
    "fallocate=none",
    "create_serialize=0",
    "mem=malloc",
    "iomem_align=8k",
    "cpus_allowed=0",
    "disk_util=0",
];

/// One to three sections, with defaults in some.
fn job_file(seed: u64) -> (String, Vec<Agreement>) {
    let mut random = Random(SplitMix64::new(seed));
    let mut text = String::new();
    if random.once_in(2) {
        text += "[global]\n";
        text += random.pick(&["randseed=7\n", "direct=0 ; buffered\n", "thread\nrandrepeat=1\n", "description=any\n"]);
    }
    let sections: Vec<Section> = (0..=random.0.below(3)).map(|number| Section::new(&mut random, number)).collect();
    let agreements = sections.iter().map(|section| section.agreement).collect();
    (sections.into_iter().fold(text, |text, section| text + &section.text), agreements)
}

/// Lines of which the runs would take long, or depend on the host's speed.
const READ_ONLY: [&str; 48] = [
    "ss=iops:5%\nss_dur=10",
    "steadystate=bw_slope:1%\nsteadystate_duration=30s\nsteadystate_ramp_time=5s",
    "latency_target=500000\nlatency_window=5s\nlatency_percentile=99",
    "flow=1\nflow_id=3\nflow_sleep=100",
    "numa_cpu_nodes=0",
    "numa_mem_policy=local",
    "write_bw_log=x",
    "write_iops_log",
    "write_lat_log=x\nlog_avg_msec=100",
    "per_job_logs=0",
    "log_hist_msec=100",
    "exitall",
    "exit_what=stonewall",
    "ramp_time=2s",
    "runtime=10s\ntime_based",
    "runtime=1m30s",
    "timeout=60",
    "ioengine=psync",
    "ioengine=sync",
    "ioengine=mmap",
    "ioengine=io_uring\nregisterfiles\nfixedbufs",
    "ioengine=io_uring\nhipri\nsqthread_poll=1",
    "random_generator=lfsr",
    "unit_base=8",
    "continue_on_error=io",
    "ignore_error=EIO",
    "error_dump=1",
    "rate_min=1m",
    "rate_iops_min=10",
    "ratecycle=500",
    "buffer_compress_chunk=512",
    "sync=dsync",
    "sync=1",
    "buffered=1",
    "direct=0",
    "openfiles=2",
    "lockmem=1m",
    "hugepage-size=2m",
    "directory=.",
    "filename_format=$jobname.$filenum",
    "numjobs=$ncpus",
    "offset_increment=$pagesize",
    "thinktime=2ms\nthinktime_spin=1",
    "unified_rw_reporting=1",
    "significant_figures=5",
    "cpus_allowed_policy=split\ncpus_allowed=0-1",
    "fill_device=0",
    "verify_dump=0\nverify_fatal=1",
];

/// Lines that no job may have.
const WRONG: [&str; 32] = [
    "bs=0",
    "bs=",
    "bs",
    "rw=reads",
    "iodepth=0",
    "rwmixread=101",
    "verify=md6",
    "bsrange=4k",
    "rate_iops=x",
    "ss=iops",
    "ss=foo:5%",
    "kb_base=512",
    "sync=foo",
    "filename=",
    "filename=${NO_SUCH_VARIABLE}",
    "unlink=2",
    "description=",
    "name=",
    "direct",
    "direct=on",
    "direct=2",
    "end_fsync",
    "exit_what=some",
    "randseed=x",
    "random_distribution=even",
    "random_distribution=zoned:50/5:60/95",
    "blah=1",
    "size=x",
    "numjobs=many",
    "zonemode=odd",
    "cpus_allowed_policy=any",
    "rate_process=uniform",
];

/// What fio transferred, one entry a result.
fn of_fio(dir: &Path, text: &str) -> Vec<Value> {
    let path = dir.join("job.fio");
    fs::write(&path, text).unwrap();
    let output = Command::new("fio").arg("--output-format=json").arg(&path).current_dir(dir).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let document: Value = serde_json::from_str(&text[text.find('{').unwrap_or(0)..]).unwrap_or_default();
    document["jobs"].as_array().cloned().unwrap_or_else(|| panic!("fio: {}", String::from_utf8_lossy(&output.stderr)))
}

/// What we transferred, as our result says it in fio's layout.
fn of_us(dir: &Path, text: &str) -> Vec<Value> {
    let jobs = jobfile::parse(text, dir).unwrap_or_else(|error| panic!("{text}\n{error}"));
    let results = run_jobs(&jobs, &Settings::default(), &mut |_| {});
    let results = results.unwrap_or_else(|error| panic!("{text}\n{error}"));
    fio_json(&results, &[])["jobs"].as_array().cloned().unwrap()
}

/// What differs between our entry and fio's; `None` where they agree.
fn difference(ours: &Value, fio: &Value, agreement: Agreement) -> Option<String> {
    if ["jobname", "groupid"].iter().any(|key| ours[key] != fio[key]) {
        let place = |entry: &Value| format!("{} of group {}", entry["jobname"], entry["groupid"]);
        return Some(format!("{} is {} in fio", place(ours), place(fio)));
    }
    let totals = |entry: &Value, what: &str| ["read", "write"].map(|way| entry[way][what].as_u64().unwrap());
    let of = |entry: &Value| (totals(entry, "io_bytes"), totals(entry, "total_ios"));
    let ((own_bytes, own_requests), (bytes, requests)) = (of(ours), of(fio));
    let sum = |pair: [u64; 2]| pair[0] + pair[1];
    let agrees = match agreement {
        Agreement::Exact => (own_bytes, own_requests) == (bytes, requests),
        Agreement::Bytes => own_bytes == bytes,
        Agreement::Mixed(percent) => {
            let (all, share) = (sum(own_requests) as f64, f64::from(percent) / 100.0);
            let off = (own_requests[0] as f64 - all * share).abs();
            let limit = NORMAL_999 * (all * share * (1.0 - share)).sqrt() + 0.5;
            (sum(own_bytes), sum(own_requests)) == (sum(bytes), sum(requests)) && off <= limit
        }
    };
    let name = &ours["jobname"];
    let text = || format!("{name}, {agreement:?}: {own_bytes:?} in {own_requests:?}; fio {bytes:?} in {requests:?}");
    (!agrees).then(text)
}

fn check_run(files: u64) {
    if let Err(error) = disk::available() {
        return println!("nothing is run: {error}");
    }
    if !has_fio() {
        return;
    }
    let mut differ = Vec::new();
    for seed in 1000..1000 + files {
        let (text, agreements) = job_file(seed);
        let dir = tempfile::tempdir().unwrap();
        let (ours, fio) = (of_us(dir.path(), &text), of_fio(dir.path(), &text));
        let found: Vec<String> = if ours.len() == fio.len() {
            let agreement = |ours: &Value| agreements[usize::try_from(ours["groupid"].as_u64().unwrap()).unwrap()];
            ours.iter().zip(&fio).filter_map(|(ours, fio)| difference(ours, fio, agreement(ours))).collect()
        } else {
            vec![format!("{} entries; fio has {}", ours.len(), fio.len())]
        };
        if !found.is_empty() {
            differ.push(format!("{}\n{text}", found.join("\n")));
        }
    }
    assert!(differ.is_empty(), "{} of {files} files differ:\n{}", differ.len(), differ.join("\n"));
}

#[test]
fn fio_takes_and_refuses_the_same_files() {
    if !has_fio() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (path, mut refused) = (dir.path().join("job.fio"), 0);
    for seed in 0..FILES {
        let (mut text, _) = job_file(seed);
        let mut random = Random(SplitMix64::new(!seed));
        if random.once_in(2) {
            text += random.pick(&READ_ONLY);
            text.push('\n');
        }
        if random.once_in(2) {
            text += random.pick(&WRONG);
            text.push('\n');
        }
        fs::write(&path, &text).unwrap();
        let output = Command::new("fio").arg("--parse-only").arg(&path).current_dir(dir.path()).output().unwrap();
        let (ours, fio) = (jobfile::parse(&text, dir.path()), output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(ours.is_ok(), fio, "{text}\nours: {:?}\nfio: {said}", ours.err());
        refused += u64::from(!fio);
    }
    assert!((FILES / 4..FILES * 3 / 4).contains(&refused), "{refused} of {FILES} were refused");
}

#[test]
fn fio_transfers_the_same() {
    check_run(FEW_FILES);
}

#[test]
#[ignore = "the long form: scripts/long runs it"]
fn fio_transfers_the_same_of_many() {
    check_run(FILES);
}
