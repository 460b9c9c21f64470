//! Job files made at random, read and run by fio and by this engine: both take or refuse a file, and what they transfer
//! is the same. The seeds are fixed, so that a file which agrees once always does.

use std::fs;
use std::path::Path;
use std::process::Command;

use disk::job::Direction;
use disk::{JobResult, Settings, jobfile, run_jobs};
use measure::random::SplitMix64;
use serde_json::Value;

/// Job files in each run of the tests, and in the long form.
const FILES: u64 = 60;
const MANY_FILES: u64 = 300;
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

/// A section of a job file, and how its result compares.
struct Section {
    text: String,
    agreement: Agreement,
}

/// A job on test files of at most 4 MiB.
fn section(random: &mut Random, number: u64) -> Section {
    let mut text = format!("[job{number}]\n");
    let mut agreement = Agreement::Exact;
    let mut put = |line: &str| text += &format!("{line}\n");
    let rw = random.pick(&["read", "write", "randread", "randwrite", "rw", "randrw"]);
    let is_random = rw.starts_with("rand");
    let is_mixed = rw.ends_with("rw");
    let percent = random.pick(&["50", "30", "85"]);
    // fio ends a job of these where a block does not fit, wherever it is by then.
    let shape = match rw {
        "read" if random.once_in(4) => random.pick(&["rw=read:4k", "rw=read:64k"]),
        "randread" if random.once_in(4) => random.pick(&["rw=randread:8", "rw=randread\npercentage_random=40"]),
        _ => "",
    };
    if !shape.is_empty() {
        put(shape);
        put(random.pick(&["bs=4k\nsize=1m", "bs=1k\nsize=4m", "bs=16ki\nsize=2Mi"]));
        put("stonewall");
        return Section { text, agreement };
    }
    put(&format!("rw={rw}"));
    if is_mixed {
        put(&format!("rwmixread={percent}"));
        agreement = Agreement::Mixed(percent.parse().unwrap());
    }
    let several_sizes = !is_mixed && random.once_in(4);
    if several_sizes {
        put(random.pick(&["bsrange=1k-16k", "bsrange=4k:64k", "bssplit=4k/50:16k/50", "bssplit=1k/10:4k/80:32k"]));
        agreement = Agreement::Bytes;
    } else {
        put(random.pick(&["bs=4k", "bs=1k", "bs=12k", "bs=16ki", "bs=64k", "blocksize=8192", "bs=4KB"]));
    }
    let with_size = !random.once_in(6);
    put(if with_size {
        random.pick(&["size=4m", "size=1Mi", "size=1000k", "size=300000", "size=3mb"])
    } else {
        "filesize=1m"
    });
    // What is asked for beside the region.
    match random.0.below(8) {
        0 if !several_sizes => put(random.pick(&["io_size=100000", "io_size=5m", "io_size=50%", "io_size=1k"])),
        1 => put(random.pick(&["loops=2", "loops=3"])),
        2 if !is_mixed && !several_sizes => put(random.pick(&["number_ios=10", "number_ios=33"])),
        3 if with_size && !is_mixed => put(random.pick(&["offset=256k", "offset=64k"])),
        _ => {}
    }
    if random.once_in(5) {
        put(random.pick(&["nrfiles=2", "nrfiles=3", "filename=x:y", "filename=z\nfilename=w"]));
    }
    if random.once_in(5) {
        put(random.pick(&["numjobs=2", "numjobs=3\ngroup_reporting"]));
    }
    if is_random && !several_sizes && random.once_in(4) {
        put(random.pick(&["norandommap", "random_distribution=zoned:60/10:40/90"]));
    }
    if random.once_in(3) {
        put(random.pick(&[
            "iodepth=8\nioengine=libaio",
            "iodepth=16\nioengine=libaio\niodepth_batch=4",
            "ioengine=pvsync",
        ]));
    }
    if random.once_in(4) {
        put(random.pick(&[
            "refill_buffers",
            "end_fsync=1",
            "thread",
            "invalidate=1",
            "gtod_reduce=0",
            "prio=4",
            "loops=1",
        ]));
    }
    if random.once_in(6) {
        put(random.pick(&[
            "rate_iops=100000",
            "rate=400m,300m",
            "thinktime=100\nthinktime_blocks=16",
            "startdelay=10ms",
        ]));
    }
    put(random.pick(&["stonewall", "stonewall", "new_group\nstonewall"]));
    Section { text, agreement }
}

/// One to three sections, with defaults in some.
fn job_file(seed: u64) -> (String, Vec<Agreement>) {
    let mut random = Random(SplitMix64::new(seed));
    let mut text = String::new();
    if random.once_in(2) {
        text += "[global]\n";
        text += random.pick(&["randseed=7\n", "direct=0 ; buffered\n", "thread\nrandrepeat=1\n", "description=any\n"]);
    }
    let sections: Vec<Section> = (0..=random.0.below(3)).map(|number| section(&mut random, number)).collect();
    let agreements = sections.iter().map(|section| section.agreement).collect();
    (sections.into_iter().fold(text, |text, section| text + &section.text), agreements)
}

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

fn check_taken(files: u64) {
    if !has_fio() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("job.fio");
    let mut refused = 0;
    for seed in 0..files {
        let (mut text, _) = job_file(seed);
        let mut random = Random(SplitMix64::new(!seed));
        if random.once_in(2) {
            text += random.pick(&WRONG);
            text.push('\n');
        }
        fs::write(&path, &text).unwrap();
        let output = Command::new("fio").arg("--parse-only").arg(&path).current_dir(dir.path()).output().unwrap();
        let ours = jobfile::parse(&text, dir.path());
        assert_eq!(
            ours.is_ok(),
            output.status.success(),
            "{text}\nours: {:?}\nfio: {}",
            ours.err(),
            String::from_utf8_lossy(&output.stderr)
        );
        refused += u64::from(!output.status.success());
    }
    assert!((files / 4..files * 3 / 4).contains(&refused), "{refused} of {files} were refused");
}

/// What fio transferred, one entry a result.
fn of_fio(dir: &Path, text: &str) -> Vec<Value> {
    let path = dir.join("job.fio");
    fs::write(&path, text).unwrap();
    let output = Command::new("fio").arg("--output-format=json").arg(&path).current_dir(dir).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let document: Value = serde_json::from_str(&text[text.find('{').unwrap_or(0)..]).unwrap_or_default();
    document["jobs"].as_array().cloned().unwrap_or_else(|| panic!("fio: {}", String::from_utf8_lossy(&output.stderr)))
}

/// What differs between our entry and fio's; `None` where they agree.
fn difference(ours: &JobResult, fio: &Value, agreement: Agreement) -> Option<String> {
    let totals = |what: &str| ["read", "write"].map(|way| fio[way][what].as_u64().unwrap());
    let (bytes, requests) = (totals("io_bytes"), totals("total_ios"));
    let own =
        |of: fn(&disk::Stats) -> u64| [Direction::Read, Direction::Write].map(|way| of(&ours.stats[way as usize]));
    let (own_bytes, own_requests) = (own(|stats| stats.bytes), own(disk::Stats::operations));
    let name = &ours.job.name;
    if fio["jobname"] != **name || fio["groupid"] != ours.group {
        return Some(format!(
            "{name} of group {} is {} of group {} in fio",
            ours.group, fio["jobname"], fio["groupid"]
        ));
    }
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
        let jobs = jobfile::parse(&text, dir.path()).unwrap();
        let results = run_jobs(&jobs, &Settings::default(), &mut |_| {});
        let results = results.unwrap_or_else(|error| panic!("{text}\n{error}"));
        let fio = of_fio(dir.path(), &text);
        let found: Vec<String> = if results.jobs.len() == fio.len() {
            let agreement = |ours: &JobResult| agreements[usize::try_from(ours.group).unwrap()];
            let each = results.jobs.iter().zip(&fio);
            each.filter_map(|(ours, fio)| difference(ours, fio, agreement(ours))).collect()
        } else {
            vec![format!("{} entries; fio has {}", results.jobs.len(), fio.len())]
        };
        if !found.is_empty() {
            differ.push(format!("{}\n{text}", found.join("\n")));
        }
    }
    assert!(differ.is_empty(), "{} of {files} files differ:\n{}", differ.len(), differ.join("\n"));
}

#[test]
fn fio_takes_and_refuses_the_same_files() {
    check_taken(FILES);
}

#[test]
#[ignore = "the long form: nextest run -p disk --run-ignored only"]
fn fio_takes_and_refuses_the_same_files_of_many() {
    check_taken(MANY_FILES);
}

#[test]
fn fio_transfers_the_same() {
    check_run(FILES);
}

#[test]
#[ignore = "the long form: nextest run -p disk --run-ignored only"]
fn fio_transfers_the_same_of_many() {
    check_run(MANY_FILES);
}
