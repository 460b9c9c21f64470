//! A job while its options are read, and whether they fit together.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use machine::CpuSet;

use super::text::Surroundings;
use super::values::{self, KbBase};
use crate::job::{
    Access, Amount, BlockShare, Blocks, Checksum, Ends, FlowShare, Job, JobTarget, LatencyTarget, Memory, Queue, Rate,
    ReadWriteMix, StridedZones, ThinkTime,
};
use crate::steady::SteadyCriterion;

/// fio's engines that do I/O to files and block devices.
const ENGINES: [&str; 11] =
    ["io_uring", "libaio", "psync", "sync", "vsync", "pvsync", "pvsync2", "posixaio", "mmap", "splice", "solarisaio"];

/// Class and level of `ioprio_set(2)`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Priority {
    pub(super) class: u32,
    pub(super) level: u32,
}

/// A job while its options are read.
#[derive(Clone, Debug)]
pub(super) struct JobDraft {
    pub(super) job: Job,
    /// The name that an option gives, and not the section.
    pub(super) renamed: Option<String>,
    pub(super) kb: KbBase,
    pub(super) filenames: Vec<String>,
    pub(super) directories: Vec<PathBuf>,
    pub(super) file_names: Option<String>,
    mixed: bool,
    pub(super) read_percent: u8,
    pub(super) align: Option<u32>,
    pub(super) strided: Option<bool>,
    pub(super) zones: StridedZones,
    pub(super) submit: Option<u32>,
    pub(super) complete_most: u32,
    pub(super) priority: Priority,
    pub(super) think: f64,
    pub(super) think_after: u32,
    pub(super) flow: FlowShare,
    pub(super) target: LatencyTarget,
    pub(super) exit_all: bool,
    pub(super) exit_what: Ends,
    pub(super) steady: Option<SteadyCriterion>,
    pub(super) steady_duration: f64,
    pub(super) steady_ramp: f64,
}

impl JobDraft {
    /// What fio's options are before any is given.
    pub(super) fn new() -> Self {
        let mut job = Job::new("", JobTarget::Paths(Vec::new()));
        job.flags.direct = false;
        job.flags.fixed_files = false;
        job.flags.fixed_buffers = false;
        JobDraft {
            job,
            renamed: None,
            kb: KbBase::Binary,
            filenames: Vec::new(),
            directories: Vec::new(),
            file_names: None,
            mixed: false,
            read_percent: 50,
            align: None,
            strided: None,
            zones: StridedZones { size: 0, range: 0, skip: 0 },
            submit: None,
            complete_most: 0,
            priority: Priority::default(),
            think: 0.0,
            think_after: 1,
            flow: FlowShare { id: 0, weight: 0, sleep: 0.0 },
            target: LatencyTarget { seconds: 0.0, window: 0.0, percent: 100.0, goes_on: false },
            exit_all: false,
            exit_what: Ends::Group,
            steady: None,
            steady_duration: 0.0,
            steady_ramp: 0.0,
        }
    }

    /// Takes what says how other options are read: fio looks for it first, wherever it stands.
    pub(super) fn take_base(&mut self, key: &str, value: Option<&str>) -> Result<(), String> {
        let bases = [("1000", KbBase::Decimal), ("1024", KbBase::Binary)];
        if let ("kb_base", Some(value)) = (key, value) {
            self.kb = choose(value, &bases).map_err(|why| format!("kb_base: {why}"))?;
        }
        Ok(())
    }

    /// The options so far become those that all later jobs start from.
    pub(super) fn forget_options(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.job.options)
    }

    pub(super) fn blocks(&mut self, sizes: [Option<Blocks>; 2]) {
        for (index, size) in sizes.into_iter().enumerate() {
            if let Some(size) = size {
                self.job.blocks[index] = size;
                self.job.shares[index].clear();
            }
        }
    }

    pub(super) fn block_shares(&mut self, value: &str) -> Result<(), String> {
        for (index, shares) in values::block_shares(value, self.kb)?.into_iter().enumerate() {
            let Some(shares) = shares else { continue };
            let sizes = || shares.iter().map(|share: &BlockShare| share.bytes);
            self.job.blocks[index] = Blocks { min: sizes().min().unwrap_or(1), max: sizes().max().unwrap_or(1) };
            self.job.shares[index] = shares;
        }
        Ok(())
    }

    pub(super) fn rw(&mut self, value: &str) -> Result<(), String> {
        use Access::{Random, Sequential};
        let mixed = ReadWriteMix::Mixed { read_percent: 50 };
        let kinds = [
            ("read", (Sequential, ReadWriteMix::Read)),
            ("write", (Sequential, ReadWriteMix::Write)),
            ("rw", (Sequential, mixed)),
            ("readwrite", (Sequential, mixed)),
            ("randread", (Random, ReadWriteMix::Read)),
            ("randwrite", (Random, ReadWriteMix::Write)),
            ("randrw", (Random, mixed)),
        ];
        let (kind, modifier) = value.split_once(':').map_or((value, None), |(kind, modifier)| (kind, Some(modifier)));
        if kind.contains("trim") {
            return Err(format!("`{kind}` discards data, which no job does here; randwrite overwrites it"));
        }
        (self.job.access, self.job.rw) = choose(kind, &kinds)?;
        self.mixed = self.job.rw == mixed;
        (self.job.step, self.job.run) = match (self.job.access, modifier) {
            (_, None) => (0, 1),
            (Sequential, Some(step)) => (values::signed_bytes(step, self.kb)?, 1),
            (Random, Some(run)) => (0, values::count(run, 1, u32::MAX)?),
        };
        Ok(())
    }

    pub(super) fn distribution(&mut self, value: &str) -> Result<(), String> {
        match value.split_once(':') {
            None if value == "random" => self.job.hot_zones.clear(),
            Some(("zoned", zones)) => {
                let zones = zones.split(',').next().unwrap_or_default();
                self.job.hot_zones = values::hot_zones(zones)?;
            }
            _ => {
                return Err(format!(
                    "`{value}` is neither random nor zoned:60/10:40/90, which comes next to the others"
                ));
            }
        }
        Ok(())
    }

    pub(super) fn engine(&mut self, value: &str) -> Result<(), String> {
        check_engine(value)?;
        if value != "io_uring" {
            self.job.not_honoured.push(format!("ioengine={value}: io_uring was used"));
        }
        Ok(())
    }

    pub(super) fn rates(&mut self, rates: [Option<Rate>; 2]) {
        for (own, rate) in self.job.rate.iter_mut().zip(rates) {
            if let Some(rate) = rate {
                *own = Some(rate).filter(|rate| !matches!(rate, Rate::Requests(0) | Rate::Bytes(0)));
            }
        }
    }

    pub(super) fn verify(&mut self, value: &str) -> Result<(), String> {
        const OTHERS: [&str; 15] = [
            "md5",
            "crc64",
            "crc32",
            "crc16",
            "crc7",
            "sha1",
            "sha256",
            "sha512",
            "sha3-224",
            "sha3-256",
            "sha3-384",
            "sha3-512",
            "meta",
            "pattern",
            "pattern_hdr",
        ];
        self.job.verify = match value {
            "0" | "null" => None,
            "crc32c" | "crc32c-intel" => Some(Checksum::Crc32c),
            "xxhash" => Some(Checksum::Xxhash),
            other if OTHERS.contains(&other) => {
                self.job.not_honoured.push(format!("verify={other}: blocks are checked by their CRC-32C"));
                Some(Checksum::Crc32c)
            }
            other => return Err(format!("`{other}` is none of 0, crc32c, xxhash, {}", OTHERS.join(", "))),
        };
        Ok(())
    }

    pub(super) fn memory(&mut self, value: &str) -> Result<(), String> {
        let (mode, nodes) = value.split_once(':').unwrap_or((value, ""));
        match mode {
            "default" | "local" => self.job.memory = Memory::Local,
            "bind" => match nodes.parse() {
                Ok(node) => self.job.memory = Memory::Bind(node),
                Err(_) => self.job.not_honoured.push(format!("numa_mem_policy={value}: only one node is supported")),
            },
            "prefer" | "interleave" => {
                self.job.not_honoured.push(format!("numa_mem_policy={value}: buffers are local or bound to a node"));
            }
            _ => return Err(format!("`{value}` is none of default, local, bind:NODE, prefer:NODE, interleave:NODES")),
        }
        Ok(())
    }

    /// The job of a section, where its options fit together.
    pub(super) fn finish(mut self, section: &str, surroundings: &Surroundings) -> Result<Job, String> {
        if self.mixed {
            self.job.rw = ReadWriteMix::Mixed { read_percent: self.read_percent };
        }
        if let Some(criterion) = self.steady {
            if self.steady_duration < 2.0 {
                return Err("ss needs ss_dur of at least 2 seconds".to_owned());
            }
            let (duration, ramp) = (self.steady_duration, self.steady_ramp);
            self.job.steady = Some(SteadyCriterion { duration, ramp, ..criterion });
        }
        self.finish_queue();
        self.finish_zones()?;
        self.finish_target(section, &surroundings.folder);
        let job = &mut self.job;
        job.name = self.renamed.unwrap_or_else(|| section.to_owned());
        job.align = self.align.filter(|&align| job.access == Access::Random && align != job.smallest_block());
        job.think = (self.think > 0.0).then_some(ThinkTime { after: self.think_after, seconds: self.think });
        job.flow = (self.flow.weight > 0).then_some(self.flow);
        job.latency_target = (self.target.seconds > 0.0).then_some(self.target);
        job.ends = self.exit_all.then_some(self.exit_what);
        let Priority { class, level } = self.priority;
        // A level without a class is one of the class that every process has: best effort.
        let class = if class == 0 && level > 0 { 2 } else { class };
        job.priority = u16::try_from(class << 13 | level).unwrap_or(0);
        fits_together(job)?;
        Ok(self.job)
    }

    fn finish_queue(&mut self) {
        let queue = &mut self.job.queue;
        let depth = queue.depth;
        queue.submit = self.submit.map_or(Queue::deep(depth).submit, |most| most.min(depth));
        queue.complete = queue.complete.min(depth);
        if self.complete_most != 0 && self.complete_most < depth {
            let most = self.complete_most;
            let text = format!("iodepth_batch_complete_max={most}: all completions that are there are reaped");
            self.job.not_honoured.push(text);
        }
    }

    fn finish_zones(&mut self) -> Result<(), String> {
        let StridedZones { size, range, skip } = self.zones;
        match self.strided {
            Some(true) if size == 0 => Err("zonemode=strided needs a zonesize".to_owned()),
            Some(false) if size > 0 => Err("zonesize is of zonemode=strided, and zonemode is none".to_owned()),
            _ if size == 0 => Ok(()),
            _ => {
                let range = if range == 0 { size } else { range };
                self.job.zones = Some(StridedZones { size, range, skip });
                Ok(())
            }
        }
    }

    /// Where the data lies: what is named, what the section is called where that is a device, or test files.
    fn finish_target(&mut self, section: &str, folder: &Path) {
        let is_device = |path: &Path| {
            let kind = fs::metadata(path).map(|about| about.file_type());
            kind.is_ok_and(|kind| kind.is_block_device() || kind.is_char_device())
        };
        let by_section = folder.join(section);
        let section_names = self.directories.is_empty()
            && self.job.files == 1
            && (by_section.starts_with("/dev/") || is_device(&by_section));
        let directories: Vec<PathBuf> = self.directories.iter().map(|directory| folder.join(directory)).collect();
        self.job.target = match (self.filenames.is_empty(), section_names) {
            (true, true) => JobTarget::Paths(vec![by_section]),
            (true, false) if directories.is_empty() => JobTarget::Scratch(vec![folder.to_owned()]),
            (true, false) => JobTarget::Scratch(directories),
            (false, _) => {
                let base = directories.first().map_or(folder, PathBuf::as_path);
                let mut paths: Vec<PathBuf> = self.filenames.iter().map(|name| base.join(name)).collect();
                let mut seen = std::collections::BTreeSet::new();
                paths.retain(|path| seen.insert(path.clone()));
                JobTarget::Paths(paths)
            }
        };
        let names = self.file_names.as_deref().unwrap_or("$jobname.$jobnum.$filenum");
        self.job.file_names = names.replace("$jobname", section);
    }
}

/// That an engine does I/O to files and block devices.
pub(super) fn check_engine(name: &str) -> Result<(), String> {
    if ENGINES.contains(&name) {
        return Ok(());
    }
    Err(format!(
        "`{name}` is not supported: this suite does I/O to files and block devices, by io_uring; engines whose jobs it \
         takes are {}",
        ENGINES.join(", ")
    ))
}

fn fits_together(job: &Job) -> Result<(), String> {
    if job.timing.time_based && job.timing.runtime.is_none() {
        return Err("time_based needs a runtime".to_owned());
    }
    let stated = job.file_size.is_some() || job.fill || matches!(job.size, Some(Amount::Bytes(_)));
    if matches!(job.target, JobTarget::Scratch(_)) && !stated {
        return Err(
            "it has neither a size in bytes nor a file: say size=, or name what is there with filename=".to_owned()
        );
    }
    if matches!(&job.target, JobTarget::Paths(paths) if paths.len() > 1024) {
        return Err("at most 1024 files are supported".to_owned());
    }
    let kinds = |kind: fn(&Rate) -> bool| job.rate.iter().flatten().any(kind);
    if kinds(|rate| matches!(rate, Rate::Bytes(_))) && kinds(|rate| matches!(rate, Rate::Requests(_))) {
        return Err("rate and rate_iops exclude each other".to_owned());
    }
    if job.latency_target.is_some_and(|target| target.window <= 0.0) {
        return Err("latency_target needs a latency_window: the time in which a depth is tried".to_owned());
    }
    match job.verify {
        Some(_) => verify_fits(job),
        None => Ok(()),
    }
}

fn verify_fits(job: &Job) -> Result<(), String> {
    if job.has_several_sizes() {
        return Err("verify needs one block size".to_owned());
    }
    if job.smallest_block() < 64 {
        return Err("verify needs blocks of at least 64 bytes: each has a header".to_owned());
    }
    let shared = job.workers > 1 && matches!(job.target, JobTarget::Paths(_)) && job.offset_increment.of(100) == 0;
    if shared && job.rw.writes() && job.read_back {
        return Err("verify cannot tell whose data it reads where several workers write one file: \
                    leave out filename, or use one worker"
            .to_owned());
    }
    let block = u64::from(job.smallest_block());
    let zones = job.zones.iter().flat_map(|zones| [zones.size, zones.range, zones.skip]);
    let parts = [job.step.unsigned_abs(), job.align.map_or(0, u64::from)];
    if parts.into_iter().chain(zones).any(|bytes| bytes % block != 0) {
        return Err(
            "verify needs requests that do not overlap: a step, blockalign and zones of whole blocks".to_owned()
        );
    }
    let both = job.rw.reads() && job.rw.writes();
    if both && job.read_back && job.rate.iter().any(Option::is_some) {
        return Err("verify cannot tell which requests of a mixed job with a rate were writes: leave one of them out"
            .to_owned());
    }
    Ok(())
}

pub(super) fn choose<T: Copy>(value: &str, choices: &[(&str, T)]) -> Result<T, String> {
    choices.iter().find(|(name, _)| *name == value).map(|&(_, choice)| choice).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        format!("`{value}` is none of {}", names.join(", "))
    })
}

pub(super) fn cpus(value: &str) -> Result<CpuSet, String> {
    let set: CpuSet = value.parse().map_err(|error: machine::Error| error.to_string())?;
    if set.is_empty() { Err("the list is empty".to_owned()) } else { Ok(set) }
}
